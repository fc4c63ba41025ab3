#!/usr/bin/env bash
# Make the pictures of the docs anew, from phantoms alone (no data set's licence allows pictures of it here).
#
#     tools/pictures.sh DEMO        DEMO is what `limner demo` wrote
#
# Needs Chromium for the screenshots of the pages.
set -euo pipefail
demo=$1
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
images="$root/docs/images" bin="$root/.venv/bin"
profile=$(mktemp -d)

shoot() { # PAGE PICTURE HEIGHT
	chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update \
		--disable-sync --hide-scrollbars --user-data-dir="$profile" --window-size="1200,$3" --screenshot="$2" "file://$(realpath "$1")"
}

shoot "$demo/report.html" "$profile/report.png" 3300

"$bin/python" - "$profile/polyps" <<'PYTHON'
"""Phantoms with what people's data suffer from."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from limner.data.phantoms import write_phantoms

folder = write_phantoms(Path(sys.argv[1]), "polyp", count=24, size=(192, 256))
image, mask = (lambda n: folder / "images" / f"polyp-{n:04}.png"), (lambda n: folder / "masks" / f"polyp-{n:04}.png")
image(2).write_bytes(image(2).read_bytes()[:3000])
half = Image.open(mask(3))
half.resize((half.width // 2, half.height // 2)).save(mask(3))
Image.fromarray(255 - np.asarray(Image.open(mask(5)))).save(mask(5))
Image.open(image(6)).resize((320, 240)).save(image(7))
Image.open(mask(6)).resize((320, 240)).save(mask(7))
mask(9).unlink()
PYTHON
(cd "$profile" && "$bin/limner" doctor polyps --html doctor.html --quiet)
shoot "$profile/doctor.html" "$profile/doctor.png" 1700

"$bin/python" - "$demo" "$profile" "$images" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from limner.data.phantoms import STYLES, phantom
from limner.imaging import draw_outline, resize_image

demo, shots, images = map(Path, sys.argv[1:])
images.mkdir(parents=True, exist_ok=True)


def save(rows, name):
    Image.fromarray(np.vstack([np.hstack(row) for row in rows])).save(images / name, quality=88)


samples = {style: [phantom(style, seed, (192, 192)) for seed in (1, 6)] for style in STYLES}
save([[panel for s in row for panel in (s.image, draw_outline(s.image, s.mask))] for row in samples.values()], "phantoms.jpg")
overlays = sorted((demo / "predictions" / "overlays").glob("*.jpg"))[:6]
save([[resize_image(np.asarray(Image.open(path)), (192, 192)) for path in overlays]], "overlays.jpg")
for name, size in (("report", (900, 2475)), ("doctor", (900, 1275))):
    Image.open(shots / f"{name}.png").convert("RGB").resize(size, Image.Resampling.LANCZOS).save(images / f"{name}.jpg", quality=85)
PYTHON

"$bin/python" -c 'import sys; from limner.data.phantoms import write_phantoms; write_phantoms(sys.argv[1], "polyp", count=24, size=(192, 256))' \
	"$profile/plain/polyps"
(cd "$profile/plain" && "$bin/limner" augment polyps --recipe phantom-unet --images 2 --each --out each.png --set 'data.input_size=[192, 256]' \
	--set 'augmentation={horizontal_flip: 0, rotate: 30, zoom: 0, warp: 0.2, elastic: 0.05, hue: 20, gamma: 0.5, blur: 2, jpeg: 85, dropout: 0.2}')
"$bin/python" - "$profile/plain/each.png" "$images/augmentation.png" <<'PYTHON'
import sys

from PIL import Image

sheet = Image.open(sys.argv[1])
smaller = sheet.resize((1280, round(sheet.height * 1280 / sheet.width)), Image.Resampling.LANCZOS)
smaller.quantize(160).save(sys.argv[2], optimize=True)
PYTHON
"$bin/python" - "$profile/schedules.svg" <<'PYTHON'
"""The learning rate of each schedule over a training; of `plateau`, one whose validation becomes better for a third of it."""

import sys
from pathlib import Path

from limner.recipe.schema import ConstantPart, CosinePart, OneCyclePart, PlateauPart, PolyPart
from limner.report.style import FIRST, INK, MUTED, SECOND, save_figure
from limner.training.schedule import Schedule

STEPS, EPOCHS = 1000, 30
looks = {
    OneCyclePart(): (FIRST, "-"),
    CosinePart(): (SECOND, (0, (6, 2))),
    PolyPart(): (MUTED, (0, (2, 2))),
    PlateauPart(patience=4): (INK, "-"),
    ConstantPart(warmup=0.1): ("#8f6bb3", (0, (6, 2, 1, 2))),
}


def course(part):
    schedule, factors = Schedule(part), []
    for step in range(STEPS + 1):
        factors.append(schedule.factor(step / STEPS))
        epoch, rest = divmod(step * EPOCHS, STEPS)
        if rest < EPOCHS and epoch:
            schedule.see({"val_loss": max(20 - epoch, 10)}, epoch)
    return factors


def draw(axes):
    progress = [100 * step / STEPS for step in range(STEPS + 1)]
    for part, (colour, dashes) in looks.items():
        axes[0].plot(progress, course(part), color=colour, linestyle=dashes, label=part.name)
    axes[0].set(xlabel="Progress of the training, in percent", ylabel="Share of the peak", xlim=(0, 100), ylim=(0, 1.04))
    axes[0].legend(ncols=5, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, labelcolor=INK)


save_figure(draw, Path(sys.argv[1]), size=(720, 300))
PYTHON
"$bin/python" - "$profile/schedules.png" "$images/schedules.png" <<'PYTHON'
import sys

from PIL import Image

Image.open(sys.argv[1]).convert("RGB").quantize(64).save(sys.argv[2], optimize=True)
PYTHON
rm -rf "$profile"

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
rm -rf "$profile"

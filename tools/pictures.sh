#!/usr/bin/env bash
# Make the pictures of the docs anew, from phantoms alone (no data set's licence allows pictures of it here).
#
#     tools/pictures.sh DEMO        DEMO is what `limner demo` wrote
#
# Needs Chromium for the screenshot of the report.
set -euo pipefail
demo=$1
images="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/docs/images"
bin="$(dirname "${BASH_SOURCE[0]}")/../.venv/bin"
profile=$(mktemp -d)
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update \
	--disable-sync --hide-scrollbars --user-data-dir="$profile" --window-size=1200,3300 --screenshot="$profile/report.png" \
	"file://$(realpath "$demo")/report.html"
"$bin/python" - "$demo" "$profile/report.png" "$images" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from limner.data.phantoms import STYLES, phantom
from limner.imaging import draw_outline, resize_image

demo, shot, images = map(Path, sys.argv[1:])
images.mkdir(parents=True, exist_ok=True)


def save(rows, name):
    Image.fromarray(np.vstack([np.hstack(row) for row in rows])).save(images / name, quality=88)


samples = {style: [phantom(style, seed, (192, 192)) for seed in (1, 6)] for style in STYLES}
save([[panel for s in row for panel in (s.image, draw_outline(s.image, s.mask))] for row in samples.values()], "phantoms.jpg")
overlays = sorted((demo / "predictions" / "overlays").glob("*.jpg"))[:6]
save([[resize_image(np.asarray(Image.open(path)), (192, 192)) for path in overlays]], "overlays.jpg")
Image.open(shot).convert("RGB").resize((900, 2475), Image.Resampling.LANCZOS).save(images / "report.jpg", quality=85)
PYTHON
rm -rf "$profile"

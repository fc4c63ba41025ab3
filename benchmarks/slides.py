"""Memory and time over the size of a slide, as a Markdown table.

    python benchmarks/slides.py [--sizes 1000 2000 4000 8000 16000 30000] [--model MODEL] [--strips] [--probs] [--folder FOLDER]

Each slide is a TIFF of phantoms side by side, in tiles of 256 pixels (or strips of 16 rows), Deflate; it is predicted by `predict_slide` in
a process of its own, whose peak memory is the system's count of it (VmHWM on Linux, else ru_maxrss). Without `--model`, a U-Net of 4 and 8
filters that sees patches of 512 pixels is exported untrained: what is measured here does not depend on what it has learnt, and a cheap one
shows best what is spent around the network. The slides are removed again; at 30,000 pixels a side, a slide and its mask take about 2 GB.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from limner.data.phantoms import phantom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.types import ImageArray

SIZES = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
TILE, STRIP = 256, 16
COLUMNS = (
    "side, px",
    "megapixels",
    "seconds",
    "megapixels/s",
    "processor seconds",
    "rows of tiles",
    "peak memory after three of them, MB",
    "at the end, MB",
    "slide, MB",
    "mask, MB",
)
MOST_SECONDS = 3 * 3600
MODEL_SETTINGS = ["data.sampling=patches", "data.input_size=512", "data.normalisation=unit", "network.filters=[4,8]"]

PREDICT = """
import json, resource, sys, time
from pathlib import Path
import limner
from limner.batch.slides import predict_slide

slide, model, mask, probs = sys.argv[1:]
status, peaks = Path("/proc/self/status"), []

def peak():
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

predictor = limner.load(model)
start = time.process_time()
found = predict_slide(predictor, slide, mask, probs_path=probs or None, progress=lambda done, total: peaks.append(peak()))
processor = time.process_time() - start
memory = {"rows": len(peaks), "third": peaks[:3][-1], "peak": peak()}
print(json.dumps({"seconds": found.seconds, "processor": processor, **memory}))
"""

EXPORT = """
import sys
from pathlib import Path
from limner.export import export_network, new_metadata
from limner.models import build_network
from limner.recipe import load_recipe

recipe = load_recipe("phantom-unet", sys.argv[2:])
export_network(build_network(recipe.network), recipe, new_metadata(recipe), Path(sys.argv[1]))
"""


def main() -> None:
    """Make the slides one by one, predict each, and print a row for it."""
    options = parse_options()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        place = Path(folder)
        model = options.model or export(place / "model.onnx")
        print(f"| {' | '.join(COLUMNS)} |\n{'| --- ' * len(COLUMNS)}|", flush=True)
        for side in options.sizes:
            slide, mask, probs = place / "slide.tif", place / "mask.tif", place / "probs.tif"
            make_slide(slide, side, strips=options.strips)
            found = json.loads(python(PREDICT, str(slide), str(model), str(mask), str(probs) if options.probs else ""))
            print(row(side, found, slide, mask), flush=True)


def row(side: int, found: dict[str, float], slide: Path, mask: Path) -> str:
    """A row of the table."""
    pixels, seconds = side * side / 1e6, found["seconds"]
    speed = [f"{side:,}", f"{pixels:.0f}", f"{seconds:.1f}", f"{pixels / seconds:.2f}", f"{found['processor']:.1f}"]
    memory = [f"{found[name]:.0f}" for name in ("rows", "third", "peak")]
    return f"| {' | '.join([*speed, *memory, *(f'{path.stat().st_size / 1e6:.1f}' for path in (slide, mask))])} |"


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="PIXELS")
    parser.add_argument("--model", type=Path, help="a model file, instead of the small one")
    parser.add_argument("--strips", action="store_true", help="the slides are in strips of 16 rows, not in tiles")
    parser.add_argument("--probs", action="store_true", help="probabilities are written too")
    parser.add_argument("--folder", type=Path, help="where the slides are made; by default where temporary files go")
    return parser.parse_args()


def export(path: Path) -> Path:
    """Export the small network, in another process: PyTorch's memory is not to be counted."""
    python(EXPORT, str(path), *MODEL_SETTINGS)
    return path


def make_slide(path: Path, side: int, *, strips: bool) -> None:
    """Write a slide of nuclei. Its pieces are a few that come again and again, packed once: to write a large one takes seconds."""
    pictures = [phantom("nuclei", seed, (TILE, TILE)).image for seed in range(12)]
    pieces = strips_of(pictures, side) if strips else tiles_of(pictures, side)
    kind = {"rowsperstrip": STRIP} if strips else {"tile": (TILE, TILE)}
    resolution = {"resolution": (40_000, 40_000), "resolutionunit": "centimeter"}
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(pieces, shape=(side, side, 3), dtype=np.uint8, photometric="rgb", compression="zlib", **kind, **resolution)


def tiles_of(pictures: list[ImageArray], side: int) -> Iterator[bytes]:
    """The tiles of a slide, packed."""
    packed = [zlib.compress(picture.tobytes()) for picture in pictures]
    return itertools.islice(itertools.cycle(packed), (-(-side // TILE)) ** 2)


def strips_of(pictures: list[ImageArray], side: int) -> Iterator[bytes]:
    """The strips of a slide, packed."""
    line = np.concatenate(pictures, axis=1)
    wide = np.tile(line, (1, -(-side // line.shape[1]), 1))[:, :side]
    packed = [zlib.compress(wide[top : top + STRIP].tobytes()) for top in range(0, TILE, STRIP)]
    for index in range(-(-side // STRIP)):
        rows = min(STRIP, side - index * STRIP)
        top = index * STRIP % TILE
        yield packed[index % len(packed)] if rows == STRIP else zlib.compress(wide[top : top + rows].tobytes())


def python(code: str, *arguments: str) -> str:
    """What some code prints last, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
    if done.returncode:
        sys.exit(done.stderr)
    return (done.stdout.splitlines() or [""])[-1]


if __name__ == "__main__":
    main()

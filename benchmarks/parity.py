"""Does a run's exported file agree with its network, on every image of a part?

    python benchmarks/parity.py RUN SOURCE [--part test]

Prints JSON: the largest difference between the two probability maps over all images and pixels, and the share of pixels with the same mask
in the worst image.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from limner.data import load_split, open_source
from limner.export.parity import check_parity
from limner.imaging import read_image
from limner.recipe import load_recipe
from limner.training.fit import load_best
from limner.training.run_folder import RunFolder


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("source")
    parser.add_argument("--part", default="test", choices=("train", "val", "test"))
    options = parser.parse_args()
    run = RunFolder(options.run)
    recipe = load_recipe(run.recipe_file)
    items = open_source(options.source).subset(load_split(run.split_file).part(options.part)).items
    images = (read_image(item.image.read(), name=item.image.display) for item in items)
    parity = check_parity(load_best(recipe, run), recipe, run.model, images)
    print(json.dumps(parity.model_dump(), indent=2))


if __name__ == "__main__":
    main()

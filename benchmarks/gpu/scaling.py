"""Throughput of training on one device, on several, and compiled: images per second as metrics.csv has them.

    python benchmarks/gpu/scaling.py [--accelerator cuda] [--recipe polyp-unet-resnet50] [--batch 16] [--images 512] [--size 256]

The batch given is that of one device: on N devices it is N times as large, so that each has the same work. Trained are phantoms, for three
epochs; the fastest epoch is told, since the first warms up, and compiles. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from limner.data import Dataset, open_source
from limner.data.phantoms import write_phantoms
from limner.recipe import load_recipe
from limner.report import read_history
from limner.training.fit import fit, fit_in_processes, new_network
from limner.training.hardware import describe_machine
from limner.training.run import load_part
from limner.training.run_folder import RunFolder
from limner.training.shared import share

if TYPE_CHECKING:
    from limner.recipe import Recipe


def images_per_second(recipe: Recipe, dataset: Dataset, run: RunFolder) -> float:
    """Of the fastest epoch."""
    keys = dataset.keys()
    parts = [load_part(dataset, part, recipe.data) for part in (keys[16:], keys[:16])]
    if recipe.trainer.devices == 1:
        fit(new_network(recipe, run), recipe, *parts, run, progress=False)
    else:
        fit_in_processes(recipe, *map(share, parts), run, progress=False)
    return max(row["images_per_second"] for row in read_history(run.metrics_file))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accelerator", default="cuda", help="cuda, or cpu to try the script itself")
    parser.add_argument("--recipe", default="polyp-unet-resnet50")
    parser.add_argument("--batch", type=int, default=16, help="images in a step of one device")
    parser.add_argument("--images", type=int, default=512, help="to train on; 16 more are validated")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--most", type=int, default=max(1, torch.cuda.device_count()), help="the most devices")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    options = parser.parse_args()
    common = [
        "epochs=3",
        f"data.input_size={options.size}",
        f"trainer.accelerator={options.accelerator}",
        *options.set,
    ]
    counts = [count for count in (1, 2, 4, 8) if count <= options.most]
    plans = [(f"{count} x {options.accelerator}", count, False) for count in counts] + [(f"1 x {options.accelerator}, compiled", 1, True)]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_source(write_phantoms(Path(folder) / "phantoms", count=options.images + 16, size=(options.size, options.size)))
        for number, (name, count, compiled) in enumerate(plans):
            settings = [f"batch_size={options.batch * count}", f"trainer.devices={count}", f"trainer.compile={str(compiled).lower()}"]
            recipe = load_recipe(options.recipe, [*common, *settings])
            found[name] = round(images_per_second(recipe, dataset, RunFolder(Path(folder) / f"run-{number}")), 1)
    print(
        json.dumps(
            {"machine": describe_machine(), "torch": torch.__version__, "recipe": options.recipe, "images_per_second": found}, indent=2
        )
    )


if __name__ == "__main__":
    main()

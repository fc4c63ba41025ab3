"""Short trainings on real data: a few images of a data set, and the recipe made small enough for a test in nothing but size and length."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from limner.data import open_source
from limner.recipe import load_recipe
from limner.training.run import train_run

if TYPE_CHECKING:
    from pathlib import Path

ARCHIVES = {
    "kvasir-seg": "kvasir-seg/kvasir-seg.zip",
    "cvc-clinicdb": "cvc-clinicdb/CVC-ClinicDB.zip",
    "dsb2018": "dsb2018/stage1_train.zip",
    "drive": "drive/DRIVE.zip",
    "chase-db1": "chase_db1/CHASEDB1.zip",
}


def train_shortly(recipe_name: str, shared: Path, out: Path, *settings: str, images: int = 14, dataset: str = "") -> list[dict[str, float]]:
    """Train a recipe on the first images of its real data set; returns the rows of metrics.csv."""
    recipe = load_recipe(recipe_name, ["data.lookalikes=false", *settings])
    source = open_source(shared / "data" / ARCHIVES[dataset or recipe.dataset], options=recipe.data.source_options())
    keys = [item.key for item in source.items][:images]
    train_run(source.subset(keys), recipe, out, progress=False)
    with (out / "metrics.csv").open() as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]

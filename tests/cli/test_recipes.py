"""`limner recipes`."""

import json

import pytest
import yaml

from limner.recipe import recipe_names

NAMES = {
    *("polyp-unet-resnet152", "polyp-unet-resnet50", "polyp-unet", "polyp-resunet", "polyp-resunetpp"),
    *("nuclei-unet", "vessel-unet-2", "vessel-unet-3", "vessel-unet-4"),
    *("polyp-best", "polyp-fast", "nuclei-best", "vessel-best", "phantom-unet"),
}


def test_lists_every_shipped_recipe_under_its_name(limner):
    result = limner("recipes")
    assert result.exit_code == 0
    assert set(recipe_names()) == NAMES
    assert all(name in result.stdout for name in NAMES)


def test_lists_them_as_json(limner):
    rows = json.loads(limner("recipes", "--json").stdout)
    assert {row["name"] for row in rows} == NAMES
    assert {row["data"] for row in rows} == {"", "kvasir-seg", "dsb2018", "drive"}


def test_shows_one_with_every_default(limner):
    values = yaml.safe_load(limner("recipes", "--show", "vessel-unet-3").stdout)
    assert values["network"]["levels"] == 3
    assert values["stopping"]["choose_by"] == "val_loss"


def test_lists_the_parts(limner):
    stdout = limner("recipes", "--parts").stdout
    assert all(name in stdout for name in ("resunet_plusplus", "skeleton_recall", "plateau", "unet-2015", "trainer"))
    assert {"part": "loss", "name": "dice", "summary": "Soft Dice loss, one image at a time."} in json.loads(
        limner("recipes", "--parts", "--json").stdout
    )


def test_says_what_can_be_set_in_a_part(limner):
    stdout = limner("recipes", "--part", "loss.tversky").stdout
    assert "loss.beta" in stdout
    assert "0.7" in stdout
    assert "Weight of false negatives" in stdout


@pytest.mark.parametrize(("arguments", "code"), [(["--part", "los"], 1), (["--parts", "--show", "polyp-best"], 2)])
def test_wrong_questions(limner, arguments, code):
    assert limner("recipes", *arguments).exit_code == code

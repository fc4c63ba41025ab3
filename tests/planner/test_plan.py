"""Plans: whole recipes that follow the data, the machine and the user."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.planner.fingerprints import LAPTOP, SERVER, fingerprint, nuclei, vessels

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.errors import RecipeError
from limner.planner import Plan, make_plan, plan_for, recipe_yaml
from limner.planner.plan import AS_ASKED
from limner.recipe import load_recipe

if TYPE_CHECKING:
    from pathlib import Path

DATA = {"polyps": fingerprint(), "vessels": vessels(), "nuclei": nuclei(), "bare": fingerprint(survival=(), images=3, empty=1.0)}


def told(plan: Plan) -> dict[str, object]:
    return {reason.key: reason.value for reason in plan.reasons}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("machine", [LAPTOP, SERVER])
def test_what_is_told_is_what_the_recipe_says(name, machine):
    plan = plan_for(DATA[name], machine, budget_s=90)
    values = plan.recipe.model_dump(mode="json")
    for reason in plan.reasons:
        found = values
        for step in reason.key.split("."):
            found = found[step]
        assert found == reason.value
        assert reason.why
        assert not reason.why.endswith(".")
    assert len(told(plan)) == len(plan.reasons)
    assert {"data.sampling", "data.input_size", "data.normalisation", "network.name", "loss.name", "batch_size", "epochs"} <= set(
        told(plan)
    )
    assert all(side % 32 == 0 for side in plan.recipe.data.input_size)


def test_the_same_numbers_give_the_same_plan():
    assert plan_for(vessels(), SERVER) == plan_for(vessels(), SERVER)
    assert json.loads(json.dumps(plan_for(nuclei(), LAPTOP).as_json()))["machine"]["cores"] == 4


def test_a_setting_is_followed_and_what_depends_on_it_is_planned_accordingly():
    free = plan_for(fingerprint(), LAPTOP)
    small = plan_for(fingerprint(), LAPTOP, settings=["data.input_size=64", "seed=7", "epochs=3"])
    assert small.recipe.data.input_size == (64, 64)
    assert (small.recipe.seed, small.recipe.epochs) == (7, 3)
    assert len(small.recipe.network.filters) < len(free.recipe.network.filters)
    asked = [reason.key for reason in small.reasons if reason.why == AS_ASKED]
    assert asked == ["data.input_size", "epochs", "seed"]


def test_patches_or_whole_images_can_be_asked_for():
    assert plan_for(vessels(), LAPTOP, settings=["data.sampling=resize"]).recipe.data.input_size == (512, 480)
    assert plan_for(fingerprint(), LAPTOP, settings=["data.sampling=patches"]).recipe.data.input_size == (256, 256)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (["network.name=encoder_unet"], "encoder_unet"),
        (["network.encoder_weights=none", "network.encoder_name=resnet18"], "encoder_unet"),
        (["network.filters=[8, 16]"], "unet"),
    ],
)
def test_another_network_can_be_asked_for(settings, name):
    plan = plan_for(fingerprint(), LAPTOP, settings=settings)
    assert plan.recipe.network.name == name
    assert all(setting.split("=")[1] in str(plan.recipe.network.model_dump(mode="json")) for setting in settings)


def test_another_loss_and_optimiser_can_be_asked_for():
    plan = plan_for(fingerprint(empty=0.5), LAPTOP, settings=["loss.name=bce", "optimiser.name=sgd"])
    assert (plan.recipe.loss.name, plan.recipe.optimiser.name) == ("bce", "sgd")
    assert "loss.bce_weight" not in told(plan)


@pytest.mark.parametrize("setting", ["epoch=3", "epochs=none", "epochs", "network.filter=[8]", "data.input_size=3"])
def test_a_wrong_setting_is_an_error(setting, tmp_path):
    data = open_source(write_phantoms(tmp_path, "polyp", count=2, size=(32, 32)))
    with pytest.raises(RecipeError):
        make_plan(data, settings=[setting], machine=LAPTOP)


@pytest.mark.parametrize("name", DATA)
def test_the_file_says_why_and_is_the_recipe(name, tmp_path: Path) -> None:
    plan = plan_for(DATA[name], LAPTOP, budget_s=600, settings=["description='a: \"quoted\" # text'"])
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe_yaml(plan), encoding="utf-8")
    assert load_recipe(file) == plan.recipe
    text = " ".join(line.strip().removeprefix("# ") for line in file.read_text(encoding="utf-8").splitlines())
    for reason in plan.reasons:
        assert reason.why[1:] in text
    lines = file.read_text(encoding="utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("  input_size:"))
    assert lines[place - 1].startswith("  # ")
    assert yaml.safe_load("\n".join(lines))["data"]["sampling"] == plan.recipe.data.sampling


def test_a_folder_is_planned_for(tmp_path: Path) -> None:
    ticks: list[tuple[int, int]] = []
    data = open_source(write_phantoms(tmp_path, "vessel", count=6, size=(96, 128)))
    plan = make_plan(data, machine=LAPTOP, budget_s=60, progress=lambda done, total: ticks.append((done, total)))
    assert plan.recipe.data.input_size == (96, 128)
    assert plan.fingerprint.is_thin
    assert ticks[-1] == (12, 12)

"""`limner models` and `limner recipes`."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from limner.recipe import load_recipe, parse_recipe, recipe_names
from limner.runtime import shipped


def test_recipes_are_listed_alike_as_table_and_json(limner):
    listed = json.loads(limner("recipes", "--json").stdout)
    assert [recipe["name"] for recipe in listed] == recipe_names()
    table = limner("recipes").stdout
    assert all(recipe["name"] in table for recipe in listed)
    assert {"name", "data", "task", "network", "description", "source"} == set(listed[0])


@pytest.mark.parametrize("name", recipe_names())
def test_a_shown_recipe_is_a_recipe(limner, name):
    shown = limner("recipes", "--show", name)
    assert parse_recipe(yaml.safe_load(shown.stdout), where="test") == load_recipe(name)
    assert json.loads(limner("recipes", "--show", name, "--json").stdout) == load_recipe(name).model_dump(mode="json")


def test_without_models_it_says_what_to_do(limner, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path)
    result = limner("models")
    assert result.exit_code == 0
    assert "limner train SOURCE" in result.stdout
    assert json.loads(limner("models", "--json").stdout) == {"shipped": [], "runs": []}


def test_runs_are_listed_by_what_is_given_as_model(limner, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "unfinished").mkdir()
    (tmp_path / "runs" / "damaged").mkdir()
    (tmp_path / "runs" / "damaged" / "model.onnx").write_bytes(b"no model")
    (facts,) = json.loads(limner("models", "--json").stdout)["runs"]
    assert (facts["model"], facts["name"], facts["threshold"], facts["dice_per_image"]) == ("runs/toy", "phantom-unet", 0.37, None)
    assert "runs/toy" in limner("models").stdout


def test_shipped_models_are_listed_by_name(limner, toy_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path / "shipped_models")
    (tmp_path / "shipped_models").mkdir()
    shutil.copyfile(toy_model, tmp_path / "shipped_models" / "toy.onnx")
    assert [facts["model"] for facts in json.loads(limner("models", "--json").stdout)["shipped"]] == ["toy"]
    assert "Shipped models" in limner("models").stdout

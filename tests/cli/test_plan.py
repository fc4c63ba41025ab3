"""`limner plan`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.folders import write_folder

from limner.data.phantoms import write_phantoms
from limner.imaging import encode_png
from limner.recipe import load_recipe, parse_recipe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def polyps(tmp_path: Path) -> Path:
    return write_phantoms(tmp_path / "polyps", "polyp", count=5, size=(64, 96))


def test_choices_are_shown_with_reasons_and_nothing_is_written(limner, polyps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = limner("plan", "polyps")
    assert result.exit_code == 0
    assert "data.input_size" in result.stdout
    assert "64 96" in result.stdout
    assert "5; 96 x 64 px; colour" in result.stdout
    assert "limner plan polyps --out recipe.yaml" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["polyps"]


def test_the_recipe_is_written_and_never_over_another_file(limner, polyps, tmp_path):
    out = tmp_path / "recipe.yaml"
    result = limner("plan", polyps, "--out", out, "--budget", "5m", "--set", "epochs=7")
    assert result.exit_code == 0
    assert load_recipe(out).epochs == 7
    assert "--recipe" in result.stderr
    assert "--budget 5m" in result.stderr
    out.write_text("mine", encoding="utf-8")
    refused = limner("plan", polyps, "--out", out)
    assert refused.exit_code != 0
    assert out.read_text(encoding="utf-8") == "mine"
    assert limner("plan", polyps, "--out", out, "--overwrite").exit_code == 0
    assert load_recipe(out).data.input_size == (64, 96)


def test_json_has_recipe_reasons_and_fingerprint(limner, polyps):
    found = json.loads(limner("plan", polyps, "--json", "--quiet").stdout)
    recipe = parse_recipe(found["recipe"], where="test")
    assert recipe.data.input_size == (64, 96)
    assert found["fingerprint"]["images"] == 5
    assert {"key": "data.input_size", "value": [64, 96]}.items() <= found["reasons"][1].items()


def test_options_of_the_data_go_into_the_recipe(limner, polyps, tmp_path):
    out = tmp_path / "recipe.yaml"
    assert limner("plan", polyps, "--foreground", "nonzero", "--group", "^[^-]+", "--out", out).exit_code == 0
    assert (load_recipe(out).data.foreground, load_recipe(out).data.group) == ("nonzero", "^[^-]+")


@pytest.mark.parametrize("arguments", [("--budget", "soon"), ("--out", "recipe.txt")])
def test_wrong_usage(limner, polyps, arguments):
    assert limner("plan", polyps, *arguments).exit_code == 2


def test_the_next_command_asks_for_the_same(limner, polyps):
    result = limner("plan", polyps, "--foreground", "nonzero", "--set", "epochs=3", "--quiet")
    assert "--foreground nonzero --set epochs=3 --out recipe.yaml" in " ".join(result.stderr.split())


def test_masks_without_any_foreground_are_told(limner, tmp_path):
    nothing = encode_png(np.zeros((40, 40), np.uint8))
    write_folder(tmp_path / "set", {f"{role}/{key}.png": nothing for role in ("images", "masks") for key in "ab"})
    result = limner("plan", tmp_path / "set", "--quiet")
    assert "100 % of the images have none" in result.stdout
    assert "no mask that was read has any foreground" in result.stderr

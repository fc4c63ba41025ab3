from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from limner.data.phantoms import write_phantoms
from limner.training import lr_find as lr_find_module
from limner.training.lr_ramp import Ramp, RangeTest

TINY = ["--recipe", "phantom-unet", "--set", "batch_size=4", "--set", "input_size=32", "--set", "filters=[8,16]"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("source") / "polyps", count=16, size=(32, 32))


@pytest.fixture
def flat(monkeypatch):
    """A test whose loss never falls; keeps what it was called with."""
    seen = {}

    def ramp(_dataset, split, recipe, ramp, *, progress):
        seen.update(split=split, recipe=recipe, ramp=ramp)
        return RangeTest(ramp, (1.0,) * ramp.steps)

    monkeypatch.setattr(lr_find_module, "run_ramp", ramp)
    return seen


def test_it_suggests_a_rate_and_writes_the_curve(limner, source, tmp_path):
    result = limner("lr-find", source, *TINY, "--from", "1e-5", "--steps", "50", "--out", tmp_path / "lr", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found["suggestions"]) == {"middle", "steepest", "minimum/10"}
    assert found["recommended"] == found["suggestions"]["middle"]
    assert 1e-4 < found["recommended"] < 1
    rows = list(csv.DictReader((tmp_path / "lr" / "lr.csv").read_text().splitlines()))
    assert len(rows) == found["steps"] <= 50
    assert [row["step"] for row in rows] == [str(step) for step in range(1, len(rows) + 1)]
    assert float(rows[0]["learning_rate"]) == 1e-5
    assert all(float(row["loss"]) > 0 for row in rows)
    svg = (tmp_path / "lr" / "lr.svg").read_text()
    assert ET.fromstring(svg).tag.endswith("svg")
    assert f"middle: {found['recommended']:.1e}, recommended" in svg
    with Image.open(tmp_path / "lr" / "lr.png") as picture:
        assert picture.size == (1520, 840)


def test_where_nothing_is_learnt_there_is_nothing_to_suggest(limner, source, tmp_path, flat):
    result = limner("lr-find", source, *TINY, "--steps", "30", "--out", tmp_path / "lr")
    assert result.exit_code == 1
    assert "never fell" in result.stderr
    assert len((tmp_path / "lr" / "lr.csv").read_text().splitlines()) == 31
    assert "recommended" not in result.stdout
    again = limner("lr-find", source, *TINY, "--out", tmp_path / "lr")
    assert "--overwrite" in again.stderr
    assert limner("lr-find", source, *TINY, "--out", tmp_path / "lr", "--overwrite", "--json").stdout.count('"recommended": null') == 1


def test_options_arrive(limner, source, tmp_path, flat):
    (tmp_path / "train.txt").write_text("\n".join(f"polyp-{number:04}" for number in range(12)))
    (tmp_path / "test.txt").write_text("\n".join(f"polyp-{number:04}" for number in range(12, 16)))
    lists = f"train={tmp_path / 'train.txt'},test={tmp_path / 'test.txt'}"
    limner("lr-find", source, *TINY, "--from", "1e-4", "--to", "2", "--steps", "25", "--split", lists, "--out", tmp_path / "lr")
    assert flat["ramp"] == Ramp(1e-4, 2.0, 25)
    assert flat["recipe"].network.filters == (8, 16)
    assert flat["split"].test == tuple(f"polyp-{number:04}" for number in range(12, 16))


def test_without_a_recipe_one_is_planned(limner, source, tmp_path, flat):
    result = limner("lr-find", source, "--set", "epochs=3", "--out", tmp_path / "lr", "-q")
    assert flat["recipe"].name == "planned"
    assert flat["recipe"].epochs == 3
    assert result.exit_code == 1


@pytest.mark.parametrize(
    "options", [["--from", "1", "--to", "0.1"], ["--from", "0"], ["--from", "-1"], ["--to", "inf"], ["--steps", "5"], ["--steps", "many"]]
)
def test_a_range_that_is_none_is_wrong_usage(limner, source, tmp_path, options):
    result = limner("lr-find", source, *TINY, *options, "--out", tmp_path / "lr")
    assert result.exit_code == 2
    assert not (tmp_path / "lr").exists()


def test_without_a_source_the_recipe_has_to_name_a_data_set(limner, tmp_path):
    result = limner("lr-find", *TINY, "--out", tmp_path / "lr")
    assert result.exit_code == 2
    assert "limner lr-find polyps/" in result.stderr

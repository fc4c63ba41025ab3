import csv
import json

import pytest
from tests.data.folders import image_bytes, write_folder
from tests.timing.fakes import made_up

BRIEF = ("--providers", "cpu", "--rounds", "1", "--seconds", "0.01", "--threads", "1", "-q")


@pytest.fixture
def images(tmp_path):
    return write_folder(tmp_path / "in", {"a.png": image_bytes(1), "b.png": image_bytes(2)})


def test_a_model_is_measured_and_the_table_written(limner, toy_model, images, tmp_path):
    out = tmp_path / "speed.csv"
    result = limner("bench", toy_model, "--images", images, "--out", out, "--json", *BRIEF)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(row["model"], row["provider"]) for row in found["rows"]] == [("toy", "cpu")]
    assert found["images"]["count"] == 2
    with out.open(newline="") as lines:
        assert float(next(csv.DictReader(lines))["network_fps"]) == found["rows"][0]["network"]["fps"]

    again = limner("bench", toy_model, "--images", images, "--out", out, *BRIEF)
    assert (again.exit_code, "--overwrite" in again.stderr) == (1, True)


def test_everything_is_told_and_the_options_arrive(limner, toy_model, monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr("limner.timing.run.run_bench", lambda *places, **options: asked.update(options, places=places) or made_up())
    result = limner("bench", toy_model, "--size", "40x60", "--providers", "cpu, openvino", "--batch", 2, "--most", 5)
    assert result.exit_code == 0, result.output
    assert "45.0 ±11%" in result.stdout
    assert "as Medico 2020 counts" in result.stdout
    assert "left out: tf_efficientnet_lite0 on cuda: there is none" in result.stderr
    assert asked["places"] == ([str(toy_model)], None)
    assert (asked["size"], asked["providers"], asked["batch"], asked["most"]) == ((40, 60), ["cpu", "openvino"], 2, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--size", "big"),
        ("--size", "0x40"),
        ("--providers", "all,cpu"),
        ("--providers", ","),
        ("--rounds", "0"),
        ("--batch", "0"),
        ("--seconds", "0"),
    ],
)
def test_wrong_usage(limner, toy_model, wrong):
    assert limner("bench", toy_model, *wrong).exit_code == 2


def test_what_cannot_be_used_is_told(limner, toy_model, images, tmp_path):
    (tmp_path / "empty").mkdir()
    for wrong in (("--images", tmp_path / "empty"), ("--out", "speed.txt"), ("--providers", "abacus")):
        result = limner("bench", toy_model, "--images", images, "-q", *wrong)
        assert result.exit_code == 1, result.output
        assert "fix:" in result.stderr
    assert limner("bench", tmp_path / "none.onnx").exit_code == 1

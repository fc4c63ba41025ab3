"""What `pip install limner` brings is enough to use a model; what needs more says what it needs."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.absence import WORKSHOP
from tests.clean.conftest import locked_names

import limner
from limner.runtime import available_providers

if TYPE_CHECKING:
    from tests.clean.conftest import Environment

EXTRAS = ["av", "imagecodecs", "openslide", "openvino", "pyarrow", "pydicom", "segmentation_models_pytorch", "fastapi", "streamlit", "ray"]


def test_nothing_but_the_field_half_is_installed(clean: Environment) -> None:
    code = (
        "import json, sys\nfrom importlib.metadata import distributions\nfrom importlib.util import find_spec\n"
        f"absent = [name for name in {[*WORKSHOP, *EXTRAS]!r} if find_spec(name) is None]\n"
        "import limner\n"
        "names = sorted(found.name.lower().replace('_', '-') for found in distributions())\n"
        "print(json.dumps([absent, names, limner.__file__, sys.prefix]))"
    )
    done = clean.run("python", "-I", "-c", code)
    absent, names, place, prefix = json.loads(done.stdout)
    assert absent == [*WORKSHOP, *EXTRAS], "an extra can be imported"
    assert set(names) <= {*locked_names(), "limner"}
    assert place.startswith(prefix), "limner is imported from the checkout"


def test_predicting_gives_the_masks_of_the_full_environment(clean: Environment) -> None:
    done = clean.run("limner", "predict", "model.onnx", "phantoms/images", "--out", "predicted", "--quiet")
    assert done.returncode == 0, done.stderr
    model, shares = limner.load(clean.home / "model.onnx"), []
    for image in sorted((clean.home / "phantoms" / "images").iterdir()):
        mask = np.asarray(Image.open(clean.home / "predicted" / "masks" / image.name)) == 255
        np.testing.assert_array_equal(mask, model.predict(image).mask)
        shares.append(mask.mean())
    assert len(shares) == 3
    assert 0 < np.mean(shares) < 1
    with (clean.home / "predicted" / "predictions.csv").open(encoding="utf-8", newline="") as table:
        assert len(list(csv.DictReader(table))) == 3


def test_evaluating_gives_the_scores_of_the_full_environment(clean: Environment) -> None:
    done = clean.run("limner", "evaluate", "model.onnx", "phantoms", "--out", "evaluated", "--quiet", "--bootstrap", "0")
    assert done.returncode == 0, done.stderr
    assert (clean.home / "evaluated" / "report.html").is_file()
    summary = json.loads((clean.home / "evaluated" / "summary.json").read_text(encoding="utf-8"))
    theirs = {(score["name"], score["convention"]): score["value"] for score in summary["scores"]}
    ours = limner.evaluate(clean.home / "model.onnx", clean.home / "phantoms", bootstrap=0, progress=False)
    assert theirs["dice", "per-image"] == pytest.approx(ours.score("dice").value, abs=1e-9)
    assert theirs["dice", "pooled"] == pytest.approx(ours.score("dice", "pooled").value, abs=1e-9)


def test_speed_is_measured(clean: Environment) -> None:
    short = ["--providers", "cpu", "--rounds", "1", "--seconds", "0.01", "--threads", "1", "--quiet", "--json"]
    done = clean.run("limner", "bench", "model.onnx", "--images", "phantoms/images", *short)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_a_card_is_shown(clean: Environment) -> None:
    done = clean.run("limner", "card", "model.onnx")
    assert done.returncode == 0, done.stderr
    assert done.stdout == limner.card(clean.home / "model.onnx")


def test_data_are_examined(clean: Environment) -> None:
    done = clean.run("limner", "doctor", "phantoms", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_every_command_is_listed(clean: Environment) -> None:
    done = clean.run("limner", "--help")
    assert done.returncode == 0, done.stderr
    assert {"train", "predict", "evaluate", "export"} <= set(done.stdout.split())


NEEDS = {
    "export": ("train", ["export", "run", "--out", "exported.onnx"]),
    "training": ("train", ["train", "phantoms", "--recipe", "phantom-unet", "--out", "run"]),
    "OpenVINO": ("openvino", ["predict", "model.onnx", "phantoms/images", "--out", "a", "--provider", "openvino"]),
    "Parquet": ("parquet", ["predict", "model.onnx", "phantoms/images", "--out", "b", "--write", "measurements", "--table", "parquet"]),
    "video": ("video", ["predict", "model.onnx", "clip.mp4", "--out", "c.mp4"]),
    "slides": ("slides", ["predict", "model.onnx", "slide.svs", "--out", "d"]),
}


@pytest.mark.parametrize("what", NEEDS)
def test_what_needs_an_extra_names_it_with_the_command_that_installs_it(clean: Environment, what: str) -> None:
    extra, command = NEEDS[what]
    (clean.home / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    (clean.home / "slide.svs").write_bytes(b"II*\0")
    before = sorted(clean.home.iterdir())
    done = clean.run("limner", *command)
    assert done.returncode == 1, done.stderr
    assert f"pip install 'limner[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    if what != "slides":  # one of many images perhaps, the others of which are predicted
        assert sorted(clean.home.iterdir()) == before, "something was left behind"


def test_openvino_is_not_offered_without_being_installed(clean: Environment) -> None:
    done = clean.run("python", "-I", "-c", "from limner.runtime import available_providers; print(available_providers())")
    assert "cpu" in done.stdout, done.stderr
    assert "openvino" not in done.stdout
    assert "cpu" in available_providers()

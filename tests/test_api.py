"""The verbs as a Python interface; what they do is tested with the commands of the same names."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from tests.data.folders import image_bytes, pairs, write_folder
from tests.export.toys import write_toy

import limner
from limner.errors import OutputExistsError, RunError

PROBE = """
import sys, limner
assert not {"numpy", "pydantic", "rich", "typer", "limner.api"} & set(sys.modules)
limner.load(sys.argv[1]).predict(sys.argv[2])
limner.predict(sys.argv[1], sys.argv[2], sys.argv[3], progress=False)
limner.evaluate(sys.argv[1], sys.argv[4], out=sys.argv[5], progress=False)
assert not {"torch", "lightning", "timm", "onnx", "onnxscript", "torchvision"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def toy_model(tmp_path_factory):
    return write_toy(tmp_path_factory.mktemp("model") / "toy.onnx")


def test_every_verb_is_there_and_documented():
    for name in ("train", "evaluate", "predict", "export_model", "load"):
        assert callable(getattr(limner, name))
        assert getattr(limner, name).__doc__
        assert name in dir(limner)
    assert limner.__version__


def test_another_name_is_an_ordinary_error():
    with pytest.raises(AttributeError, match="module 'limner' has no attribute 'trian'"):
        _ = limner.trian


def test_the_verb_stays_a_verb_when_the_package_of_its_name_is_imported():
    import limner.export  # a package: hence the verb's longer name

    assert callable(limner.export_model)


def test_predicting_and_evaluating_never_import_the_workshop(toy_model, tmp_path):
    data = write_folder(tmp_path / "data", pairs(["a", "b"]))
    args = [toy_model, data / "images" / "a.png", tmp_path / "out", data, tmp_path / "scores"]
    subprocess.run([sys.executable, "-c", PROBE, *map(str, args)], check=True)


def test_load_predicts_arrays(toy_model):
    prediction = limner.load(toy_model).predict(np.zeros((20, 30, 3), np.uint8))
    assert prediction.mask.shape == (20, 30)


def test_predict_takes_one_place_or_several(toy_model, tmp_path):
    write_folder(tmp_path / "in", {"a.png": image_bytes(1), "b.png": image_bytes(2)})
    assert limner.predict(toy_model, str(tmp_path / "in"), tmp_path / "one", progress=False).written == 2
    several = limner.predict(toy_model, [tmp_path / "in" / "a.png", tmp_path / "in" / "b.png"], tmp_path / "two", progress=False)
    assert [row["mask"] for row in several.rows] == ["masks/a.png", "masks/b.png"]
    with pytest.raises(OutputExistsError):
        limner.predict(toy_model, tmp_path / "in", tmp_path / "one", progress=False)


def test_evaluate_returns_scores_and_writes_only_if_asked(toy_model, tmp_path):
    data = write_folder(tmp_path / "data", pairs(["a", "b", "c"]))
    found = limner.evaluate(toy_model, data, progress=False)
    assert (found.n, found.part) == (3, "all")
    assert 0 <= found.score("dice").value <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("options", [{"resume": True}, {"budget": "soon", "recipe": "phantom-unet"}])
def test_what_train_refuses_before_it_begins(tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError):
        limner.train(tmp_path, **options)
    assert list(tmp_path.iterdir()) == []

"""`limner export` in other precisions, of a folder that looks like a run."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.export.own_data import write_model_of, write_pictures
from typer.testing import CliRunner

import limner
from limner.cli.app import app
from limner.errors import DataError, OutputExistsError, RunError
from limner.runtime.format import read_metadata

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_model_of(pictures, folder / "model.onnx")
    (folder / "run.json").write_text(json.dumps({"state": "finished", "source": str(pictures)}))
    return folder


@pytest.fixture
def moved(run: Path, tmp_path: Path) -> Path:
    """A run whose images are somewhere else by now."""
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "run.json").write_text(json.dumps({"state": "finished", "source": str(tmp_path / "gone")}))
    return folder


def test_int8_by_one_command(run: Path, tmp_path: Path) -> None:
    words = ["export", str(run), "--out", str(tmp_path / "m.onnx"), "--precision", "int8"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    for told in ("20 of 20 training images", "2 of 5: ", "the float32 file, on 6 images", "points (6 images)"):
        assert told in done.stdout
    facts = json.loads(CliRunner().invoke(app, [*words, "--overwrite", "--json", "--quiet"]).stdout)
    assert (facts["precision"], facts["dice_n"], facts["quantisation"]["layers"]) == ("int8", 6, 5)


def test_an_unknown_precision_is_wrong_usage(run: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(run), "--out", str(tmp_path / "m.onnx"), "--precision", "int4"])
    assert done.exit_code == 2
    with pytest.raises(RunError, match="no precision 'int4'"):
        limner.export_model(run, tmp_path / "m.onnx", precision="int4")


def test_images_that_have_moved_are_asked_for(moved: Path, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="int8 is made with the images that the model was trained on") as raised:
        limner.export_model(moved, tmp_path / "m.onnx", precision="int8", progress=False)
    assert "--source" in (raised.value.fix or "")
    path = limner.export_model(moved, tmp_path / "m.onnx", precision="int8", source=pictures, progress=False)
    assert read_metadata(path).precision == "int8"


def test_float16_without_images_says_that_it_was_not_checked(moved: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(moved), "--out", str(tmp_path / "m.onnx"), "--precision", "float16"])
    assert done.exit_code == 0, done.output
    assert "not checked" in done.stdout


def test_a_model_file_is_converted_with_its_source(run: Path, pictures: Path, tmp_path: Path) -> None:
    model = shutil.copyfile(run / "model.onnx", tmp_path / "bare.onnx")
    with pytest.raises(DataError, match="nothing says where they are"):
        limner.export_model(model, tmp_path / "m.onnx", precision="int8", progress=False)
    path = limner.export_model(model, tmp_path / "m.onnx", precision="int8", source=pictures, progress=False)
    assert read_metadata(path).quantisation is not None
    with pytest.raises(OutputExistsError):
        limner.export_model(model, path)


def test_other_precisions_want_a_finished_run(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unfinished"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "best.ckpt").touch()
    with pytest.raises(RunError, match="int8 is made of a finished run's model"):
        limner.export_model(folder, tmp_path / "m.onnx", precision="int8", source=run)

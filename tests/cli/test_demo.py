from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from limner import demo
from limner.cli.app import app
from limner.data import open_source
from limner.errors import OutputExistsError

TINY = ["--count", "12", "--set", "epochs=1", "--set", "data.input_size=32", "--set", "network.filters=[4,8]"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The demo's folder, and what it has printed."""
    folder = tmp_path_factory.mktemp("demo") / "limner-demo"
    result = CliRunner().invoke(app, ["demo", *TINY, "--style", "nuclei", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_last_line_says_where_the_report_is(shown):
    folder, result = shown
    assert result.stdout.splitlines()[-1] == f"report: {folder / 'report.html'}"
    assert (folder / "report.html").read_text().startswith("<!")
    assert json.loads((folder / "summary.json").read_text())["task"] == "nucleus"


def test_steps_are_numbered_and_ticked_off(shown):
    _, result = shown
    lines = result.stderr.splitlines()
    assert [line[:4] for line in lines if line[1:2] == "/"] == [f"{number}/6 " for number in range(1, 7)]
    assert sum(line.startswith("  ✓  ") for line in lines) == 6


def test_it_leaves_data_run_model_and_predictions(shown):
    folder, _ = shown
    assert len(open_source(folder / "phantoms")) == 12
    assert (folder / "run" / "checkpoints" / "best.ckpt").is_file()
    assert (folder / "phantom-nuclei.onnx").is_file()
    split = json.loads((folder / "run" / "split.json").read_text())
    assert sorted(path.stem for path in (folder / "predictions" / "masks").iterdir()) == sorted(split["test"])


@pytest.mark.parametrize("taken", [["limner-demo"], ["limner-demo", "limner-demo-2"]])
def test_a_folder_that_is_taken_is_left_alone(tmp_path, taken):
    for name in taken:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("precious")
    folder = demo._take_folder(tmp_path / "limner-demo", overwrite=False)
    assert folder == tmp_path / f"limner-demo-{len(taken) + 1}"


def test_overwriting_removes_what_a_demo_made_and_nothing_else(tmp_path):
    out = demo._take_folder(tmp_path / "out", overwrite=False)
    for name in ("phantoms", "run", "predictions"):
        (out / name).mkdir()
        (out / name / "file").touch()
    for name in ("report.html", "summary.json", "phantom-polyp.onnx", "phantom-mine.onnx", "thesis.txt"):
        (out / name).touch()
    assert demo._take_folder(out, overwrite=True) == out
    assert sorted(path.name for path in out.iterdir()) == ["demo.json", "phantom-mine.onnx", "thesis.txt"]


def test_a_folder_that_is_no_demo_is_never_replaced(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(OutputExistsError, match="not a demo's"):
        demo._take_folder(tmp_path, overwrite=True)
    assert (tmp_path / "run").is_dir()


def test_an_empty_folder_is_used(tmp_path):
    assert demo._take_folder(tmp_path, overwrite=False) == tmp_path


def test_a_wrong_setting_ends_it_before_anything_is_made(limner, tmp_path):
    result = limner("demo", "--set", "epoch=3", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "epochs" in result.stderr
    assert not (tmp_path / "out").exists()

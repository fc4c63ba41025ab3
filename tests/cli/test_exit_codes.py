"""0 done, 1 wrong input, 2 wrong usage, 70 a bug, 130 Ctrl-C; never a traceback unless LIMNER_DEBUG asks for it."""

from __future__ import annotations

import errno
import re
import warnings
from pathlib import Path

import platformdirs
import pytest

from limner import recipe
from limner.api import common
from limner.errors import DataError
from limner.selection import SeenInTrainingWarning


@pytest.fixture
def failing(monkeypatch, limner):
    """`failing(error)` runs a command in which that error is raised."""

    def run(error):
        def fail(*_args, **_kwargs):
            raise error

        monkeypatch.setattr(recipe, "recipe_names", fail)
        return limner("recipes")

    return run


def test_a_wrong_input_says_what_where_and_what_to_do(failing):
    result = failing(DataError("the mask has no partner [sic]", where="masks/[a].png", fix="add images/[a].png"))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "error: the mask has no partner [sic]\n  where: masks/[a].png\n  fix:   add images/[a].png\n"


def test_what_the_system_refuses_is_no_bug(failing):
    result = failing(OSError(errno.ENOSPC, "No space left on device", "out/masks/a.png"))
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "where: out/masks/a.png" in result.stderr
    assert "free some space" in result.stderr


def test_a_bug_is_called_one_and_its_traceback_is_kept(failing, monkeypatch, tmp_path):
    monkeypatch.setattr(platformdirs, "user_log_path", lambda *_, **__: tmp_path / "logs")
    result = failing(ZeroDivisionError("division by zero"))
    assert result.exit_code == 70
    assert "bug in limner" in result.stderr
    assert "Traceback" not in result.output
    log = Path(re.search(r"traceback is in (.+)", result.stderr)[1])
    assert log.parent == tmp_path / "logs"
    assert "ZeroDivisionError: division by zero" in log.read_text()


def test_where_logs_cannot_be_written_the_temporary_folder_serves(failing, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(platformdirs, "user_log_path", lambda *_, **__: tmp_path / "file" / "logs")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert failing(ZeroDivisionError()).exit_code == 70
    assert len(list(tmp_path.glob("limner-*.log"))) == 1


@pytest.mark.parametrize("error", [ZeroDivisionError(), DataError("wrong"), OSError(errno.EACCES, "no")], ids=lambda e: type(e).__name__)
def test_debugging_shows_the_traceback(failing, monkeypatch, error):
    monkeypatch.setenv("LIMNER_DEBUG", "1")
    assert failing(error).exception is error


def test_ctrl_c_ends_without_a_traceback(failing):
    result = failing(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "stopped" in result.stderr


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["trian"], "'train'"),
        (["train"], "SOURCE"),
        (["train", "data", "--budget", "soon"], "10m"),
        (["train", "data", "--split", "tset=a.txt"], "train, val, test"),
        (["train", "data", "--resume"], "--out RUN"),
        (["evaluate", "model.onnx", "data"], "--out"),
        (["evaluate", "model.onnx", "data", "--out", "x", "--part", "some"], "some"),
        (["predict", "model.onnx", "--out", "x"], "INPUT"),
        (["predict", "model.onnx", "in", "--out", "x", "--resume", "--overwrite"], "one of them"),
        (["demo", "--style", "cat"], "cat"),
        (["recipes", "--colour"], "--colour"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(limner, args, word):
    result = limner(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert word in result.stderr
    assert "--help" in result.stderr


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["train", "no-such-folder", "--recipe", "phantom-unte"], "phantom-unet"),
        (["train", "no-such-folder", "--set", "epoch=3"], "epochs"),
        (["evaluate", "no-such.onnx", "data", "--out", "x"], "no-such.onnx"),
        (["predict", "no-such.onnx", "no-such-folder", "--out", "x"], "no-such-folder"),
        (["export", "no-such-run", "--out", "x.txt"], ".onnx"),
        (["recipes", "--show", "nothing"], "nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input(limner, args, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = limner(*args)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "fix:" in result.stderr
    assert word in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_training_without_its_packages_names_the_command_that_installs_them(limner, monkeypatch):
    monkeypatch.setattr(common, "find_spec", lambda _name: None)
    result = limner("train", "data")
    assert result.exit_code == 1
    assert "pip install 'limner[train]'" in result.stderr


@pytest.mark.parametrize(
    ("warning", "shown"),
    [
        (SeenInTrainingWarning("3 of 4"), "WARNING: 3 of 4\n"),
        (UserWarning("from a library"), "UserWarning: from a library\n"),
        (FutureWarning("for its authors"), ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_warnings_are_loud_if_they_are_ours(limner, monkeypatch, warning, shown):
    def warn():
        warnings.simplefilter("always")
        warnings.warn(warning, stacklevel=1)
        return []

    monkeypatch.setattr(recipe, "recipe_names", warn)
    result = limner("recipes", "--json")
    assert result.exit_code == 0
    assert result.stderr.endswith(shown)
    assert bool(result.stderr) == bool(shown)

"""kill -9 at any moment loses at most the epoch under way, and resuming ends where an uninterrupted run ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from limner.data.phantoms import write_phantoms
from limner.recipe import load_recipe
from limner.runtime import load
from limner.training.run import train_run
from limner.training.run_folder import RunFolder

SETTINGS = ["epochs=4", "batch_size=4", "data.input_size=32", "network.filters=[4,8]", "precision=float32"]
SCRIPT = Path(__file__).with_name("dying_run.py")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("phantoms") / "polyps", count=20, size=(32, 32))


def start(source, out, moment):
    command = [sys.executable, str(SCRIPT), str(source), str(out), moment, *SETTINGS]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def weights(out):
    """The weights of the best epoch and those of the last."""
    best = torch.load(RunFolder(out).best, weights_only=True)["network"]
    return best | torch.load(RunFolder(out).last, weights_only=True)["state_dict"]


def rows(out):
    lines = (out / "metrics.csv").read_text().splitlines()
    return [line.split(",")[:6] for line in lines]  # without the clock's columns


@pytest.mark.slow
def test_killed_again_and_again_it_ends_as_if_it_never_was(phantoms, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train_run(phantoms, load_recipe("phantom-unet", SETTINGS), whole, progress=False)
    torch.set_num_threads(threads)
    complete_epochs = {
        "in_the_first_epoch": 0,
        "before_the_second_epoch_is_saved": 1,
        "while_the_third_epoch_is_written": 2,
        "during_the_export": 4,
    }
    for moment, complete in complete_epochs.items():
        result = start(phantoms, broken, moment)
        assert result.returncode == -signal.SIGKILL, result.stderr
        assert RunFolder(broken).last.is_file() == (complete > 0)
        if complete:
            assert torch.load(RunFolder(broken).last, weights_only=True)["epoch"] == complete - 1
        assert not (broken / "model.onnx").exists()
    result = start(phantoms, broken, "never")
    assert result.returncode == 0, result.stderr
    assert rows(broken) == rows(whole)
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(broken)[name], value, atol=1e-6, rtol=1e-5)
    assert load(broken).threshold == load(whole).threshold

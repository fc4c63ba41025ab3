"""kill -9 at any moment loses at most the epoch under way, and resuming ends where an uninterrupted run ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.training.tiny import ENCODER, assert_equal, best, history, last, train

from limner.data.phantoms import write_phantoms
from limner.recipe import load_recipe
from limner.runtime import load
from limner.training.module import SegmentationModule
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
    return [line.split(",")[:-2] for line in lines]  # without the clock's columns


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


EVERYTHING = [
    *ENCODER,
    "epochs=9",
    "optimiser.ema_decay=0.9",
    "optimiser.freeze_encoder=0.3",
    "optimiser.accumulate=2",
    "optimiser.clip_norm=1",
    "schedule=plateau",
    "schedule.patience=0",
    "schedule.monitor=val_precision",
    "stopping.choose_by=val_loss",
    "stopping.stop_by=val_dice",
    "stopping.min_delta=1",
    "stopping.patience=6",
]


@pytest.fixture
def interruption(monkeypatch):
    """Ctrl-C in the middle of each epoch that is in the set."""
    epochs, end = set(), SegmentationModule.on_train_batch_end

    def interrupted(self, outputs, batch, batch_idx):
        end(self, outputs, batch, batch_idx)
        if batch_idx == 1 and self.current_epoch in epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(SegmentationModule, "on_train_batch_end", interrupted)
    return epochs


@pytest.mark.parametrize("settings", [EVERYTHING, [*EVERYTHING[:6], "schedule.momentum=[0.85, 0.95]", "stopping.choose_by=val_iou"]])
def test_interrupted_in_each_epoch_it_ends_bit_for_bit_as_if_it_never_was(tmp_path, interruption, settings):
    """With all that has a state of its own: average, frozen encoder, accumulation, plateau, early stopping."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = train(tmp_path / "whole", *settings)
    for epoch in range(len(history(whole))):
        interruption.clear()
        interruption.add(epoch)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "broken", *settings)
        assert epoch == 0 or rows(tmp_path / "broken") == rows(whole.path)[: epoch + 1]
    interruption.clear()
    broken = train(tmp_path / "broken", *settings)
    torch.set_num_threads(threads)
    assert rows(broken.path) == rows(whole.path)
    assert len(history(whole)) == (7 if settings is EVERYTHING else 9)
    assert len({row["learning_rate"] for row in history(whole)}) > 1
    for read in (best, last):
        assert_equal(flat(read(broken)), flat(read(whole)))


def flat(state, path=""):
    """Every value of a checkpoint under its path, but for those of the clock."""
    if isinstance(state, dict | list | tuple):
        pairs = state.items() if isinstance(state, dict) else enumerate(state)
        return {name: value for key, inner in pairs for name, value in flat(inner, f"{path}/{key}").items()}
    clock = ("elapsed_s", "validation_s", "seconds", "images_per_second")
    return {} if path.endswith(clock) else {path: state}

"""Two processes train one network: what they end with is what one process ends with."""

import csv
import json
import os
import subprocess
import sys

import pytest
import torch

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.models import build_network
from limner.recipe import load_recipe
from limner.training import fit as fit_module
from limner.training.fit import AverageStatistics, fit, fit_in_processes, new_network
from limner.training.module import SegmentationModule
from limner.training.pace import Pace
from limner.training.run import load_part
from limner.training.run_folder import RunFolder
from limner.training.shared import share

SETTINGS = [
    "batch_size=4",
    "data.input_size=32",
    "network.filters=[4,8]",
    "optimiser.name=sgd",
    "optimiser.learning_rate=0.1",
    "optimiser.weight_decay=0",
    "schedule=constant",
    "loss=bce",
    "trainer.accelerator=cpu",
    "trainer.precision=float32",
    "trainer.channels_last=off",
    "augmentation.blur=1",
    "augmentation.noise=0.05",
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """14 images to train on, 5 to validate on: the processes have unequal numbers of these."""
    data = open_source(write_phantoms(tmp_path_factory.mktemp("phantoms") / "polyps", count=19, size=(32, 32)))
    keys = sorted(data.keys())
    recipe = load_recipe("phantom-unet", SETTINGS)
    return load_part(data, keys[:14], recipe.data), load_part(data, keys[14:], recipe.data)


def train(parts, folder, *settings):
    """Train, and go on if there is something to go on from, in as many processes as the settings say."""
    recipe, run = load_recipe("phantom-unet", [*SETTINGS, *settings]), RunFolder(folder)
    if recipe.trainer.devices == 1:
        fit(new_network(recipe, run), recipe, *parts, run, progress=False)
    else:
        fit_in_processes(recipe, share(parts[0]), share(parts[1]), run, progress=False)
    return folder


def weights(folder):
    return torch.load(RunFolder(folder).last, weights_only=True)["state_dict"]


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_two_processes_and_then_one_end_where_one_process_does(parts, tmp_path):
    plain = ["network.norm=none"]
    alone = train(parts, tmp_path / "alone", *plain, "epochs=3")
    team = train(parts, tmp_path / "team", *plain, "epochs=2", "trainer.devices=2")
    train(parts, team, *plain, "epochs=3")
    begin, expected = new_network(load_recipe("phantom-unet", [*SETTINGS, *plain]), RunFolder(tmp_path)).state_dict(), weights(alone)
    assert all((value - expected[f"network.{name}"]).abs().max() > 1e-3 for name, value in begin.items() if name.endswith("weight"))
    for name, value in weights(team).items():
        torch.testing.assert_close(value, expected[name], atol=1e-5, rtol=1e-4)
    assert len(rows(team)) == 3
    for ours, theirs in zip(rows(team), rows(alone), strict=True):
        for name in ("train_loss", "val_loss", "val_dice", "val_iou", "learning_rate"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-3, abs=1e-5), name


@pytest.mark.parametrize("averaged", [False, True])
def test_before_a_validation_the_statistics_of_all_networks_are_averaged(monkeypatch, averaged):
    recipe = load_recipe("phantom-unet", [*SETTINGS, f"optimiser.ema_decay={0.9 * averaged}"])
    module = SegmentationModule(recipe, build_network(recipe.network), Pace(1))
    monkeypatch.setattr(fit_module, "average", lambda buffers: [buffer.fill_(7) for buffer in buffers])
    AverageStatistics().on_validation_start(None, module)
    statistics = [value for name, value in module.named_buffers() if "running" in name]
    assert len(statistics) == 2 * 2 * 3 * (1 + averaged)
    assert all((value == 7).all() for value in statistics)


LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "limner"]


@pytest.mark.slow
def test_processes_started_by_torchrun_make_one_run(tmp_path):
    write_phantoms(tmp_path / "polyps", count=16, size=(32, 32))
    settings = [*SETTINGS, "epochs=1", "trainer.devices=2", "network.norm=none"]
    command = [*LAUNCH, "train", "polyps", "--recipe", "phantom-unet", *(f"--set={setting}" for setting in settings), "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    (folder,) = (tmp_path / "runs").iterdir()
    assert told["run"] == str(folder.relative_to(tmp_path))
    assert json.loads((folder / "run.json").read_text())["devices"] == "2 x cpu"
    assert len(rows(folder)) == 1
    assert len(list((folder / "tensorboard").glob("events*"))) == 1
    assert (folder / "report.html").is_file()
    assert done.stderr.count("training on ") == 1

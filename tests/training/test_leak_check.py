"""The leak check that goes before each training."""

from __future__ import annotations

import json
import shutil

import pytest

from limner.data import load_split, open_source
from limner.data.phantoms import write_phantoms
from limner.data.splits import LeakWarning, load_leaks
from limner.errors import DataError
from limner.recipe import load_recipe
from limner.training import run as run_module
from limner.training.run import train_run

SETTINGS = ["epochs=1", "batch_size=4", "data.input_size=32", "network.filters=[4,8]"]


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("phantoms") / "polyps", count=20, size=(64, 64))


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Trains without exporting; gives the run folder and the steps that were told."""
    monkeypatch.setattr(run_module, "_export", lambda *_: None)

    def run(source, *settings, **arguments):
        steps = []
        recipe = load_recipe("phantom-unet", [*SETTINGS, *settings])
        out = train_run(source, recipe, tmp_path / "run", progress=False, on_step=steps.append, **arguments)
        return out, steps

    return run


@pytest.fixture
def planted(phantoms, tmp_path):
    """The phantoms, of which the second is the first again; and lists that have one of the two in train, the other in test."""
    source = shutil.copytree(phantoms, tmp_path / "polyps")
    keys = sorted(open_source(source).keys())
    shutil.copyfile(source / "images" / f"{keys[0]}.png", source / "images" / f"{keys[1]}.png")
    lists = {"train": tmp_path / "train.txt", "test": tmp_path / "test.txt"}
    lists["train"].write_text("\n".join([keys[0], *keys[6:]]))
    lists["test"].write_text("\n".join(keys[1:6]))
    return source, lists, keys


def test_a_drawn_split_is_clean_and_says_so(phantoms, train):
    out, steps = train(phantoms)
    sentence = "leak check: 20 images, 3 parts: no image or copy on both sides (of which patient or sequence they are is not known)"
    assert sentence in steps
    assert steps.index(sentence) < next(number for number, step in enumerate(steps) if step.startswith("training on"))
    assert json.loads((out / "leaks.json").read_text())["sentence"] == sentence


def test_lists_that_leak_are_warned_about_and_never_refused(planted, train):
    source, lists, keys = planted
    with pytest.warns(LeakWarning, match=f"scores on the test part will look better .*: 1 of 5 test images .*: {keys[0]} = {keys[1]}"):
        out, steps = train(source, split=lists)
    assert f"leak check: 1 of 5 test images is in train too: {keys[0]} = {keys[1]}" in steps
    assert [(leak.first, leak.second, leak.kind) for leak in load_leaks(out / "leaks.json").leaks] == [(keys[0], keys[1], "identical")]


def test_a_saved_split_is_checked_again_and_so_is_a_resumed_run(planted, train, tmp_path):
    source, lists, keys = planted
    with pytest.warns(LeakWarning):
        out, _ = train(source, split=lists)
    first = shutil.copytree(out, tmp_path / "first")
    shutil.rmtree(out)
    with pytest.warns(LeakWarning, match=keys[1]):
        out, _ = train(source, split=first / "split.json")
    with pytest.warns(LeakWarning, match=keys[1]):
        train(source, resume=True)
    (out / "leaks.json").unlink()
    with pytest.warns(LeakWarning, match=keys[1]):
        train(source, resume=True)
    assert (out / "leaks.json").is_file()


def test_copies_are_in_one_part_unless_that_is_switched_off(planted, train):
    source, _, keys = planted
    out, _ = train(source, "data.test_fraction=0.3")
    split = load_split(out / "split.json")
    assert split.part_of()[keys[0]] == split.part_of()[keys[1]]
    assert split.groups == dict.fromkeys(keys[:2], f"like {keys[0]}")
    assert "balanced by the size of the foreground" in split.origin


def test_the_recipe_decides_how_is_drawn(phantoms, train):
    out, _ = train(phantoms, "data.stratify=false", "data.lookalikes=false", r"data.group=\d\d$")
    assert load_split(out / "split.json").origin == "drawn at random in 20 groups: validation 0.15, test 0.2 of 20, seed 0"
    with pytest.raises(DataError, match="finds nothing in any of 20 keys"):
        train_run(phantoms, load_recipe("phantom-unet", [*SETTINGS, "data.group=^patient"]), out.with_name("b"), progress=False)
    assert not (out.with_name("b") / "split.json").exists()

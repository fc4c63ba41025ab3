from __future__ import annotations

import pytest
from tests.data.folders import image_bytes, mask_bytes, pairs, write_folder

from limner.data import make_split, open_source, save_split
from limner.errors import DataError
from limner.selection import SeenInTrainingWarning, select

KEYS = ["a", "b", "c", "d", "e"]


@pytest.fixture
def dataset(tmp_path):
    return open_source(write_folder(tmp_path / "data", pairs(KEYS)))


@pytest.fixture
def model(tmp_path, dataset):
    """Where the model of a run lies; the file itself is not looked at."""
    save_split(make_split(KEYS, val_fraction=0.2, test_fraction=0.4, seed=0), dataset, tmp_path / "run" / "split.json")
    return tmp_path / "run" / "model.onnx"


def test_the_test_part_of_the_runs_own_data(dataset, model):
    selection = select(dataset, split=None, part=None, model=model)
    assert (selection.part, len(selection.dataset)) == ("test", 2)


def test_all_of_it_for_a_model_elsewhere(dataset, model):
    """A file that only lies beside a split.json, under another name, is not known to be that run's."""
    selection = select(dataset, split=None, part=None, model=model.with_name("other.onnx"))
    assert (selection.part, len(selection.dataset)) == ("all", 5)


def test_more_data_around_the_runs_own_is_still_its_own(tmp_path, dataset, model):
    write_folder(tmp_path / "data", {"images/new.png": image_bytes(9), "masks/new.png": mask_bytes(9)})
    selection = select(open_source(tmp_path / "data"), split=None, part=None, model=model)
    assert (selection.part, len(selection.dataset)) == ("test", 2)


def test_seen_images_are_counted_and_warned_about(dataset, model):
    with pytest.warns(SeenInTrainingWarning, match="3 of the 5 images"):
        select(dataset, split=None, part="all", model=model)


def test_an_empty_part_is_an_error(tmp_path, dataset):
    save_split(make_split(KEYS, val_fraction=0.2, test_fraction=0, seed=0), dataset, tmp_path / "run" / "split.json")
    with pytest.raises(DataError, match="test part is empty"):
        select(dataset, split=None, part="test", model=tmp_path / "run" / "model.onnx")
    with pytest.raises(DataError, match="test part is empty"):
        select(dataset, split=tmp_path / "run" / "split.json", part=None, model=tmp_path / "elsewhere.onnx")

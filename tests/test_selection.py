from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.data.folders import image_bytes, mask_bytes, pairs, write_folder

from limner.data import make_split, open_source, save_split
from limner.errors import DataError
from limner.selection import HASH_DIGITS, SeenInTrainingWarning, SplitChangedWarning, select, short_hashes

KEYS = ["a", "b", "c", "d", "e"]


def fake_model(path, **training_data):
    """All that a selection asks of a model; the file itself is not looked at."""
    return SimpleNamespace(path=Path(path), metadata=SimpleNamespace(training_data=training_data))


@pytest.fixture
def dataset(tmp_path):
    return open_source(write_folder(tmp_path / "data", pairs(KEYS)))


@pytest.fixture
def split():
    return make_split(KEYS, val_fraction=0.2, test_fraction=0.4, seed=0)


@pytest.fixture
def older(tmp_path, dataset, split):
    """The model of a run, made when files did not hold hashes."""
    save_split(split, dataset, tmp_path / "run" / "split.json")
    return fake_model(tmp_path / "run" / "model.onnx", name="data")


@pytest.fixture
def exported(dataset, split):
    """A model file that lies alone, and knows by itself what it was made of."""
    parts = {part: [dataset[key].hashes()["image"][:HASH_DIGITS] for key in split.part(part)] for part in ("train", "val", "test")}
    return fake_model("somewhere/polyp.onnx", name="data", hashes=parts)


@pytest.fixture(params=["older", "exported"])
def model(request):
    return request.getfixturevalue(request.param)


def test_the_test_part_of_the_models_own_data(dataset, model, split):
    selection = select(dataset, split=None, part=None, model=model)
    assert (selection.part, selection.dataset.keys()) == ("test", split.test)
    assert (selection.seen, selection.notice) == (0, None)


def test_all_of_it_for_an_older_model_elsewhere(dataset, older):
    """A file that only lies beside a split.json, under another name, is not known to be that run's."""
    selection = select(dataset, split=None, part=None, model=fake_model(older.path.with_name("other.onnx")))
    assert (selection.part, len(selection.dataset)) == ("all", 5)


def test_what_the_file_says_counts_and_not_what_lies_beside_it(tmp_path, dataset, older):
    parts = {"train": [dataset["a"].hashes()["image"][:HASH_DIGITS]], "val": [], "test": []}
    with pytest.warns(SeenInTrainingWarning, match="1 of the 5 images"):
        assert select(dataset, split=None, part=None, model=fake_model(older.path, hashes=parts)).part == "all"


def test_more_data_around_the_models_own_is_still_its_own(tmp_path, dataset, model):
    write_folder(tmp_path / "data", {"images/new.png": image_bytes(9), "masks/new.png": mask_bytes(9)})
    selection = select(open_source(tmp_path / "data"), split=None, part=None, model=model)
    assert (selection.part, len(selection.dataset)) == ("test", 2)


def test_images_that_were_renamed_are_still_the_models_own(tmp_path, model):
    files = pairs(KEYS)
    renamed = write_folder(tmp_path / "renamed", {name.replace("/", "/new-"): data for name, data in files.items()})
    assert select(open_source(renamed), split=None, part=None, model=model).part == "test"


def test_seen_images_are_counted_and_warned_about(dataset, model):
    with pytest.warns(SeenInTrainingWarning, match="3 of the 5 images"):
        selection = select(dataset, split=None, part="all", model=model)
    assert selection.seen == 3
    assert selection.notice.startswith("3 of the 5 images")


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_part_that_was_seen_is_warned_about_whoever_names_it(tmp_path, dataset, split, exported, part):
    (tmp_path / "list.txt").write_text("\n".join(split.part(part)))
    with pytest.warns(SeenInTrainingWarning):
        listed = select(dataset, split={part: tmp_path / "list.txt"}, part=part, model=exported)
    with pytest.warns(SeenInTrainingWarning):
        chosen = select(dataset, split=None, part=part, model=exported)
    assert listed.seen == chosen.seen == len(split.part(part))


def test_a_model_of_unknown_origin_is_not_suspected(dataset):
    selection = select(dataset, split=None, part=None, model=fake_model("bare.onnx"))
    assert (selection.part, selection.seen) == ("all", 0)


def test_an_empty_part_is_an_error(tmp_path, dataset):
    save_split(make_split(KEYS, val_fraction=0.2, test_fraction=0, seed=0), dataset, tmp_path / "run" / "split.json")
    with pytest.raises(DataError, match="test part is empty"):
        select(dataset, split=None, part="test", model=fake_model(tmp_path / "run" / "model.onnx"))
    with pytest.raises(DataError, match="test part is empty"):
        select(dataset, split=tmp_path / "run" / "split.json", part=None, model=fake_model(tmp_path / "elsewhere.onnx"))


def test_files_that_are_not_those_of_a_given_split_are_named(tmp_path, dataset, older, split):
    key = split.test[0]
    write_folder(tmp_path / "data", {f"masks/{key}.png": mask_bytes(99)})
    with pytest.warns(SplitChangedWarning, match=f"1 file changed since .*: {key}: the mask has changed"):
        select(open_source(tmp_path / "data"), split=older.path.parent / "split.json", part=None, model=fake_model("bare.onnx"))


def test_files_of_other_parts_of_a_given_split_do_not_matter(tmp_path, dataset, older, split):
    values = json.loads((older.path.parent / "split.json").read_text())
    values["train"] |= {"gone": {"image": "0", "mask": "0"}}
    (tmp_path / "split.json").write_text(json.dumps(values))
    assert select(dataset, split=tmp_path / "split.json", part=None, model=fake_model("bare.onnx")).dataset.keys() == split.test


def test_the_images_of_a_split_by_short_hashes(older, dataset, split):
    found = short_hashes(older.path.parent / "split.json")
    assert found == {part: [dataset[key].hashes()["image"][:HASH_DIGITS] for key in split.part(part)] for part in ("train", "val", "test")}


def test_a_part_of_an_official_split(dataset):
    entry = SimpleNamespace(split_names=lambda: ["official"], split=lambda _name, keys: {"train": tuple(keys[:3]), "test": tuple(keys[3:])})
    known = replace(dataset, entry=entry)
    assert select(known, split=Path("official"), part=None, model=fake_model("bare.onnx")).dataset.keys() == ("d", "e")
    with pytest.raises(DataError, match="nothing for the val part, only for: train, test"):
        select(known, split=Path("official"), part="val", model=fake_model("bare.onnx"))


def test_predictions_of_unknown_origin_are_suspected_of_nothing(dataset, older, split):
    selection = select(dataset, split=None, part=None, model=None)
    assert (selection.part, len(selection.dataset), selection.seen) == ("all", 5, 0)
    named = select(dataset, split=older.path.parent / "split.json", part=None, model=None)
    assert (named.part, named.dataset.keys()) == ("test", split.test)
    with pytest.raises(DataError, match="nothing says which images are the test part"):
        select(dataset, split=None, part="test", model=None)

"""The real archives that lie beside the checkout."""

from __future__ import annotations

import pytest

from limner.data import open_source
from limner.data.options import SourceOptions

ARCHIVES = {
    "kvasir-seg": ("kvasir-seg/kvasir-seg.zip", 1000, 1000, {(352, 352)}),
    "cvc-clinicdb": ("cvc-clinicdb/CVC-ClinicDB.zip", 503, 24, {(288, 384)}),
    "dsb2018": ("dsb2018/stage1_train.zip", 664, 664, {(256, 256), (256, 320), (520, 696), (360, 360)}),
    "drive": ("drive/DRIVE.zip", 40, 40, {(584, 565)}),
    "chase-db1": ("chase_db1/CHASEDB1.zip", 28, 14, {(960, 999)}),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_whole_archive_by_name_and_by_path(shared, monkeypatch, name: str) -> None:
    place, count, groups, sizes = ARCHIVES[name]
    monkeypatch.setenv("LIMNER_DATA", str(shared / "data"))
    by_name, by_path = open_source(name), open_source(shared / "data" / place)
    assert by_name.name == name
    assert by_name.entry is by_path.entry is not None
    assert by_name.entry.name == name
    assert by_name.keys() == by_path.keys()
    assert len(by_name) == count
    assert by_name.problems == ()
    assert len({item.group or item.key for item in by_name}) == groups
    for item in by_name.items[:: count // 3]:
        sample = item.load()
        assert sample.image.shape[:2] in sizes
        assert sample.mask.shape == sample.image.shape[:2]
        assert 0 < sample.mask.mean() < 1


def test_nuclei_are_counted(shared) -> None:
    item = open_source(shared / "data" / "dsb2018" / "stage1_train.zip").items[0]
    assert item.mask is not None
    assert len(item.mask.files) > 1
    assert item.load_instances().max() == len(item.mask.files)
    assert ((item.load_instances() > 0) == item.load().mask).all()


def test_field_of_view_and_split_of_drive(shared) -> None:
    found = open_source(shared / "data" / "drive" / "DRIVE.zip")
    assert found.entry is not None
    assert found["21_training"].fov is not None
    assert found["21_training"].fov.name == "DRIVE/training/mask/21_training_mask.gif"
    parts = found.entry.split("official-20-20", found.keys())
    assert {part: len(keys) for part, keys in parts.items()} == {"train": 20, "test": 20}


def test_observers_of_chase_disagree(shared) -> None:
    place = shared / "data" / "chase_db1" / "CHASEDB1.zip"
    first, second = (open_source(place, options=SourceOptions(observer=observer)) for observer in (1, 2))
    assert first.keys() == second.keys()
    one, two = (found["Image_01L"].load().mask for found in (first, second))
    assert (one != two).any()
    assert 2 * (one & two).sum() / (one.sum() + two.sum()) > 0.6

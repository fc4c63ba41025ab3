"""Published archives, paired by their names alone."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from limner.data.pairing import pair_names

if TYPE_CHECKING:
    from pathlib import Path


def archive_names(path: Path) -> list[str]:
    return zipfile.ZipFile(path).namelist()


@pytest.mark.parametrize(
    ("archive", "images", "masks"),
    [
        ("kvasir-seg/kvasir-seg.zip", 1000, 1000),
        ("cvc-clinicdb/CVC-ClinicDB.zip", 503, 503),
        ("dsb2018/stage1_train.zip", 664, 28986),
    ],
)
def test_published_archives(shared, archive: str, images: int, masks: int) -> None:
    found = pair_names(archive_names(shared / "data" / archive))
    assert len(found.pairs) == found.images == images
    assert sum(len(pair.masks) for pair in found.pairs) == found.masks == masks
    assert found.problems == ()
    assert all(pair.fov is None for pair in found.pairs)


def test_nuclei_of_the_data_science_bowl_stay_with_their_image(shared) -> None:
    for pair in pair_names(archive_names(shared / "data" / "dsb2018" / "stage1_train.zip")).pairs:
        assert pair.image == f"{pair.key}/images/{pair.key}.png"
        assert all(mask.startswith(f"{pair.key}/masks/") for mask in pair.masks)


def test_drive_has_fields_of_view(shared) -> None:
    found = pair_names(archive_names(shared / "data" / "drive" / "DRIVE.zip"))
    assert len(found.pairs) == 40
    assert found.problems == ()
    for pair in found.pairs:
        number, part = pair.key.split("_")
        assert pair.image == f"DRIVE/{part}/images/{pair.key}.tif"
        assert pair.masks == (f"DRIVE/{part}/1st_manual/{number}_manual1.gif",)
        assert pair.fov == f"DRIVE/{part}/mask/{pair.key}_mask.gif"


@pytest.mark.parametrize(("observer", "suffix", "other"), [(1, "_1stHO", "_2ndHO"), (2, "_2ndHO", "_1stHO")])
def test_chase_has_two_observers(shared, observer: int, suffix: str, other: str) -> None:
    found = pair_names(archive_names(shared / "data" / "chase_db1" / "CHASEDB1.zip"), observer=observer)
    assert len(found.pairs) == 28
    assert all(pair.masks == (f"{pair.key}{suffix}.png",) for pair in found.pairs)
    assert [problem.files for problem in found.problems] == [tuple(sorted(f"{pair.key}{other}.png" for pair in found.pairs))]

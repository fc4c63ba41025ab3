"""Folders of phantoms: ordinary pairs, repeatable, and never over something else."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from limner.data.phantoms import phantom, write_phantoms
from limner.errors import DataError, OutputExistsError

SMALL = (32, 40)


def contents(folder):
    """Every file of a folder by its relative name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_layout_and_formats(tmp_path):
    folder = write_phantoms(tmp_path / "set", "polyp", count=2, size=SMALL)
    assert set(contents(folder)) == {
        "phantoms.json",
        *(f"{part}/polyp-000{number}.png" for part in ("images", "masks") for number in (0, 1)),
    }
    with Image.open(folder / "images/polyp-0001.png") as image, Image.open(folder / "masks/polyp-0001.png") as mask:
        assert image.mode == "RGB"
        assert mask.mode == "L"
        assert image.size == mask.size == SMALL[::-1]
        assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_files_hold_the_phantoms_bit_for_bit(tmp_path):
    folder = write_phantoms(tmp_path, "nuclei", count=2, size=SMALL, seed=3)
    expected = phantom("nuclei", 30_001, SMALL)
    with Image.open(folder / "images/nuclei-0001.png") as image, Image.open(folder / "masks/nuclei-0001.png") as mask:
        np.testing.assert_array_equal(np.asarray(image), expected.image)
        np.testing.assert_array_equal(np.asarray(mask) > 0, expected.mask)


def test_a_phantom_does_not_depend_on_the_count(tmp_path):
    few = contents(write_phantoms(tmp_path / "few", "vessel", count=1, size=SMALL))
    more = contents(write_phantoms(tmp_path / "more", "vessel", count=3, size=SMALL))
    assert all(more[name] == data for name, data in few.items() if name.endswith(".png"))


def test_seeds_share_no_picture(tmp_path):
    one, other = (contents(write_phantoms(tmp_path / str(seed), count=2, size=SMALL, seed=seed)) for seed in (0, 1))
    assert not {one[name] for name in one if "images" in name} & {other[name] for name in other if "images" in name}


def test_progress_counts_every_phantom(tmp_path):
    calls = []
    write_phantoms(tmp_path, count=3, size=SMALL, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_same_settings_again_draw_only_what_is_missing(tmp_path):
    before = contents(write_phantoms(tmp_path, count=2, size=SMALL))
    kept, lost = tmp_path / "images/polyp-0000.png", tmp_path / "masks/polyp-0001.png"
    stamp = kept.stat().st_mtime_ns
    lost.unlink()
    assert contents(write_phantoms(tmp_path, count=2, size=SMALL)) == before
    assert kept.stat().st_mtime_ns == stamp


@pytest.mark.parametrize("change", [{"seed": 1}, {"count": 3}, {"size": (40, 40)}, {"style": "vessel"}])
def test_other_settings_are_refused_and_nothing_is_touched(tmp_path, change):
    settings = {"style": "polyp", "count": 2, "size": SMALL}
    before = contents(write_phantoms(tmp_path, **settings))
    with pytest.raises(OutputExistsError, match="name a new or empty folder"):
        write_phantoms(tmp_path, **{**settings, **change})
    assert contents(tmp_path) == before


def test_a_folder_with_other_content_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match="thesis"):
        write_phantoms(tmp_path, count=1, size=SMALL)
    assert set(contents(tmp_path)) == {"thesis.txt"}


def test_a_strange_file_among_the_phantoms_is_refused(tmp_path):
    write_phantoms(tmp_path, count=1, size=SMALL)
    (tmp_path / "images/holiday.png").write_bytes(b"")
    with pytest.raises(OutputExistsError, match=r"holiday\.png"):
        write_phantoms(tmp_path, count=1, size=SMALL)


def test_a_damaged_note_is_refused(tmp_path):
    write_phantoms(tmp_path, count=1, size=SMALL)
    (tmp_path / "phantoms.json").write_text("{")
    with pytest.raises(OutputExistsError):
        write_phantoms(tmp_path, count=1, size=SMALL)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "set").write_text("")
    with pytest.raises(OutputExistsError, match="a file where the folder"):
        write_phantoms(tmp_path / "set", count=1, size=SMALL)


def test_hidden_files_are_no_content(tmp_path):
    (tmp_path / ".DS_Store").write_bytes(b"")
    write_phantoms(tmp_path, count=1, size=SMALL)
    assert json.loads((tmp_path / "phantoms.json").read_text())["count"] == 1


@pytest.mark.parametrize("bad", [{"count": 0}, {"count": 10_001}, {"style": "wart"}, {"size": (8, 8)}, {"seed": -1}])
def test_settings_out_of_range_write_nothing(tmp_path, bad):
    with pytest.raises(DataError):
        write_phantoms(tmp_path / "set", **{"count": 1, "size": SMALL, **bad})
    assert not (tmp_path / "set").exists()

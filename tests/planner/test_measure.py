"""Measuring: known shapes give known numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.data.folders import pairs, write_folder
from tests.imaging.pictures import disc

from limner.data import open_source
from limner.data.phantoms import phantom, write_phantoms
from limner.errors import DataError
from limner.imaging import encode_png
from limner.planner import measure
from limner.planner.facts import centre_lines, object_diameters
from limner.planner.survive import candidate_sizes, survival_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("width", [1, 2, 3, 6, 9])
def test_a_line_is_as_wide_as_it_is(width):
    mask = np.zeros((60, 200), bool)
    mask[20 : 20 + width] = True
    assert np.median(centre_lines(mask)[1]) == pytest.approx(width, abs=0.6)


def test_a_disc_is_as_wide_as_its_diameter():
    labels = disc(101, 30).astype(np.int32)
    assert object_diameters(labels)[0] == pytest.approx(60, abs=1)
    assert centre_lines(labels > 0)[1].max() == pytest.approx(60, abs=2)


def test_specks_are_no_objects():
    labels = np.zeros((50, 50), np.int32)
    labels[:10, :10] = 1
    labels[30, 30] = 2
    assert len(object_diameters(labels)) == 1
    assert object_diameters(np.zeros((5, 5), np.int32)) == ()


def test_sizes_keep_proportions_and_end_at_the_images_own():
    assert candidate_sizes(288, 384) == [(96, 128), (128, 192), (192, 256), (256, 320), (288, 384)]
    assert candidate_sizes(40, 40) == [(32, 32)]
    assert max(max(size) for size in candidate_sizes(4000, 6000)) == 1536


def test_thin_lines_are_lost_before_discs_are():
    lines = np.zeros((256, 256), np.int32)
    lines[::32, :] = 1
    (dice_128, lines_128, _), (dice_256, lines_256, _) = survival_of(lines, [(128, 128), (256, 256)])
    assert (dice_256, lines_256) == (1.0, 1.0)
    assert dice_128 < 0.7
    assert lines_128 < 0.6
    blob = disc(256, 60).astype(np.int32)
    assert survival_of(blob, [(64, 64)])[0][0] > 0.97
    dots = np.zeros((256, 256), np.int32)
    for number, place in enumerate(range(8, 250, 16), start=1):
        dots[place : place + 3, place : place + 3] = number
    dots[100:160, 10:70] = 99
    kept = survival_of(dots, [(32, 32)])[0][2]
    assert kept == pytest.approx(1 / 17)  # of sixteen dots and a square, the square


def test_a_folder_in_numbers(tmp_path: Path) -> None:
    image = np.full((64, 96, 3), (200, 100, 50), np.uint8)
    mask = np.zeros((64, 96), bool)
    mask[10:30, 20:40] = True
    files = {f"images/{key}.png": encode_png(image) for key in "abc"}
    files |= {f"masks/{key}.png": encode_png(mask if key != "c" else mask & False) for key in "abc"}
    files["images/a.png"] = encode_png(np.full((64, 96, 3), 20, np.uint8))
    found = measure(open_source(write_folder(tmp_path, files)))
    assert (found.images, found.measured, found.unreadable, found.sizes) == (3, 3, 0, 1)
    assert (found.height.middle, found.width.middle, found.long_side.middle) == (64, 96, 96)
    assert found.mean == (140.0, 73.33, 40.0)
    assert found.std[0] == pytest.approx(84.85, abs=0.01)
    assert (found.grey, found.dark, found.empty) == (0.3333, 0.3333, 0.3333)
    assert found.foreground.middle == pytest.approx(400 / 6144, abs=1e-4)
    assert found.objects.middle == 1
    assert found.diameter.middle == pytest.approx(22.57)
    assert [left.size for left in found.survival] == [(64, 96)]
    assert found.spacing_um is None
    assert not found.is_thin


def test_phantoms_are_what_they_look_like(tmp_path: Path) -> None:
    found = {}
    for style in ("polyp", "nuclei", "vessel"):
        ticks: list[tuple[int, int]] = []
        folder = write_phantoms(tmp_path / style, style, count=12, size=(128, 160))
        found[style] = measure(open_source(folder), progress=lambda done, total, ticks=ticks: ticks.append((done, total)))
        assert ticks[-1] == (24, 24)
        assert [done for done, _ in ticks] == sorted(done for done, _ in ticks)
    assert found["vessel"].is_thin
    assert not found["polyp"].is_thin
    assert not found["nuclei"].is_thin
    assert found["nuclei"].objects.middle > 4 > found["polyp"].objects.middle
    assert found["vessel"].survival[-1].lines == 1.0 if found["vessel"].survival[-1].size == (128, 160) else True
    assert found["polyp"].is_colour


def test_the_sample_is_bounded_and_always_the_same(tmp_path: Path) -> None:
    data = open_source(write_phantoms(tmp_path, "polyp", count=9, size=(64, 64)))
    first, again, all_of_it = measure(data, most=4), measure(data, most=4), measure(data)
    assert first == again
    assert (first.images, first.measured) == (9, 4)
    assert all_of_it.measured == 9


def test_what_cannot_be_read_is_left_out_and_counted(tmp_path: Path) -> None:
    files = pairs("abcd")
    files["images/b.png"] = files["images/b.png"][:40]
    found = measure(open_source(write_folder(tmp_path, files)))
    assert (found.measured, found.unreadable) == (3, 1)
    for key in "acd":
        files[f"images/{key}.png"] = b"no picture"
    with pytest.raises(DataError, match="limner doctor"):
        measure(open_source(write_folder(tmp_path / "broken", files)))


def test_an_object_over_the_whole_image_is_measured(tmp_path: Path) -> None:
    files = {"images/a.png": encode_png(phantom("polyp", 1, (64, 64)).image), "masks/a.png": encode_png(np.ones((64, 64), bool))}
    found = measure(open_source(write_folder(tmp_path, files)))
    assert found.foreground.middle == 1.0
    assert found.slenderness == pytest.approx(1.1, abs=0.2)


def test_real_vessels_are_thin_and_polyps_are_not(shared: Path) -> None:
    drive = measure(open_source(shared / "data" / "drive" / "DRIVE.zip"), most=6)
    assert drive.is_thin
    half = drive.what_is_left_at((256, 256))
    assert half is not None
    assert half.dice < 0.9
    assert half.lines < 0.7
    polyps = measure(open_source(shared / "data" / "cvc-clinicdb" / "CVC-ClinicDB.zip"), most=12)
    assert not polyps.is_thin
    assert polyps.groups == 24
    assert all(left.dice > 0.97 for left in polyps.survival)

"""Images and masks out."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.imaging.pictures import disc, gradient

from limner.errors import DataError
from limner.imaging import read_image, write_image, write_mask


def test_mask_is_a_single_channel_of_0_and_255(tmp_path) -> None:
    write_mask(tmp_path / "deep" / "m.png", disc(9, 3))
    with Image.open(tmp_path / "deep" / "m.png") as picture:
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture), disc(9, 3) * np.uint8(255))


def test_mask_as_jpeg_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="PNG only"):
        write_mask(tmp_path / "m.jpg", disc(9, 3))


def test_image_by_suffix(tmp_path) -> None:
    write_image(tmp_path / "a.PNG", gradient(8, 9))
    assert np.array_equal(read_image((tmp_path / "a.PNG").read_bytes(), name="a"), gradient(8, 9))
    smooth = np.full((8, 8, 3), 100, np.uint8)
    write_image(tmp_path / "a.jpg", smooth)
    assert (tmp_path / "a.jpg").read_bytes().startswith(b"\xff\xd8")
    with pytest.raises(DataError, match="no format"):
        write_image(tmp_path / "a.xyz", smooth)


def test_failure_leaves_no_file_and_the_old_one_whole(tmp_path) -> None:
    write_mask(tmp_path / "m.png", disc(9, 3))
    before = (tmp_path / "m.png").read_bytes()
    with pytest.raises((TypeError, ValueError)):
        write_mask(tmp_path / "m.png", np.zeros((2, 2, 2, 2), bool))
    assert (tmp_path / "m.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.png"]


def test_arrays_that_are_not_contiguous(tmp_path) -> None:
    write_image(tmp_path / "a.png", gradient(8, 9)[::2, ::-1])
    assert np.array_equal(read_image((tmp_path / "a.png").read_bytes(), name="a"), gradient(8, 9)[::2, ::-1])

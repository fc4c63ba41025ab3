"""Images and masks out."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.pictures import disc, gradient

from limner.errors import DataError
from limner.imaging import encode_png, read_image, write_image, write_mask
from limner.imaging.write import write_labels, write_probs


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


def test_probabilities_are_stored_with_16_bits(tmp_path) -> None:
    probs = np.linspace(0, 1, 77, dtype=np.float32).reshape(7, 11)
    write_probs(tmp_path / "deep" / "p.png", probs)
    with Image.open(tmp_path / "deep" / "p.png") as picture:
        assert np.array_equal(np.asarray(picture), np.rint(probs.astype(np.float64) * 65535))


@pytest.mark.parametrize(("most", "kind"), [(65535, np.uint16), (65536, np.int32)])
def test_labels_keep_their_numbers_whatever_these_are(tmp_path, most, kind) -> None:
    labels = np.array([[0, 1, most], [0, 2, 2]], np.int32)
    write_labels(tmp_path / "l.tif", labels)
    stored = tifffile.imread(tmp_path / "l.tif")
    assert stored.dtype == kind
    assert np.array_equal(stored, labels)
    with Image.open(tmp_path / "l.tif") as picture:
        assert np.array_equal(np.asarray(picture), labels)


def test_what_opencv_encodes_is_what_pillow_reads() -> None:
    for picture in (gradient(5, 7), gradient(5, 7)[..., 1], gradient(5, 7)[..., 0].astype(np.uint16) * 257):
        assert np.array_equal(np.asarray(Image.open(BytesIO(encode_png(picture)))), picture)


def test_more_pixels_than_jpeg_has_room_for_are_an_error(tmp_path, capfd) -> None:
    with pytest.raises(DataError, match=r"70000x1 pixels cannot be stored as \.jpg"):
        write_image(tmp_path / "a.jpg", np.zeros((1, 70000, 3), np.uint8))
    assert not list(tmp_path.iterdir())

"""The resident set."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from tests.data.folders import image_bytes, mask_bytes, pairs, write_folder, write_zip

from limner.data import load_resident, open_source
from limner.errors import DataError
from limner.imaging import resize_image, resize_mask

KEYS = [f"case{i}" for i in range(7)]


@pytest.fixture
def data(tmp_path):
    """Seven small pairs in an archive."""
    return open_source(write_zip(tmp_path / "a.zip", pairs(KEYS)))


def test_arrays_are_the_items_in_the_order_asked_for(data) -> None:
    order = ["case3", "case0", "case6"]
    resident = load_resident(data, order, (6, 5))
    assert resident.keys == tuple(order)
    assert len(resident) == 3
    assert (resident.images.shape, resident.images.dtype) == ((3, 6, 5, 3), np.uint8)
    assert (resident.masks.shape, resident.masks.dtype) == ((3, 6, 5), np.uint8)
    for index, key in enumerate(order):
        sample = data[key].load()
        assert np.array_equal(resident.images[index], resize_image(sample.image, (6, 5)))
        assert np.array_equal(resident.masks[index], resize_mask(sample.mask, (6, 5)))
    assert resident.masks.max() == 1


def test_own_size_is_kept_exactly(data) -> None:
    resident = load_resident(data, ["case1"], (8, 10))
    assert np.array_equal(resident.masks[0], data["case1"].load().mask)


@pytest.mark.parametrize(("size", "place"), [((6, 5), (4, 5, 1, 0)), ((4, 20), (4, 5, 0, 7)), ((32, 32), (26, 32, 3, 0))])
def test_an_image_that_keeps_its_aspect_ratio_lies_on_black_with_its_mask(data, size, place) -> None:
    resident = load_resident(data, ["case2", "case5"], size, keep_aspect=True)
    assert resident.places == (place, place)
    height, width, top, left = place
    for index, content in enumerate(resident.contents()):
        sample = data[resident.keys[index]].load()
        assert np.array_equal(content, resize_image(sample.image, (height, width)))
        image, mask = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
        image[top : top + height, left : left + width] = content
        mask[top : top + height, left : left + width] = resize_mask(sample.mask, (height, width))
        assert mask.any()
        assert np.array_equal(resident.images[index], image)
        assert np.array_equal(resident.masks[index], mask)


def test_images_that_fill_all_are_their_contents(data) -> None:
    resident = load_resident(data, ["case2", "case5"], (6, 5))
    assert resident.places is None
    assert np.array_equal(np.stack(list(resident.contents())), resident.images)


def test_progress_counts_up(data) -> None:
    seen: list[tuple[int, int]] = []
    load_resident(data, data.keys(), (4, 4), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 7) for i in range(1, 8)]


def test_nothing(data) -> None:
    assert load_resident(data, [], (4, 4)).images.shape == (0, 4, 4, 3)


def test_unknown_key(data) -> None:
    with pytest.raises(DataError, match="no item 'case9'"):
        load_resident(data, ["case1", "case9"], (4, 4))


def test_first_fault_is_raised_and_named(tmp_path) -> None:
    data = open_source(write_folder(tmp_path, pairs(KEYS) | {"images/case4.png": b"broken"}))
    with pytest.raises(DataError, match=r"case4\.png"):
        load_resident(data, data.keys(), (4, 4))


def test_sizes_must_agree(tmp_path) -> None:
    data = open_source(write_folder(tmp_path, {"images/a.png": image_bytes(), "masks/a.png": mask_bytes(size=(3, 3))}))
    with pytest.raises(DataError, match="the mask is 3x3 pixels, but its image 10x8"):
        load_resident(data, ["a"], (4, 4))


def test_what_does_not_fit_is_refused_beforehand(data, monkeypatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2_000_000_000))
    with pytest.raises(DataError, match=r"7 images of 20000x10000 need 5\.6 GB of memory, and 2\.0 GB are free"):
        load_resident(data, data.keys(), (10000, 20000))


def test_kvasir(shared) -> None:
    data = open_source(shared / "data" / "kvasir-seg" / "kvasir-seg.zip")
    resident = load_resident(data, data.keys()[:40], (256, 256))
    shares = resident.masks.reshape(40, -1).mean(axis=1)
    assert 0 < shares.min() < shares.max() < 1
    assert resident.images.std() > 20

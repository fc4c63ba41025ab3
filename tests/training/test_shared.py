"""Images in memory that processes share."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from limner.data.resident import NativeSet, ResidentSet
from limner.errors import DataError
from limner.training import shared
from limner.training.shared import share

RANDOM = np.random.default_rng(0)


def picture(*shape):
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def resident():
    return ResidentSet(("a", "b"), picture(2, 5, 7, 3), picture(2, 5, 7))


def native():
    sizes = [(5, 7), (1, 3), (8, 2)]
    return NativeSet(("a", "b", "c"), tuple(picture(*size, 3) for size in sizes), tuple(picture(*size) for size in sizes))


@pytest.mark.parametrize("make", [resident, native])
def test_what_is_opened_is_what_was_shared(make):
    part = make()
    opened = share(part).opened()
    assert type(opened) is type(part)
    assert opened.keys == part.keys
    assert len(opened.images) == len(opened.masks) == len(part)
    for ours, theirs in zip((*opened.images, *opened.masks), (*part.images, *part.masks), strict=True):
        assert np.array_equal(ours, theirs)


def test_nothing_is_copied_when_it_is_opened():
    handed = share(resident())
    handed.opened().masks[1, 2, 3] = 77
    assert handed.opened().masks[1, 2, 3] == 77
    assert handed.pixels.is_shared()


def test_what_is_handed_over_beside_the_shared_memory_is_small():
    large = ResidentSet(("a",), picture(1, 256, 256, 3), picture(1, 256, 256))
    assert len(pickle.dumps(share(large).rest)) < 1000


def test_too_little_shared_memory_is_told_before_it_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(shared, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(shared.shutil, "disk_usage", lambda _path: SimpleNamespace(free=100))
    with pytest.raises(DataError, match=r"0\.0 GB are free") as raised:
        share(resident())
    assert "--shm-size" in raised.value.fix

"""Silence for decoders, and for them only."""

from __future__ import annotations

import threading
import warnings

import pytest
from PIL import Image

from limner.imaging.quiet import quiet


def pillow_warns() -> None:
    warnings.warn_explicit("damaged", UserWarning, "Image.py", 1, module="PIL.Image")


def test_pillow_is_silenced_inside_only() -> None:
    with quiet():
        pillow_warns()
    with pytest.warns(UserWarning, match="damaged"):
        pillow_warns()


def test_others_are_heard_inside() -> None:
    with quiet(), pytest.raises(UserWarning, match="mine"):
        warnings.warn("mine", stacklevel=1)


def test_filters_are_restored_after_threads_that_overlap() -> None:
    before, inside, leave = list(warnings.filters), threading.Event(), threading.Event()

    def first() -> None:
        with quiet():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait()
    with quiet():
        leave.set()
        thread.join()
        pillow_warns()
    assert list(warnings.filters) == before


def test_warnings_of_size_are_silenced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with quiet():
        Image._decompression_bomb_check((5, 3))

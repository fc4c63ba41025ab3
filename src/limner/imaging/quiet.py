"""Silence for the warnings of decoders: what is wrong with a file is said once, by our error."""

from __future__ import annotations

import ctypes
import logging
import threading
import warnings
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import PIL

if TYPE_CHECKING:
    from collections.abc import Iterator

# They tell of each damaged tag by logging, which without a handler goes to the terminal.
for _logger in ("tifffile", "pydicom", "PIL"):
    logging.getLogger(_logger).addHandler(logging.NullHandler())

_LIBTIFF = ("../pillow.libs/libtiff*.so*", ".dylibs/libtiff*.dylib")  # beside Pillow's modules, in its wheels for Linux and macOS
_lock = threading.Lock()
_inside = 0
_saved: warnings.catch_warnings[None] | None = None


@cache
def silence_libtiff() -> None:
    """Keep the libtiff that Pillow brings from writing to standard error what it thinks of each tag.

    Pillow has no switch for it. Where the library is not found, as in builds that link it in, it goes on talking.
    """
    for pattern in _LIBTIFF:
        for path in Path(PIL.__file__).parent.glob(pattern):
            with suppress(OSError, AttributeError):
                library = ctypes.CDLL(str(path.resolve()))
                library.TIFFSetErrorHandler(None)
                library.TIFFSetWarningHandler(None)


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore what Pillow and pydicom warn of, and nothing else.

    Filters are the process's, not a thread's: so the first to enter sets them, and the last to leave restores them.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _saved  # noqa: PLW0603 - what it guards is global too
    with _lock:
        if _inside == 0:
            _saved = warnings.catch_warnings()
            _saved.__enter__()
            warnings.filterwarnings("ignore", module=r"(PIL|pydicom)(\.|$)")
        _inside += 1


def _leave() -> None:
    global _inside, _saved  # noqa: PLW0603
    with _lock:
        _inside -= 1
        if _inside == 0 and _saved is not None:
            _saved.__exit__(None, None, None)
            _saved = None

"""TIFF pages that Pillow has no mode for, read by tifffile: 16 bits per channel in planes, doubles, unusual numbers of channels."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.errors import DataError
from limner.imaging.quiet import quiet
from limner.imaging.refusal import USUALLY, check_size, one_line, unreadable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tifffile import TiffPage as TifffilePage

    from limner.imaging.tiff import TiffPage

_DEFLATE, _PACKBITS = {8, 32946}, 32773
_READ = {1, 5, _PACKBITS, *_DEFLATE}
_MAX_PACKBITS = 10_000_000  # bytes; without imagecodecs they are unpacked by Python code
_SAVE = "save it without compression, or as PNG"


def read_deep(data: bytes, page: TiffPage, *, name: str) -> NDArray[Any]:
    """Levels (H, W) or (H, W, 3) of a page; alpha is dropped.

    Raises:
        DataError: It is damaged, too large, compressed in another way than LZW, Deflate or PackBits, or no two-dimensional picture.
    """
    if page.compression not in _READ:
        raise unreadable(name, f"a TIFF of {page.bits} bits compressed by method {page.compression} is not read", fix=_SAVE)
    check_size(page.size, per_pixel=3 * page.samples * max(page.bits / 8, 1) + USUALLY, name=name)
    if page.compression == _PACKBITS and len(data) > _MAX_PACKBITS:
        raise unreadable(name, f"a TIFF of {page.bits} bits and of this size compressed by PackBits is not read", fix=_SAVE)
    try:
        with quiet():
            return _read(data, page, name)
    except DataError:
        raise
    except Exception as error:  # tifffile raises nearly any exception on damaged bytes
        reason = one_line(error)
        lacks = "imagecodecs" in reason
        raise unreadable(name, reason, **({"fix": f"pip install imagecodecs, or {_SAVE}"} if lacks else {})) from error


def _read(data: bytes, page: TiffPage, name: str) -> NDArray[Any]:
    import tifffile  # here, since few need it and it takes a tenth of a second

    with tifffile.TiffFile(BytesIO(data)) as tiff:
        found = tiff.pages[page.index]
        if not isinstance(found, tifffile.TiffPage) or (found.imagelength, found.imagewidth) != page.size:
            raise unreadable(name, "its TIFF tags contradict each other")
        if page.compression in _DEFLATE:
            _check_deflated(data, found, name)
        array, axes = np.asarray(found.asarray(maxworkers=1)), found.axes
    if axes == "SYX":
        array, axes = np.moveaxis(array, 0, -1), "YXS"
    if axes not in {"YX", "YXS"} or array.dtype.kind not in "biuf":
        raise unreadable(name, f"a TIFF page with the axes {axes} and values of type {array.dtype} is no two-dimensional picture")
    if axes == "YXS":
        array = array[..., :3] if array.shape[-1] >= 3 else array[..., 0]
    if array.shape[:2] != page.size or array.ndim > 3:
        raise unreadable(name, f"its pixels have the shape {array.shape}, not {page.size}")
    return np.ascontiguousarray(array)


def _check_deflated(data: bytes, page: TifffilePage, name: str) -> None:
    """Refuse a strip or tile of more than its size: tifffile unpacks without a bound."""
    expected = int(np.prod(page.chunks, dtype=np.int64)) * page.dtype.itemsize if page.dtype is not None else 0
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        unpack = zlib.decompressobj()
        unpack.decompress(data[offset : offset + count], expected + 1)
        if not unpack.eof and unpack.unconsumed_tail:
            raise unreadable(name, "a part of it unpacks to more than its size")

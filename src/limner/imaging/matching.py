"""Which pixels of a mask match the foreground that a user has named.

Levels, indices and label numbers are compared as stored, colours up to a difference of 8 in each channel. Lossy formats (JPEG and its
like) change what was written, so there levels and colours match up to a difference of 60, and levels below 120 cannot be named at all.
In a file of palette indices numbers are indices. Where nothing matches the mask is empty: this image has no such object.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from limner.errors import DataError
from limner.imaging.bands import by_bands, looked_up
from limner.imaging.levels import finite, grey, levels_in
from limner.imaging.mask_rule import NOISE_LEVEL
from limner.imaging.voc import BORDER, is_voc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.imaging.decode import Decoded
    from limner.imaging.foreground import Colour, Foreground
    from limner.types import MaskArray

_NEAR, _NEAR_LOSSY = 8, 60  # of 255


def matched(decoded: Decoded, foreground: Foreground, *, name: str) -> MaskArray:
    """The pixels that a user has named: by levels, by colours, or all that is not ground.

    Args:
        decoded: The mask.
        foreground: Anything but `dark`.
        name: The file's name, for errors.

    Raises:
        DataError: Class names are given, which pictures do not have, levels for a picture in colour, or small levels for a lossy one.
    """
    if unknown := foreground.unknown_to_pictures:
        shown = ", ".join(f"'{word}'" for word in unknown)
        raise DataError(
            f"the mask is a picture, and pictures have no names: {shown} is neither a level nor a colour",
            where=name,
            fix="name levels (`1,2`), a colour (`red`, `#ff0000`) or `nonzero`; class names are for annotation files",
        )
    if foreground.keyword == "nonzero":
        return _nonzero(decoded)
    parts = [_by_colours(decoded, foreground.colours)] if foreground.colours else []
    parts += [_by_values(decoded, foreground.values, name)] if foreground.values else []
    return reduce(np.logical_or, parts)


def _nonzero(decoded: Decoded) -> MaskArray:
    levels = finite(decoded.levels)
    if decoded.palette is not None and is_voc(decoded.palette, levels_in(levels)):
        return by_bands(levels, lambda rows: (rows != 0) & (rows != BORDER))
    if levels.ndim == 3:
        levels = by_bands(levels, lambda rows: np.maximum(np.maximum(rows[..., 0], rows[..., 1]), rows[..., 2]))
    if not decoded.lossy:
        return levels if levels.dtype == np.bool_ else np.asarray(levels != 0)
    high = levels.max()
    return np.zeros(levels.shape, np.bool_) if high < NOISE_LEVEL else np.asarray(levels > min(_NEAR_LOSSY, high / 2))


def _by_values(decoded: Decoded, values: frozenset[int], name: str) -> MaskArray:
    levels = decoded.levels
    if decoded.lossy and min(values) < 2 * _NEAR_LOSSY:
        raise _not_exact(min(values), name)
    if levels.ndim == 3:
        levels = _one_channel(levels, decoded, name)
    if levels.dtype == np.bool_:
        return (levels & bool(values & {1, 255})) | (~levels & (0 in values))
    if decoded.lossy:
        return reduce(np.logical_or, [_within(levels, (value,), _NEAR_LOSSY) for value in sorted(values)])
    wanted = np.array(sorted(values))
    if levels.dtype in (np.uint8, np.uint16):
        table = np.isin(np.arange(256 if levels.dtype == np.uint8 else 65536), wanted)
        return looked_up(table, levels)
    return by_bands(levels, lambda rows: np.isin(rows, wanted))


def _one_channel(levels: NDArray[Any], decoded: Decoded, name: str) -> NDArray[Any]:
    """The levels of a grey picture stored in three channels."""
    if decoded.lossy:
        return grey(levels)
    if any(bool((levels[..., 0] != levels[..., channel]).any()) for channel in (1, 2)):
        what = "the mask is in colour, so levels say nothing of it"
        raise DataError(what, where=name, fix="name a colour: `--foreground red`, `--foreground '#00ff00'`, or `nonzero`")
    return np.ascontiguousarray(levels[..., 0])


def _by_colours(decoded: Decoded, colours: frozenset[Colour]) -> MaskArray:
    near = _NEAR_LOSSY if decoded.lossy else _NEAR
    if decoded.palette is not None:
        apart = np.abs(decoded.palette[:, None].astype(np.int16) - np.array(sorted(colours), np.int16)).max(axis=2)
        return looked_up((apart <= near).any(axis=1), decoded.levels)
    levels, unit = decoded.levels, _unit(decoded)
    if levels.ndim == 2:  # only a grey can match a grey
        colours = frozenset(colour for colour in colours if max(colour) - min(colour) <= near)
    channels = 3 if levels.ndim == 3 else 1
    levels = levels.view(np.uint8) if levels.dtype == np.bool_ else finite(levels)
    empty = np.zeros(levels.shape[:2], np.bool_)
    return reduce(np.logical_or, [_within(levels, tuple(c * unit for c in colour[:channels]), near * unit) for colour in colours], empty)


def _unit(decoded: Decoded) -> float:
    """What a step of 1/255 is in stored levels."""
    if decoded.top is not None:
        return decoded.top / 255
    if decoded.levels.dtype == np.bool_:
        return 1 / 255
    if decoded.levels.dtype.kind == "f":
        return 1 / 255 if decoded.levels.size and float(np.nanmax(decoded.levels)) <= 1 else 1.0
    return 257.0 if decoded.levels.dtype.itemsize == 2 else 1.0


def _within(levels: NDArray[Any], colour: tuple[float, ...], near: float) -> MaskArray:
    """Where all channels are as near to a colour as this."""
    return by_bands(levels, lambda rows: _near_rows(rows, colour, near))


def _near_rows(rows: NDArray[Any], colour: tuple[float, ...], near: float) -> MaskArray:
    if rows.dtype == np.uint8:
        low, high = np.ceil(np.clip(np.array(colour) - near, 0, 255)), np.floor(np.clip(np.array(colour) + near, 0, 255))
        bounds = (tuple(low), tuple(high)) if rows.ndim == 3 else (float(low[0]), float(high[0]))
        inside = cv2.inRange(np.ascontiguousarray(rows), *bounds)
        return np.asarray(inside != 0)
    apart = np.abs(rows.astype(np.float64) - (colour if rows.ndim == 3 else colour[0])) <= near
    return np.asarray(apart.all(axis=2) if rows.ndim == 3 else apart)


def _not_exact(value: int, name: str) -> DataError:
    return DataError(
        f"the mask is of a lossy format (JPEG or its like), in which a level of {value} cannot be told from the ground",
        where=name,
        fix="export the masks again as PNG, or name `nonzero` for all that is not black",
    )

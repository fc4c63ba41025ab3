"""The error of a mask of more than two tones, which says what is in it and how to name what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from limner.errors import DataError
from limner.imaging.levels import levels_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.imaging.decode import Decoded

_SAMPLE = 1_000  # rows and columns that are looked at to tell which colours are the most common
_EXPORT = "store it with 0 for the ground and 255 for the object"


def not_two_tone(decoded: Decoded, *, name: str) -> DataError:
    """The error, worded for grey levels, palette indices or colours."""
    levels = decoded.levels
    if levels.ndim == 3:
        return _of_colours(levels, name)
    found = levels_in(levels, at_most=1000)
    kind = "grey levels" if decoded.palette is None else "palette indices"
    shown = ", ".join(f"{level:g}" for level in found[:6]) + (", ..." if len(found) > 6 else "")
    examples = [f"{level:g}" for level in found if level != 0 and level == int(level)][:2]
    return _error(f"{len(found)} {kind} ({shown})", ",".join(examples), name)


def same_brightness(decoded: Decoded, *, name: str) -> DataError:
    """The error of two colours of which neither is the brighter."""
    if decoded.palette is None:
        return _of_colours(decoded.levels, name)
    found = levels_in(decoded.levels)
    return _error(f"palette indices of one brightness ({', '.join(map(str, found[:6]))})", str(found[-1]), name)


def _of_colours(levels: NDArray[Any], name: str) -> DataError:
    rows, columns = (-(-size // _SAMPLE) for size in levels.shape[:2])
    found, many = np.unique(levels[::rows, ::columns].reshape(-1, levels.shape[2]), axis=0, return_counts=True)
    common = found[np.argsort(-many, kind="stable")]
    if levels.dtype != np.uint8:
        return _error(f"{len(found)} colours of {8 * levels.dtype.itemsize} bits", "red", name)
    written = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in common[:6]]
    example = next((colour for colour in written if colour != "#000000"), "#ff0000")
    return _error(f"{len(found)} colours ({', '.join(written)}{', ...' if len(found) > 6 else ''})", f"'{example}'", name)


def _error(what: str, example: str, name: str) -> DataError:
    some = f", `--foreground {example}` for some" if example else ""
    return DataError(
        f"the mask is not one of two tones: it holds {what} over whole areas",
        where=name,
        fix=f"say what is foreground: `--foreground nonzero` for all{some}; or {_EXPORT}",
    )

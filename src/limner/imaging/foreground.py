"""What a user names as foreground, where a mask holds more than two tones."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from PIL import ImageColor

from limner.errors import DataError

Colour: TypeAlias = tuple[int, int, int]
Keyword: TypeAlias = Literal["nonzero", "dark"]

EXAMPLES: Final = (
    "`nonzero`, `dark`, a level `1`, levels `1,2,7` or `1-20`, a colour `red` or `#ff0000`, or a class name of an annotation file"
)
_MAX_LEVELS = 65536
_NUMBERS = re.compile(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?")
_LIKE_A_COLOUR = re.compile(r"#.*|(rgb|hsl|hsv|hsb)a?\s*\(.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Foreground:
    """What counts as foreground. Two are equal if they mean the same.

    Attributes:
        text: As the user wrote it.
        keyword: `nonzero` for all that is not ground, `dark` for the darker of two tones; None where values are listed.
        values: Levels of grey masks, indices of palettes, numbers of labels, ids of categories.
        colours: RGB, 0 to 255. A word may be a colour to a picture and a class name to an annotation file.
        words: All that is no number, as written; class names, to annotation files.
        names: All listed words, numbers among them.
    """

    text: str = field(compare=False)
    keyword: Keyword | None = None
    values: frozenset[int] = frozenset()
    colours: frozenset[Colour] = frozenset()
    words: frozenset[str] = frozenset()
    names: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, text: str) -> Foreground:
        """Read what a user wrote; several values are separated by `,` or `;`.

        Raises:
            DataError: It is empty, a range runs backwards, or something that looks like a colour is none.

        Example:
            >>> sorted(Foreground.parse("1,2,5-7").values)
            [1, 2, 5, 6, 7]
            >>> Foreground.parse("red").colours == Foreground.parse("rgb(255, 0, 0)").colours
            True
            >>> Foreground.parse("adenoma, polyp").names
            ('adenoma', 'polyp')
        """
        names = tuple(part for raw in re.split(r"[;,](?![^()]*\))", text) if (part := raw.strip()))
        if not names:
            raise _wrong(text, "nothing is named as foreground")
        if len(names) == 1 and names[0].lower() in {"nonzero", "dark"}:
            return cls(text, "nonzero" if names[0].lower() == "nonzero" else "dark", names=names)
        numbers = {name: found for name in names if (found := _NUMBERS.fullmatch(name))}
        others = [name for name in names if name not in numbers]
        colours = frozenset(colour for name in others if (colour := _colour(text, name)) is not None)
        values = frozenset(value for found in numbers.values() for value in _range(text, found))
        return cls(text, None, values, colours, frozenset(others), names)

    @property
    def unknown_to_pictures(self) -> tuple[str, ...]:
        """Words that are no colours, in the order in which they were written."""
        return tuple(name for name in self.names if name in self.words and _pillow_colour(name) is None)

    def __str__(self) -> str:
        return self.text


def _range(text: str, found: re.Match[str]) -> range:
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise _wrong(text, f"the range {found[0]} runs backwards")
    if last - first >= _MAX_LEVELS:
        raise _wrong(text, f"the range {found[0]} holds more than {_MAX_LEVELS} levels")
    return range(first, last + 1)


def _colour(text: str, name: str) -> Colour | None:
    colour = _pillow_colour(name)
    if colour is None and _LIKE_A_COLOUR.fullmatch(name):
        raise _wrong(text, f"'{name}' is no colour")
    return colour


def _pillow_colour(name: str) -> Colour | None:
    try:
        red, green, blue, *_ = ImageColor.getrgb(name)
    except ValueError:
        return None
    return (red, green, blue) if max(red, green, blue) <= 255 else None


def _wrong(text: str, what: str) -> DataError:
    return DataError(what, where=f"foreground '{text}'", fix=f"write {EXAMPLES}")

"""How a source is to be read, where its files alone do not say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from limner.errors import DataError

if TYPE_CHECKING:
    from limner.imaging.foreground import Foreground


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a user may have to say about a source.

    Attributes:
        foreground: Which values, colours or class names are foreground; None for masks of two tones.
        observer: Whose masks are wanted, where several people drew them: 1 for the first.
        group: A regular expression that is searched for in each key; what its first group (or the whole of it) matches names the
            patient, sequence or slide that the image is from. None for what the catalog knows.
    """

    foreground: Foreground | None = None
    observer: int = 1
    group: str | None = None


DEFAULT_OPTIONS = SourceOptions()


def source_options(foreground: str | None = None, observer: int = 1, group: str | None = None) -> SourceOptions:
    """Options as a user writes them.

    Raises:
        DataError: The foreground cannot be understood, or the pattern is no regular expression.
    """
    try:
        re.compile(group or "")
    except re.error as error:
        what = f"the pattern for groups is no regular expression: {error}"
        raise DataError(what, where=group, fix="for example --group '^[^_]+'") from None
    from limner.imaging.foreground import Foreground

    return SourceOptions(Foreground.parse(foreground) if foreground is not None else None, observer, group)

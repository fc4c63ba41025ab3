"""Several people's masks of the same images: who drew which, told by the names."""

from __future__ import annotations

import re

from limner.data.affixes import has_no_affix
from limner.data.names import MASK_WORDS, words

_PEOPLE = "observer|expert|annotator|rater|reader|grader|radiologist|pathologist"
_DRAWN = rf"(\d+)(?:st|nd|rd|th)[-_ ]?(?:manual|ho|{_PEOPLE})|manual[-_ ]?(\d+)"
_NAMED = rf"(?:{_DRAWN}|(?:{_PEOPLE})(?:[-_ ]?(\d+)|[-_ ]([a-z])))"
_STARE = r"ah|vk"  # A. Hoover and V. Kouznetsova, who drew the vessels of STARE
_BEHIND = re.compile(rf"[-_. ]+{_NAMED}$|\.({_STARE})$", re.IGNORECASE)
_BEFORE = re.compile(rf"^{_NAMED}[-_. ]+(?=.)", re.IGNORECASE)
_DRAWN_BY = re.compile(rf"[-_. ]+(?:{_DRAWN})$|\.({_STARE})$|^(?:{_DRAWN})(?:[-_. ]|$)", re.IGNORECASE)
_WHOLE = re.compile(_NAMED, re.IGNORECASE)
_COUNTED = rf"(\d+)-(?:st|nd|rd|th)-(?:manual|ho|(?:{_PEOPLE})s?)"
_IN_WORDS = re.compile(rf"(?:^|-)(?:{_COUNTED}|(?:manual|{_PEOPLE})-(\d+)|(?:{_PEOPLE})-([a-z]))(?=-|$)")
_STARE_IN_WORDS = re.compile(rf"-({_STARE})$")


def observer_of(name: str) -> str:
    """The observer that a whole name means; empty where it means none.

    Example:
        >>> [observer_of(name) for name in ("manual1", "observer_02", "1stHO", "expert", "a_manual1")]
        ['1', '2', '1', '', '']
    """
    return _label(_WHOLE.fullmatch(name))


def split_observer(stem: str) -> tuple[str, str]:
    """A stem without the affix that names an observer, and the observer; empty where there is none.

    Example:
        >>> split_observer("Image_01L_2ndHO"), split_observer("im0001.ah"), split_observer("reader_1"), split_observer("rater2_a")
        (('Image_01L', '2'), ('im0001', 'ah'), ('reader_1', ''), ('a', '2'))
    """
    found = None if has_no_affix(stem) else _BEHIND.search(stem) or _BEFORE.search(stem)
    if not found or found[0] == stem:
        return stem, ""
    return stem[: found.start()] + stem[found.end() :], _label(found)


def surely_drawn(stem: str) -> bool:
    """Whether what names an observer in a stem speaks of drawing, too; `scan_reader_1` may be an image from a reader.

    Example:
        >>> surely_drawn("Image_01L_2ndHO"), surely_drawn("21_manual1"), surely_drawn("manual1"), surely_drawn("scan_reader_1")
        (True, True, True, False)
    """
    return _DRAWN_BY.search(stem) is not None


def observer_within(folder: str) -> tuple[str, str]:
    """The observer that a folder's name tells, and its other words; empty where there is none.

    Example:
        >>> observer_within("2nd_manual"), observer_within("train_masks_expertA"), observer_within("labels-vk"), observer_within("vk")
        (('2', ''), ('a', 'train-masks'), ('vk', 'labels'), ('', 'vk'))
    """
    tokens = words(folder)
    joined = "-".join(tokens)
    found = _IN_WORDS.search(joined) or (_STARE_IN_WORDS.search(joined) if MASK_WORDS & set(tokens) else None)
    if not found:
        return "", joined
    return _label(found), (joined[: found.start()] + joined[found.end() :]).strip("-")


def _label(found: re.Match[str] | None) -> str:
    """One spelling for the ways of counting people: `1st`, `01` and `1` are the same."""
    label = next((group for group in found.groups() if group), "") if found else ""
    return str(int(label)) if label.isdecimal() else label.lower()


def in_order(observers: set[str]) -> list[str]:
    """Observers by number, then by letter.

    Example:
        >>> in_order({"10", "2", "vk", "ah"})
        ['2', '10', 'ah', 'vk']
    """
    return sorted(observers, key=lambda label: (not label.isdecimal(), int(label) if label.isdecimal() else 0, label))

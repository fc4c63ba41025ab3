"""What a file's own name says: the affixes that tell images from masks, one mask from another, and the field of view.

In file names fewer words count than in folder names, since `lesion_07.png` and `frame_07.png` are ordinary images.
"""

from __future__ import annotations

import re

from limner.data.names import SUFFIXES

_SET_OFF = frozenset("-_. ")
_SEPARATOR = r"[-_. ]+"
_PREFIX = r"(?:masks?|msk|labels?|gt|seg|segmentation|annotation|ground[-_ ]?truth)"
_SUFFIX = rf"(?P<word>{_PREFIX}|lesion|anno|annot|target|manual)"
_NUMBERED = r"(?P<numbered>masks?)[-_. ]*(?P<part>\d+)"  # of several masks of one image: `a_mask_1`
_MASK = re.compile(rf"{_SEPARATOR}(?:{_SUFFIX}|{_NUMBERED})$|^(?P<first>{_PREFIX}){_SEPARATOR}", re.IGNORECASE)
_IMAGE_AFFIX = r"(?:image|img|orig|original)"
_IMAGE = re.compile(rf"{_SEPARATOR}{_IMAGE_AFFIX}$|^{_IMAGE_AFFIX}{_SEPARATOR}", re.IGNORECASE)
_FOV = re.compile(rf"{_SEPARATOR}(?:masks?[-_ ]?fov|fov(?:[-_ ]?masks?)?)$", re.IGNORECASE)
_NUMBER = re.compile(rf"{_SEPARATOR}(\d+)$")
_SPLIT = re.compile(rf"{_SEPARATOR}(?:train|training|test|testing|val|valid|validation)$", re.IGNORECASE)


_PICTURE = re.compile(rf"(?:{'|'.join(map(re.escape, sorted(SUFFIXES)))})$", re.IGNORECASE)
ONLY_CHANNEL = "_0000"  # what nnU-Net puts behind the name of an image that is one file


def has_no_affix(stem: str) -> bool:
    """Whether nothing in a stem is set off from the rest, as in most; a cheap look before the patterns."""
    return _SET_OFF.isdisjoint(stem)


def without_mask_affix(stem: str) -> str:
    """A stem without one suffix or prefix that names a mask; it must be set off by one of `-_. ` and leave something.

    Example:
        >>> [without_mask_affix(stem) for stem in ("a_mask", "a_mask_1", "label-01", "unmask", "mask", "lesion_1")]
        ['a', 'a', '01', 'unmask', 'mask', 'lesion_1']
    """
    return stem if has_no_affix(stem) else _MASK.sub("", stem, count=1) or stem


def without_fov_suffix(stem: str) -> str:
    """A stem without a suffix that names the field of view.

    Example:
        >>> [without_fov_suffix(stem) for stem in ("a_fov", "a_FOV_mask", "fov_a", "fov")]
        ['a', 'a', 'fov_a', 'fov']
    """
    return stem if has_no_affix(stem) else _FOV.sub("", stem, count=1) or stem


def mask_word(stem: str) -> tuple[str, str]:
    """The word by which a stem names a mask, in the singular, and the number behind it; empty where there is none.

    Example:
        >>> mask_word("a_masks"), mask_word("a_mask_01"), mask_word("a")
        (('mask', ''), ('mask', '01'), ('', ''))
    """
    found = None if has_no_affix(stem) else _MASK.search(stem)
    if not found or found[0] == stem:
        return "", ""
    word = found["word"] or found["numbered"] or found["first"]
    return word.lower().removesuffix("s"), found["part"] or ""


def identity(stem: str) -> str:
    """What is left of a stem without the affixes that tell images from masks, in lower case.

    Example:
        >>> [identity(stem) for stem in ("A_mask", "img_01", "img_01_mask", "train10")]
        ['a', '01', '01', 'train10']
    """
    if has_no_affix(stem):
        return stem.casefold()
    while (shorter := _IMAGE.sub("", without_mask_affix(stem), count=1) or stem) != stem:
        stem = shorter
    return stem.casefold()


def split_number(name: str) -> tuple[str, str]:
    """A name and the number at its end that is set off from it.

    Example:
        >>> split_number("a_01"), split_number("a1"), split_number("1")
        (('a', '01'), ('a1', ''), ('1', ''))
    """
    found = None if has_no_affix(name) else _NUMBER.search(name)
    return (name[: found.start()], found[1]) if found and found.start() else (name, "")


def without_split_word(name: str) -> str:
    """A name without the word at its end that tells which part of a data set it is from, as in DRIVE's `21_training`.

    Example:
        >>> [without_split_word(name) for name in ("21_training", "train", "train_1")]
        ['21', 'train', 'train_1']
    """
    return name if has_no_affix(name) else _SPLIT.sub("", name) or name


def without_picture_suffix(name: str) -> str:
    """A name without the suffix of its image, which some tools keep: `a.jpg.png` is the mask of `a.jpg`.

    Example:
        >>> without_picture_suffix("a.jpg"), without_picture_suffix("v1.2")
        ('a', 'v1.2')
    """
    return _PICTURE.sub("", name) or name

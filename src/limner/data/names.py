"""The words by which people tell images from masks, in folder and file names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal
from unicodedata import normalize

Role = Literal["image", "mask"]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".webp", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm"})
IMAGE_WORDS = frozenset(
    {"image", "images", "img", "imgs", "original", "originals", "orig", "picture", "pictures", "photo", "photos"}
    | {"frame", "frames", "input", "inputs", "raw", "jpegimages", "rgb"}
)
MASK_WORDS = frozenset(
    {"mask", "masks", "label", "labels", "gt", "gts", "groundtruth", "groundtruths", "truth", "seg", "segs"}
    | {"segmentation", "segmentations", "segmentationclass", "annotation", "annotations", "annot", "target", "targets"}
    | {"lesion", "lesions", "manual", "1stmanual", "2ndmanual"}
)
_JUNK_FOLDERS = frozenset({"__macosx", "__pycache__", "@eadir", "$recycle.bin"})

# In file names fewer words count than in folder names, since `lesion_07.png` and `frame_07.png` are ordinary images.
_MASK_PREFIX = r"(?:masks?|labels?|gt|seg|segmentation|annotation|ground[-_ ]?truth)"
_MASK_SUFFIX = rf"(?:{_MASK_PREFIX}|lesion|annot|target|manual)"
_IMAGE_AFFIX = r"(?:image|img|orig|original)"
_SEPARATOR = r"[-_. ]+"
_NUMBERED = rf"masks?{_SEPARATOR}\d+"  # of several masks of one image: `a_mask_1`
_MASK = re.compile(rf"{_SEPARATOR}(?:{_MASK_SUFFIX}|{_NUMBERED})$|^{_MASK_PREFIX}{_SEPARATOR}", re.IGNORECASE)
_IMAGE = re.compile(rf"{_SEPARATOR}{_IMAGE_AFFIX}$|^{_IMAGE_AFFIX}{_SEPARATOR}", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TWO_WORDS = re.compile(r"ground[-_ ]?truth", re.IGNORECASE)


def is_picture(name: str) -> bool:
    """Whether a relative name is that of a picture, and not of what systems leave behind (`__MACOSX/`, `._a.png`, hidden files).

    Example:
        >>> [is_picture(name) for name in ("images/a.PNG", "__MACOSX/images/._a.png", "images/.DS_Store", "a.csv")]
        [True, False, False, False]
    """
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part.lower() in _JUNK_FOLDERS for part in path.parts)
    return not hidden and path.suffix.lower() in SUFFIXES


def role_of(word: str) -> Role | None:
    """What a whole name says of its files; case and separators do not count.

    Example:
        >>> role_of("Ground Truth"), role_of("imgs"), role_of("Kvasir-SEG")
        ('mask', 'image', None)
    """
    simple = re.sub(r"[^0-9a-z]", "", word.lower())
    return "image" if simple in IMAGE_WORDS else "mask" if simple in MASK_WORDS else None


def role_within(folder: str) -> tuple[Role | None, str]:
    """What one word within a folder's name says, and the other words; two roles in one name say nothing.

    Example:
        >>> role_within("train_masks"), role_within("TrainImages"), role_within("ISIC2018_Training_GroundTruth")
        (('mask', 'train'), ('image', 'train'), ('mask', 'isic-2018-training'))
    """
    tokens = words(_TWO_WORDS.sub(" gt ", folder))
    roles = {role for token in tokens if (role := role_of(token))}
    rest = "-".join(token for token in tokens if role_of(token) is None)
    return (roles.pop() if len(roles) == 1 else None), rest


def words(name: str) -> list[str]:
    """The words and numbers of a name, in lower case.

    Example:
        >>> words("TrainSet_2018-b")
        ['train', 'set', '2018', 'b']
    """
    return [token.lower() for token in _WORDS.findall(name)]


def without_mask_affix(stem: str) -> str:
    """A stem without one suffix or prefix that names a mask; it must be set off by one of `-_. ` and leave something.

    Example:
        >>> [without_mask_affix(stem) for stem in ("a_mask", "a_mask_1", "label-01", "unmask", "mask", "lesion_1")]
        ['a', 'a', '01', 'unmask', 'mask', 'lesion_1']
    """
    return _MASK.sub("", stem, count=1) or stem


def identity(stem: str) -> str:
    """What is left of a stem without the affixes that tell images from masks, in lower case.

    Example:
        >>> [identity(stem) for stem in ("A_mask", "img_01", "img_01_mask", "train10")]
        ['a', '01', '01', 'train10']
    """
    while (shorter := _IMAGE.sub("", without_mask_affix(stem), count=1) or stem) != stem:
        stem = shorter
    return stem.casefold()


def normal(name: str) -> str:
    r"""One spelling for the ways in which systems store accents (macOS takes them apart).

    Example:
        >>> len(normal("e\u0301"))
        1
    """
    return normalize("NFC", name)

"""The words by which people tell images from masks, in folder and file names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal
from unicodedata import normalize

Role = Literal["image", "mask", "fov", "objects"]

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".webp", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".dcm", ".dicom"}
)
IMAGE_WORDS = frozenset(
    {"image", "images", "img", "imgs", "original", "originals", "orig", "picture", "pictures", "photo", "photos"}
    | {"frame", "frames", "input", "inputs", "raw", "jpegimages", "rgb"}
)
MASK_WORDS = frozenset(
    {"mask", "masks", "msk", "msks", "label", "labels", "gt", "gts", "groundtruth", "groundtruths", "truth", "seg", "segs"}
    | {"segmentation", "segmentations", "segmentationclass", "annotation", "annotations", "annot", "anno", "target", "targets"}
    | {"lesion", "lesions", "manual", "binary"}
)
# These tell only as whole names: a position under the microscope is an FOV, too, and `roi_images` are images.
FOV_WORDS = frozenset({"fov", "fovs", "fovmask", "fovmasks", "fieldofview", "fieldsofview", "roi", "rois"})
OBJECT_WORDS = frozenset({"segmentationobject", "segmentationobjects"})
_JUNK_FOLDERS = frozenset({"__macosx", "__pycache__", "@eadir", "$recycle.bin"})
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
        >>> role_of("Ground Truth"), role_of("imgs"), role_of("Kvasir-SEG"), role_of("FOV_masks"), role_of("SegmentationObject")
        ('mask', 'image', None, 'fov', 'objects')
    """
    simple = re.sub(r"[^0-9a-z]", "", word.lower())
    told: dict[Role, frozenset[str]] = {"image": IMAGE_WORDS, "mask": MASK_WORDS, "fov": FOV_WORDS, "objects": OBJECT_WORDS}
    return next((role for role, known in told.items() if simple in known), None)


def role_within(folder: str) -> tuple[Role | None, str]:
    """What one word within a folder's name says, image or mask, and the other words; two roles in one name say nothing.

    Example:
        >>> role_within("train_masks"), role_within("TrainImages"), role_within("ISIC2018_Training_GroundTruth")
        (('mask', 'train'), ('image', 'train'), ('mask', 'isic-2018-training'))
    """
    tokens = words(folder)
    roles: set[Role] = {role for token in tokens if (role := _role_within(token))}
    rest = "-".join(token for token in tokens if _role_within(token) is None)
    return (roles.pop() if len(roles) == 1 else None), rest


def _role_within(token: str) -> Role | None:
    return "image" if token in IMAGE_WORDS else "mask" if token in MASK_WORDS else None


def words(name: str) -> list[str]:
    """The words and numbers of a name, in lower case; ground truth is one word.

    Example:
        >>> words("TrainSet_2018-b"), words("Ground Truth")
        (['train', 'set', '2018', 'b'], ['gt'])
    """
    return [token.lower() for token in _WORDS.findall(_TWO_WORDS.sub(" gt ", name))]


def normal(name: str) -> str:
    r"""One spelling for the ways in which systems store accents (macOS takes them apart).

    Example:
        >>> len(normal("e\u0301"))
        1
    """
    return normalize("NFC", name)

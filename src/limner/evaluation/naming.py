"""Which picture of a folder is the prediction for which image: by name, never by order.

The stricter way of naming goes first: the image's own path or key, then its name alone, then both without the words by which tools mark
masks and predictions (`a_mask`, `a_pred`, `seg-a`, `a.jpg.png`; nnU-Net's image `a_0000` has the mask `a`). What one name could mean for
two images is taken for neither, and two pictures for one image are an error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from limner.data.affixes import ONLY_CHANNEL, identity, without_picture_suffix
from limner.data.names import normal
from limner.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_WORDS = (
    r"(?:pred|preds|predicted|predictions?|seg|segmentation|masks?|prob|probs|probability|probabilities|outputs?|results?|binary|saliency)"
)
_SUFFIX = re.compile(rf"(?:[-_. ]+{_WORDS})+$", re.IGNORECASE)
_PREFIX = re.compile(rf"^(?:{_WORDS}[-_. ]+)+", re.IGNORECASE)


class Named(NamedTuple):
    """An image that wants a prediction."""

    key: str
    file: str  # its relative posix name in its own source; the key again where it has none


class Matched(NamedTuple):
    """What was found.

    Attributes:
        files: Key -> name of its picture.
        missing: Keys without one.
        extra: Pictures that belong to no image.
    """

    files: dict[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def match_names(images: Sequence[Named], pictures: Iterable[str], *, where: str) -> Matched:
    """Find the picture of each image.

    Args:
        images: Those that want one.
        pictures: Relative posix names of the pictures.
        where: Their folder, for errors.

    Raises:
        DataError: Two pictures claim one image.

    Example:
        >>> images = [Named("a", "images/a.jpg"), Named("b", "images/b.jpg")]
        >>> match_names(images, ["a_mask.png", "B.png", "legend.png"], where="masks")
        Matched(files={'a': 'a_mask.png', 'b': 'B.png'}, missing=(), extra=('legend.png',))
    """
    left = sorted(pictures)
    files: dict[str, str] = {}
    claims: dict[str, list[str]] = defaultdict(list)
    for form in _FORMS:
        of_name = _only(images, form)
        for picture in left:
            for key in {of_name[name] for name in form(_Path(picture, picture)) if name in of_name}:
                claims[key].append(picture)
        for key, claimed in claims.items():
            if len(set(claimed) - {files.get(key)}) + (key in files) > 1:
                raise _twice(key, [*dict.fromkeys([*filter(None, [files.get(key)]), *claimed])], where)
            files.setdefault(key, claimed[0])
        taken = set(files.values())
        left = [picture for picture in left if picture not in taken]
        claims.clear()
    found = {image.key: files[image.key] for image in images if image.key in files}
    return Matched(found, tuple(image.key for image in images if image.key not in files), tuple(left))


class _Path(NamedTuple):
    key: str
    file: str


def _whole(path: _Path) -> set[str]:
    """Key and path, with the suffix and without it."""
    names = {normal(name) for name in path}
    return names | {without_picture_suffix(name) for name in names}


def _last(path: _Path) -> set[str]:
    """The last part of them, in lower case."""
    return {name.rsplit("/", 1)[-1].casefold() for name in _whole(path)}


def _bare(path: _Path) -> set[str]:
    """All of them without the words that mark a mask or a prediction, folders and all."""
    return {"/".join((*PurePosixPath(name).parts[:-1], _bared(PurePosixPath(name).name))).casefold() for name in _stems(path)}


def _bare_last(path: _Path) -> set[str]:
    return {_bared(PurePosixPath(name).name) for name in _stems(path)}


_FORMS: tuple[Callable[[_Path], set[str]], ...] = (_whole, _last, _bare, _bare_last)


def _stems(path: _Path) -> set[str]:
    return {normal(path.key), without_picture_suffix(normal(path.file)), without_picture_suffix(normal(path.key))}


def _bared(name: str) -> str:
    name = without_picture_suffix(without_picture_suffix(name)).removesuffix(ONLY_CHANNEL)
    name = _PREFIX.sub("", _SUFFIX.sub("", name) or name) or name
    return identity(without_picture_suffix(name))


def _only(images: Sequence[Named], form: Callable[[_Path], set[str]]) -> Mapping[str, str]:
    """The key that each name means, of names that mean one only."""
    keys: dict[str, set[str]] = defaultdict(set)
    for image in images:
        for name in form(_Path(*image)):
            keys[name].add(image.key)
    return {name: next(iter(of)) for name, of in keys.items() if len(of) == 1}


def _twice(key: str, pictures: Sequence[str], where: str) -> DataError:
    what = f"{len(pictures)} pictures could be the prediction for '{key}': {', '.join(pictures[:3])}"
    return DataError(what, where=where, fix="keep one of them, or give the folder that holds the masks alone")

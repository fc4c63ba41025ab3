"""From what a user names - files, folders, archives, patterns, videos, slides - to a plan of what is to be predicted."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from limner.batch.jobs import Clip, Job, Plan, output_names
from limner.data import open_source
from limner.data.archive import is_archive
from limner.data.names import is_picture
from limner.data.store import FileRef, FolderStore
from limner.data.wording import counted
from limner.errors import DataError, LimnerWarning
from limner.files import expand_home
from limner.imaging.slide import SCANNER_SUFFIXES, is_slide
from limner.imaging.video import is_live, is_video

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAGIC = re.compile(r"[*?\[]")


def plan(inputs: Iterable[str | Path]) -> Plan:
    """Find the images, slides and videos of all inputs, and name their outputs.

    Args:
        inputs: Files, folders, archives; patterns such as `scans/**/*.png`; videos, `webcam`, and the addresses of streams. What is
            given twice is taken once.

    Warns:
        LimnerWarning: An input holds files that could not be told apart from others.

    Raises:
        DataError: An input is not there or holds no images, or two images cannot be told apart by name.
    """
    found = _Found()
    for place in inputs:
        _add(place, found)
    _check_names([*(image.display for _, image in found.images), *found.videos])
    names = output_names([(root, image.name) for root, image in found.images])
    jobs = (_job(image, name) for (_, image), name in zip(found.images, names, strict=True))
    return Plan(tuple(jobs), tuple(_clips(list(found.videos))), tuple(found.left_out))


def _check_names(names: Iterable[str]) -> None:
    """Make sure that all names are text, since the tables that they go into are."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            what = f"the file's name is not UTF-8: {os.fsencode(name)!r}"
            raise DataError(what, fix="rename it; `convmv -f latin1 -t utf8 -r --notest FOLDER` does so for a whole folder") from None


@dataclass(slots=True)
class _Found:
    """What the inputs hold, as far as they have been looked at."""

    images: list[tuple[str, FileRef]] = field(default_factory=list)
    videos: dict[str, None] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)

    def take(self, root: str, image: FileRef) -> None:
        """Note an image, by the last folders of its input, unless it has been taken already."""
        if self._is_new(image.store.place / image.name):
            self.images.append((root, image))

    def take_video(self, path: Path) -> None:
        """Note a video, unless it has been taken already."""
        if self._is_new(path):
            self.videos[str(path)] = None

    def _is_new(self, path: Path) -> bool:
        before = len(self.seen)
        self.seen.add(path.resolve())
        return len(self.seen) > before


def _add(place: str | Path, found: _Found) -> None:
    path = expand_home(place)
    if is_live(place):
        found.videos[str(place)] = None
    elif not path.exists() and _MAGIC.search(str(place)):
        _add_matches(path, found)
    elif is_video(path) and not path.is_dir():
        found.take_video(_there(path))
    elif _is_picture_file(path):
        found.take(_last_folders(path.resolve().parent), FileRef(path.name, FolderStore(path.parent)))
    else:
        _add_source(path, found)


def _add_matches(pattern: Path, found: _Found) -> None:
    """The files that match a pattern, under their names within its fixed part; folders where no file does."""
    first = next(index for index, part in enumerate(pattern.parts) if _MAGIC.search(part))
    fixed = Path(*pattern.parts[:first])
    try:
        matches = sorted(fixed.glob(str(Path(*pattern.parts[first:]))))
    except ValueError as error:
        fix = "write `**` between slashes, as in a/**/*.png"
        raise DataError(f"the pattern cannot be read: {error}", where=str(pattern), fix=fix) from None
    files = [path for path in matches if path.is_file() and (_is_picture_file(path) or is_video(path) or is_archive(path))]
    folders = [path for path in matches if path.is_dir() and set(matches).isdisjoint(path.parents)]
    if not files and not folders:
        what = "no file of a kind that is read matches the pattern" if matches else "no file matches the pattern"
        raise DataError(what, where=str(pattern), fix="check it: `*` stands for any part of a name, `**` for any number of folders")
    store, root = FolderStore(fixed), _last_folders(fixed.resolve())
    for path in files or folders:
        if not _is_picture_file(path):
            _add(path, found)
        else:
            found.take(root, FileRef(path.relative_to(fixed).as_posix(), store))


def _add_source(path: Path, found: _Found) -> None:
    """The images in a folder or an archive, and the slides and videos in a folder."""
    store = FolderStore(path)
    names = sorted(store.names()) if path.is_dir() else []
    slides = [FileRef(name, store) for name in names if _is_slide_alone(path, name)]
    videos = [path / name for name in names if is_video(name)]
    try:
        dataset = open_source(path, masks=False)
    except DataError:
        if not slides and not videos:
            raise
        dataset = None
    if dataset is not None:
        found.left_out += [f"{path}: {problem}" for problem in dataset.problems if problem.kind == "left-out"]
        if doubts := [str(problem) for problem in dataset.problems if problem.kind != "left-out"]:
            warnings.warn(f"{counted(len(doubts), 'problem')} in {path}: {'; '.join(doubts[:3])}", LimnerWarning, stacklevel=4)
    root = _last_folders(path.resolve().parent / (dataset.name if dataset else path.name))
    for image in (*(item.image for item in dataset or ()), *slides):
        found.take(root, image)
    for video in videos:
        found.take_video(video)


def _is_slide_alone(folder: Path, name: str) -> bool:
    """A slide that is no picture by its name; those that are come with the other pictures."""
    return name.lower().endswith(SCANNER_SUFFIXES) and is_picture(f"{name}.png") and is_slide(folder / name)


def _is_picture_file(path: Path) -> bool:
    return path.is_file() and (is_picture(path.name) or is_slide(path))


def _there(path: Path) -> Path:
    if not path.exists():
        raise DataError("there is no such video", where=path, fix="check the path")
    return path


def _last_folders(path: Path) -> str:
    return "/".join(path.relative_to(path.anchor).parts[-2:])


def _job(image: FileRef, name: str) -> Job:
    job = Job(image, name)
    return Job(image, name, "slide") if job.path is not None and is_slide(job.path) else job


def _clips(sources: Sequence[str]) -> list[Clip]:
    files = [("", re.sub(r"[^\w-]+", "-", source)) if is_live(source) else _named(Path(source)) for source in sources]
    return [Clip(source, name) for source, name in zip(sources, output_names(files), strict=True)]


def _named(path: Path) -> tuple[str, str]:
    return _last_folders(path.resolve().parent), path.name

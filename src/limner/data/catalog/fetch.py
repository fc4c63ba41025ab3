"""Getting a data set into the data folder, from the net or from what somebody got by hand: whole, or not at all.

Until all is there and checked, it lies in `NAME.part` in the data folder, where the next try finds what has come; then it is renamed into
`NAME`. Archives stay as they are, since they are read in place. What a user gives is copied, never linked: a hard link would make one
file of theirs and ours, and whoever changed theirs would change the data set.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from limner.data.archive import is_archive, open_archive
from limner.data.catalog import data_folder, find
from limner.data.catalog.intake import Piece, Plan, by_hand, check_pairs, check_places, given, open_piece, plan_for
from limner.data.download import download, said
from limner.data.partial import alone
from limner.data.wording import counted
from limner.errors import DataError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from limner.data.catalog.entry import CatalogEntry, Download
    from limner.progress import Progress

MB = 10**6
_CHUNK = 2**20
_DOWNLOADED = "downloaded"
_ELSEWHERE = "name another data folder by the environment variable LIMNER_DATA"


@dataclass(frozen=True, slots=True)
class _Steps:
    """Whom to tell how far it is."""

    on_step: Callable[[str], None] | None
    progress: Progress | None

    def begin(self, text: str) -> None:
        if self.on_step is not None:
            self.on_step(text)

    def tick(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(done, total)

    def tick_bytes(self, done: int, total: int) -> None:
        self.tick(done // MB, max(done, total) // MB)


def fetch(
    entry: CatalogEntry,
    *,
    source: Path | Sequence[Path] | None = None,
    folder: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    on_step: Callable[[str], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Get a data set.

    Args:
        entry: The data set.
        source: What was got by hand: the archive or archives as they were downloaded, or folders with these or with what they unpack to.
            They are copied and left as they are. None to download.
        folder: The data folder.
        overwrite: Whether a copy that is there is replaced.
        progress: Called with the megabytes that have come and those of the whole; where a folder is filled, with files.
        on_step: Called with a line about each step as it begins.
        wait: How to wait some seconds before another try to download.

    Returns:
        Where it lies.

    Raises:
        DataError: It cannot be got, or there is nothing of it in the source.
        OutputExistsError: It is there already.

    Warns:
        LimnerWarning: There are more or fewer pairs than the data set has.
    """
    base, steps = folder or data_folder(), _Steps(on_step, progress)
    sources = [source] if isinstance(source, Path) else list(source or ())
    work = (base / entry.name).resolve().with_name(f"{entry.name}.part")  # on one disk with the data set's folder, even if that is a link
    with _plain_disk_errors(base), alone(base / entry.name), _tidy(work):
        _check_is_free(entry, base, overwrite=overwrite)
        pieces = given(entry, sources) if sources else _downloaded(entry, work, steps, wait)
        plan = plan_for(entry, pieces, base / entry.name)
        check_places(entry, plan, pieces, base)
        with _removed_if_wrong(work / _DOWNLOADED, ours=not sources):
            check_pairs(entry, plan, pieces)
        _install(plan, work, steps)
    return plan.target


def _check_is_free(entry: CatalogEntry, base: Path, *, overwrite: bool) -> None:
    if not overwrite and (found := find(entry, base)):
        fix = f"use it by its name: limner doctor {entry.name}; or replace it with --overwrite"
        raise OutputExistsError(f"the data set '{entry.name}' is there already", where=found, fix=fix)


# ---------------------------------------------------------------------------------------------------------------- from the net


def _downloaded(entry: CatalogEntry, work: Path, steps: _Steps, wait: Callable[[float], None]) -> list[Piece]:
    """All files of the official download. What an earlier try has brought is not asked for again."""
    if not entry.is_open:
        raise DataError(f"{entry.title} has to be got by hand", where=entry.address, fix=by_hand(entry))
    return [Piece.at(_get(entry, wanted, work, steps, wait)) for wanted in entry.downloads]


def _get(entry: CatalogEntry, wanted: Download, work: Path, steps: _Steps, wait: Callable[[float], None]) -> Path:
    target = work / _DOWNLOADED / wanted.file
    if target.exists():
        return target
    url = wanted.url or ""
    size = f" ({said(wanted.size)})" if wanted.size else ""
    steps.begin(f"downloading {wanted.file}{size} from {urlsplit(url).hostname}")
    download(
        url,
        target,
        sha256=wanted.sha256,
        md5=wanted.md5,
        size=wanted.size,
        otherwise=f"by hand: {by_hand(entry)}",
        progress=steps.tick_bytes,
        wait=wait,
    )
    _check_opens(entry, target, url)
    return target


def _check_opens(entry: CatalogEntry, path: Path, url: str) -> None:
    """What cannot be opened is not kept, or it would be taken for whole the next time."""
    if not is_archive(path):
        return
    try:
        open_archive(path)
    except DataError as error:
        path.unlink()
        fix = f"it has been removed; run the same again, or by hand: {by_hand(entry)}"
        raise DataError(f"what came is no archive that can be opened ({error.what})", where=url, fix=fix) from error


@contextmanager
def _removed_if_wrong(came: Path, *, ours: bool) -> Iterator[None]:
    """What was downloaded and is not the data set would be taken for whole the next time."""
    try:
        yield
    except DataError:
        if ours:
            shutil.rmtree(came, ignore_errors=True)
        raise


# ---------------------------------------------------------------------------------------------------------------- into its place


def _install(plan: Plan, work: Path, steps: _Steps) -> None:
    """Move what was downloaded, copy what is a user's."""
    ready = work / _DOWNLOADED
    if not plan.archives or any(place != ready / name for name, place in plan.archives.items()):
        ready = work / "copied"
        _copy(plan, ready, steps)
    if plan.home.exists():
        _replace_inside(plan.home, ready, work)
    else:
        os.replace(ready, plan.home)
    shutil.rmtree(work, ignore_errors=True)


def _replace_inside(home: Path, ready: Path, work: Path) -> None:
    """Whatever else lies in the folder stays."""
    for new in sorted(ready.iterdir()):
        if (home / new.name).is_dir():
            os.replace(home / new.name, work / f"replaced-{uuid4().hex[:8]}")
        os.replace(new, home / new.name)


def _copy(plan: Plan, ready: Path, steps: _Steps) -> None:
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir(parents=True)
    try:
        for name, place in plan.archives.items():
            _copy_file(place, ready / name, steps)
        if not plan.archives:
            _fill(plan, ready / plan.target.name, steps)
    except BaseException:
        shutil.rmtree(ready, ignore_errors=True)
        raise


def _copy_file(place: Path, ready: Path, steps: _Steps) -> None:
    total = place.stat().st_size
    steps.begin(f"copying {place.name} ({said(total)})")
    with place.open("rb") as source, ready.open("wb") as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)
            steps.tick_bytes(file.tell(), total)
        file.flush()
        os.fsync(file.fileno())


def _fill(plan: Plan, ready: Path, steps: _Steps) -> None:
    total = len(plan.files)
    steps.begin(f"copying {counted(total, 'file')}")
    stores = {piece.place: open_piece(piece.place) for piece, _, _ in plan.files}
    for done, (piece, name, inside) in enumerate(plan.files, start=1):
        path = ready / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stores[piece.place].read(name))
        steps.tick(done, total)


@contextmanager
def _tidy(work: Path) -> Iterator[None]:
    """Leave no empty folder behind."""
    try:
        yield
    finally:
        for folder in (work / _DOWNLOADED, work):
            with suppress(OSError):  # something that is worth keeping lies in it, or it is not there
                folder.rmdir()


@contextmanager
def _plain_disk_errors(base: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        what = "the disk is full" if full else f"the system refused: {error.strerror or error}"
        fix = f"free some space, or {_ELSEWHERE}" if full else f"check the permissions, or {_ELSEWHERE}"
        raise DataError(what, where=error.filename or base, fix=fix) from error

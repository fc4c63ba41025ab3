"""Files from the net: resumed where they broke off, checked, and whole or absent under their own name.

The bytes go into `NAME.part` beside the target; `NAME.part.json` holds what the server said of them. Running again goes on from there, if
the server can and the file is still the same (RFC 9110, sections 13.1.5 and 14), and starts anew if not. A lock keeps two processes apart.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import shutil
import time
import zlib
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from limner.data.partial import Notes, Part, alone
from limner.data.replies import BY_HAND, LATER, BadReplyError, check_is_no_page, refused, unreached
from limner.errors import DataError, OutputExistsError
from limner.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from limner.progress import Progress

TIMEOUT_S = (10.0, 60.0)  # to connect; between two pieces
WAITS_S = (1.0, 2.0, 5.0, 10.0)  # before each further try that gets no further than those before
REDIRECTS = 10
CHUNK = 2**16  # bytes; when a server falls silent, no more than this is lost
ROOM = 2**20  # bytes that are left free on the disk

_AGAIN = "run the same again"
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class _Job:
    url: str
    target: Path
    part: Part
    size: int | None
    hashes: dict[str, str]
    otherwise: str
    progress: Progress | None

    @property
    def resumable(self) -> int:
        """Bytes that need not come again. What can be compared neither with the server's file nor with a checksum is not trusted."""
        notes = self.part.notes()
        known = notes is not None and notes.url == self.url and bool(notes.validator or (self.hashes and not notes.encoding))
        return self.part.size if known else 0

    def error(self, what: str, fix: str) -> DataError:
        return DataError(what, where=without_password(self.url), fix=f"{fix}; {self.otherwise}" if self.otherwise else fix)

    def tick(self, total: int | None) -> None:
        if self.progress is not None:
            self.progress(self.part.size, total or 0)


def download(
    url: str,
    target: str | Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    size: int | None = None,
    overwrite: bool = False,
    otherwise: str = "",
    progress: Progress | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Get a file from the net. Environment variables name proxies and certificates, as for all programs that use `requests`.

    Args:
        url: Of http or https. It may lead on to others, but never from https back to http.
        target: The file. Until it is whole and right, nothing lies there.
        sha256: What its bytes must come to, in hexadecimal digits.
        md5: Likewise, for those who publish nothing better.
        size: How many bytes it must have.
        overwrite: Whether a file that is there is replaced.
        otherwise: What else a user can do, added to the advice of each error.
        progress: Called with the bytes that have come and those of the whole, 0 where the server does not say.
        wait: How to wait some seconds before another try.

    Returns:
        The target.

    Raises:
        DataError: It cannot be got, is not what was promised, or another process is getting it.
        OutputExistsError: Something is there.
    """
    target = Path(target)
    given = {"sha256": sha256, "md5": md5}
    hashes = {kind: digest.lower() for kind, digest in given.items() if digest}
    job = _Job(url, target, Part(target), size, hashes, otherwise, progress)
    with alone(target), requests.Session() as session:
        if target.exists() and not overwrite:
            raise OutputExistsError("the file is already there", where=target, fix="remove it, or say that it may be overwritten")
        session.headers.update({"Accept-Encoding": "identity", "User-Agent": "limner"})
        _fill(job, session, wait)
        _finish(job)
    return target


def without_password(url: str) -> str:
    """An address as it may be shown.

    Example:
        >>> without_password("https://me:secret@example.org:8080/a.zip")
        'https://example.org:8080/a.zip'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _fill(job: _Job, session: requests.Session, wait: Callable[[float], None]) -> None:
    """Try until the part is whole. Tries that got further than any before do not count, so a server that drops often still gets there."""
    start = furthest = job.resumable
    tries = 0
    while True:
        try:
            return _attempt(job, session)
        except BadReplyError as reply:
            reached = job.part.size
            tries = 0 if reached > furthest else tries + 1
            furthest = max(furthest, reached)
            hopeful = furthest > start if reply.again is None else reply.again
            if not hopeful or tries > len(WAITS_S):
                raise job.error(reply.what, _with_the_kept(job, reply.fix)) from reply
        wait(WAITS_S[max(tries, 1) - 1])


def _with_the_kept(job: _Job, fix: str) -> str:
    """The advice, and that what has come is not lost."""
    if not job.resumable:
        return fix
    fix = _AGAIN if fix == LATER else f"{fix}, or {_AGAIN}"
    return f"{fix}: what has come ({said(job.resumable)}) is kept in {job.part.path}, and it goes on from there"


def _attempt(job: _Job, session: requests.Session) -> None:
    """Ask once, and add what comes to the part."""
    start = job.resumable
    with _ask(job, session, start) as response:
        if response.status_code == 200:
            return _receive(job, response, None)
        if not start or response.status_code not in {206, 416}:
            raise refused(response.status_code)
        notes = job.part.notes()
        if notes is not None and _is_same(notes, response, start):
            return None if response.status_code == 416 else _receive(job, response, notes)
    job.part.remove()  # the file has changed, or the server cannot count
    return _attempt(job, session)


def _ask(job: _Job, session: requests.Session, start: int) -> requests.Response:
    """The answer for all bytes from `start` on, after all redirects."""
    headers = {"Range": f"bytes={start}-"} if start else {}
    notes = job.part.notes()
    if start and notes is not None and notes.validator:
        headers["If-Range"] = notes.validator
    url = job.url
    for _ in range(REDIRECTS + 1):
        _scheme(job, url)
        try:
            response = session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise unreached(error) from error
        except ValueError as error:  # a redirect that `requests` cannot read
            raise job.error(f"the address leads on to what is none: {error}", BY_HAND) from error
        if not response.is_redirect:
            return response
        response.close()
        url = _next(job, url, response.headers["location"])
    raise job.error(f"the address leads on more than {REDIRECTS} times, most likely in a circle", BY_HAND)


def _scheme(job: _Job, url: str) -> str:
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError as error:
        raise job.error(f"'{url}' is no address: {error}", BY_HAND) from error
    if scheme not in {"http", "https"}:
        raise job.error(f"addresses of the kind '{scheme}:' are not followed, only http and https", BY_HAND)
    return scheme


def _next(job: _Job, url: str, location: str) -> str:
    """Where a redirect leads."""
    to = urljoin(url, location)
    if _scheme(job, url) == "https" and _scheme(job, to) == "http":
        what = f"the address leads from https on to http ({without_password(to)}), where anyone on the way could change the file"
        raise job.error(what, BY_HAND)
    return to


def _is_same(notes: Notes, response: requests.Response, start: int) -> bool:
    """Whether an answer goes on exactly where the part ends, within the same file. Some servers know `Range`, but not `If-Range`."""
    found = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if found is None:
        return False
    first, total = found[1], found[3]
    fits = int(first) == start if response.status_code == 206 and first else response.status_code == 416 and total == str(start)
    new = _notes(notes.url, response)
    tags = new.etag in {None, notes.etag} and new.last_modified in {None, notes.last_modified}
    return fits and tags and new.encoding == notes.encoding and (total == "*" or notes.total in {None, int(total)})


def _notes(url: str, response: requests.Response) -> Notes:
    length, encoding = response.headers.get("Content-Length", ""), response.headers.get("Content-Encoding", "").strip().lower()
    return Notes(
        url,
        total=int(length) if length.isdecimal() else None,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        encoding="" if encoding == "identity" else encoding.removeprefix("x-"),
    )


def _receive(job: _Job, response: requests.Response, known: Notes | None) -> None:
    """Write a body to the part: behind what is there if the notes on that are given, else from the start."""
    notes = known or _notes(job.url, response)
    chunks = _chunks(response)
    first = next(chunks, b"")
    if known is None:
        _check_beginning(job, response, notes, first)
        job.part.begin(notes)
    total = notes.total or (None if notes.encoding else job.size)
    _write(job, chain([first], chunks), total)
    if total is not None and job.part.size < total:
        raise BadReplyError(f"the connection broke off after {said(job.part.size)} of {said(total)}", LATER, again=True)


def _check_beginning(job: _Job, response: requests.Response, notes: Notes, first: bytes) -> None:
    """Refuse what cannot be the file before any of the old part is given up."""
    check_is_no_page(first, response.headers.get("Content-Type", ""), notes.encoding)
    if notes.encoding not in {"", "gzip"}:
        raise BadReplyError(f"the server packs the file in a way that was not asked for ('{notes.encoding}')", BY_HAND)
    if not notes.encoding and None not in {notes.total, job.size} and notes.total != job.size:
        what = f"the server's file has {said(notes.total or 0)}, not the {said(job.size or 0)} of the file that was published"
        raise BadReplyError(what, "look on the data set's page whether there is a new version")
    free = shutil.disk_usage(job.part.path.parent).free + job.part.size
    if notes.total is not None and notes.total + ROOM > free:
        what = f"the disk has not enough room: the file takes {said(notes.total)}, {said(free)} are free"
        raise DataError(what, where=job.part.path.parent, fix="free some space, or choose a folder on another disk")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The bytes as they are sent, however they are packed: lengths and ranges count those."""
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except HTTPError as error:
        raise BadReplyError("the connection broke off", LATER, again=True) from error


def _write(job: _Job, chunks: Iterable[bytes], total: int | None) -> None:
    try:
        with job.part.path.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                file.flush()  # so that nothing is lost, however the process ends
                job.tick(total)
    except OSError as error:
        _explain_disk(job, error)


def _explain_disk(job: _Job, error: OSError) -> NoReturn:
    if error.errno not in _FULL:
        raise error
    kept = f"free some space and {_AGAIN}: what has come is kept, and it goes on from there"
    raise DataError("the disk is full", where=job.part.path, fix=kept) from error


def _finish(job: _Job) -> None:
    """Check the whole, and give it its name."""
    notes = job.part.notes()
    try:
        if notes is not None and notes.encoding and not _is_right(job, job.part.path):
            with atomic_path(job.target, durable=True) as plain:
                _unpack(job, plain)
                _check(job, plain)
        else:
            _check(job, job.part.path)
            with job.part.path.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(job.part.path, job.target)
    except OSError as error:
        _explain_disk(job, error)
    job.part.remove()


def _is_right(job: _Job, path: Path) -> bool:
    """Whether bytes that are said to be packed are the file already: many servers say so of any .tar.gz."""
    if job.hashes or job.size is not None:
        return not _wrong(job, path)
    if not job.target.name.lower().endswith((".gz", ".tgz")):
        return False
    try:
        with gzip.open(path) as inner:
            return inner.read(2) != b"\x1f\x8b"
    except (OSError, EOFError, zlib.error):
        return True


def _unpack(job: _Job, plain: Path) -> None:
    try:
        with gzip.open(job.part.path) as packed, plain.open("wb") as file:
            shutil.copyfileobj(packed, file, CHUNK)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _corrupt(job, f"it cannot be unpacked: {error}") from error


def _check(job: _Job, path: Path) -> None:
    if wrong := _wrong(job, path):
        raise _corrupt(job, wrong)


def _wrong(job: _Job, path: Path) -> str:
    """What is wrong with the whole; empty for nothing."""
    size = path.stat().st_size
    if job.size is not None and size != job.size:
        return f"it has {said(size)} instead of {said(job.size)}"
    for kind, wanted in job.hashes.items():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, kind).hexdigest()
        if found != wanted:
            return f"its {kind.upper()} is {found} instead of {wanted}"
    return ""


def _corrupt(job: _Job, what: str) -> DataError:
    job.part.remove()
    fix = f"it has been removed; {_AGAIN}, and if that does not help, look on the data set's page whether there is a new version"
    return job.error(f"the file that came is not the one that was published: {what}", fix)


def said(size: int) -> str:
    """A number of bytes, in words.

    Example:
        >>> said(640), said(20831772), said(11_000_000_000)
        ('640 bytes', '20.8 MB', '11.0 GB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"

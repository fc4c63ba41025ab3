"""Rows of probabilities that wait until it is known what becomes of their mask."""

from __future__ import annotations

import tempfile
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Self, cast

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from limner.types import ProbArray

_MOST_BYTES = 128_000_000  # in memory


class WaitingRows:
    """Rows, first in, first out; what does not fit into memory waits in a file that nobody sees. Use it as a context manager.

    Usually some dozen rows wait. It may be all of a slide, where the largest object alone is kept.

    Args:
        folder: Where there is room for that file.
        most_bytes: That are held in memory.
    """

    def __init__(self, folder: Path, most_bytes: int | None = None) -> None:
        self._folder, self._most = folder, _MOST_BYTES if most_bytes is None else most_bytes
        self._held: deque[ProbArray] = deque()
        self._bytes = self._width = 0
        self._file: BinaryIO | None = None
        self._stored: tuple[int, int] = (0, 0)  # where in the file what waits begins and ends

    def append(self, rows: ProbArray) -> None:
        """Add rows (h, W)."""
        self._width = rows.shape[1]
        if self._stored[0] == self._stored[1] and self._bytes + rows.nbytes <= self._most:
            self._held.append(rows)
            self._bytes += rows.nbytes
            return
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = cast("BinaryIO", tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 - closed by `__exit__`
        self._file.seek(self._stored[1])
        self._file.write(np.ascontiguousarray(rows).data)
        self._stored = (self._stored[0], self._file.tell())

    def take(self, count: int) -> ProbArray:
        """Take the first of them, of which there must be so many."""
        parts = []
        while count and self._held:
            first = self._held.popleft()
            self._bytes -= first.nbytes
            if len(first) > count:
                self._held.appendleft(first[count:])
                self._bytes += first[count:].nbytes
            parts.append(first[:count])
            count -= len(parts[-1])
        if count:
            parts.append(self._read(count))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _read(self, count: int) -> ProbArray:
        start, size = self._stored[0], count * self._width * 4
        if self._file is None or self._stored[1] - start < size:
            raise ValueError(f"there are no {count} rows more")
        self._file.seek(start)
        rows = np.frombuffer(self._file.read(size), np.float32).reshape(count, self._width)
        self._stored = (start + size, self._stored[1])
        return rows

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

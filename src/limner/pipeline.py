"""Work in stages that overlap: while one item is in a later stage, the next ones are in an earlier one, a few at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def ahead(work: Callable[[T], R], items: Iterable[T], *, depth: int = 2, workers: int = 1) -> Generator[R, None, None]:
    """`map(work, items)` in the background: results come in order, and at most `depth` of them are made before they are asked for.

    An exception of `work` is raised in its place. Where the caller stops early, what has begun is awaited and the rest is never begun.

    Args:
        work: Is called in other threads; of one worker, one item after the other.
        items: Taken in the caller's thread, at most `depth` of them before their results are asked for.
        depth: Bounds the memory: this many items or results wait.
        workers: Threads.

    Example:
        >>> list(ahead(str.upper, ["a", "b", "c"]))
        ['A', 'B', 'C']
    """
    remaining = iter(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="limner-stage") as pool:
        waiting: deque[Future[R]] = deque(pool.submit(work, item) for item in islice(remaining, depth))
        try:
            while waiting:
                first = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
                yield first
        finally:
            for future in waiting:
                future.cancel()

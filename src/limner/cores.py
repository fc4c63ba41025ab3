"""Work on all processor cores, by threads: decoding and NumPy's work go on beside each other."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from limner.progress import Progress

In = TypeVar("In")
Out = TypeVar("Out")


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(function: Callable[[In], Out], inputs: Sequence[In], *, progress: Progress | None = None) -> list[Out]:
    """Results of a function, in the order of its inputs. The first error, or Ctrl-C, ends it without waiting for the rest.

    Args:
        function: Is called in several threads at once.
        inputs: What it is called with.
        progress: Called in this thread after each result with how many there are, and of how many.

    Example:
        >>> on_all_cores(abs, [-1, 2, -3])
        [1, 2, 3]
    """
    with ThreadPoolExecutor(cores()) as pool:
        try:
            waiting = [pool.submit(function, value) for value in inputs]
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                if progress:
                    progress(done, len(waiting))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in waiting]

"""What the machine can do at best: a large matrix product in float32, which is about what convolutions are made of."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_SIDE = 2048
_LEAST = 2

# The libraries that NumPy may multiply with read their number of threads from here, once, when NumPy is imported.
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def measure_peak(seconds: float, *, side: int = _SIDE, timer: Callable[[], float] = perf_counter) -> float:
    """GFLOP/s of the fastest of several products of two square matrices; a multiplication and an addition are two operations.

    Args:
        seconds: How long to try, two products at least.
        side: Rows and columns of the matrices.
        timer: Seconds from any beginning on.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.random((side, side), dtype=np.float32) for _ in range(2))
    product = left @ right  # its memory is taken here, outside of the clock
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < _LEAST:
        start = timer()
        np.matmul(left, right, out=product)
        taken.append(timer() - start)
    return 2 * side**3 / min(taken) / 1e9

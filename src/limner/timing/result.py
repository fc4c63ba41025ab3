"""What a benchmark has found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.timing.images import TestImages

# Providers that compute on the processor's cores, whose strength is measured beside them.
ON_PROCESSOR = frozenset({"cpu", "openvino"})


@dataclass(frozen=True, slots=True)
class Clock:
    """Frames per second by one clock.

    Attributes:
        rounds: In each round: images divided by seconds.
    """

    rounds: tuple[float, ...]

    @property
    def fps(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def spread(self) -> float:
        """Half the range of the rounds, as a share of their median.

        Example:
            >>> Clock((9.0, 10.0, 12.0)).spread
            0.15
        """
        return (max(self.rounds) - min(self.rounds)) / 2 / self.fps


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one prediction takes, by the network clock, in milliseconds: percentiles of all predictions of all rounds."""

    p50: float
    p90: float
    p95: float
    p99: float
    n: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency:
        """From the seconds of each prediction; between two of them, percentiles are interpolated linearly.

        Example:
            >>> Latency.of([0.010, 0.020, 0.030]).p50
            20.0
        """
        p50, p90, p95, p99 = (float(value) for value in np.percentile(np.asarray(seconds) * 1000, [50, 90, 95, 99]))
        return cls(p50, p90, p95, p99, len(seconds))


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One model on one provider.

    Attributes:
        model: What the user calls it.
        path: The file.
        precision: `float32`, `float16` or `int8`.
        provider: What really runs it.
        input_size: Height and width of what the network sees, in pixels.
        sampling: `resize`, or `patches` of that size.
        network: Frames per second by the network clock.
        file: Frames per second by the file clock.
        latency: By the network clock; of a whole batch where there are batches.
        parameters: Number of weights; None in files of an older limner.
        gflops: Floating-point operations for one image, in 10^9; None in these, and of models of patches, which see an image in pieces.
        file_bytes: Size of the file.
        memory_bytes: Most memory of the process that ran it: Python and all libraries, the model, the images.
        peak_share: GFLOP/s achieved, as a share of the processor's measured float32 peak; None without `gflops`, and off the processor.
        ratio: Frames per second by the network clock, divided by the first row's.
    """

    model: str
    path: str
    precision: str
    provider: str
    input_size: tuple[int, int]
    sampling: str
    network: Clock
    file: Clock
    latency: Latency
    parameters: int | None
    gflops: float | None
    file_bytes: int
    memory_bytes: int
    peak_share: float | None
    ratio: float = 1.0

    @property
    def gflops_per_second(self) -> float | None:
        """What the model achieves by the network clock."""
        return None if self.gflops is None else self.gflops * self.network.fps


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model that could not be run on a provider, and why."""

    model: str
    provider: str
    reason: str


@dataclass(frozen=True, slots=True)
class BenchResult:
    """All rows, and how they were measured.

    Attributes:
        rows: In the order of the models, then of the providers.
        left_out: What could not be run, where all providers were asked for.
        machine: Processor, cores, memory, system.
        versions: Of limner and of what runs the models.
        threads: Per prediction.
        peak_gflops: GFLOP/s of a float32 matrix product with as many threads, the best of all rounds.
        images: What it was measured on.
        batch: Images predicted at once by the network clock.
        rounds: How often each configuration was measured, in turn with the others.
        seconds: How long a round lasts by each clock, about.
        busy: Share of the machine's processor time that other programs took just before.
    """

    rows: tuple[BenchRow, ...]
    left_out: tuple[LeftOut, ...]
    machine: dict[str, str | int | float]
    versions: dict[str, str]
    threads: int
    peak_gflops: float
    images: TestImages
    batch: int
    rounds: int
    seconds: float
    busy: float

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values; what is computed from the rounds stands beside them."""
        return {**asdict(self), "rows": [_row_json(row) for row in self.rows]}


def _row_json(row: BenchRow) -> dict[str, Any]:
    clocks = {name: {"fps": clock.fps, "spread": clock.spread, "rounds": clock.rounds} for name, clock in _clocks(row).items()}
    return {**asdict(row), **clocks, "gflops_per_second": row.gflops_per_second}


def _clocks(row: BenchRow) -> dict[str, Clock]:
    return {"network": row.network, "file": row.file}

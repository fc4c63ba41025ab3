"""A benchmark as tables: two for people, one with everything for a CSV or Markdown file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from limner.errors import DataError
from limner.files import write_text
from limner.report.tables import table as markdown_table

if TYPE_CHECKING:
    from pathlib import Path

    from limner.timing.result import BenchResult, BenchRow

_UNKNOWN = "-"
_BUSY = 0.1  # a share of the processor that more than a desktop at rest takes


class Table(NamedTuple):
    """A title, headings, rows of text, and which columns are aligned to the right."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    right: list[str]


def speed_table(result: BenchResult) -> Table:
    """How fast each configuration is."""
    columns = ["model", "precision", "provider", "network", "file", "p50", "p95", "p99", "ratio"]
    rows = [[*_who(row), *_speed(row)] for row in result.rows]
    return Table("Frames per second by two clocks, and latency in ms", columns, rows, columns[3:])


def cost_table(result: BenchResult) -> Table:
    """What each configuration takes."""
    columns = ["model", "precision", "provider", "weights", "GFLOPs", "file", "memory", "of peak"]
    rows = [[*_who(row), *_cost(row)] for row in result.rows]
    return Table("What it takes", columns, rows, columns[3:])


def told(result: BenchResult) -> list[str]:
    """The sentences without which the numbers mean nothing: machine, images, clocks."""
    machine, batch = result.machine, "one at a time" if result.batch == 1 else f"{result.batch} at once"
    kinds = "/".join(dict.fromkeys(_kind(row) for row in result.rows))
    libraries = ", ".join(f"{name} {number}" for name, number in result.versions.items() if name not in {"limner", "numpy"})
    strength = f"{_threads(result.threads)} per prediction; float32 peak {result.peak_gflops:.0f} GFLOP/s (matrix product)"
    return [
        f"machine: {machine['processor']}, {machine['cores']} physical cores, {machine['memory_gib']} GiB, {machine['system']}.",
        f"runs on: {libraries}; {strength}.",
        f"images:  {result.images.count} {result.images.origin}, {result.images.sizes_told}.",
        f"network: decoded images in memory, {kinds}, {batch}: the prediction alone (as Medico 2020 counts); latencies are by this clock.",
        "file:    from the encoded file to the written mask, as `limner predict` does, masks only.",
        f"Median of {result.rounds} rounds of about {result.seconds:g} s, configurations in turn; ±: half the range of the rounds.",
    ]


def doubt(result: BenchResult) -> str | None:
    """Why the numbers should not be relied on; None where nothing is known against them."""
    if result.busy <= _BUSY:
        return None
    return f"other programs took {result.busy:.0%} of the processor just before: the numbers are too low, and ratios may be wrong too"


def as_csv(result: BenchResult) -> str:
    """Everything in one table, numbers in full."""
    text = io.StringIO()
    rows = [_full(row) for row in result.rows]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_markdown(result: BenchResult) -> str:
    """Both tables and the sentences."""
    tables = [f"**{table.title}**\n\n{markdown_table(table.columns, table.rows)}" for table in (speed_table(result), cost_table(result))]
    return "\n\n".join([*tables, "\n".join(f"- {sentence}" for sentence in [*told(result), *filter(None, [doubt(result)])])]) + "\n"


_WRITERS = {".csv": as_csv, ".md": as_markdown}


def check_suffix(path: Path) -> None:
    """Make sure, before anything is measured, that the table can be written there.

    Raises:
        DataError: The suffix is neither .csv nor .md.
    """
    if path.suffix.lower() not in _WRITERS:
        raise DataError("a benchmark is written as CSV or Markdown", where=path, fix="give a name that ends in .csv or .md")


def write_table(result: BenchResult, path: Path) -> None:
    """Write a CSV or Markdown file, by the suffix."""
    write_text(path, _WRITERS[path.suffix.lower()](result))


def _who(row: BenchRow) -> list[str]:
    return [row.model, row.precision, row.provider]


def _speed(row: BenchRow) -> list[str]:
    clocks = [f"{_three(clock.fps)} ±{clock.spread:.0%}" for clock in (row.network, row.file)]
    return [*clocks, *(_three(value) for value in (row.latency.p50, row.latency.p95, row.latency.p99)), f"{row.ratio:.2f}"]


def _cost(row: BenchRow) -> list[str]:
    return [
        _UNKNOWN if row.parameters is None else f"{row.parameters / 1e6:.2f} M",
        _UNKNOWN if row.gflops is None else _three(row.gflops),
        f"{row.file_bytes / 1e6:.1f} MB",
        f"{row.memory_bytes / 1e6:.0f} MB",
        _UNKNOWN if row.peak_share is None else f"{row.peak_share:.0%}",
    ]


def _full(row: BenchRow) -> dict[str, object]:
    height, width = row.input_size
    return {
        "model": row.model,
        "path": row.path,
        "precision": row.precision,
        "provider": row.provider,
        "input_height": height,
        "input_width": width,
        "network_fps": row.network.fps,
        "network_spread": row.network.spread,
        "file_fps": row.file.fps,
        "file_spread": row.file.spread,
        **{f"{name}_ms": getattr(row.latency, name) for name in ("p50", "p90", "p95", "p99")},
        "predictions": row.latency.n,
        "ratio": row.ratio,
        "parameters": row.parameters,
        "gflops": row.gflops,
        "file_bytes": row.file_bytes,
        "memory_bytes": row.memory_bytes,
        "gflops_per_second": row.gflops_per_second,
        "peak_share": row.peak_share,
    }


def _three(value: float) -> str:
    """Three digits are as much as a noisy machine tells.

    Example:
        >>> [_three(value) for value in (0.1234, 4.567, 45.67, 456.7)]
        ['0.123', '4.57', '45.7', '457']
    """
    digits = next((digits for digits, limit in ((3, 1), (2, 10), (1, 100)) if value < limit), 0)
    return f"{value:.{digits}f}"


def _kind(row: BenchRow) -> str:
    return f"brought to {row.input_size[0]}x{row.input_size[1]} beforehand" if row.sampling == "resize" else "at their own size, in patches"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"

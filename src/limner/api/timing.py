"""The verb that measures how fast models are: bench. It never imports PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limner.api.common import refuse_existing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.timing.result import BenchResult


def bench(
    models: str | Path | Sequence[str | Path],
    images: str | Path | None = None,
    *,
    providers: Sequence[str] = ("auto", "cpu"),
    size: tuple[int, int] | None = None,
    batch: int = 1,
    threads: int | None = None,
    rounds: int = 3,
    seconds: float = 1.0,
    most: int = 32,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> BenchResult:
    """Measure how fast models are on this machine, each on each provider, in processes of their own and in turn.

    Args:
        models: Run folders, .onnx files or names of shipped models; the others are compared with the first.
        images: A folder, an archive or an image to measure on; by default phantoms, one and a half times as large as what the first model's
            network sees (four times as large as its patches).
        providers: Names of execution providers, or `all` alone; by default what `load` chooses by itself, and the processor.
        size: Height and width in pixels to bring the images to; by default they stay as they are.
        batch: Images predicted at once by the network clock.
        threads: Processor threads per prediction; by default one for each physical core.
        rounds: How often each configuration is measured.
        seconds: How long a round lasts by each of the two clocks, about.
        most: So many images are taken at most, evenly spaced.
        out: A CSV or Markdown file for the table.
        overwrite: Replace `out` if it is there.
        progress: Show progress on standard error.

    Returns:
        A row for each configuration; `as_json()` has everything.

    Raises:
        OutputExistsError: `out` is there already. Nothing has been measured then.
        LimnerError: A model, a provider, or the images cannot be used.
    """
    from limner.progress import show_progress
    from limner.timing.run import run_bench
    from limner.timing.table import check_suffix, write_table

    places = [models] if isinstance(models, (str, Path)) else list(models)
    if out is not None:
        check_suffix(Path(out))
        refuse_existing([] if overwrite else [Path(out)])
    with show_progress("measuring", enabled=progress) as tick:
        result = run_bench(
            places,
            images,
            providers=providers,
            size=size,
            batch=batch,
            threads=threads,
            rounds=rounds,
            seconds=seconds,
            most=most,
            progress=tick,
        )
    if out is not None:
        write_table(result, Path(out))
    return result

"""Measure models on providers: each configuration in its own process, all of them in turn, round by round.

What else the machine does changes from second to second; measured one after the other, the unlucky configuration would look slow. In turn,
all of them share the luck, and the median of the rounds leaves out a bad one.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from limner.errors import LimnerError
from limner.runtime import available_providers
from limner.runtime.format import read_metadata
from limner.runtime.model_file import default_threads, find_model
from limner.timing.configuration import Configuration
from limner.timing.images import prepare_images
from limner.timing.machine import busy_share, describe_machine
from limner.timing.process import WorkerProcess
from limner.timing.result import BenchResult, LeftOut

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from limner.progress import Progress
    from limner.timing.result import BenchRow

    Wanted: TypeAlias = tuple[str, Path, str]  # a model's name, its file, and the provider asked for

DEFAULT_PROVIDERS = ("auto", "cpu")
ALL_PROVIDERS = ("all",)
_PEAK_SHARE = 0.3  # of a round's seconds
_LIBRARIES = ("limner", "onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "openvino", "numpy")


def run_bench(
    models: Sequence[str | Path],
    images: str | Path | None = None,
    *,
    providers: Sequence[str] = DEFAULT_PROVIDERS,
    size: tuple[int, int] | None = None,
    batch: int = 1,
    threads: int | None = None,
    rounds: int = 3,
    seconds: float = 1.0,
    most: int = 32,
    progress: Progress | None = None,
) -> BenchResult:
    """Measure models by both clocks (see `limner.timing.clocks`). Needs no PyTorch.

    Args:
        models: Run folders, .onnx files or names of shipped models, one at least; the others are compared with the first.
        images: A folder, an archive or an image to measure on; by default phantoms.
        providers: Names, or `all` alone; by default what is chosen by itself and, where that is another, the processor.
        size: Height and width to bring the images to.
        batch: Images predicted at once by the network clock.
        threads: Processor threads; by default one for each physical core.
        rounds: How often each configuration is measured.
        seconds: How long a round lasts, about, by each clock.
        most: So many images are taken of a folder at most.
        progress: Called with (done, total) after each step.

    Raises:
        LimnerError: A model, a provider or an image cannot be used. With `all`, providers that cannot run a model are left out.
    """
    providers = [providers] if isinstance(providers, str) else providers
    _check(models, providers, seconds)
    paths = [find_model(model) for model in models]
    metadata = [read_metadata(path) for path in paths]  # a file that is not a model is told before anything is started
    threads = threads or default_threads()
    lenient = tuple(providers) == ALL_PROVIDERS
    names = available_providers() if lenient else list(dict.fromkeys(providers))
    wanted = [(label, path, name) for label, path in zip(model_labels(models), paths, strict=True) for name in names]
    tick = _steps(progress, total=len(wanted) * (1 + rounds) + rounds)
    busy = busy_share()
    with TemporaryDirectory(prefix="limner-bench-") as folder, ExitStack() as stack:
        told = prepare_images(Path(folder), images, metadata[0], size=size, most=most)
        running, left_out = _open(stack, wanted, Path(folder), threads=threads, batch=batch, lenient=lenient, tick=tick)
        peak = _measure(running, stack, threads=threads, rounds=rounds, seconds=seconds, batch=batch, tick=tick)
        rows = _with_ratios([configuration.row(peak) for configuration in running])
    machine, versions = describe_machine(), _versions()
    return BenchResult(rows, left_out, machine, versions, threads, peak, told, batch, rounds, seconds, busy)


def _check(models: Sequence[str | Path], providers: Sequence[str], seconds: float) -> None:
    if not models:
        raise LimnerError("there is no model to measure", fix="give one or more")
    if not providers:
        raise LimnerError("no provider is named", fix="give some, such as auto and cpu")
    if not 0 < seconds < float("inf"):
        raise LimnerError(f"a round lasts some seconds, not {seconds}", fix="give a number such as 1")


def model_labels(models: Sequence[str | Path]) -> list[str]:
    """What models are called in a table: file or run, and all that was given where that is one name for two.

    Example:
        >>> model_labels(["polyp.onnx", "runs/a/model.onnx", "runs/b"])
        ['polyp', 'a', 'b']
        >>> model_labels(["polyp.onnx", "old/polyp.onnx"])
        ['polyp.onnx', 'old/polyp.onnx']
    """
    short = [_last_name(Path(model)) for model in models]
    return [name if short.count(name) == 1 else str(model) for name, model in zip(short, models, strict=True)]


def _last_name(model: Path) -> str:
    if model.name == "model.onnx" and model.parent.name:
        return model.parent.name
    return model.stem if model.suffix == ".onnx" else model.name


def _open(
    stack: ExitStack, wanted: Sequence[Wanted], images: Path, *, threads: int, batch: int, lenient: bool, tick: Callable[[], None]
) -> tuple[list[Configuration], tuple[LeftOut, ...]]:
    """Models loaded and warm; two names for one provider, as `auto` is, are one configuration."""
    running: dict[tuple[Path, str], Configuration] = {}
    left_out: list[LeftOut] = []
    for label, path, name in wanted:
        if (path, name) not in running:
            try:
                with ExitStack() as trial:
                    opened = Configuration.open(label, path, name, threads=threads, images=images)
                    trial.callback(opened.close)
                    if (path, opened.provider) not in running:
                        opened.warm_up(batch=batch)
                        running[path, opened.provider] = opened
                        stack.push(trial.pop_all())
            except LimnerError as error:
                if not lenient:
                    raise
                left_out.append(LeftOut(label, name, error.what))
        tick()
    if not running:
        raise LimnerError(f"no provider can run the model: {left_out[0].reason}", fix="ask for one by name, such as cpu")
    return list(running.values()), tuple(left_out)


def _measure(
    running: Sequence[Configuration],
    stack: ExitStack,
    *,
    threads: int,
    rounds: int,
    seconds: float,
    batch: int,
    tick: Callable[[], None],
) -> float:
    """All rounds; returns the machine's peak in GFLOP/s, which is measured in turn with the models."""
    calculator = WorkerProcess(blas_threads=threads)
    stack.callback(calculator.end)
    peaks: list[float] = []
    for _ in range(rounds):
        peaks.append(calculator.ask("peak", seconds=_PEAK_SHARE * seconds))
        tick()
        for configuration in running:
            configuration.measure(seconds=seconds, batch=batch)
            tick()
    return max(peaks)


def _with_ratios(rows: Sequence[BenchRow]) -> tuple[BenchRow, ...]:
    first = rows[0].network.fps
    return tuple(replace(row, ratio=row.network.fps / first) for row in rows)


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _steps(progress: Progress | None, *, total: int) -> Callable[[], None]:
    """Counts the steps that are done."""
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(min(done, total), total)

    return tick

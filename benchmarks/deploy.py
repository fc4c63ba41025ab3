"""What a model file gains over eager PyTorch, and what it costs in Dice: every precision on every provider, on real images, in one run.

    python benchmarks/deploy.py RUN [RUN ...] --source kvasir-seg.zip [--models DIR] [--rounds 5] [--seconds 3]

For each run folder: the network of its checkpoint in eager PyTorch (float32; the bare network, and from a decoded image to a mask), and its
files in float32, float16 and INT8 in ONNX Runtime and OpenVINO. All configurations of a run are measured in turn, round by round; the
median counts. Both clocks are those of `limner bench` (see `limner.timing.clocks`): the images of the network clock are decoded and brought
to the network's size beforehand, for PyTorch too. Dice is the mean over the test images of the run's own split, at their own size.

Prints Markdown for RESULTS.md. Let the machine do nothing else: eager PyTorch, whose threads wait for each other after every operation,
loses far more on a busy machine than the others do, so that the ratios would flatter them.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from limner.api import export_model
from limner.data import load_split, open_source
from limner.errors import LimnerError
from limner.evaluation import evaluate
from limner.imaging import read_image
from limner.metrics import dice
from limner.metrics.counts import count
from limner.recipe import load_recipe
from limner.report.tables import table
from limner.runtime import available_providers, load
from limner.timing.clocks import as_seen, time_network
from limner.timing.configuration import Configuration
from limner.timing.images import TestImages, copy_images
from limner.timing.machine import busy_share, describe_machine
from limner.timing.process import WorkerProcess
from limner.timing.result import Clock
from limner.training.fit import load_best
from limner.training.normalise import Normaliser
from limner.training.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from limner.data import Dataset
    from limner.data.items import Item
    from limner.recipe import Recipe
    from limner.runtime import ModelMetadata
    from limner.types import ImageArray, MaskArray

PRECISIONS = ("float32", "float16", "int8")
COLUMNS = (
    "what",
    "network fps",
    "±",
    "× image to mask",
    "× bare network",
    "file fps",
    "p50 ms",
    "p99 ms",
    "Dice",
    "MB",
    "memory MB",
    "of peak",
)


class Eager:
    """PyTorch as one would write it by hand: a network in evaluation mode, float32, from a decoded image to a mask at the image's size."""

    def __init__(self, network: nn.Module, recipe: Recipe, metadata: ModelMetadata, *, channels_last: bool) -> None:
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.layout).eval()
        self.normalise, self.size = Normaliser(recipe.data), recipe.data.input_size
        self.temperature, self.threshold = metadata.temperature, metadata.threshold

    @torch.inference_mode()
    def predict(self, image: ImageArray) -> MaskArray:
        """The mask (H, W) of an image (H, W, 3)."""
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        seen = self.normalise(_resized(pixels, self.size)).contiguous(memory_format=self.layout)
        logits = _resized(self.network(seen) / self.temperature, image.shape[:2])
        mask: MaskArray = (torch.sigmoid(logits)[0, 0] >= self.threshold).numpy()
        return mask


class Bare:
    """The network alone, on a tensor that is there already."""

    def __init__(self, eager: Eager) -> None:
        self.network = eager.network
        self.seen = torch.rand(1, 3, *eager.size).contiguous(memory_format=eager.layout)

    @torch.inference_mode()
    def predict(self, _image: ImageArray) -> None:
        """Run it."""
        self.network(self.seen)


def _resized(batch: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    if batch.shape[-2:] == tuple(size):
        return batch
    return functional.interpolate(batch, list(size), mode="bilinear", antialias=True, align_corners=False)


@dataclass
class Row:
    """A configuration of PyTorch, and its times."""

    name: str
    segmenter: Any
    network: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def measure(self, images: Sequence[ImageArray], seconds: float) -> None:
        """One round."""
        taken = time_network(self.segmenter, images, seconds=seconds)
        self.seconds += taken
        self.network.append(len(taken) / sum(taken))


def measure_run(run: RunFolder, dataset: Dataset, models: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All configurations of a run."""
    recipe = load_recipe(run.recipe_file)
    if recipe.data.sampling != "resize" or recipe.data.keep_aspect:
        raise LimnerError("only runs that stretch the whole image to the input are measured here", where=run.path)
    files = export_all(run, options.precisions, models, options.source)
    metadata = load(files["float32"]).metadata
    test = dataset.subset(load_split(run.split_file).test)
    scored = test if options.scored is None else test.subset(test.keys()[: options.scored])
    shown = [test.items[number * len(test) // options.images] for number in range(min(options.images, len(test)))]
    images = [as_seen(read_image(item.image.read(), name=item.image.display), metadata) for item in shown]
    eager = eager_rows(load_best(recipe, run), recipe, metadata)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sizes = copy_images(Path(folder), shown)
        running = open_all(stack, files, Path(folder), options)
        calculator = WorkerProcess(blas_threads=options.threads)
        stack.callback(calculator.end)
        peaks = []
        for row in eager:
            time_network(row.segmenter, images, seconds=0.5)
        for number in range(options.rounds):
            print(f"{run.path.name}: round {number + 1} of {options.rounds}", flush=True)
            peaks.append(calculator.ask("peak", seconds=0.3))
            for row in eager:
                row.measure(images, options.seconds)
            for configuration in running:
                configuration.measure(seconds=options.seconds, batch=1)
        rows = [configuration.row(max(peaks)) for configuration in running]
    scores = all_dice(eager, rows, scored)
    return {
        "run": run.path.name,
        "encoder": getattr(recipe.network, "encoder_name", recipe.network.name),
        "input_size": recipe.data.input_size,
        "images": f"{len(shown)} test images, {TestImages(len(shown), sizes, '').sizes_told}; Dice on {len(scored)}",
        "peak_gflops": max(peaks),
        "rows": as_table(eager, rows, scores),
    }


def export_all(run: RunFolder, precisions: Sequence[str], models: Path, source: str) -> dict[str, Path]:
    """The run's files by precision; float32 is what the run itself has exported. What is there already is taken as it is."""
    files = {"float32": run.model}
    for precision in precisions:
        if precision != "float32":
            files[precision] = models / f"{run.path.name}-{precision}.onnx"
            if not files[precision].exists():
                print(f"{run.path.name}: exporting {precision} ...", flush=True)
                export_model(run.path, files[precision], precision=precision, source=source)
    return {precision: files[precision] for precision in ("float32", *precisions)}


def eager_rows(network: nn.Module, recipe: Recipe, metadata: ModelMetadata) -> list[Row]:
    """Eager PyTorch in both layouts of memory, from image to mask and bare."""
    rows = []
    for channels_last, layout in ((False, "default layout"), (True, "channels last")):
        own = copy.deepcopy(network)  # `to` changes weights in place
        eager = Eager(own, recipe, metadata, channels_last=channels_last)
        rows += [Row(f"PyTorch eager, image to mask, {layout}", eager), Row(f"PyTorch eager, bare network, {layout}", Bare(eager))]
    return rows


def open_all(stack: ExitStack, files: dict[str, Path], images: Path, options: argparse.Namespace) -> list[Configuration]:
    """Each file on each provider, warm; what a provider cannot run is left out with a word."""
    running = []
    for precision, path in files.items():
        for provider in options.providers:
            try:
                opened = Configuration.open(precision, path, provider, threads=options.threads, images=images)
                stack.callback(opened.close)
                opened.warm_up(batch=1)
                running.append(opened)
            except LimnerError as error:
                print(f"left out: {precision} on {provider}: {error.what}")
    return running


def all_dice(eager: Sequence[Row], rows: Sequence[Any], test: Dataset) -> dict[str, float]:
    """Mean Dice per image of each file on each provider, and of PyTorch, by the name of its row."""
    scores = {f"{row.precision} {row.provider}": dice_of_file(row.path, row.provider, test) for row in rows}
    by_hand = next(row for row in eager if isinstance(row.segmenter, Eager))
    return scores | {by_hand.name: float(np.mean([dice_by_hand(by_hand.segmenter, item) for item in test.items]))}


def dice_of_file(path: str, provider: str, test: Dataset) -> float:
    """Through the evaluation that everything else goes through."""
    return float(evaluate(load(path, provider=provider), test, part="test").score("dice").value)


def dice_by_hand(segmenter: Eager, item: Item) -> float:
    """Of one image."""
    sample = item.load()
    return float(dice(count(segmenter.predict(sample.image), sample.mask)))


def as_table(eager: Sequence[Row], rows: Sequence[Any], scores: dict[str, float]) -> list[dict[str, Any]]:
    """Rows of `COLUMNS`; the ratios are to the faster layout of eager PyTorch."""
    clocks = {row.name: Clock(tuple(row.network)) for row in eager}
    whole = max(clocks[row.name].fps for row in eager if isinstance(row.segmenter, Eager))
    bare = max(clocks[row.name].fps for row in eager if isinstance(row.segmenter, Bare))
    lines = [
        line(
            row.name,
            clocks[row.name],
            whole,
            bare,
            percentiles=np.percentile(np.array(row.seconds) * 1000, [50, 99]),
            score=scores.get(row.name),
        )
        for row in eager
    ]
    for row in rows:
        name = f"{row.precision} {row.provider}"
        times = (row.latency.p50, row.latency.p99)
        lines.append(
            line(name, row.network, whole, bare, percentiles=times, score=scores.get(name))
            | {"file fps": row.file.fps, "MB": row.file_bytes / 1e6, "memory MB": row.memory_bytes / 1e6, "of peak": row.peak_share}
        )
    return lines


def line(name: str, clock: Clock, whole: float, bare: float, *, percentiles: Sequence[float], score: float | None) -> dict[str, Any]:
    """What all rows have."""
    return {
        "what": name,
        "network fps": clock.fps,
        "±": clock.spread,
        "× image to mask": clock.fps / whole,
        "× bare network": clock.fps / bare,
        "p50 ms": percentiles[0],
        "p99 ms": percentiles[1],
        "Dice": score,
        "rounds": clock.rounds,
    }


def as_markdown(found: dict[str, Any]) -> str:
    """A heading, a table, and what it was measured on."""
    height, width = found["input_size"]
    cells = [[_cell(column, row.get(column)) for column in COLUMNS] for row in found["rows"]]
    about = f"{found['images']}. float32 peak {found['peak_gflops']:.0f} GFLOP/s."
    return f"### {found['run']}: {found['encoder']}, {height}x{width}, batch 1\n\n{about}\n\n{table(COLUMNS, cells)}\n"


def _cell(column: str, value: Any) -> str:  # noqa: ANN401 - a number, a word, or nothing
    if value is None or isinstance(value, str):
        return value or ""
    if column in {"±", "of peak"}:
        return f"{value:.0%}"
    return f"{value:.4f}" if column == "Dice" else f"{value:.2f}" if column.startswith("×") else f"{value:.1f}"


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--source", required=True, help="the images that the runs were made of")
    parser.add_argument("--models", type=Path, help="folder for the exported files, which are taken again when they are there")
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS), choices=PRECISIONS)
    parser.add_argument("--providers", nargs="+", default=[name for name in ("cpu", "openvino") if name in available_providers()])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each configuration in each round")
    parser.add_argument("--images", type=int, default=24, help="test images that time is measured on")
    parser.add_argument("--scored", type=int, help="test images that Dice is the mean of; by default all")
    parser.add_argument("--json", type=Path, help="write everything there too")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    options = read_options()
    torch.set_num_threads(options.threads)
    busy = busy_share(2.0)
    dataset = open_source(options.source)
    with tempfile.TemporaryDirectory() as folder:
        models = options.models or Path(folder)
        models.mkdir(parents=True, exist_ok=True)
        found = [measure_run(RunFolder(run), dataset, models, options) for run in options.runs]
    machine = describe_machine()
    print(f"\n{machine['processor']}, {machine['cores']} cores, {options.threads} threads; PyTorch {torch.__version__}; ", end="")
    print(f"median of {options.rounds} rounds of {options.seconds:g} s, in turn; other programs took {busy:.0%} of the processor before\n")
    print("\n".join(map(as_markdown, found)))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "runs": found}, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What the metrics cost beside MONAI's and MedPy's, on the same masks in one run.

    python benchmarks/metrics.py [--source kvasir-seg.zip] [--masks 1000] [--repeats 3] [--json]

The targets are Kvasir-SEG's masks at 352x352 (phantoms of polyps where the data is not at hand), the predictions the same ones, moved,
warped, grown or shrunk, every tenth with a false object beside it. Each library is called as its users call it: MedPy mask by mask, MONAI
with its metric classes on batches of tensors. All have one thread: more of them are no help to PyTorch with work as small as this, and on
a busy machine they wait for each other. The least time of the repeats is told, since whatever else the machine does only adds to it.
"""

from __future__ import annotations

import argparse
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from medpy.metric import binary as medpy
from monai.metrics import HausdorffDistanceMetric, SurfaceDiceMetric, SurfaceDistanceMetric

from limner.cores import on_all_cores
from limner.data import open_source
from limner.data.phantoms import phantom
from limner.metrics import count
from limner.metrics.boundary import assd, boundary_scores, hausdorff, nsd, surface_distances
from limner.metrics.region import METRICS
from limner.training.hardware import describe_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from limner.types import MaskArray

KVASIR = Path(__file__).resolve().parents[2] / "shared" / "data" / "kvasir-seg" / "kvasir-seg.zip"
SIZE = 352
TOLERANCE = 2.0
BATCH = 20


def targets(source: str | Path | None, wished: int) -> tuple[list[MaskArray], str]:
    """The true masks, and what they are in words."""
    if source is None:
        return on_all_cores(lambda seed: phantom("polyp", seed, (SIZE, SIZE)).mask, range(wished)), "phantoms of polyps"
    dataset = open_source(source)
    masks = on_all_cores(lambda item: item.load().mask, dataset.items[:wished])
    return [mask for mask in masks if mask.any()], f"masks of {Path(source).name}"


def prediction_of(target: MaskArray, random: np.random.Generator) -> MaskArray:
    """What a fair model might have said: the target moved, warped, grown or shrunk, now and then with a false object."""
    field = random.normal(size=(2, *target.shape)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(axis, (0, 0), 15.0) for axis in field])
    smooth *= random.uniform(0, 10) / np.abs(smooth).max()
    rows, columns = np.indices(target.shape, dtype=np.float32) + smooth + random.uniform(-8, 8, (2, 1, 1)).astype(np.float32)
    warped = cv2.remap(target.astype(np.uint8), columns, rows, cv2.INTER_NEAREST)
    by = int(random.integers(-6, 7))
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * abs(by) + 1, 2 * abs(by) + 1))
    changed = (cv2.dilate if by > 0 else cv2.erode)(warped, element)
    if random.random() < 0.1:
        height, width = target.shape
        place = int(random.integers(width)), int(random.integers(height))
        cv2.circle(changed, place, int(random.integers(4, 25)), 1, thickness=-1)
    return changed.astype(bool) if changed.any() else target  # MedPy refuses an empty mask


@dataclass(frozen=True)
class Masks:
    """Pairs of a prediction and a target, for NumPy and as batches for PyTorch."""

    pairs: Sequence[tuple[MaskArray, MaskArray]]
    batches: Sequence[tuple[torch.Tensor, torch.Tensor]]

    @classmethod
    def of(cls, truth: list[MaskArray]) -> Masks:
        """Predictions for all of them, from one seed; only masks of one size fit into a batch."""
        random = np.random.default_rng(0)
        pairs = [(prediction_of(mask, random), mask) for mask in truth]
        sides = [torch.from_numpy(np.stack(side))[:, None].float().split(BATCH) for side in zip(*pairs, strict=True)]
        return cls(pairs, list(zip(*sides, strict=True)))


def limner_all(masks: Masks) -> None:
    """Every region and every boundary metric."""
    for preds, target in masks.pairs:
        counts = count(preds, target)
        for metric in METRICS.values():
            metric(counts)
        boundary_scores(preds, target, tolerance=TOLERANCE)


def limner_three(masks: Masks) -> list[list[float]]:
    """Hausdorff 95, ASSD and NSD of each pair."""
    distances = (surface_distances(*pair) for pair in masks.pairs)
    return [[hausdorff(d, 95), assd(d), nsd(d, TOLERANCE)] for d in distances]


def limner_two(masks: Masks) -> list[list[float]]:
    """Hausdorff 95 as MedPy has it, of both directions together, and ASSD."""
    distances = (surface_distances(*pair) for pair in masks.pairs)
    return [[float(np.percentile(d.all, 95)), assd(d)] for d in distances]


def monai_three(masks: Masks) -> list[list[float]]:
    """The same three by MONAI."""
    metrics = [
        HausdorffDistanceMetric(include_background=True, percentile=95),
        SurfaceDistanceMetric(include_background=True, symmetric=True),
        SurfaceDiceMetric([TOLERANCE], include_background=True),
    ]
    for preds, target in masks.batches:
        for metric in metrics:
            metric(preds, target)
    return torch.cat([metric.get_buffer() for metric in metrics], dim=1).tolist()


def medpy_two(masks: Masks) -> list[list[float]]:
    """The same two by MedPy."""
    return [[float(medpy.hd95(*pair)), float(medpy.assd(*pair))] for pair in masks.pairs]


CALLS: dict[str, Callable[[Masks], object]] = {
    "limner, all region and boundary metrics": limner_all,
    "limner, Hausdorff 95, ASSD, NSD": limner_three,
    "MONAI, Hausdorff 95, ASSD, NSD": monai_three,
    "limner, Hausdorff 95, ASSD": limner_two,
    "MedPy, Hausdorff 95, ASSD": medpy_two,
}


@dataclass
class Seconds:
    """The least of all repeats."""

    processor: float = float("inf")
    wall: float = float("inf")

    def measure(self, call: Callable[[Masks], object], masks: Masks) -> None:
        """Call once, and keep the times if they are the least."""
        start = process_time(), perf_counter()
        call(masks)
        self.processor = min(self.processor, process_time() - start[0])
        self.wall = min(self.wall, perf_counter() - start[1])


def measure(masks: Masks, repeats: int) -> dict[str, Seconds]:
    """The times of every call, in turns, so that what slows the machine for a while slows them all."""
    times = {name: Seconds() for name in CALLS}
    for _ in range(repeats):
        for name, call in CALLS.items():
            times[name].measure(call, masks)
    return times


def largest_difference(ours: list[list[float]], theirs: list[list[float]]) -> float:
    """Of any score of any mask."""
    return float(np.abs(np.array(ours) - np.array(theirs)).max())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default=KVASIR if KVASIR.exists() else None, help="folder or archive of images and masks of one size")
    parser.add_argument("--masks", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    truth, what = targets(options.source, options.masks)
    masks = Masks.of(truth)
    few = Masks(masks.pairs[:BATCH], masks.batches[:1])
    for call in CALLS.values():
        call(few)  # imports and first calls are not counted
    times = measure(masks, options.repeats)
    differences = {
        "MONAI": largest_difference(limner_three(masks), monai_three(masks)),
        "MedPy": largest_difference(limner_two(masks), medpy_two(masks)),
    }
    report(times, differences, truth, what, as_json=options.json)


def report(times: dict[str, Seconds], differences: dict[str, float], truth: list[MaskArray], what: str, *, as_json: bool) -> None:
    """Print what was measured."""
    if as_json:
        seconds = {name: vars(time) for name, time in times.items()}
        print(json.dumps({"machine": describe_machine(), "masks": len(truth), "seconds": seconds, "differences": differences}, indent=2))
        return
    print(f"{len(truth)} {what}, {truth[0].shape[0]}x{truth[0].shape[1]}\n")
    print("| | ms per mask, processor | ms per mask, wall | ratio, processor |\n| --- | ---: | ---: | ---: |")
    base = 0.0
    for name, time in times.items():
        base = time.processor if name.startswith("limner") else base  # what follows is compared with the limner row above it
        ms = [1000.0 * seconds / len(truth) for seconds in (time.processor, time.wall)]
        print(f"| {name} | {ms[0]:.2f} | {ms[1]:.2f} | {time.processor / base:.1f} |")
    total = next(iter(times.values()))
    print(f"\nAll region and boundary metrics of all masks: {total.processor:.2f} s of processor time, {total.wall:.2f} s.")
    print("Largest difference of a score: " + ", ".join(f"{value:.1g} from {name}" for name, value in differences.items()) + ".")


if __name__ == "__main__":
    main()

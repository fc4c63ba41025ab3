"""Writes saliency_values.json: what PySODMetrics says of the cases below.

It cannot be a dependency, since it wants old libraries. To write the file again:

    pip install --no-deps --target /tmp/pysodmetrics pysodmetrics==1.6.2
    PYTHONPATH=/tmp/pysodmetrics:. python tests/references/make_saliency_values.py
"""

from __future__ import annotations

import json
import math
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("saliency_values.json")
EVERY = 15  # of the 256 points of a curve one in so many is kept; the first and the last are among them
SHAPE = (37, 46)


def _disc(row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def _pixel(row: int, column: int) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row, column] = True
    return mask


def _hazy(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A prediction of the mask such as networks make: sure inside and far off, unsure near the edge, and noisy."""
    moved = np.roll(mask.astype(np.float64), (2, -3), axis=(0, 1))
    smooth = sum(np.roll(moved, (i, j), axis=(0, 1)) for i in range(-2, 3) for j in range(-2, 3)) / 25
    return np.clip(smooth * 1.4 - 0.2 + rng.normal(0, 0.05, mask.shape), 0, 1)


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> prediction, float32 in [0, 1], and target, bool."""
    rng = np.random.default_rng(20140624)
    disc, border, scattered = _disc(15.3, 20.2, 9), _disc(33.2, 2.1, 12), rng.random(SHAPE) < 0.2
    empty, full = np.zeros(SHAPE), np.ones(SHAPE)
    pairs: dict[str, tuple[np.ndarray, np.ndarray]] = {
        "random": (rng.random(SHAPE), disc),
        "random, scattered target": (rng.random(SHAPE), scattered),
        "hazy": (_hazy(disc, rng), disc),
        "hazy, touching the border": (_hazy(border, rng), border),
        "hazy, never sure": (0.3 + 0.4 * _hazy(disc, rng), disc),
        "hazy, two objects": (_hazy(disc | border, rng), disc | border),
        "perfect": (disc, disc),
        "the opposite": (~disc, disc),
        "another pixel": (_pixel(30, 40), _pixel(5, 8)),
        "hazy, one pixel": (_hazy(_pixel(17, 24), rng), _pixel(17, 24)),
        "empty target": (_hazy(disc, rng), empty),
        "full target": (_hazy(disc, rng), full),
        "empty prediction": (empty, disc),
        "full prediction": (full, disc),
        "constant prediction": (0.4 * full, disc),
        "empty both": (empty, empty),
        "full both": (full, full),
    }
    return {name: (preds.astype(np.float32), target.astype(bool)) for name, (preds, target) in pairs.items()}


def as_8_bit(probs: np.ndarray) -> np.ndarray:
    """The image that PraNet's test script writes of a prediction."""
    exact = probs.astype(np.float64)
    low, high = (exact.min(), exact.max()) if exact.min() < exact.max() else (0.0, 1.0)
    return np.round((exact - low) / (high - low) * 255).astype(np.uint8)


def measured(probs: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """The values of PySODMetrics; None for NaN."""
    import py_sod_metrics as sod

    both = {"with_dynamic": True, "with_adaptive": False}
    f_measures = sod.FmeasureV2({"dice": sod.DICEHandler(**both), "iou": sod.IOUHandler(**both)})
    e_measure, mae, s_measure, weighted = sod.Emeasure(), sod.MAE(), sod.Smeasure(), sod.WeightedFmeasure()
    for metric in (f_measures, e_measure, mae, s_measure, weighted):
        metric.step(as_8_bit(probs), 255 * target.astype(np.uint8))
    curves = {name: result["dynamic"] for name, result in f_measures.get_results().items()}
    curves["e_measure"] = e_measure.get_results()["em"]["curve"]
    single = {
        "mae": mae.get_results()["mae"],
        "s_measure": s_measure.get_results()["sm"],
        "weighted_f": weighted.get_results()["wfm"],
        "e_measure_adaptive": e_measure.get_results()["em"]["adp"],
    }
    return {
        **{name: None if math.isnan(value) else float(value) for name, value in single.items()},
        **{name: [float(value) for value in curve[::EVERY]] for name, curve in curves.items()},
        **{f"{name}_mean": float(curve.mean()) for name, curve in curves.items()},
    }


def main() -> None:
    warnings.simplefilter("ignore")  # of a mean over a quarter without pixels
    values = {name: measured(*case) for name, case in cases().items()}
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in values.items()]
    made_with = json.dumps(f"PySODMetrics {version('pysodmetrics')}")
    FILE.write_text(f'{{"made_with": {made_with}, "cases": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

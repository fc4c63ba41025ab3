"""Invented data for a report: discs as objects, and predictions that are a little too large."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from limner.evaluation import CaseResult, Evaluation
from limner.evaluation.summary import summarise_cases
from limner.metrics import Counts
from limner.types import Prediction, Sample

THRESHOLD = 0.43


def disc(radius, size=(60, 80), centre=(30, 40)):
    rows, columns = np.ogrid[: size[0], : size[1]]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2


def sample(key, radius):
    image = np.full((60, 80, 3), (180, 90, 80), np.uint8)
    image[disc(radius)] = (220, 140, 120)
    return Sample(key, image, disc(radius))


class Oversized:
    """A predictor that draws each disc `excess` pixels too large, and knows which image is which by its identity."""

    threshold = THRESHOLD
    has_probs = True
    metadata = SimpleNamespace(name="fake-unet", task="disc", threshold_origin="chosen on 8 validation images")

    def __init__(self, samples):
        self.samples = samples
        self.asked = []

    def predict_sample(self, sample):
        number = next(i for i, one in enumerate(self.samples) if one.image is sample.image)
        self.asked.append(self.samples[number].key)
        radius = np.sqrt(self.samples[number].mask.sum() / np.pi)
        probs = disc(radius + number * 0.7).astype(np.float32)
        return Prediction(probs, probs >= THRESHOLD, THRESHOLD)


def make_evaluation(cases, *, part="test", empty="one", **known):
    return Evaluation(
        model="fake-unet",
        source="discs",
        part=part,
        n=len(cases),
        threshold=THRESHOLD,
        threshold_origin="chosen on 8 validation images",
        empty_rule=empty,
        scores=summarise_cases(cases, threshold=THRESHOLD, empty=empty, bootstrap=known.get("bootstrap")),
        cases=tuple(cases),
        **known,
    )


def make_case(key, *counts, empty="one"):
    return CaseResult.of(key, (60, 80), Counts(*counts), empty=empty, seconds=0.125)


def make_history(epochs):
    return [
        {
            "epoch": float(epoch),
            "train_loss": 1.25 / epoch,
            "train_dice": 1 - 0.5 / epoch,
            "train_iou": 1 - 0.625 / epoch,
            "val_loss": 1.5 / epoch,
            "val_dice": 1 - 0.75 / epoch,
            "val_iou": 1 - 0.875 / epoch,
            "val_precision": 1 - 0.75 / epoch,
            "val_recall": 1 - 0.75 / epoch,
            "learning_rate": 1e-3 / epoch,
            "images_per_second": 7.25,
            "seconds": 31.0,
        }
        for epoch in range(1, epochs + 1)
    ]

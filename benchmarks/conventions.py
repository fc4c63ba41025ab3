"""One model, one test part, and every number that somebody might publish of it.

    .venv/bin/python benchmarks/conventions.py RUN SOURCE

RUN is a finished run (or a model file) and SOURCE the data that it was made of; its test part is taken. Prints a table in Markdown: the
same predictions under different conventions, the questionable ones too.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from limner.data import open_source
from limner.evaluation.protocols import predict_cases
from limner.imaging.resize import resize_mask
from limner.metrics import THRESHOLDS, Counts, count, dice, iou, pool, saliency_scores, sweep_counts
from limner.progress import show_progress
from limner.runtime import load
from limner.selection import select


def main() -> None:
    """Predict the test part once, and count in every way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("source", type=Path)
    arguments = parser.parse_args()
    predictor = load(arguments.model)
    dataset = select(open_source(arguments.source), split=None, part="test", model=predictor).dataset
    swept, shrunk, pranet = [], [], []
    with show_progress("predicting") as tick:
        for sample, prediction, _ in predict_cases(predictor, dataset, progress=tick):
            swept.append(dict(zip(THRESHOLDS, sweep_counts(prediction.probs, sample.mask), strict=True)))
            small = [resize_mask(mask, predictor.metadata.input_size) for mask in (prediction.mask, sample.mask)]
            shrunk.append(count(*small))
            curves = saliency_scores(prediction.probs, sample.mask)
            pranet.append((float(curves.dice.mean()), float(curves.iou.mean())))
    chosen = round(predictor.threshold, 2)
    best = max(THRESHOLDS, key=lambda threshold: _per_image([counts[threshold] for counts in swept])[0])
    at = {threshold: [counts[threshold] for counts in swept] for threshold in (chosen, 0.5, best)}
    rows = {
        f"`per-image`, threshold {chosen:.2f} chosen on validation": _per_image(at[chosen]),
        f"`pooled`, threshold {chosen:.2f} chosen on validation": _pooled(at[chosen]),
        "`pranet-256`": tuple(np.mean(pranet, axis=0)),
        "per image, threshold 0.5, not chosen": _per_image(at[0.5]),
        f"per image, threshold {best:.2f}, **chosen on the test part**": _per_image(at[best]),
        "per image, **background averaged in**": _with_background(at[chosen]),
        "pooled, **background averaged in**": _with_background([pool(at[chosen])]),
        f"per image, **masks shrunk to {' x '.join(map(str, predictor.metadata.input_size))}**": _per_image(shrunk),
        "median over images": tuple(np.median([(dice(c), iou(c)) for c in at[chosen]], axis=0)),
    }
    print(f"\n{predictor.metadata.name} on {dataset.name}, {len(swept)} test images\n")
    print("| the same predictions, as | Dice | IoU |\n| --- | --- | --- |")
    for name, (of_dice, of_iou) in rows.items():
        print(f"| {name} | {of_dice:.3f} | {of_iou:.3f} |")


def _per_image(counts: list[Counts]) -> tuple[float, float]:
    return float(np.mean([dice(c) for c in counts])), float(np.mean([iou(c) for c in counts]))


def _pooled(counts: list[Counts]) -> tuple[float, float]:
    whole = pool(counts)
    return dice(whole), iou(whole)


def _with_background(counts: list[Counts]) -> tuple[float, float]:
    """The mean of the foreground's score and the background's, as libraries for many classes give it."""
    both = [score for c in counts for score in (_per_image([c]), _per_image([replace(c, tp=c.tn, tn=c.tp, fp=c.fn, fn=c.fp)]))]
    return float(np.mean([of_dice for of_dice, _ in both])), float(np.mean([of_iou for _, of_iou in both]))


if __name__ == "__main__":
    main()

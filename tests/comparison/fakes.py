"""Evaluations of models that never were, as folders that a comparison reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from limner.evaluation import CaseResult, Evaluation
from limner.evaluation.summary import summarise_cases
from limner.metrics import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE = (100, 100)


def one_case(key: str, dice: float, *, foreground: int = 1000, **known: Any) -> CaseResult:
    """A case whose Dice is `dice`, as nearly as pixels allow: as many are missed as are drawn wrongly."""
    tp = round(dice * foreground)
    counts = Counts(tp, foreground - tp, foreground - tp, SIZE[0] * SIZE[1] - 2 * foreground + tp)
    return CaseResult.of(key, SIZE, counts, **known)


def cases(values: Sequence[float], **known: Any) -> list[CaseResult]:
    return [one_case(f"image-{number:03}", value, **known) for number, value in enumerate(values)]


def write_run(
    folder: Path, found: Sequence[CaseResult], *, recipe: dict[str, Any] | None = None, report: bool = False, **known: Any
) -> Path:
    """A folder with an evaluation; the recipe beside it as in a run folder, or within the summary as reports have it."""
    values: dict[str, Any] = {
        "model": folder.name,
        "source": "polyps",
        "part": "test",
        "threshold": 0.45,
        "threshold_origin": "best mean per-image Dice on 30 validation images",
        "empty_rule": "one",
        **known,
    }
    scores = summarise_cases(found, threshold=values["threshold"], empty=values["empty_rule"])
    Evaluation(**values, n=len(found), scores=scores, cases=tuple(found)).save(folder)
    if recipe and report:
        summary = json.loads((folder / "summary.json").read_text())
        (folder / "summary.json").write_text(json.dumps({**summary, "recipe": recipe}))
    elif recipe:
        (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return folder


def difficulty(count: int, seed: int = 0) -> np.ndarray:
    """How easy each image is, as Dice: most easy, a few hard."""
    return np.random.default_rng(seed).beta(9, 1.4, count)


def scored(base: np.ndarray, gain: float, seed: int, noise: float = 0.05) -> list[float]:
    """A model's Dice on images of some difficulty."""
    return np.clip(base + np.random.default_rng(seed).normal(gain, noise, len(base)), 0, 1).tolist()

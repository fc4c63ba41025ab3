from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.metrics import log_loss
from tests.evaluation.fakes import FakeCase, FakeCases, FakeMetadata

from limner.errors import RunError
from limner.evaluation.calibration import Calibration, calibrate
from limner.evaluation.thresholds import choose_from
from limner.metrics import binarise
from limner.types import Prediction, Sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Tempered:
    """A network whose logits are known, at a temperature."""

    logits: dict[str, np.ndarray]
    temperature: float
    passes: list[float] = field(default_factory=list)
    metadata: FakeMetadata = field(default_factory=FakeMetadata)
    threshold: float = 0.5
    has_probs: bool = True

    def __post_init__(self) -> None:
        self.passes.append(self.temperature)

    def predict_sample(self, sample: Sample, /) -> Prediction:
        probs = expit(self.logits[sample.key] / self.temperature).astype(np.float32)
        return Prediction(probs, binarise(probs, 0.5), 0.5)


def network(temperature: float, *, n: int = 8, spread: float = 3.0, size: int = 64) -> tuple[dict[str, np.ndarray], FakeCases]:
    """Logits, and truths drawn so that dividing by `temperature` makes them calibrated."""
    random = np.random.default_rng(round(100 * temperature))
    right = {f"image {number}": random.normal(-1, spread, (size, size)) for number in range(n)}
    samples = [Sample(key, np.zeros((size, size, 3), np.uint8), random.random((size, size)) < expit(z)) for key, z in right.items()]
    return {key: temperature * z for key, z in right.items()}, FakeCases(tuple(FakeCase(s.key, s) for s in samples))


def model(logits: dict[str, np.ndarray]) -> tuple[Callable[[float], Tempered], list[float]]:
    passes: list[float] = []
    return partial(Tempered, logits, passes=passes), passes


def pixels(logits: dict[str, np.ndarray], cases: FakeCases) -> tuple[np.ndarray, np.ndarray]:
    z = np.concatenate([logits[item.key].ravel() for item in cases.items])
    return z, np.concatenate([item.sample.mask.ravel() for item in cases.items])


@pytest.mark.parametrize("temperature", [0.4, 1.7, 2.5])
def test_the_temperature_is_that_of_the_greatest_likelihood(temperature: float) -> None:
    logits, cases = network(temperature)
    at, passes = model(logits)
    found, swept = calibrate(at, cases)
    z, target = pixels(logits, cases)
    exact = minimize_scalar(lambda t: log_loss(target, expit(z / t)), bounds=(0.1, 10), method="bounded").x
    assert found.temperature == pytest.approx(exact, rel=0.01)
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert passes == [1.0, found.temperature]  # two passes, the second of which is also the one that the threshold is chosen by
    assert swept.logits.nll() == found.nll_after


def test_what_it_says_before_and_after_is_what_the_pixels_say() -> None:
    logits, cases = network(2.5)
    found, _ = calibrate(model(logits)[0], cases)
    z, target = pixels(logits, cases)
    assert found.nll_before == pytest.approx(log_loss(target, expit(z)), abs=2e-3)
    assert found.nll_after == pytest.approx(log_loss(target, expit(z / found.temperature)), abs=2e-4)
    assert found.nll_after < found.nll_before
    assert found.ece_after < 0.01 < 0.05 < found.ece_before
    assert (found.n, found.pixels, found.source) == (8, z.size, "fakes")
    assert sum(one.n for one in found.reliability_before) == sum(one.n for one in found.reliability_after) == z.size
    middle = min(found.reliability_after, key=lambda one: abs(one.mean_prob - 0.5))
    near = np.abs(expit(z / found.temperature) - middle.mean_prob) < 1 / 30
    assert middle.share_foreground == pytest.approx(target[near].mean(), abs=0.03)


def test_logits_that_float32_cannot_hold_as_probabilities_are_found_in_a_further_pass() -> None:
    logits, cases = network(9.0, spread=4.0)  # the largest are far beyond 16
    at, passes = model(logits)
    found, _ = calibrate(at, cases)
    assert found.temperature == pytest.approx(9.0, rel=0.06)
    assert len(passes) > 2


def test_masks_stay_what_they_are_at_a_threshold_that_moves_along() -> None:
    logits, cases = network(2.5)
    at, _ = model(logits)
    found, swept = calibrate(at, cases)
    choice = choose_from(swept, temperature=found.temperature)
    moved = float(expit(found.temperature * logit(choice.threshold)))
    for item in cases.items:
        calibrated = binarise(at(found.temperature).predict_sample(item.sample).probs, choice.threshold)
        plain = binarise(at(1.0).predict_sample(item.sample).probs, moved)
        assert 0 < calibrated.mean() < 1
        assert (calibrated != plain).sum() <= 1  # on the very threshold float32 may round either way


@pytest.mark.parametrize("foreground", [0, 4])
def test_too_few_images_with_foreground_are_left_alone(foreground: int) -> None:
    logits, cases = network(2.5)
    for item in cases.items[foreground:]:
        item.sample.mask[:] = False
    found, swept = calibrate(model(logits)[0], cases)
    assert (found.temperature, found.nll_after, found.ece_after) == (1.0, found.nll_before, found.ece_before)
    assert found.origin == f"not calibrated: it takes 5 validation images with foreground, and there are {foreground}"
    assert swept.n == 8


def test_five_images_with_foreground_are_enough() -> None:
    logits, cases = network(2.5, n=5)
    assert calibrate(model(logits)[0], cases)[0].temperature > 2


def test_where_nothing_is_wrong_there_is_nothing_to_fit() -> None:
    logits, cases = network(1.0)
    for item in cases.items:
        item.sample.mask[:] = logits[item.key] > 0
    found, _ = calibrate(model(logits)[0], cases)
    assert found.temperature == 1
    assert found.origin.startswith("not calibrated: the fit went to 0.05,")


def test_a_network_that_knows_nothing_is_left_alone() -> None:
    logits, cases = network(1.0)
    for item in cases.items:
        item.sample.mask[:] = np.random.default_rng(0).random(item.sample.mask.shape) < 0.5
    found, _ = calibrate(model({key: 30 * z for key, z in logits.items()})[0], cases)
    assert found.temperature == 1
    assert "the fit went to 20," in found.origin


def test_what_is_calibrated_already_is_left_alone_after_one_pass() -> None:
    logits, cases = network(1.0)
    exact, _ = calibrate(model(logits)[0], cases)
    at, passes = model({key: z / exact.temperature for key, z in logits.items()})
    found, _ = calibrate(at, cases)
    assert (found.temperature, passes) == (1.0, [1.0])


def test_a_temperature_that_brings_nothing_is_not_taken() -> None:
    """As tiles that contradict each other might have it: what was fitted on their blend does not hold for the blend of what was fitted."""
    logits, cases = network(2.5)
    at, _ = model(logits)
    _, target = pixels(logits, cases)
    blank, _ = model({key: np.full_like(z, logit(target.mean())) for key, z in logits.items()})  # calibrated, and of no use
    found, swept = calibrate(lambda temperature: at(1.0) if temperature == 1 else blank(1.0), cases)
    assert found.temperature == 1
    assert "no more likely" in found.origin
    assert swept.logits.nll() == found.nll_before == found.nll_after


def test_progress() -> None:
    logits, cases = network(2.5)
    steps: list[tuple[int, int]] = []
    calibrate(model(logits)[0], cases, progress=lambda done, total: steps.append((done, total)))
    assert steps == 2 * [(done, 8) for done in range(1, 9)]


def test_a_calibration_is_written_and_read(tmp_path: Path) -> None:
    logits, cases = network(2.5)
    found, _ = calibrate(model(logits)[0], cases)
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({**found.model_dump(mode="json"), "of a later limner": 1}))
    assert Calibration.load(path) == found
    path.write_text("{}")
    with pytest.raises(RunError, match="calibration cannot be read"):
        Calibration.load(path)

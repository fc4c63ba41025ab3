"""A report of invented data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from tests.report.fakes import THRESHOLD, Oversized, make_evaluation, make_history, sample

from limner.evaluation import CaseResult, CurvePoint, ThresholdChoice
from limner.evaluation.calibration import Calibration
from limner.evaluation.curves import ProbabilityCurves, ReliabilityBin
from limner.evaluation.results import Bootstrap
from limner.metrics import count
from limner.metrics.boundary import boundary_scores
from limner.report import ParityFacts, ReportData, SplitFacts, build_gallery


@pytest.fixture(scope="session")
def samples():
    return [sample(f"disc{number:02}", 6 + number) for number in range(12)]


@pytest.fixture(scope="session")
def evaluation(samples):
    predictor = Oversized(samples)
    pairs = [(one, predictor.predict_sample(one)) for one in samples]
    return make_evaluation(
        problems=("masks/x.png: has no image",),
        cases=[measured(number, one, found) for number, (one, found) in enumerate(pairs)],
        bootstrap=Bootstrap(resamples=200),
        families=("region", "boundary", "probability"),
        curves=ProbabilityCurves(
            roc=((0, 0), (0.1, 0.8), (1, 1)), precision_recall=((0, 1), (0.8, 0.9), (1, 0.2)), reliability=reliability(0.8)
        ),
    )


def measured(number, one, found):
    scores = boundary_scores(found.mask, one.mask) | {"soft_dice": 0.75}
    return CaseResult.of(
        one.key,
        one.mask.shape,
        count(found.mask, one.mask),
        scores=scores,
        brightness=0.5 + number / 100,
        review=number / 20,
        columns={"site": "A" if number < 6 else "B"},
        seconds=0.125,
    )


def reliability(slope):
    return tuple(ReliabilityBin(mean_prob=p, share_foreground=slope * p, n=100) for p in (0.1, 0.5, 0.9))


@pytest.fixture(scope="session")
def calibration():
    return Calibration(
        temperature=1.75,
        nll_before=0.5,
        nll_after=0.25,
        ece_before=0.125,
        ece_after=0.0625,
        reliability_before=reliability(0.5),
        reliability_after=reliability(0.9),
        n=8,
        pixels=38400,
        source="discs",
        origin="temperature scaling: greatest likelihood of the 38400 pixels of 8 validation images",
    )


@pytest.fixture(scope="session")
def dataset(samples):
    return SimpleNamespace(name="discs", items=[SimpleNamespace(key=one.key, load=lambda one=one: one) for one in samples])


@pytest.fixture(scope="session")
def choice():
    points = [
        CurvePoint(threshold=t / 100, dice=0.9 - abs(t - 43) / 90, iou=0.8 - abs(t - 43) / 90, precision=0.9, recall=0.9)
        for t in range(1, 100)
    ]
    return ThresholdChoice(threshold=THRESHOLD, metric="dice", value=0.9, n=8, source="discs", empty="one", curve=tuple(points))


@pytest.fixture(scope="session")
def full(samples, evaluation, dataset, choice, calibration):
    """A report with every section."""
    return ReportData(
        title="Discs <and> more",
        evaluation=evaluation,
        task="disc",
        created=datetime(2025, 3, 7, 10, 30, tzinfo=UTC),
        facts={"Machine": {"processor": "a quick one", "cores": 2, "memory in GB": 16.5}, "Versions": {"limner": "0.1.0"}},
        recipe={"name": "fake", "epochs": 9, "data": {"input_size": [64, 64]}, "threshold": {"value": 0.5}},
        history=make_history(9),
        threshold_choice=choice,
        calibration=calibration,
        gallery=build_gallery(Oversized(samples), dataset, evaluation),
        split=SplitFacts({"train": 40, "val": 8, "test": 12}, "drawn by hash", "c0ffee" * 10 + "beef", "more discs"),
        parity=ParityFacts(2.3e-5, 0.9999987, 12),
    )


@pytest.fixture(scope="session")
def bare(full):
    """A report of nothing but an evaluation, as of a model file of unknown origin."""
    counts = [CaseResult.of(case.key, (case.height, case.width), case.counts) for case in full.evaluation.cases]
    evaluation = make_evaluation(cases=counts)
    return ReportData(title="Bare", evaluation=evaluation, created=full.created)


@pytest.fixture
def vary(full):
    return lambda **changes: replace(full, **changes)

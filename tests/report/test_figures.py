from __future__ import annotations

import math
import re
import subprocess
import sys

import pytest
from tests.report.fakes import make_history

from limner.report import figures
from limner.report.style import render

SCORES = [0.1, 0.5, 0.8, 0.85, 0.9, math.nan]


def all_figures(choice):
    history = make_history(12)
    return {
        "loss": figures.loss_curves(history),
        "scores": figures.score_curves(history, 7),
        "rate": figures.rate_curve(history),
        "threshold": figures.threshold_curve(choice.curve, 0.43),
        "spread": figures.dice_spread(SCORES, 0.8),
        "size": figures.dice_by_size([(0.01, 0.9), (0.2, 0.4), (0.0, 1.0)], [(0.2, 0.4)]),
    }


def test_figures_are_deterministic(choice):
    assert all_figures(choice) == all_figures(choice)


def test_figures_stand_inside_a_page(choice):
    for name, svg in all_figures(choice).items():
        assert re.fullmatch(r"<svg viewBox=.*</svg>", svg, re.DOTALL), name
        assert 'role="img" aria-label="' in svg
        assert not re.search(r"http|<style|<metadata|<!DOCTYPE|<\?xml|xlink", svg)
        assert all(one.startswith(f"{name}-") for one in re.findall(r'\bid="([^"]+)"', svg))


def test_references_inside_a_figure_are_kept(choice):
    for svg in all_figures(choice).values():
        assert "url(#" in svg
        ids = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= ids


def test_colours_come_from_the_page(choice):
    for svg in all_figures(choice).values():
        assert re.findall(r"#[0-9a-f]{6}\b", svg, re.IGNORECASE) == []
        assert "var(--first)" in svg


def test_text_is_text(choice):
    assert ">Dice</text>" in all_figures(choice)["threshold"]


def test_what_is_described_is_escaped():
    svg = render(lambda axes: None, name="x", alt='a "quoted" <thing>', size=(100, 100))
    assert 'aria-label="a &quot;quoted&quot; &lt;thing&gt;"' in svg


@pytest.mark.parametrize("history", [[], [{"epoch": 1.0, "val_dice": math.nan}]])
def test_nothing_to_draw_is_no_figure(history):
    assert figures.loss_curves(history) is None
    assert figures.score_curves(history, None) is None
    assert figures.threshold_curve([], 0.5) is None
    assert figures.dice_spread([math.nan], None) is None
    assert figures.dice_by_size([(0.0, 1.0), (0.3, math.nan)]) is None


def test_a_run_of_an_earlier_limner_has_no_scores_of_the_training():
    history = [{name: row[name] for name in ("epoch", "train_loss", "val_loss", "val_dice", "val_iou")} for row in make_history(4)]
    svg = figures.score_curves(history, 2)
    assert (">validation</text>" in svg, ">training</text>" in svg) == (True, False)
    assert ">training</text>" in figures.score_curves(make_history(4), 2)


def test_one_of_each():
    assert figures.loss_curves(make_history(1))
    assert figures.dice_spread([0.5], 0.5)
    assert figures.dice_by_size([(1.0, 1.0)])


def test_imports_nothing_heavy_and_keeps_no_global_state():
    code = (
        "import sys, limner.report as report; assert not {'matplotlib', 'torch', 'jinja2'} & set(sys.modules); "
        "from limner.report import figures; figures.dice_spread([0.5], 0.5); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

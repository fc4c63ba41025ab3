from __future__ import annotations

import csv
import math
import re

import pytest

from limner.report.bars import sweep_bars
from limner.report.sweep_page import SweepData, render_sweep_page, write_sweep
from limner.report.sweep_table import Combination, Spread, SweepRun, SweepScores, SweepTable, render_csv, render_markdown


def scores(val_dice, dice, *, part="test", threshold=0.4, best_epoch=3):
    known = {"val_n": 3, "n": 4, "threshold_origin": "best mean per-image Dice on 3 validation images", "epochs": 9, "seconds": 90.0}
    points = {"iou": None if dice is None else dice / (2 - dice), "dice_pooled": dice, "iou_pooled": 0.1}
    return SweepScores(val_dice=val_dice, dice=dice, part=part, threshold=threshold, best_epoch=best_epoch, **points, **known)


def run(levels, seed, found=None, **others):
    state = {"state": "finished"} if found else {}
    choices = {"levels": str(levels), "loss": "bce"}
    return SweepRun(run=f"levels-{levels}_seed-{seed}", choices=choices, seed=seed, parameters=1234567, scores=found, **{**state, **others})


@pytest.fixture
def seeds():
    """Three combinations with two seeds: the second is best by validation, the third by test; the third has a seed that failed."""
    first = [run(2, 0, scores(0.5, 0.4)), run(3, 0, scores(0.7, 0.6)), run(4, 0, scores(0.9, 0.95))]
    second = [run(2, 1, scores(0.6, 0.5)), run(3, 1, scores(0.9, 0.7, threshold=0.55, best_epoch=12))]
    return SweepTable((*first, *second, run(4, 1, state="failed", reason="the <training> | diverged")))


def test_a_spread_is_mean_and_sample_standard_deviation():
    spread = Spread((0.7, 0.9, 0.8))
    assert spread.mean == pytest.approx(0.8)
    assert spread.std == pytest.approx(math.sqrt((0.01 + 0.01 + 0) / 2))
    assert spread.text == "0.800±0.100"


def test_the_best_is_chosen_by_validation_among_those_with_the_most_finished_runs(seeds):
    assert seeds.best.choices["levels"] == "3"
    only_test_differs = SweepTable((run(2, 0, scores(0.5, 0.9)), run(3, 0, scores(0.6, 0.1))))
    assert only_test_differs.best.choices["levels"] == "3"
    assert SweepTable((run(2, 0), run(3, 0, state="failed"))).best is None


def test_rows_follow_the_grid_and_gather_the_seeds(seeds):
    rows = [dict(zip(seeds.headings(), row, strict=True)) for row in seeds.rows()]
    assert [row["levels"] for row in rows] == ["2", "3", "4"]
    assert rows[1]["val Dice"] == "0.800±0.141"
    assert rows[1]["test Dice"] == "0.650±0.071"
    assert (rows[1]["threshold"], rows[1]["best epoch"], rows[1]["parameters"]) == ("0.40 to 0.55", "3 to 12", "1,234,567")
    assert [row["runs"] for row in rows] == ["2 runs", "2 runs", "1 finished, 1 failed"]
    assert rows[2]["test Dice"] == "0.950"


def test_conditions_say_what_the_numbers_are(seeds):
    told = " ".join(seeds.conditions())
    for words in (
        "3 validation images",
        "4 images of the test part",
        "pooled",
        "best mean per-image Dice on 3 validation images",
        "no part",
    ):
        assert words in told
    assert "sample standard deviation" in told
    alone = SweepTable((run(2, 0, scores(0.5, 0.5, part="val")),))
    assert "nothing here is a test" in " ".join(alone.conditions())
    assert "validation Dice" in alone.headings()
    assert "standard deviation" not in " ".join(alone.conditions())


def test_the_csv_has_every_number_of_every_run(seeds):
    rows = list(csv.DictReader(render_csv(seeds).splitlines()))
    assert [(row["levels"], row["seed"], row["best"]) for row in rows] == [
        ("2", "0", ""), ("3", "0", "yes"), ("4", "0", ""), ("2", "1", ""), ("3", "1", "yes"), ("4", "1", "")
    ]  # fmt: skip
    assert float(rows[4]["dice"]) == 0.7
    assert (rows[5]["dice"], rows[5]["reason"]) == ("", "the <training> | diverged")


def test_markdown_marks_the_best_and_names_what_failed(seeds):
    text = render_markdown(seeds, "A sweep")
    assert next(line for line in text.splitlines() if line.startswith("| **")).startswith("| **3** |")
    assert "- levels-4_seed-1: the <training> | diverged" in text


def test_the_bars_show_each_seed_and_no_number_that_is_not_there(seeds):
    svg = sweep_bars(seeds)
    assert "0.650±0.071" in svg
    assert "levels 3, loss bce" in svg
    assert svg.count("best by validation Dice") == 1
    assert sweep_bars(seeds) == svg
    assert sweep_bars(SweepTable((run(2, 0),))) is None
    assert "no finished run" in sweep_bars(SweepTable((run(2, 0, scores(1.0, 1.0)), run(3, 0))))


def test_undefined_scores_have_a_place(tmp_path):
    table = SweepTable((run(2, 0, scores(None, None)), run(3, 0, scores(0.4, 0.3))))
    assert table.best.choices["levels"] == "3"
    assert "–" in table.rows()[0]
    write_sweep(SweepData("Sweep", {}, {}, table), tmp_path)


def test_the_page_escapes_links_and_needs_nothing_else(seeds, tmp_path):
    page = write_sweep(SweepData("A <sweep>", {"Data": "d & e"}, {"epochs": 3}, seeds), tmp_path).read_text()
    assert "A &lt;sweep&gt;" in page
    assert "the &lt;training&gt; | diverged" in page
    assert "5 of 6 finished, 1 failed" in page
    assert page.count('<tr class="used">') == 1
    assert re.findall(r'href="([^"#]+)"', page) == [f"runs/{one.run}/report.html" for one in seeds.runs if one.scores]
    assert not re.search(r"https?://|<script|<link|src=", page)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep.csv", "sweep.html", "sweep.md", "sweep.png", "sweep.svg"]


def test_a_page_of_nothing_yet_is_a_page():
    page = render_sweep_page(SweepData("Sweep", {}, {}, SweepTable((run(2, 0), run(3, 0)))))
    assert "0 of 2 finished" in page
    assert "Combinations" in page


def test_a_combination_in_progress_says_so():
    one = Combination({}, (run(2, 0, scores(0.5, 0.5)), run(2, 1), run(2, 2, state="interrupted")))
    assert one.state == "1 finished, 1 interrupted, 1 waiting"

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime

import pytest

from limner.report import compare_figures
from limner.report.compare_names import wrap
from limner.report.compare_page import COMPARISON_FILES, ComparisonData, render_compare_page, write_comparison
from limner.report.compare_table import Comparison, ImageRow, Measured, ModelRow, PairRow, model_headings, model_rows, pair_rows, render_csv
from limner.report.compare_words import conditions, images_better, render_markdown, sentence


def model(name, value, *, seeds=None, pooled=True):
    measured = Measured(value=value, interval=(value - 0.02, value + 0.03), seeds=seeds or (value,))
    runs = tuple(f"runs/{name}-{number}" for number in range(len(measured.seeds)))
    facts = {"thresholds": (0.4,) * len(runs), "origins": ("best mean per-image Dice on 9 validation images",) * len(runs)}
    return ModelRow(name=name, model="unet", runs=runs, seeds=(), per_image=measured, pooled=measured if pooled else None, **facts)


def pair(first, second, difference, *, p=0.01, p_bootstrap=None, better=(3, 1)):
    ends = (difference - 0.01, difference + 0.02)
    p_bootstrap = p if p_bootstrap is None else p_bootstrap
    return PairRow(
        first=first, second=second, difference=difference, interval=ends, first_better=better[0], second_better=better[1],
        p=p, p_corrected=p, p_bootstrap=p_bootstrap, p_bootstrap_corrected=p_bootstrap,
    )  # fmt: skip


def comparison(models, pairs, *, metric="dice", **known):
    images = [ImageRow(key=f"case<{number}>", group=None, values=tuple(0.5 + 0.1 * number for _ in models)) for number in range(4)]
    images.append(ImageRow(key="outlier", group=None, values=(0.9, *(0.1 for _ in models[1:]))))
    facts = {"source": "polyps", "part": "test", "n": 5, "empty_rule": "one", "units": 5, "resamples": 2000, "level": 0.95}
    return Comparison(**{**facts, **known}, metric=metric, models=tuple(models), pairs=tuple(pairs), images=tuple(images))


@pytest.fixture
def two():
    return comparison([model("a", 0.85), model("b", 0.83)], [pair("a", "b", 0.0213, p=0.004)])


@pytest.fixture
def three():
    models = [model("a", 0.85, seeds=(0.84, 0.86)), model("b", 0.83), model("c", 0.8)]
    pairs = [pair("a", "b", 0.02), pair("a", "c", 0.05, p=0.0001), pair("b", "c", 0.03, p=0.4)]
    return comparison(models, pairs, notices=("compared on <few> images",))


def test_a_clear_difference_is_said_plainly(two):
    assert sentence(two.pairs[0], two) == "a is better than b by 0.021 in Dice (0.011 to 0.041), p = 0.004."
    assert images_better(two.pairs[0], two) == "a is better on 3 of 5 images, b on 1, equal on 1."


def test_the_better_comes_first_and_its_lead_is_positive():
    found = comparison([model("a", 0.8), model("b", 0.9)], [pair("a", "b", -0.1, better=(1, 4))])
    assert sentence(found.pairs[0], found) == "b is better than a by 0.100 in Dice (0.080 to 0.110), p = 0.010."


def test_of_distances_the_lower_is_better():
    models = [model("a", 4.0, pooled=False), model("b", 5.0, pooled=False)]
    found = comparison(models, [pair("a", "b", -1.0, better=(4, 1))], metric="hausdorff95", unit="px")
    assert sentence(found.pairs[0], found).startswith("a is better than b by 1.00 px in Hausdorff distance, 95 % (0.98 to 1.01 px)")
    other = comparison(models, [pair("a", "b", 1.0, better=(1, 4))], metric="hausdorff95", unit="px")
    assert sentence(other.pairs[0], other).startswith("b is better than a by 1.00 px")
    assert "Lower is better" in " ".join(conditions(other))


def test_the_number_of_comparisons_is_said(three):
    told = [sentence(one, three) for one in three.pairs]
    assert told[1] == "a is better than c by 0.050 in Dice (0.040 to 0.070), p < 0.001 after correction for 3 comparisons."
    assert told[2].startswith("No difference beyond chance between b and c: mean difference 0.030 in Dice (0.020 to 0.050), p = 0.40 after")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"p": 0.3, "p_bootstrap": 0.001}, "image by image it is not ahead of b beyond chance (p = 0.30). A few images decide."),
        ({"p": 0.001, "p_bootstrap": 0.3}, "a is better than b on most images (3 of 5, p = 0.001), but the means do not differ"),
        (
            {"p": 0.001, "better": (1, 4)},
            "a has the better mean, by 0.021 in Dice (0.011 to 0.041), but b is better on most images (4 of 5",
        ),
    ],
)
def test_what_is_not_clear_is_said_to_be_so(known, words):
    found = comparison([model("a", 0.85), model("b", 0.83)], [pair("a", "b", 0.0213, **known)])
    assert found.verdict(found.pairs[0]) == "mixed"
    told = sentence(found.pairs[0], found)
    assert told.startswith("Not clear: ")
    assert words in told


def test_the_tables_have_every_number_with_its_convention(three, two):
    assert model_headings(three) == [
        "model", "Dice, per-image", "95 % interval", "Dice, pooled", "95 % interval", "n", "threshold", "seeds"
    ]  # fmt: skip
    assert model_rows(three)[0] == ["a", "0.850 ± 0.014", "0.830 to 0.880", "0.850 ± 0.014", "0.830 to 0.880", "5", "0.40", "2"]
    assert model_rows(two)[1] == ["b", "0.830", "0.810 to 0.860", "0.830", "0.810 to 0.860", "5", "0.40"]
    assert pair_rows(three)[2] == ["b", "c", "+0.030", "0.020 to 0.050", "0.40", "0.40", "3 : 1"]


def test_scores_of_probabilities_have_no_threshold_and_those_of_polyp_tables_their_own_convention():
    for metric, heading in (("roc_auc", "ROC AUC, per-image"), ("mae", "MAE, pranet-256")):
        found = comparison([model("a", 0.8, pooled=False), model("b", 0.7, pooled=False)], [pair("a", "b", 0.1)], metric=metric)
        row = dict(zip(model_headings(found), model_rows(found)[0], strict=True))
        assert row[heading] == "0.800"
        assert row["threshold"] == "–"


def test_conditions_say_how_the_numbers_were_made(three, two):
    told = " ".join(conditions(three))
    for words in ("2000 resamples of 5 images", "Wilcoxon", "3 comparisons by Holm", "Empty-mask rule one", "pixels counted", "± sample"):
        assert words in told
    assert "Holm" not in " ".join(conditions(two))
    assert "±" not in " ".join(conditions(two))
    grouped = two.model_copy(update={"by": "group", "units": 2})
    assert "2 groups, each drawn whole" in " ".join(conditions(grouped))
    assert "means of the groups" in " ".join(conditions(grouped))


def test_the_csv_has_each_image_under_each_model(three):
    rows = list(csv.DictReader(render_csv(three).splitlines()))
    assert [row["key"] for row in rows] == ["case<0>", "case<1>", "case<2>", "case<3>", "outlier"]
    assert [float(rows[4][name]) for name in "abc"] == [0.9, 0.1, 0.1]


def test_markdown_has_sentences_and_tables(three):
    text = render_markdown(three, "A comparison")
    assert text.startswith("# A comparison\n\n> **Note:** compared on <few> images")
    for words in ("- a is better than b by", "| a | 0.850 ± 0.014 |", "| b | c | +0.030 |", "| a | runs/a-1 |"):
        assert words in text


def test_figures_show_numbers_seeds_and_outliers_and_are_repeatable(three):
    drawn = compare_figures.bars(three)
    assert "0.850 ± 0.014  (0.830 to 0.880)" in drawn
    assert compare_figures.bars(three) == drawn
    assert "a − c" in compare_figures.differences(three)
    scatter = compare_figures.scatters(three)
    assert len(scatter) == 3
    assert "outlier" in scatter[0]
    assert "case" not in scatter[0]  # both models are equal there
    assert "above the line: a is better" in scatter[0]


def test_of_distances_the_better_side_of_a_scatter_is_below():
    models = [model("a", 4.0, pooled=False), model("b", 5.0, pooled=False)]
    found = comparison(models, [pair("a", "b", -1.0)], metric="hausdorff95", unit="px")
    assert "below the line: a is better" in compare_figures.scatters(found)[0]
    assert "lower is better" in compare_figures.bars(found)


def words_in(svg):
    """All text of a figure, lines joined."""
    return "".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


@pytest.mark.parametrize("width", [compare_figures.WIDE, compare_figures.NARROW])
def test_long_names_are_broken_into_lines_and_never_cut(width):
    names = [f"levels-{levels}_normalisation-minmax_augmentation-strong_seed-0" for levels in (2, 3)]
    found = comparison([model(name, 0.8) for name in names], [pair(*names, 0.1)])
    bars, differences = compare_figures.bars(found, width=width), compare_figures.differences(found, width=width)
    scatter = compare_figures.scatters(found, width=width)[0]
    for name in names:
        assert name in words_in(bars)
        assert name in words_in(differences)
        assert words_in(scatter).count(name) == 2  # its axis, and its side of the line
    assert "…" not in bars + differences + scatter
    longest = max(re.findall(r"<text[^>]*>([^<]*)</text>", bars), key=len)
    assert len(longest) <= (120 if width == compare_figures.WIDE else 40)


@pytest.mark.parametrize("name", ["levels-2_normalisation-none_seed-0", "x" * 50, "a b/c.d_e-f" * 4, "short", ""])
def test_wrapping_loses_nothing_but_spaces_at_line_ends(name):
    lines = wrap(name, 12).split("\n")
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")
    assert max(map(len, lines)) <= 12


def test_on_a_phone_the_bars_have_no_room_for_intervals(three):
    narrow = compare_figures.bars(three, width=compare_figures.NARROW)
    assert "0.850 ± 0.014" in narrow
    assert "0.830 to 0.880" not in narrow


def test_images_whose_names_end_alike_are_named_in_full():
    found = comparison([model("a", 0.8), model("b", 0.8)], [pair("a", "b", 0.1)])
    keys = [f"site-{site}/a-long-name-of-an-image-0001" for site in "xy"]
    images = tuple(ImageRow(key=key, group=None, values=(0.9, 0.1 * n)) for n, key in enumerate(keys))
    scatter = compare_figures.scatters(found.model_copy(update={"images": images}))[0]
    assert all(key in scatter for key in keys)


@pytest.mark.parametrize(
    ("metric", "rule", "words", "never"),
    [
        ("dice", "one", "counts as 1 when nothing was drawn on it, and as 0 otherwise", "diagonal"),
        ("nsd", "one", "counts as 1 when nothing was drawn on it", "diagonal"),
        ("hausdorff95", "one", "distance is 0 for an image without an object on which nothing was drawn; where only one", "counts as 1"),
        ("assd", "skip", "is left out; where only one of the masks is empty, it is the image’s diagonal", "counts as"),
        ("roc_auc", "one", "An image without an object has no ROC AUC, and is left out", "counts as"),
        ("brier", "one", "No empty-mask rule: Brier score has a value", "counts as"),
        ("mae", "one", "No empty-mask rule: MAE", "counts as"),
        ("soft_dice", "one", "is 0 as soon as one probability is above 0", "counts as"),
    ],
)
def test_the_empty_mask_sentence_is_that_of_the_metric(metric, rule, words, never):
    found = comparison([model("a", 0.8), model("b", 0.7)], [pair("a", "b", 0.1)], metric=metric, empty_rule=rule)
    told = " ".join(conditions(found))
    assert words in told
    assert never not in told


def test_of_very_many_pairs_the_clearest_are_drawn(monkeypatch):
    monkeypatch.setattr(compare_figures, "MOST_SCATTERS", 2)
    pairs = [pair(*names, 0.1, p=0.5) for names in ("ab", "ac", "ad", "bc", "bd")] + [pair("c", "d", 0.1, p=0.001)]
    found = comparison([model(name, 0.8) for name in "abcd"], pairs)
    assert compare_figures.shown_pairs(found) == [pairs[0], pairs[-1]]
    assert "4 more pairs are in compare.csv" in render_compare_page(ComparisonData(found))


def test_equal_values_and_undefined_ones_can_be_drawn():
    models = [model("a", 0.8), model("b", 0.8)]
    found = comparison(models, [pair("a", "b", 0.0, p=1.0, better=(0, 0))])
    same = found.model_copy(update={"images": tuple(ImageRow(key=str(n), group=None, values=(0.8, 0.8)) for n in range(3))})
    assert "<svg" in compare_figures.scatters(same)[0]
    assert "No difference beyond chance" in render_compare_page(ComparisonData(same))


def test_the_page_escapes_and_needs_nothing_else(three, tmp_path):
    data = ComparisonData(three, datetime(2025, 3, 7, tzinfo=UTC))
    page = write_comparison(data, tmp_path).read_text()
    assert "compared on &lt;few&gt; images" in page
    assert "3 models compared on polyps" in page
    assert "7 March 2025" in page
    assert not re.search(r"https?://(?!www\.w3\.org)|<script|<link|src=", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(set(ids)) == len(ids)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(COMPARISON_FILES)


def test_a_single_pair_lists_where_it_differs_most(two):
    page = render_compare_page(ComparisonData(two))
    assert "a and b compared on polyps" in page
    assert re.search(r"outlier</span></td><td[^>]*>0.900</td><td[^>]*>0.100</td><td[^>]*>\+0.800", page)


def test_the_json_has_every_number_and_the_verdict(three, tmp_path):
    write_comparison(ComparisonData(three), tmp_path)
    found = json.loads((tmp_path / "compare.json").read_text())
    assert found["models"][0]["per_image"]["seeds"] == [0.84, 0.86]
    assert [one["verdict"] for one in found["pairs"]] == ["better", "better", "none"]
    assert found["pairs"][0]["sentence"] == sentence(three.pairs[0], three)
    assert "images" not in found

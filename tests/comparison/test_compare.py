"""The numbers of a comparison, and what makes runs comparable."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import numpy as np
import pytest
from scipy import stats
from tests.comparison.fakes import cases, difficulty, one_case, scored, write_run

from limner.comparison import compare, gather_models, load_runs
from limner.errors import RunError
from limner.evaluation import Evaluation
from limner.evaluation.results import Boundary
from limner.report.compare_figures import bars

BASE = difficulty(60)


@pytest.fixture
def compared(tmp_path):
    """`compared({"a": cases, "b": cases})` writes the runs and compares them; `known` has what each says of itself."""

    def make(found, *, known=None, metric="dice", baseline=None, **how):
        folders = [write_run(tmp_path / name, results, **(known or {}).get(name, {})) for name, results in found.items()]
        return compare(gather_models(load_runs(folders), **how), metric=metric, baseline=baseline)

    return make


@pytest.fixture
def two(compared):
    """`a` is a little better than `b` on 60 images."""
    return compared({"a": cases(scored(BASE, 0.03, 1)), "b": cases(scored(BASE, 0.0, 2))})


def test_each_model_has_its_own_scores_with_intervals(two, tmp_path):
    for model in two.models:
        own = Evaluation.load(tmp_path / model.name)
        assert model.per_image.value == pytest.approx(own.score("dice").value)
        assert model.pooled.value == pytest.approx(own.score("dice", "pooled").value)
        for measured in (model.per_image, model.pooled):
            assert measured.interval[0] < measured.value < measured.interval[1]
            assert measured.std is None
        assert (model.thresholds, model.origins) == ((0.45,), ("best mean per-image Dice on 30 validation images",))
    assert (two.n, two.units, two.by, two.source, two.part, two.empty_rule) == (60, 60, "image", "polyps", "test", "one")


def test_the_pair_is_tested_image_by_image(two):
    (pair,) = two.pairs
    a, b = np.array(two.values("a")), np.array(two.values("b"))
    assert pair.difference == pytest.approx((a - b).mean())
    assert pair.interval[0] < pair.difference < pair.interval[1]
    assert pair.interval[1] - pair.interval[0] == pytest.approx(2 * 1.96 * (a - b).std() / math.sqrt(60), rel=0.15)
    assert pair.p == pytest.approx(stats.wilcoxon(a[a != b], b[a != b]).pvalue, rel=0.2)
    assert pair.p_corrected == pair.p  # a single comparison needs no correction
    assert (pair.first_better, pair.second_better) == ((a > b).sum(), (b > a).sum())
    assert two.verdict(pair) == "better"


def test_all_pairs_are_compared_and_their_p_corrected(compared):
    found = compared({name: cases(scored(BASE, gain, seed)) for seed, (name, gain) in enumerate({"a": 0.04, "b": 0.02, "c": 0.0}.items())})
    assert [(pair.first, pair.second) for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    lowest, middle, highest = sorted(found.pairs, key=lambda pair: pair.p)
    assert lowest.p_corrected == pytest.approx(3 * lowest.p)
    assert middle.p_corrected == pytest.approx(max(3 * lowest.p, 2 * middle.p))
    assert highest.p_corrected == pytest.approx(max(middle.p_corrected, highest.p))


def test_all_are_compared_with_the_baseline(compared):
    found = compared({name: cases(scored(BASE, 0.0, seed)) for seed, name in enumerate("abc")}, baseline="b")
    assert [(pair.first, pair.second) for pair in found.pairs] == [("a", "b"), ("c", "b")]
    with pytest.raises(RunError, match="baseline") as caught:
        compared({"new": cases([0.5, 0.6]), "old": cases([0.5, 0.6])}, baseline="olt")
    assert caught.value.fix == "did you mean 'old'?"


def test_several_seeds_are_averaged(compared):
    scores = {f"unet_seed-{seed}": scored(BASE, 0.0, seed) for seed in range(3)}
    known = {name: {"recipe": {"name": "unet", "seed": seed}} for seed, name in enumerate(scores)}
    found = compared({**{name: cases(values) for name, values in scores.items()}, "other": cases(scored(BASE, 0, 9))}, known=known)
    unet, other = found.models
    means = [fmean(case.dice for case in cases(values)) for values in scores.values()]
    assert (unet.name, unet.seeds, len(unet.runs)) == ("unet", (0, 1, 2), 3)
    assert unet.per_image.seeds == pytest.approx(means)
    assert unet.per_image.value == pytest.approx(fmean(means))
    assert unet.per_image.std == pytest.approx(stdev(means))
    assert unet.pooled.value == pytest.approx(fmean(unet.pooled.seeds))
    per_image = np.mean([[case.dice for case in cases(values)] for values in scores.values()], axis=0)
    assert found.values("unet") == pytest.approx(per_image.tolist())
    assert other.seeds == ()


def test_groups_are_drawn_whole_and_tested_by_their_means(compared):
    """Ten images of each of six patients: the same difference within a patient is one observation, not ten."""
    gains = np.repeat([0.05, 0.06, 0.04, 0.05, -0.02, 0.03], 10)
    groups = [f"patient-{number // 10}" for number in range(60)]
    noise = np.random.default_rng(0).normal(0, 0.005, 60)

    def made(values):
        return [one_case(f"{number}", value, group=groups[number]) for number, value in enumerate(values)]

    found = compared({"a": made(0.7 + gains + noise), "b": made(np.full(60, 0.7))})
    assert (found.by, found.units, found.n) == ("group", 6, 60)
    assert [image.group for image in found.images] == groups
    (pair,) = found.pairs
    a, b = (np.array(found.values(name)).reshape(6, 10).mean(axis=1) for name in "ab")
    assert pair.p == pytest.approx(stats.wilcoxon(a - b).pvalue)
    assert pair.p > 0.05
    assert found.verdict(pair) != "better"


def test_for_distances_lower_is_better(compared):
    def made(values):
        return [one_case(f"{number}", 0.8, scores={"hausdorff95": value}) for number, value in enumerate(values)]

    random = np.random.default_rng(0)
    far, near = random.uniform(10, 20, 40), random.uniform(2, 9, 40)
    boundary = {"families": ("region", "boundary"), "boundary": Boundary(unit="µm", spacing=0.5)}
    found = compared({"far": made(far), "near": made(near)}, metric="hausdorff95", known={"far": boundary, "near": boundary})
    (pair,) = found.pairs
    assert pair.difference > 0
    assert (pair.first_better, pair.second_better) == (0, 40)
    assert not found.first_leads(pair)
    assert found.verdict(pair) == "better"
    assert found.unit == "µm"
    assert all(model.pooled is None for model in found.models)


def test_a_few_images_that_decide_the_mean_are_not_called_better(compared):
    """`b` fails on five of sixty images, and is a little better on all others."""
    b = np.clip(BASE * 0.9 + 0.02, 0, 1)
    b[:5] = 0.0
    found = compared({"a": cases(BASE * 0.9), "b": cases(b)})
    (pair,) = found.pairs
    assert pair.difference > 0
    assert pair.second_better > 50
    assert pair.images_differ
    assert found.verdict(pair) == "mixed"


def test_equal_models_do_not_differ(compared):
    found = compared({"a": cases(BASE), "b": cases(BASE)})
    (pair,) = found.pairs
    assert (pair.difference, pair.p, pair.p_bootstrap, pair.first_better, pair.second_better) == (0, 1, 1, 0, 0)
    assert found.verdict(pair) == "none"


def test_only_common_images_are_compared_and_that_is_said(compared):
    values = cases(scored(BASE, 0, 1))
    found = compared({"a": values, "b": cases(scored(BASE, 0, 2))[10:]})
    assert (found.n, len(found.images)) == (50, 50)
    assert found.images[0].key == "image-010"
    assert found.models[0].per_image.value == pytest.approx(fmean(case.dice for case in values[10:]))
    (notice,) = found.notices
    assert "compared on the 50 that all of them have" in notice
    assert "a 60" in notice


def test_the_order_of_the_images_plays_no_part(compared):
    a, b = cases(scored(BASE, 0.03, 1)), cases(scored(BASE, 0.0, 2))
    one, other = compared({"a": a, "b": b}), compared({"a": a, "b": b[::-1]})
    assert one.pairs == other.pairs


def test_images_with_another_true_mask_are_left_out(compared):
    a, b = cases(scored(BASE, 0, 1)), cases(scored(BASE, 0, 2))
    b[3] = one_case("image-003", 0.9, foreground=1001)
    found = compared({"a": a, "b": b})
    assert found.n == 59
    assert found.notices == ("left out, since size or true mask differ between the runs: 1 image (image-003)",)


def test_images_without_a_defined_score_are_left_out(compared):
    empty = [one_case(f"empty-{number}", 0, foreground=0, empty="skip") for number in range(5)]
    rule = {name: {"empty_rule": "skip"} for name in "ab"}
    found = compared({"a": [*cases(BASE), *empty], "b": [*cases(BASE), *empty]}, known=rule)
    assert found.n == 60
    assert "not defined there in every run: 5 images (empty-0, empty-1, empty-2, ...)" in found.notices[0]


def test_the_same_names_with_other_masks_are_said_once_and_first(compared):
    with pytest.raises(RunError, match="same names, but other true masks or sizes: all of the 20") as caught:
        compared({"a": cases(BASE[:20]), "b": cases(BASE[:20], foreground=900)})
    assert caught.value.where.endswith("b (20 images)")
    assert "in common" not in str(caught.value)
    assert "compared on" not in str(caught.value)


def test_some_other_names_and_some_other_masks_do_not_contradict_each_other(compared):
    b = cases(BASE)
    b[3] = one_case("image-003", 0.9, foreground=1001)
    found = compared({"a": cases(BASE)[:50], "b": b})
    assert found.n == 49
    assert "all of them have 50" in found.notices[0]
    assert "compared on the 50" not in found.notices[0]


def test_a_metric_that_is_nowhere_defined_is_the_cause(compared):
    empty = [one_case(f"empty-{number}", 0, foreground=0, empty="skip") for number in range(5)]
    with pytest.raises(RunError, match="Dice is defined in every run on fewer than 2 of the 5 images"):
        compared({"a": empty, "b": empty}, known={name: {"empty_rule": "skip"} for name in "ab"})


@pytest.mark.parametrize("common", [0, 1])
def test_too_few_common_images_are_refused(compared, common):
    with pytest.raises(RunError, match="in common") as caught:
        compared({"a": cases(BASE[:10]), "b": cases(BASE)[10 - common :]})
    assert "same images" in caught.value.fix


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"empty_rule": "skip"}, "rule for empty masks: one and skip"),
        ({"field_of_view": 60}, "field of view: the whole image and inside it only"),
    ],
)
def test_other_conventions_are_refused(compared, said, words):
    with pytest.raises(RunError, match=words):
        compared({"a": cases(BASE), "b": cases(BASE)}, known={"b": said})


def test_of_other_fields_of_view_it_is_said_what_to_do(compared):
    with pytest.raises(RunError, match="field of view") as caught:
        compared({"a": cases(BASE), "b": cases(BASE)}, known={"b": {"field_of_view": 60}})
    assert caught.value.fix.startswith("evaluate again what was judged on the whole image")
    assert "--whole-image" in caught.value.fix


def test_distances_measured_otherwise_are_refused_where_distances_are_compared(compared):
    def made():
        return [one_case(f"{number}", value, scores={"nsd": value}) for number, value in enumerate(BASE)]

    known = {"b": {"boundary": Boundary(tolerance=3.0)}}
    assert compared({"a": made(), "b": made()}, known=known).n == 60
    with pytest.raises(RunError, match="tolerance 2 px, a pixel 1 px and tolerance 3 px"):
        compared({"a": made(), "b": made()}, known=known, metric="nsd")


def test_other_names_and_images_seen_in_training_are_said(compared):
    seen = {"b": {"source": "copy-of-polyps", "part": "all", "seen_in_training": 7, "notice": "7 of the 60 images were used to train this"}}
    told = " ".join(compared({"a": cases(BASE), "b": cases(BASE)}, known=seen).notices)
    for words in ("polyps, copy-of-polyps", "test, all", "7 of the 60 images were used to train this"):
        assert words in told


def test_few_images_are_said_to_be_too_few(compared):
    found = compared({"a": cases([0.9, 0.9, 0.9]), "b": cases([0.1, 0.1, 0.1])})
    assert "only 3 images" in found.notices[0]
    assert found.pairs[0].p == 0.25


def test_a_metric_must_be_there(compared):
    with pytest.raises(RunError, match="no clDice of each image") as caught:
        compared({"a": cases(BASE), "b": cases(BASE)}, metric="cldice")
    assert "dice, iou, precision" in caught.value.fix
    assert "--metrics region,centreline" in caught.value.fix
    with pytest.raises(RunError, match="no metric 'dise'") as caught:
        compared({"a": cases(BASE), "b": cases(BASE)}, metric="dise")
    assert "dice" in caught.value.fix


def test_masks_alone_have_no_probabilities_however_often_they_are_evaluated(compared):
    masks = {name: {"families": ("region", "probability"), "threshold": None} for name in "ab"}
    with pytest.raises(RunError, match="no ROC AUC of each image") as caught:
        compared({"a": cases(BASE), "b": cases(BASE)}, known=masks, metric="roc_auc")
    assert "probabilities of a model" in caught.value.fix
    assert "again" not in caught.value.fix


@pytest.mark.parametrize("metric", ["Dice", "DICE", " dice "])
def test_a_metric_may_be_called_by_its_label(compared, metric):
    assert compared({"a": cases(BASE), "b": cases(BASE)}, metric=metric).metric == "dice"


def test_seeds_that_score_the_same_on_every_image_can_be_compared_and_drawn(compared, tmp_path):
    """Then the interval is a point, which rounding may put a bit beside the mean; a bar's whisker must not be shorter than nothing."""
    scores = {f"unet_seed-{seed}": cases([value] * 7) for seed, value in enumerate((0.1, 0.7, 0.3))}
    known = {name: {"recipe": {"name": "unet", "seed": seed}} for seed, name in enumerate(scores)}
    found = compared({**scores, "other": cases([0.5] * 7)}, known=known)
    unet = found.models[0].per_image
    assert unet.interval == pytest.approx((unet.value, unet.value))
    below = unet.model_copy(update={"value": unet.interval[1] + 1e-16})
    assert below.value > below.interval[1]
    moved = found.models[0].model_copy(update={"per_image": below})
    assert bars(found.model_copy(update={"models": (moved, found.models[1])})).startswith("<svg")


def test_many_models_can_still_differ(compared):
    """Of 55 comparisons by 2000 resamples, no corrected p of the means could come below 0.05."""
    rng = np.random.default_rng(0)
    found = compared({f"m{step:02}": cases(np.clip(0.3 + 0.06 * step + rng.normal(0, 0.01, 30), 0, 1)) for step in range(11)})
    assert (len(found.pairs), found.resamples) == (55, 5500)
    assert {found.verdict(pair) for pair in found.pairs} == {"better"}

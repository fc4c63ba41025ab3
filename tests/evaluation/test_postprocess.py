from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.evaluation.fakes import FakeCase, FakeCases, FakePredictor

from limner.errors import DataError
from limner.evaluation import PostProcessChoice, evaluate, tune_postprocess
from limner.evaluation.kept import KeptImage, PackedLabels, PackedMask
from limner.metrics import count, dice
from limner.runtime.postprocess import PostProcess, apply
from limner.types import Prediction, Sample

if TYPE_CHECKING:
    from limner.types import LabelArray, MaskArray

SIDE = 64
Y, X = np.indices((SIDE, SIDE))


@dataclass(frozen=True)
class Metadata:
    name: str = "fake"
    task: str = "object"
    threshold_origin: str = "chosen by hand"
    scale: float = 1.0

    def scale_of(self, size: tuple[int, int], /) -> float:
        assert size == (SIDE, SIDE)
        return self.scale


@dataclass
class Reader(FakePredictor):
    """Reads its mask from the image's red channel."""

    metadata: Metadata = field(default_factory=Metadata)


class PostProcessed(Reader):
    """As limner's own predictor is: what it gives has been post-processed already."""

    def predict_sample(self, sample: Sample, /) -> Prediction:
        return apply(super().predict_sample(sample), PostProcess(min_area=1e6, split_touching=True), scale=1)


def disc(row: float, column: float, radius: float) -> MaskArray:
    return (Y - row) ** 2 + (X - column) ** 2 <= radius**2


def case(key: str, preds: MaskArray, target: MaskArray, instances: LabelArray | None = None, **known: object) -> FakeCase:
    image = np.where(preds, np.uint8(230), np.uint8(20))[..., None].repeat(3, axis=2)
    return FakeCase(key, Sample(key, image, target), instances=instances, **known)


def cases(make, n: int = 10) -> FakeCases:
    """`make` gives what is predicted, what is true and perhaps the true objects, of a number that only a random generator knows."""
    random = np.random.default_rng(0)
    return FakeCases(tuple(case(str(number), *make(random)) for number in range(n)))


def specks(random: np.random.Generator) -> tuple[MaskArray, MaskArray]:
    """A disc, and beside it a few specks of 4 pixels that are not there."""
    target = disc(*random.uniform(24, 40, 2), 12)
    preds = target.copy()
    for row in random.choice(SIDE // 4, 6, replace=False) * 4:
        preds[row : row + 2, 3:5] = True
    return preds, target


def holes(random: np.random.Generator) -> tuple[MaskArray, MaskArray]:
    row, column = random.uniform(20, 44, 2)
    return disc(row, column, 14) & ~disc(row + random.uniform(-3, 3), column, 4), disc(row, column, 14)


def fringes(random: np.random.Generator) -> tuple[MaskArray, MaskArray]:
    """A disc with thin strokes that are not there."""
    target = disc(*random.uniform(20, 44, 2), 12)
    strokes = np.zeros_like(target)
    strokes[random.choice(SIDE // 4, 5, replace=False) * 4] = True
    return target | strokes, target


def pairs(random: np.random.Generator) -> tuple[MaskArray, MaskArray, LabelArray]:
    """Two discs that touch, which the source tells apart."""
    row = random.uniform(24, 40)
    labels = disc(row, 22, 10) * 1 + (disc(row, 41, 10) & ~disc(row, 22, 10)) * 2
    return labels > 0, labels > 0, labels.astype(np.int32)


def flawless(random: np.random.Generator) -> tuple[MaskArray, MaskArray]:
    target = disc(*random.uniform(20, 44, 2), random.uniform(5, 15))
    return target, target


def test_specks_are_removed() -> None:
    choice = tune_postprocess(Reader(), cases(specks))
    assert choice.settings == PostProcess(min_area=8, origin=choice.settings.origin)
    assert choice.after["dice"] > choice.before["dice"]
    assert choice.after["object_ap"] > 0.9 > choice.before["object_ap"] > 0
    assert choice.settings.origin.startswith("tuned on 10 validation images (mean per image: Dice from 0.9")


def test_holes_are_filled_and_nothing_else_is_done() -> None:
    choice = tune_postprocess(Reader(), cases(holes))
    assert choice.settings == PostProcess(max_hole=64, origin=choice.settings.origin)
    assert choice.after["dice"] == 1


def test_strokes_are_opened() -> None:
    settings = tune_postprocess(Reader(), cases(fringes)).settings
    assert settings.opening >= 1
    assert not settings.split_touching


def test_touching_objects_are_cut_where_the_source_tells_them_apart() -> None:
    choice = tune_postprocess(Reader(), cases(pairs))
    assert choice.settings == PostProcess(split_touching=True, origin=choice.settings.origin)
    assert choice.after["dice"] == choice.before["dice"] == 1
    assert (choice.before["object_ap"], choice.after["object_ap"]) == (0.05, pytest.approx(1, abs=0.05))
    told = next(step for step in choice.steps if step.step == "split_touching")
    assert told.kept
    assert told.gain == pytest.approx(choice.after["object_ap"] - choice.before["object_ap"])


def test_where_the_source_does_not_there_is_no_reason_to_cut() -> None:
    whole = cases(lambda random: pairs(random)[:2])
    assert tune_postprocess(Reader(metadata=Metadata(task="nucleus")), whole).settings.does_nothing


def test_of_lines_objects_are_not_judged() -> None:
    choice = tune_postprocess(Reader(metadata=Metadata(task="vessel")), cases(specks))
    assert list(choice.before) == ["dice"]
    assert {step.metric for step in choice.steps} == {"dice"}
    assert "split_touching" not in [step.step for step in choice.steps]
    assert not choice.settings.does_nothing


def test_nothing_is_added_to_what_is_right() -> None:
    choice = tune_postprocess(Reader(), cases(flawless))
    assert choice.settings == PostProcess(origin="nothing is worth doing to the masks of 10 validation images")
    assert choice.before == choice.after == {"dice": 1, "object_ap": 1}
    assert not any(step.kept for step in choice.steps)


def test_a_gain_that_may_be_chance_is_none() -> None:
    """Specks in two of twelve images: a draw without these two is not unlikely."""
    rare = FakeCases((*cases(flawless).items, *cases(specks, 2).items))
    choice = tune_postprocess(Reader(), rare)
    assert choice.settings.does_nothing
    removing = next(step for step in choice.steps if step.step == "min_area")
    assert removing.gain > 0.01
    assert removing.low == 0


def test_few_images_or_groups_prove_nothing() -> None:
    choice = tune_postprocess(Reader(), cases(specks, 7))
    assert choice.settings == PostProcess(origin="not tuned: it takes 8 validation images, and there are 7")
    assert (choice.steps, choice.n) == ((), 7)
    patients = FakeCases(tuple(case(str(k), *specks(np.random.default_rng(k)), group=f"patient {k % 3}") for k in range(12)))
    assert tune_postprocess(Reader(), patients).settings.origin == "not tuned: it takes 8 validation groups of images, and there are 3"


def test_of_values_that_are_equally_good_the_mildest_is_taken() -> None:
    """All from 64 on fill the holes of 49 pixels; 16 fills none."""
    filling = next(step for step in tune_postprocess(Reader(), cases(holes)).steps if step.step == "max_hole")
    assert filling.values == (16, 64, 256, 1024, 4096)
    assert filling.scores[1] == filling.scores[4] == 1 > filling.scores[0]
    assert filling.chosen == 64


def test_for_a_recall_nothing_is_taken_away() -> None:
    choice = tune_postprocess(Reader(), cases(specks), keep_recall=True)
    assert {step.step for step in choice.steps} == {"split_touching", "max_hole"}
    assert choice.settings.does_nothing


def test_lengths_are_those_that_the_network_sees() -> None:
    """The image is four times as large as what the network sees, so a hole of 49 pixels is one of 3."""
    choice = tune_postprocess(Reader(metadata=Metadata(scale=4)), cases(holes))
    assert choice.settings.max_hole == 16
    assert tune_postprocess(Reader(), cases(holes)).settings.max_hole == 64


def test_what_the_model_does_already_plays_no_part() -> None:
    assert tune_postprocess(PostProcessed(), cases(holes)) == tune_postprocess(Reader(), cases(holes))


def test_outside_the_field_of_view_nothing_counts() -> None:
    random = np.random.default_rng(0)
    shown = FakeCases(tuple(case(str(k), *_at_the_border(random), fov=disc(32, 32, 28)) for k in range(10)))
    assert tune_postprocess(Reader(), shown).settings.does_nothing
    seen = FakeCases(tuple(case(one.key, one.sample.image[..., 0] > 100, one.sample.mask) for one in shown.items))
    assert not tune_postprocess(Reader(), seen).settings.does_nothing


def _at_the_border(random: np.random.Generator) -> tuple[MaskArray, MaskArray]:
    """A disc in the middle, and specks in the corners."""
    target = disc(*random.uniform(28, 36, 2), 8)
    preds = target.copy()
    preds[:3, :3] = preds[-3:, -3:] = True
    return preds, target


def test_every_image_is_predicted_once_and_the_bar_is_filled() -> None:
    reader, ticks = Reader(), []
    tune_postprocess(reader, cases(specks), progress=lambda done, total: ticks.append((done, total)))
    assert len(reader.seen) == 10
    assert [total for _, total in ticks] == [60] * 60
    assert [done for done, _ in ticks] == list(range(1, 61))


def test_the_gain_is_that_of_an_evaluation() -> None:
    """What was promised on the validation images is what `evaluate` finds there with the post-processing."""
    nuclei = cases(_with_specks)
    choice = tune_postprocess(Reader(metadata=Metadata(task="nucleus")), nuclei)
    assert choice.settings.split_touching
    assert choice.settings.min_area

    class Tuned(Reader):
        def predict_sample(self, sample: Sample, /) -> Prediction:
            return apply(super().predict_sample(sample), choice.settings, scale=1)

    found = evaluate(Tuned(metadata=Metadata(task="nucleus")), nuclei, families=("objects",), bootstrap=None)
    for metric, value in choice.after.items():
        assert found.score(metric, "per-image").value == pytest.approx(value)


def _with_specks(random: np.random.Generator) -> tuple[MaskArray, MaskArray, LabelArray]:
    preds, target, labels = pairs(random)
    preds = preds.copy()
    preds[2:4, 2:60:6] = True
    return preds, target, labels


def test_the_choice_is_kept_as_json() -> None:
    choice = tune_postprocess(Reader(), cases(pairs))
    assert PostProcessChoice.model_validate_json(choice.model_dump_json()) == choice


def test_without_images_nothing_can_be_tuned() -> None:
    with pytest.raises(DataError, match="there is nothing to evaluate"):
        tune_postprocess(Reader(), FakeCases(()))


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (16, 8), (33, 41)])
def test_what_is_packed_comes_back(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    mask, labels = random.random(shape) > 0.5, random.integers(0, 70_000, shape)
    assert np.array_equal(PackedMask.of(mask).unpacked(), mask)
    assert PackedMask.of(mask.T).unpacked().shape == mask.T.shape
    assert np.array_equal(PackedLabels.of(labels.T).unpacked(), labels.T)


def test_a_setting_that_leaves_the_same_mask_has_the_same_score() -> None:
    preds, target = specks(np.random.default_rng(0))
    image = KeptImage(PackedMask.of(preds), PackedMask.of(target), 1.0)
    nothing, all_of_it = PostProcess(), PostProcess(min_area=100)
    scores = image.scores([PostProcess(max_hole=1), all_of_it], "dice", like=(nothing, 0.123))
    assert scores == [0.123, 1.0]
    assert image.score(nothing, "dice") == dice(count(preds, target))
    with pytest.raises(ValueError, match="objects were not kept"):
        image.score(nothing, "object_ap")

"""The post-processing, tuned on the validation part: step by step, and nothing is added without evidence that it helps.

Every image is predicted once. What is tried is cheap, so the masks are kept, packed, and cleaned again for each value of each step. A value
is worth keeping where it raises the score that the step is for by more than noise (paired bootstrap over images, or groups; the interval is
as much wider as there are values to choose from) and by a tenth of a point at least, and does not lower the other score by more than noise.
Of such values the mildest is taken that is as good as the best but for noise (as by the one-standard-error rule of Breiman et al.,
Classification and Regression Trees, 1984, section 3.4.3): it changes least, and is fitted least to these images.
"""

from __future__ import annotations

from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict

from limner.cores import on_all_cores
from limner.evaluation.kept import KeptImage, Metric, PackedLabels, PackedMask
from limner.evaluation.protocols import Metadata, Segmenter, load_inside, predict_cases
from limner.imaging.instances import connected_areas
from limner.metrics.names import default_families
from limner.metrics.statistics import paired_difference, resample, units
from limner.runtime.postprocess import PostProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from limner.evaluation.protocols import Case, Cases
    from limner.metrics.statistics import Difference, Weights
    from limner.progress import Progress
    from limner.types import Prediction, Sample

Step: TypeAlias = Literal["split_touching", "opening", "max_hole", "min_area", "largest_only"]

LEAST_UNITS = 8  # images, or groups: of fewer, all may gain by chance
LEAST_GAIN = 0.001  # of a score; for less a mask should stay what the bare file gives
_LEVEL = 0.95
_WORDS: dict[Metric, str] = {"dice": "Dice", "object_ap": "object AP"}

# What is tried, in this order: what an object is has to be settled before small ones are judged, and what leaves most as it is comes before
# what moves every edge. In pixels as the network sees them.
GRID: dict[Step, tuple[float, ...]] = {
    "split_touching": (True,),
    "max_hole": (16, 64, 256, 1024, 4096),
    "min_area": (8, 16, 32, 64, 128, 256, 512),
    "opening": (1, 2, 3, 5),
    "largest_only": (True,),
}
_FOR_OBJECTS = ("split_touching", "min_area")  # what these do is to be seen in objects, where there are any
_TAKES_NOTHING = ("split_touching", "max_hole")  # no pixel of the foreground


class StepTried(BaseModel):
    """What a step of the post-processing was found to be worth, on top of those that were kept before it.

    Attributes:
        step: A field of `PostProcess`.
        metric: The score that it is judged by.
        values: What was tried.
        scores: The mean over the images with each of them.
        chosen: The best value, or a milder one that is as good but for noise.
        gain: By how much that raises the score, in the mean over the images.
        low: Lower end of the interval of the gain.
        high: Upper end.
        other: By how much it changes the other score; None where there is none, or where the gain was too small to look at it.
        kept: Whether the value was kept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    step: Step
    metric: Metric
    values: tuple[float | bool, ...]
    scores: tuple[float, ...]
    chosen: float | bool
    gain: float
    low: float
    high: float
    other: float | None = None
    kept: bool = False


class PostProcessChoice(BaseModel):
    """A post-processing and what it was chosen from; a run keeps it as `postprocess.json`.

    Attributes:
        settings: What is to be done to masks, which may be nothing, with a sentence that says why.
        n: Number of validation images.
        source: The data set's name.
        threshold: That of the masks.
        empty: The rule for images in which both masks are empty.
        before: Mean per-image scores without post-processing.
        after: The same with it.
        steps: Everything that was tried, in that order.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    settings: PostProcess
    n: int
    source: str
    threshold: float
    convention: Literal["per-image"] = "per-image"
    empty: Literal["one"] = "one"
    before: dict[Metric, float] = {}
    after: dict[Metric, float] = {}
    steps: tuple[StepTried, ...] = ()


class SizedMetadata(Metadata, Protocol):
    """What a model says of itself, and what its network sees."""

    def scale_of(self, size: tuple[int, int], /) -> float:
        """How many pixels of an image of a height and width make one that the network sees, along a side."""


class SizedSegmenter(Segmenter, Protocol):
    """A `Segmenter` that knows what its network sees, as `limner.runtime.Predictor` does."""

    @property
    def metadata(self) -> SizedMetadata:
        """What the model says of itself."""


def tune_postprocess(
    segmenter: SizedSegmenter, validation: Cases, *, keep_recall: bool = False, progress: Progress | None = None
) -> PostProcessChoice:
    """Choose what is to be done to a model's masks.

    In this order, each on top of what was kept before: cutting touching objects apart, filling holes, removing small objects, opening,
    keeping the largest alone. Cutting and removing are judged by the objects (AP from IoU 0.5 to 0.95, mean over images) where the task
    has any, everything else by Dice (mean over images); the other of the two must not fall by more than noise. True objects that the
    source does not tell apart are connected areas, so objects are cut only where a source that numbers them shows that it helps.

    Args:
        segmenter: The model. Masks are its probabilities at its own threshold, whatever post-processing it may have already.
        validation: The validation part. Choosing on the test part would make the test worthless.
        keep_recall: Try only what takes no foreground away, because the threshold was chosen for a recall.
        progress: Called with (done, total) after each image of each round.

    Raises:
        DataError: The data set is empty, or a case cannot be loaded.
        ModelFileError: The model predicts NaN, or masks of another size.
    """
    has_objects = "objects" in default_families(segmenter.metadata.task)
    steps = [step for step in GRID if (has_objects or step != "split_touching") and (step in _TAKES_NOTHING or not keep_recall)]
    rounds = _rounds(progress, len(validation.items), 1 + len(steps))
    images = list(_keep(segmenter, validation, has_objects=has_objects, progress=next(rounds)))
    known: dict[str, Any] = {"n": len(images), "source": validation.name, "threshold": segmenter.threshold}
    groups = [item.group for item in validation.items]
    if (drawn := units(groups)) < LEAST_UNITS:
        noun = "images" if drawn == len(images) else "groups of images"
        origin = f"not tuned: it takes {LEAST_UNITS} validation {noun}, and there are {drawn}"
        return PostProcessChoice(settings=PostProcess(origin=origin), **known)
    search = _Search(images, resample(groups), has_objects=has_objects)
    before = search.means()
    tried = tuple(search.take(step, next(rounds)) for step in steps)
    after = search.means()
    settings = search.settings.model_copy(update={"origin": _origin(before, after, len(images), nothing=search.settings.does_nothing)})
    return PostProcessChoice(settings=settings, before=before, after=after, steps=tried, **known)


def _keep(segmenter: SizedSegmenter, validation: Cases, *, has_objects: bool, progress: Progress | None) -> Iterator[KeptImage]:
    for item, (sample, prediction, _) in zip(validation.items, predict_cases(segmenter, validation, progress=progress), strict=True):
        scale = segmenter.metadata.scale_of(sample.mask.shape)
        yield _kept(item, sample, prediction, scale, has_objects=has_objects)


def _kept(item: Case, sample: Sample, prediction: Prediction, scale: float, *, has_objects: bool) -> KeptImage:
    inside = load_inside(item, sample)
    true = item.load_instances(connected_areas) if has_objects else None
    if true is not None and inside is not None:
        true = np.where(inside, true, np.int32(0))
    return KeptImage(
        preds=PackedMask.of(prediction.probs >= np.float32(prediction.threshold)),
        target=PackedMask.of(sample.mask),
        scale=scale,
        inside=None if inside is None else PackedMask.of(inside),
        true=None if true is None else PackedLabels.of(true),
    )


class _Search:
    """What was kept so far, and how each image scores with it.

    Args:
        images: The validation images.
        weights: How often each is drawn, see `resample`.
        has_objects: Whether objects are scored.
    """

    def __init__(self, images: Sequence[KeptImage], weights: Weights, *, has_objects: bool) -> None:
        self.settings = PostProcess()
        self._images, self._weights = images, weights
        self._metrics: tuple[Metric, ...] = ("dice", "object_ap") if has_objects else ("dice",)
        self._now = {metric: self._scores(self.settings, metric) for metric in self._metrics}

    def means(self) -> dict[Metric, float]:
        return {metric: fmean(self._now[metric]) for metric in self._metrics}

    def take(self, step: Step, progress: Progress | None) -> StepTried:
        """Try all values of a step; from now on one of them is done if it is worth it."""
        metric: Metric = "object_ap" if step in _FOR_OBJECTS and "object_ap" in self._metrics else "dice"
        settings = [self.settings.model_copy(update={step: value}) for value in GRID[step]]
        table = on_all_cores(partial(self._row, settings, metric), range(len(self._images)), progress=progress)
        columns = list(zip(*table, strict=True))
        chosen = self._mildest(metric, columns)
        gain, kept, other = self._gain(metric, columns[chosen], tried=len(columns)), False, None
        if _is_worth_it(gain):
            kept, other = self._accept(settings[chosen], metric, columns[chosen])
        return StepTried(
            step=step,
            metric=metric,
            values=GRID[step],
            scores=tuple(fmean(column) for column in columns),
            chosen=GRID[step][chosen],
            gain=gain.mean,
            low=gain.low,
            high=gain.high,
            other=other,
            kept=kept,
        )

    def _row(self, settings: Sequence[PostProcess], metric: Metric, index: int) -> list[float]:
        """What an image scores with each of several settings."""
        return self._images[index].scores(settings, metric, like=(self.settings, self._now[metric][index]))

    def _scores(self, settings: PostProcess, metric: Metric) -> Sequence[float]:
        return on_all_cores(lambda image: image.score(settings, metric), self._images)

    def _mildest(self, metric: Metric, columns: Sequence[Sequence[float]]) -> int:
        """Which of several values to take, mildest first: the first that is worth it and as good as the best, or else the best."""
        best = max(range(len(columns)), key=lambda index: fmean(columns[index]))
        for index, column in enumerate(columns):
            as_good = paired_difference(columns[best], column, self._weights).low <= 0
            if as_good and _is_worth_it(self._gain(metric, column, tried=len(columns))):
                return index
        return best

    def _gain(self, metric: Metric, values: Sequence[float], *, tried: int = 1) -> Difference:
        """By how much values are better than what was kept; one of several that were tried has to be so more clearly (Bonferroni)."""
        return paired_difference(values, self._now[metric], self._weights, level=1 - (1 - _LEVEL) / tried)

    def _accept(self, settings: PostProcess, metric: Metric, values: Sequence[float]) -> tuple[bool, float | None]:
        """Keep a setting unless it lowers the other score; returns whether it was kept, and by how much that changes."""
        now, other = {metric: values}, None
        for name in self._metrics:
            if name != metric:
                now[name] = self._scores(settings, name)
                found = self._gain(name, now[name])
                if found.high < 0:
                    return False, found.mean
                other = found.mean
        self.settings, self._now = settings, now
        return True, other


def _is_worth_it(gain: Difference) -> bool:
    return gain.low > 0 and gain.mean >= LEAST_GAIN


def _origin(before: dict[Metric, float], after: dict[Metric, float], n: int, *, nothing: bool) -> str:
    images = f"{n} validation images"
    if nothing:
        return f"nothing is worth doing to the masks of {images}"
    changes = ", ".join(f"{_WORDS[name]} from {before[name]:.3f} to {after[name]:.3f}" for name in before)
    return f"tuned on {images} (mean per image: {changes})"


def _rounds(progress: Progress | None, images: int, rounds: int) -> Iterator[Progress | None]:
    """One bar for several rounds over the same images."""
    for done in range(rounds):
        yield partial(_go_on, progress, done * images, rounds * images) if progress else None


def _go_on(progress: Progress, before: int, total: int, done: int, _images: int) -> None:
    progress(before + done, total)

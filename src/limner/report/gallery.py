"""The gallery: which cases are worth a look, their predictions, and their pictures as data URIs."""

from __future__ import annotations

import base64
import io
import math
from typing import TYPE_CHECKING

import numpy as np

from limner.evaluation.protocols import load_inside
from limner.imaging.overlay import draw_outline, error_map
from limner.imaging.resize import longer_side_at, resize_image, resize_mask
from limner.report.data import GalleryCase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.evaluation import Case, CaseResult, Cases, Evaluation, Segmenter
    from limner.report.data import Group
    from limner.types import ImageArray, MaskArray, ProbArray

PANEL_SIDE = 360  # pixels of a panel's longer side: 27 panels stay near one megabyte
TRUTH_COLOUR = (0, 214, 255)
PREDICTION_COLOUR = (255, 214, 0)


def pick_cases(cases: Sequence[CaseResult], each: int = 3) -> list[tuple[Group, str]]:
    """Choose the cases of a gallery: best, median and worst by Dice, none of them twice.

    Cases whose Dice is not defined are left out. With fewer than three times `each` cases, the groups share what there is.

    Args:
        cases: Scored images, in any order.
        each: Cases per group, at most.

    Returns:
        Pairs (group, key): the best first, then the median ones from better to worse, then the worst with the very worst first.

    Example:
        >>> from limner.evaluation import CaseResult
        >>> from limner.metrics import Counts
        >>> results = [CaseResult.of(f"c{tp}", (3, 3), Counts(tp, 0, 9 - tp, 0), empty="one") for tp in range(9)]
        >>> pick_cases(results, each=1)
        [('best', 'c8'), ('median', 'c4'), ('worst', 'c0')]
    """
    ranked = sorted((case for case in cases if math.isfinite(case.dice)), key=_rank)
    best, median, worst = _group_sizes(len(ranked), each)
    start = min(max((len(ranked) - median) // 2, best), len(ranked) - worst - median)
    groups: dict[Group, list[CaseResult]] = {
        "best": ranked[:best],
        "median": ranked[start : start + median],
        "worst": ranked[len(ranked) - worst :][::-1],
    }
    return [(group, case.key) for group, members in groups.items() for case in members]


def _rank(case: CaseResult) -> tuple[float, float, str]:
    """Best first. Of equals the larger object comes first: a perfect empty mask is right, but there is nothing to see in it."""
    return (-case.dice, -case.object_share, case.key)


def _group_sizes(n: int, each: int) -> tuple[int, int, int]:
    """How many best, median and worst cases to show of n; what does not divide by three goes to the worst, then to the best."""
    if n == 1:
        return (0, min(1, each), 0)
    base, rest = divmod(n, 3)
    return (min(each, base + (rest > 1)), min(each, base), min(each, base + (rest > 0)))


def build_gallery(predictor: Segmenter, dataset: Cases, evaluation: Evaluation, *, each: int = 3, probs: bool = False) -> list[GalleryCase]:
    """Predict the best, median and worst cases of an evaluation, and only those; masks are shown where they were judged.

    Args:
        predictor: A `limner.runtime.Predictor`.
        dataset: The data set that was evaluated.
        evaluation: Its scores.
        each: Cases per group.
        probs: Keep the probabilities too; the report then shows them as one more panel.

    Raises:
        DataError: An image or a mask cannot be read any more.
    """
    items = {item.key: item for item in dataset.items}
    results = {result.key: result for result in evaluation.cases}
    by_field = evaluation.field_of_view > 0
    picked = pick_cases(evaluation.cases, each)
    return [_predict(predictor, items[key], results[key], group, probs=probs, by_field=by_field) for group, key in picked]


def _predict(predictor: Segmenter, item: Case, result: CaseResult, group: Group, *, probs: bool, by_field: bool) -> GalleryCase:
    sample = item.load()
    found = predictor.predict_sample(sample)
    inside = load_inside(item, sample) if by_field else None
    return GalleryCase(
        key=result.key,
        image=sample.image,
        target=sample.mask if inside is None else sample.mask & inside,
        preds=found.mask if inside is None else found.mask & inside,
        dice=result.dice,
        iou=result.iou,
        group=group,
        probs=found.probs if probs else None,
    )


def panels(case: GalleryCase) -> list[tuple[str, str]]:
    """Draw a case's panels.

    Returns:
        Pairs (title, data URI of a JPEG): truth, prediction, errors, and the probability when the case has it.
    """
    image, target, preds = _enlarge(case.image, case.target, case.preds)
    drawn = [
        ("Truth", draw_outline(image, target, colour=TRUTH_COLOUR)),
        ("Prediction", draw_outline(image, preds, colour=PREDICTION_COLOUR)),
        ("Errors", error_map(_grey(image), preds, target, opacity=0.6)),
    ]
    if case.probs is not None:
        drawn.append(("Probability", resize_image(_colour(case.probs), image.shape[:2])))
    return [(title, data_uri(_shrink(panel))) for title, panel in drawn]


def data_uri(image: ImageArray) -> str:
    """An image as the data URI of a JPEG, without chroma subsampling, which would smear the thin outlines."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=86, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def png_uri(png: bytes) -> str:
    """A PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _enlarge(image: ImageArray, target: MaskArray, preds: MaskArray) -> tuple[ImageArray, MaskArray, MaskArray]:
    """Enlarge an image to at least twice its panel before anything is drawn on it; panels are shrunk afterwards.

    So outlines are smooth and equally thick in all panels, and no mask is ever shrunk, in which thin vessels could vanish.
    """
    size = longer_side_at(2 * PANEL_SIDE, image.shape[:2])
    if size[0] <= image.shape[0]:
        return image, target, preds
    return resize_image(image, size), resize_mask(target, size), resize_mask(preds, size)


def _shrink(image: ImageArray) -> ImageArray:
    size = longer_side_at(PANEL_SIDE, image.shape[:2])
    return resize_image(image, size) if size[0] < image.shape[0] or size[1] < image.shape[1] else image


def _grey(image: ImageArray) -> ImageArray:
    """The image without its colour: red errors would be lost on a red mucosa."""
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L").convert("RGB"))


def _colour(probs: ProbArray) -> ImageArray:
    """Cividis: even steps of lightness, and the same for people who are colour-blind (Nunez et al. 2018)."""
    from matplotlib import colormaps

    return (colormaps["cividis"](np.nan_to_num(probs))[..., :3] * 255).round().astype(np.uint8)

"""Images that are there twice: the same pixels, copies, and neighbouring frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.data.splits.groups import find_groups
from limner.data.wording import counted
from limner.doctor.findings import Case, found

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from limner.data.lookalikes import Lookalike
    from limner.doctor.evidence import Evidence
    from limner.doctor.examination import Examination
    from limner.doctor.findings import Finding

_AGREE = 0.9  # Dice of two masks of one image, below which somebody was wrong
_AGREE_OF_COPIES = 0.8  # a copy may be cropped by a few per cent


def check_duplicates(evidence: Evidence) -> Finding | None:
    """Groups of images with the very same pixels, and whether their masks agree."""
    by_key = {one.key: one for one in evidence.examinations}
    groups = join(pair for pair in evidence.lookalikes if pair.kind == "identical")
    told = [_compared(keys, by_key, _AGREE, mirrored=False) for keys in groups]
    cases = [_case(keys, by_key, remark) for keys, (remark, _) in zip(groups, told, strict=True)]
    differ = sum(differs for _, differs in told)
    text = f"{counted(len(cases), 'group')} of identical images ({_more(groups)} too many){_with_masks(differ)}"
    return found("duplicate", cases, text, masks_differ=differ)


def check_copies(evidence: Evidence) -> Finding | None:
    """Groups in which one image is a copy of another, but not pixel for pixel, and whether their masks agree."""
    by_key = {one.key: one for one in evidence.examinations}
    groups, scores, pairs = _groups_with("copy", ("identical", "copy"), evidence)
    told = [_compared(keys, by_key, _AGREE_OF_COPIES, mirrored=True) for keys in groups]
    remarks = [f"score {score:.3f}{'; ' if remark else ''}{remark}" for score, (remark, _) in zip(scores, told, strict=True)]
    cases = [_case(keys, by_key, remark) for keys, remark in zip(groups, remarks, strict=True)]
    differ = sum(differs for _, differs in told)
    text = f"{counted(len(cases), 'group')} of images with copies of each other ({_more(groups)} too many){_with_masks(differ)}"
    return found("near-duplicate", cases, text, pairs=pairs, masks_differ=differ)


def check_similar(evidence: Evidence) -> Finding | None:
    """Groups of different images that are nearly one, such as neighbouring frames of a video."""
    by_key = {one.key: one for one in evidence.examinations}
    groups, scores, pairs = _groups_with("similar", ("identical", "copy", "similar"), evidence)
    cases = [_case(keys, by_key, f"score {score:.3f}") for keys, score in zip(groups, scores, strict=True)]
    known = sum(_is_known(keys, by_key) for keys in groups)
    told = f"; {known} of them within a group that is known and that no split divides" if known else ""
    text = f"{counted(len(cases), 'group')} of similar frames, {sum(map(len, groups))} images in all{told}"
    return found("similar-frames", cases, text, pairs=pairs, within_known_groups=known)


def join(pairs: Iterable[Lookalike]) -> list[tuple[str, ...]]:
    """Sorted groups of the keys that pairs connect, however indirectly.

    Example:
        >>> from limner.data.lookalikes import Lookalike
        >>> join([Lookalike("a", "b", "copy", 1.0), Lookalike("b", "c", "copy", 1.0), Lookalike("x", "y", "copy", 1.0)])
        [('a', 'b', 'c'), ('x', 'y')]
    """
    links = [(pair.first, pair.second) for pair in pairs]
    groups = find_groups({key for link in links for key in link}, links=links)
    return [group.keys for group in groups]


def _groups_with(
    kind: str, joining: tuple[str, ...], evidence: Evidence
) -> tuple[list[tuple[str, ...]], list[float], list[tuple[str, str, float]]]:
    """Groups of all pairs of the kinds that join, if the kind asked for is among them; their highest scores; the pairs of that kind."""
    wanted = [pair for pair in evidence.lookalikes if pair.kind == kind]
    involved = {key for pair in wanted for key in (pair.first, pair.second)}
    groups = [keys for keys in join(pair for pair in evidence.lookalikes if pair.kind in joining) if involved & set(keys)]
    scores = [max(pair.score for pair in wanted if pair.first in members) for members in map(set, groups)]
    return groups, scores, [(pair.first, pair.second, round(pair.score, 4)) for pair in wanted]


def _case(keys: Sequence[str], by_key: dict[str, Examination], remark: str) -> Case:
    return Case(tuple(by_key[key].image_file for key in keys), tuple(keys), remark)


def _more(groups: Sequence[Sequence[str]]) -> int:
    return sum(len(keys) - 1 for keys in groups)


def _is_known(keys: Sequence[str], by_key: dict[str, Examination]) -> bool:
    """Whether all are from one patient or sequence that is known."""
    groups = {by_key[key].group for key in keys}
    return len(groups) == 1 and None not in groups


def _compared(keys: Sequence[str], by_key: dict[str, Examination], least: float, *, mirrored: bool) -> tuple[str, bool]:
    """Whether the masks of some images agree, as a phrase, and whether they differ; neither where a mask was not read.

    The lowest Dice of any mask with the first is taken, on thumbnails, since copies differ in size; and of those of the four ways in which
    a copy may be mirrored the highest, since which it is nobody has kept.
    """
    thumbs = [one.mask.coverage.thumb / 255.0 for key in keys if (one := by_key[key]).mask and one.mask.coverage]
    if len(thumbs) < len(keys):
        return "", False
    agreement = min(max(_dice(thumbs[0], way) for way in _ways(thumb, mirrored=mirrored)) for thumb in thumbs[1:])
    return ("masks agree", False) if agreement >= least else (f"masks differ (Dice {agreement:.2f})", True)


def _ways(thumb: NDArray[np.float64], *, mirrored: bool) -> list[NDArray[np.float64]]:
    return [thumb, thumb[:, ::-1], thumb[::-1], thumb[::-1, ::-1]] if mirrored else [thumb]


def _dice(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    total = float(first.sum() + second.sum())
    return 2 * float(np.minimum(first, second).sum()) / total if total else 1.0


def _with_masks(differ: int) -> str:
    return f", {differ} of them with masks that differ" if differ else ""

"""Measure a data set: a sample of its images is read, on all cores."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from limner.cores import on_all_cores
from limner.errors import DataError
from limner.planner.facts import measure_item, read_objects
from limner.planner.fingerprint import Fingerprint, Spread
from limner.planner.survive import candidate_sizes, summarise, survival_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from limner.data import Dataset, Item
    from limner.planner.facts import ItemFacts
    from limner.progress import Progress

MOST_IMAGES = 200
MOST_RESIZED = 40  # masks that are resized to every size


def measure(dataset: Dataset, *, most: int = MOST_IMAGES, progress: Progress | None = None) -> Fingerprint:
    """Measure a data set.

    Args:
        dataset: Its items; those without a mask are left out.
        most: How many images are read; of more, a sample that depends on the keys alone.
        progress: Called in this thread after each image.

    Raises:
        DataError: No image could be read together with its mask.
    """
    sample = _sample([item for item in dataset if item.mask is not None], most)
    total = len(sample) + min(len(sample), MOST_RESIZED)

    def tick(done: int, _of: int) -> None:
        if progress:
            progress(done, total)

    facts = on_all_cores(_facts_or_none, sample, progress=tick)
    read = [(item, found) for item, found in zip(sample, facts, strict=True) if found is not None]
    if not read:
        raise DataError(
            "no image could be read together with its mask", where=dataset.place, fix="see what is wrong with them by `limner doctor`"
        )
    heights, widths = zip(*(found.size for _, found in read), strict=True)
    sizes = candidate_sizes(float(np.median(heights)), float(np.median(widths)))
    filled = [(item, found.size) for item, found in read if found.foreground > 0][:MOST_RESIZED]
    left = on_all_cores(
        lambda one: survival_of(read_objects(*one), sizes), filled, progress=lambda done, _: tick(len(sample) + done, total)
    )
    tick(total, total)
    return Fingerprint(
        name=dataset.name,
        task=dataset.entry.task if dataset.entry else "object",
        images=len(dataset),
        measured=len(read),
        unreadable=len(sample) - len(read),
        groups=len({item.group for item in dataset if item.group is not None}),
        survival=summarise(left, sizes),
        **_of_images([found for _, found in read]),
        **_of_masks([found for _, found in read]),
    )


def _of_images(facts: Sequence[ItemFacts]) -> dict[str, Any]:
    heights, widths = zip(*(found.size for found in facts), strict=True)
    mean, square = np.mean([found.sums for found in facts], axis=0)
    std = np.sqrt(np.maximum(square - mean**2, 0))
    spacings = [found.spacing_um for found in facts if found.spacing_um is not None]
    average = np.mean([found.tiny for found in facts], axis=0)
    return {
        "height": Spread.of(heights),
        "width": Spread.of(widths),
        "long_side": Spread.of(max(found.size) for found in facts),
        "sizes": len({found.size for found in facts}),
        "spacing_um": float(f"{np.median(spacings):.4g}") if spacings else None,
        "mean": tuple(mean.round(2).tolist()),
        "std": tuple(std.round(2).tolist()),
        "grey": _share(found.grey for found in facts),
        "dark": _share(found.dark for found in facts),
        "layout": round(float(average.std()), 2),
        "upside_down": _correlation(average, average[::-1]),
    }


def _of_masks(facts: Sequence[ItemFacts]) -> dict[str, Any]:
    filled = [found for found in facts if found.diameters]
    slender = [max(found.diameters) / found.thickness for found in filled]
    return {
        "foreground": Spread.of(found.foreground for found in facts),
        "empty": _share(found.foreground == 0 for found in facts),
        "objects": Spread.of(len(found.diameters) for found in filled),
        "diameter": Spread.of(diameter for found in filled for diameter in found.diameters),
        "thickness": Spread.of(found.thickness for found in filled),
        "slenderness": round(float(np.median(slender)), 2) if slender else 0.0,
    }


def _sample(items: list[Item], most: int) -> list[Item]:
    if len(items) <= most:
        return items
    return sorted(random.Random(0).sample(items, most), key=lambda item: item.key)


def _facts_or_none(item: Item) -> ItemFacts | None:
    try:
        return measure_item(item)
    except DataError:
        return None


def _share(answers: Iterable[bool]) -> float:
    return round(float(np.mean(list(answers))), 4)


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    a, b = one - one.mean(), other - other.mean()
    return round(float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-9)), 4)

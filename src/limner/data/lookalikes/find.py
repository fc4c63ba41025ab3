"""Find lookalikes among images: hashes propose pairs, thumbnails confirm them."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from limner.cores import cores
from limner.data.lookalikes.candidates import near_pairs
from limner.data.lookalikes.confirm import face, match
from limner.data.lookalikes.views import VIEWS, view_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from limner.data.lookalikes.candidates import Candidate
    from limner.data.lookalikes.confirm import Match
    from limner.data.lookalikes.look import Look
    from limner.progress import Progress

LookalikeKind: TypeAlias = Literal["identical", "copy", "similar"]

# Measured (score of the worst tenth): unrelated pairs reach 0.42 in CVC-ClinicDB (across sequences), 0.35 in CHASE_DB1 and 0.70 in DRIVE,
# whose round fields of view agree along their rims.
_SIMILAR = 0.74
# Frames of CVC-ClinicDB taken while the camera hardly moved reach 0.967, but for four pairs that no eye tells apart. Copies that were
# resized, compressed (JPEG 50 and better) or blurred have more in photographs; noise in dark micrographs, clipped lights and strong gamma
# cost a part of them the name of copy, and leave them similar.
_COPY = 0.97
# Frames between which the camera moved reach 0.91 once they are aligned; crops of 2 to 5 per cent have 0.92 and more in nine of ten cases.
_CROPPED_COPY = 0.92
_MOVED = 1.0  # pixels of 64 by which a corner had to move for alignment
_LEAST_CONTRAST = 1.0  # grey levels: below, an image has no structure by which to know it


@dataclass(frozen=True, slots=True, order=True)
class Lookalike:
    """Two images that are one picture, or nearly.

    Attributes:
        first: A key.
        second: Another key, after the first in order.
        kind: `identical`: the same pixels. `copy`: the same picture resized, compressed anew, brightened, blurred, cropped by a few per
            cent or mirrored. `similar`: neighbouring frames of one sequence.
        score: How well the least alike tenth of the two agrees, in [0, 1]; 1 for the same pixels.
    """

    first: str
    second: str
    kind: LookalikeKind
    score: float


def find_lookalikes(looks: Mapping[str, Look], *, progress: Progress | None = None) -> list[Lookalike]:
    """All pairs of lookalikes, sorted by their keys. Of several identical images each is paired with the first of them.

    Args:
        looks: By key.
        progress: Called as the search goes on.

    Example:
        >>> from limner.data.lookalikes import look
        >>> picture = look(np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8))
        >>> find_lookalikes({"a": picture, "b": picture})
        [Lookalike(first='a', second='b', kind='identical', score=1.0)]
    """
    alike = _identical(looks)
    found = [Lookalike(keys[0], key, "identical", 1.0) for keys in alike for key in keys[1:]]
    different = [keys[0] for keys in alike if looks[keys[0]].contrast >= _LEAST_CONTRAST]
    if len(different) > 1:
        found += _different(different, [looks[key].thumbnail for key in different], progress)
    return sorted(found)


def _different(keys: list[str], thumbnails: list[NDArray[np.float16]], progress: Progress | None) -> list[Lookalike]:
    """The copies and similar images among some of different pixels."""

    def confirm(pair: Candidate) -> Lookalike | None:
        matched = match(faces[pair.still], faces[pair.moved], VIEWS[pair.view])
        kind = kind_of(matched) if matched else None
        if matched is None or kind is None:
            return None
        first, second = sorted((keys[pair.still], keys[pair.moved]))
        return Lookalike(first, second, kind, round(min(matched.worst, 1.0), 4))

    with ThreadPoolExecutor(cores()) as pool:
        hashes = np.stack(list(pool.map(view_hashes, thumbnails)))
        faces = list(pool.map(face, thumbnails))
        return [pair for pair in pool.map(confirm, near_pairs(hashes, progress=progress)) if pair]


def kind_of(found: Match) -> LookalikeKind | None:
    """What two thumbnails are that agree so well; None for nothing."""
    if found.worst >= (_COPY if found.shift < _MOVED else _CROPPED_COPY):
        return "copy"
    return "similar" if found.worst >= _SIMILAR else None


def _identical(looks: Mapping[str, Look]) -> list[list[str]]:
    """The keys, those of the same pixels together."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(looks):
        alike[looks[key].digest].append(key)
    return list(alike.values())

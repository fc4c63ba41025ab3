"""What pairing makes of names, for tests."""

from __future__ import annotations

from limner.data.pairing import Pairing, pair_names


def found(*names: str) -> list[tuple[str, str, str]]:
    """Key, image and the one mask of each pair."""
    pairs = pair_names(names).pairs
    assert all(len(pair.masks) == 1 for pair in pairs)
    return [(pair.key, pair.image, pair.masks[0]) for pair in pairs]


def texts(pairing: Pairing) -> list[str]:
    return [str(problem) for problem in pairing.problems]


def sides(*names: str, observer: int = 1) -> list[tuple[str, tuple[str, ...], str | None]]:
    """Image, masks and field of view of each pair, after seeing that each name is in a pair or in a problem, and in one only."""
    pairing = pair_names(names, observer=observer)
    paired = [name for pair in pairing.pairs for name in (pair.image, *pair.masks, pair.fov) if name]
    told = [name for problem in pairing.problems if problem.kind != "copied-folder" for name in problem.files]
    assert sorted(paired + told) == sorted(names)
    return [(pair.image, pair.masks, pair.fov) for pair in pairing.pairs]

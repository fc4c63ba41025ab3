"""Boundary scores against MedPy, MONAI, and SciPy's pairwise distances and distance transforms."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from medpy.metric import binary as medpy
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from scipy import ndimage
from scipy.spatial.distance import cdist

from limner.data.phantoms import phantom
from limner.metrics.boundary import assd, boundary_iou, hausdorff, nsd, surface, surface_distances

if TYPE_CHECKING:
    from collections.abc import Callable

    from limner.metrics.boundary import Spacing
    from limner.types import MaskArray

SHAPE = (23, 31)
RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.indices(SHAPE)


def _disc(row: float, column: float, radius: float) -> MaskArray:
    return np.hypot(ROWS - row, COLUMNS - column) <= radius


MASKS: dict[str, MaskArray] = {
    "sparse": RANDOM.random(SHAPE) < 0.02,
    "half": RANDOM.random(SHAPE) < 0.5,
    "dense": RANDOM.random(SHAPE) < 0.95,
    "full": np.ones(SHAPE, dtype=bool),
    "pixel": (ROWS == 0) & (COLUMNS == 0),
    "far pixel": (ROWS == 22) & (COLUMNS == 30),
    "disc": _disc(11, 14, 7),
    "at the border": _disc(2, 27, 9),
    "ring": _disc(11, 16, 10) & ~_disc(11, 16, 8.5),
    "line": ROWS == COLUMNS // 2 + 3,
}
PAIRS = [(a, b) for a in MASKS for b in MASKS]
SPACINGS: list[Spacing] = [1.0, 0.65, (2.5, 0.4)]
TOLERANCES = (1.0, 2.3)


def _surface(mask: MaskArray) -> MaskArray:
    beside = np.pad(mask, 1)
    return mask & ~(beside[:-2, 1:-1] & beside[2:, 1:-1] & beside[1:-1, :-2] & beside[1:-1, 2:])


def _pair(spacing: Spacing) -> tuple[float, float]:
    return spacing if isinstance(spacing, tuple) else (spacing, spacing)


def _tensor(mask: MaskArray) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None]


@pytest.fixture(params=SPACINGS, ids=str)
def spacing(request: pytest.FixtureRequest) -> Spacing:
    return request.param


def test_all_pairs_of_pixels_agree(spacing: Spacing) -> None:
    points = {name: np.argwhere(_surface(mask)) * _pair(spacing) for name, mask in MASKS.items()}
    for a, b in PAIRS:
        between = cdist(points[a], points[b])
        d = surface_distances(MASKS[a], MASKS[b], spacing=spacing)
        assert d.to_target == pytest.approx(between.min(axis=1), rel=1e-14), (a, b)
        assert d.to_preds == pytest.approx(between.min(axis=0), rel=1e-14), (a, b)


def test_medpy_agrees(spacing: Spacing) -> None:
    for a, b in PAIRS:
        masks = MASKS[a], MASKS[b]
        d = surface_distances(*masks, spacing=spacing)
        ours = hausdorff(d), assd(d), np.percentile(d.all, 95), np.mean(d.to_target)  # its percentile is of both directions together
        theirs = [score(*masks, _pair(spacing)) for score in (medpy.hd, medpy.assd, medpy.hd95, medpy.asd)]
        assert ours == pytest.approx(theirs, rel=1e-12), (a, b)


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")  # MONAI's own
def test_monai_agrees(spacing: Spacing) -> None:
    for a, b in PAIRS[::3]:  # it takes its time; each mask is among them on both sides
        d = surface_distances(MASKS[a], MASKS[b], spacing=spacing)
        call = partial(_monai, MASKS[a], MASKS[b], spacing=_pair(spacing))
        ours = hausdorff(d), hausdorff(d, 95), assd(d)
        theirs = [
            call(compute_hausdorff_distance),
            call(compute_hausdorff_distance, percentile=95),
            call(compute_average_surface_distance, symmetric=True),
        ]
        assert ours == pytest.approx(theirs, rel=1e-5), (a, b)  # float32
        for tolerance in TOLERANCES:
            assert nsd(d, tolerance) == pytest.approx(call(compute_surface_dice, class_thresholds=[tolerance]), rel=1e-6), (a, b)


def _monai(preds: MaskArray, target: MaskArray, score: Callable[..., torch.Tensor], **options: object) -> float:
    return score(_tensor(preds), _tensor(target), include_background=True, **options).item()


@pytest.mark.filterwarnings("ignore:.*this may result in nan/inf distance", "ignore:.*always_return_as_numpy:FutureWarning")
def test_monai_agrees_on_the_surface_dice_of_empty_masks() -> None:
    """NaN for two of them, which is the rule `nan`, and 0 for one."""
    empty, disc = np.zeros(SHAPE, dtype=bool), MASKS["disc"]
    for masks in ((empty, empty), (empty, disc), (disc, empty)):
        theirs = _monai(*masks, compute_surface_dice, class_thresholds=[1.0])
        assert nsd(surface_distances(*masks), 1.0, empty="nan") == pytest.approx(theirs, nan_ok=True)


@pytest.mark.parametrize("field", ["polyp", "vessel", "nuclei"])
def test_the_distance_transform_of_the_whole_image_agrees_to_the_last_bit(field: str) -> None:
    """At sizes where an outline is measured with a tree, and noise with a transform of its box."""
    preds, target = (phantom(field, seed, (150, 190)).mask for seed in (1, 2))
    noise = RANDOM.random(preds.shape) < 0.3
    for one, other in ((preds, target), (preds, noise), (noise, target)):
        d = surface_distances(one, other)
        edges = _surface(one), _surface(other)
        assert np.array_equal(d.to_target, ndimage.distance_transform_edt(~edges[1])[edges[0]])
        assert np.array_equal(d.to_preds, ndimage.distance_transform_edt(~edges[0])[edges[1]])


def test_scipys_erosion_leaves_the_same_surface() -> None:
    for name, mask in MASKS.items():
        assert np.array_equal(surface(mask), mask ^ ndimage.binary_erosion(mask)), name


@pytest.mark.parametrize("dilation", [0.0, 0.02, 0.06, 0.2])
def test_boundary_iou_of_the_pixels_near_the_outside(dilation: float) -> None:
    reach = max(1, round(dilation * np.hypot(*SHAPE)))
    depths = {name: ndimage.distance_transform_cdt(np.pad(mask, 1), metric="chessboard")[1:-1, 1:-1] for name, mask in MASKS.items()}
    rims = {name: (depth > 0) & (depth <= reach) for name, depth in depths.items()}
    for a, b in PAIRS:
        expected = np.sum(rims[a] & rims[b]) / np.sum(rims[a] | rims[b])
        assert boundary_iou(MASKS[a], MASKS[b], dilation=dilation) == pytest.approx(expected, rel=1e-12), (a, b)

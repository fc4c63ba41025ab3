import math

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from limner.training.augment import augment, augment_fully
from limner.training.augment.draws import Draws
from limner.training.augment.geometry import displacements, draw_homographies, draw_knots, folded, projected, sample
from limner.training.loader import generator

KINDS = {"rotate": 60, "zoom": 0.5, "shift": 0.2, "shear": 30, "warp": 0.3, "elastic": 0.05}


@pytest.mark.parametrize(
    ("flips", "axes"),
    [({"horizontal_flip": 1}, (3,)), ({"vertical_flip": 1}, (2,)), (dict.fromkeys(("horizontal_flip", "vertical_flip"), 1), (2, 3))],
)
def test_flips_are_exact_and_not_gated_by_the_probability(textures, only, flips, axes):
    images, masks = augment(*textures, only(probability=0.0, **flips), generator(0))
    assert torch.equal(images, textures[0].flip(axes))
    assert torch.equal(masks, textures[1].flip(axes))


def test_a_quarter_turn_is_a_quarter_turn(only):
    images = torch.rand(6, 3, 32, 32, generator=generator(0)) * 255
    masks = (images[:, :1] > 100).float()
    turned, turned_masks = augment_fully(images, masks, only(rotate=90), generator(0))
    sides = set()
    for before, after, mask, turned_mask in zip(images, turned, masks, turned_masks, strict=True):
        side = 1 if (after - before.rot90(1, (1, 2))).abs().max() < 0.1 else -1
        torch.testing.assert_close(after, before.rot90(side, (1, 2)), atol=0.1, rtol=0)
        assert torch.equal(turned_mask, mask.rot90(side, (1, 2)))
        sides.add(side)
    assert sides == {1, -1}


def test_a_shift_is_a_share_of_each_side(only):
    """Of 48 rows a quarter is 12, of 64 columns 16."""
    images = torch.rand(8, 3, 48, 64, generator=generator(0)) * 255
    shifted, _ = augment_fully(images, images[:, :1], only(shift=0.25), generator(1))
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (12, 12), (16, 16)), mode="symmetric")
    found = set()
    for place, after in enumerate(shifted.numpy()):
        windows = {
            (down, right): padded[place, :, 12 + down : 60 + down, 16 + right : 80 + right] for down in (-12, 12) for right in (-16, 16)
        }
        fitting = [shift for shift, window in windows.items() if np.abs(window - after).max() < 0.1]
        assert len(fitting) == 1
        found.update(fitting)
    assert len(found) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_mask_goes_with_the_image(discs, only, kind):
    images, masks = augment_fully(*discs, only(**{kind: KINDS[kind]}), generator(3))
    assert not torch.equal(masks, discs[1])
    assert ((images[:, :1] > 127.5) != masks.bool()).float().mean() < 0.005


def test_a_turn_keeps_a_disc_round_where_pixels_are_not_a_square(discs, only):
    _, masks = augment_fully(*discs, only(rotate=77), generator(0))
    assert (masks[2] != discs[1][2]).float().mean() < 0.01  # the third disc is in the middle


def test_zoom_scales_areas(discs, only):
    _, masks = augment_fully(*(tensor[2:].repeat(6, 1, 1, 1) for tensor in discs), only(zoom=0.5), generator(0))
    ratios = masks.sum((1, 2, 3)) / discs[1][2].sum()
    expected = torch.where(ratios > 1, 1.5**2, 1.5**-2)
    torch.testing.assert_close(ratios, expected, atol=0.1, rtol=0)
    assert len(expected.unique()) == 2


def test_a_shear_keeps_areas_and_leans_by_its_angle(only):
    part, draws = only(shear=30), Draws(32, generator(0), full=True)
    linear = draw_homographies(part, draws, (50, 50))[:, :2, :2]
    torch.testing.assert_close(torch.linalg.det(linear), torch.ones(32))
    off = linear[:, 0, 1] + linear[:, 1, 0]
    torch.testing.assert_close(off.abs(), torch.full((32,), math.tan(math.radians(30))))
    assert ((linear[:, 0, 1] != 0) ^ (linear[:, 1, 0] != 0)).all()
    assert len(torch.stack([linear[:, 0, 1], linear[:, 1, 0]], 1).round(decimals=3).unique(dim=0)) == 4


def test_warp_brings_an_edge_nearer_by_its_share_and_never_turns_over(only):
    homographies = draw_homographies(only(warp=0.5), Draws(500, generator(0)), (40, 80))
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)])
    depths = homographies[:, 2] @ corners.T
    assert depths.min() > 0.29
    edges = torch.tensor([[-1.0, 0, 1], [1, 0, 1], [0, -1, 1], [0, 1, 1]])
    assert 0.5 <= (homographies[:, 2] @ edges.T).min() < 0.55


def test_all_together_agree_with_opencv(textures, only):
    """The same homography, sampled by another library."""
    part = only(rotate=40, zoom=0.3, shift=0.1, shear=20, warp=0.2)
    images, _ = augment(*textures, part, generator(7))
    homographies = draw_homographies(part, Draws(4, generator(7)), (40, 56)).double().numpy()
    to_pixels = np.array([[28, 0, 27.5], [0, 20, 19.5], [0, 0, 1]])
    for before, after, homography in zip(textures[0], images, homographies, strict=True):
        matrix = to_pixels @ homography @ np.linalg.inv(to_pixels)
        picture = before.permute(1, 2, 0).contiguous().numpy()
        expected = cv2.warpPerspective(
            picture, matrix, (56, 40), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
        )
        difference = np.abs(after.permute(1, 2, 0).numpy() - expected)
        assert np.quantile(difference, 0.99) < 1.0  # OpenCV places to a thirty-second of a pixel


def test_elastic_keeps_its_limit_and_is_smooth(only):
    part = only(elastic=0.1, elastic_grid=6)
    field = displacements(draw_knots(part, Draws(20, generator(0), full=True)), (120, 200))
    pixels = field * torch.tensor([100.0, 60.0])  # half the sides
    length = pixels.norm(dim=3)
    assert length.max() <= 0.1 * 120 + 1e-4
    assert length.amax((1, 2)).min() > 0.4 * 0.1 * 120
    # Between knots a cubic B-spline bends by at most four times the knots' length, over the square of their distance.
    for axis, between in ((1, 120 / 5), (2, 200 / 5)):
        assert pixels.diff(n=2, dim=axis).abs().max() <= 4 * 12 / between**2 + 1e-3


def test_equal_knots_are_a_shift():
    knots = torch.tensor([0.1, -0.05]).expand(1, 7, 7, 2)
    field = displacements(knots, (40, 80))
    torch.testing.assert_close(field, torch.tensor([0.1, -0.1]).expand(1, 40, 80, 2))


def test_each_image_draws_its_own(everything):
    homographies = draw_homographies(everything, Draws(4, generator(0)), (10, 10))
    assert len({tuple(matrix.flatten().tolist()) for matrix in homographies}) == 4


def test_identity_is_exact_for_the_mask():
    mask = (torch.rand(1, 1, 37, 53, generator=generator(0)) > 0.5).float()
    assert torch.equal(sample(mask, projected(torch.eye(3)[None], (37, 53)), "nearest"), mask)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_folding_by_hand_is_reflection(mode):
    """What a device without reflection gets, on one that has it."""
    images = torch.rand(2, 3, 20, 30, generator=generator(0))
    grid = torch.rand(2, 20, 30, 2, generator=generator(1)) * 12 - 6
    expected = F.grid_sample(images, grid, mode=mode, padding_mode="reflection", align_corners=False)
    by_hand = F.grid_sample(images, folded(grid, (20, 30)), mode=mode, padding_mode="zeros", align_corners=False)
    torch.testing.assert_close(by_hand, expected, atol=1e-4, rtol=0)

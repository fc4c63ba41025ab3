"""Losses against segmentation_models.pytorch and hand-computed cases."""

import pytest
import segmentation_models_pytorch as smp
import torch
from torch.nn import functional as F

from limner.losses import bce, build_loss, dice, dice_bce
from limner.recipe.schema import BCEPart, DiceBCEPart, DicePart


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 1, 8, 8, generator=generator), (torch.rand(3, 1, 8, 8, generator=generator) > 0.7).float()


def test_bce_against_the_formula(batch):
    logits, target = batch
    probs = logits.double().sigmoid()
    expected = -(target * probs.log() + (1 - target) * (1 - probs).log()).mean()
    assert bce(logits, target).item() == pytest.approx(expected.item(), rel=1e-5)


def test_dice_against_smp_one_image_at_a_time(batch):
    logits, target = batch
    reference = smp.losses.DiceLoss("binary", smooth=0.0, from_logits=True)
    expected = torch.stack([reference(logits[i : i + 1], target[i : i + 1]) for i in range(3)]).mean()
    assert dice(logits, target, smooth=0.0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_dice_by_hand():
    # Two of four pixels predicted for certain, one of them right, one missed: 1 - (2 + 1) / (4 + 1).
    logits = torch.tensor([100.0, 100.0, -100.0, -100.0]).view(1, 1, 2, 2)
    target = torch.tensor([1.0, 0.0, 1.0, 0.0]).view(1, 1, 2, 2)
    assert dice(logits, target).item() == pytest.approx(0.4)


def test_dice_of_an_empty_mask_rewards_predicting_nothing():
    empty = torch.zeros(1, 1, 4, 4)
    assert dice(torch.full_like(empty, -30), empty).item() == pytest.approx(0.0, abs=1e-6)
    assert dice(torch.full_like(empty, 30), empty).item() == pytest.approx(1 - 1 / 17)


def test_dice_bce_is_the_weighted_sum(batch):
    assert dice_bce(*batch, bce_weight=0.5).item() == pytest.approx((dice(*batch) + 0.5 * bce(*batch)).item())


@pytest.mark.parametrize("part", [BCEPart(), DicePart(), DiceBCEPart()], ids=lambda part: part.name)
def test_gradients_are_right(part):
    logits = torch.randn(2, 1, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    target = (torch.arange(18).view(2, 1, 3, 3) % 3 == 0).double()
    loss = build_loss(part)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), logits, eps=1e-2, atol=1e-3)  # the losses compute in float32


@pytest.mark.parametrize("part", [BCEPart(), DicePart(), DiceBCEPart()], ids=lambda part: part.name)
def test_is_finite_for_huge_bf16_logits(part):
    logits = torch.tensor([-1e4, 1e4, -1e4, 1e4], dtype=torch.bfloat16).view(1, 1, 2, 2).requires_grad_()
    loss = build_loss(part)(logits, torch.tensor([1, 0, 0, 1], dtype=torch.uint8).view(1, 1, 2, 2))
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_losses_ignore_the_batch_layout(batch):
    logits, target = batch
    assert dice(logits, target).item() == pytest.approx(F.l1_loss(dice(logits.flip(0), target.flip(0)), torch.tensor(0.0)).item())

"""Losses against PyTorch, torchvision, segmentation_models.pytorch, MONAI and NumPy; in float64, so that formulas agree to many digits."""

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from monai.losses import DiceLoss, FocalLoss, SoftclDiceLoss, TverskyLoss
from scipy import ndimage
from skimage import morphology
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from limner.data.phantoms import phantom
from limner.losses import (
    bce,
    boundary,
    cldice,
    cross_entropy,
    deep_supervision,
    dice,
    dice_bce,
    focal,
    focal_tversky,
    iou,
    lovasz,
    skeleton_recall,
    structure,
    tversky,
)
from limner.losses.boundary import signed_distances


def to_batch(masks):
    return torch.from_numpy(np.stack(masks))[:, None].double()


def logits_like(target):
    return 3.0 * torch.randn(target.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


NOISE = to_batch(np.random.default_rng(0).random((3, 16, 21)) < 0.3)
POLYPS = to_batch([phantom("polyp", seed, (32, 40)).mask for seed in range(3)])
VESSELS = to_batch([phantom("vessel", seed, (48, 40)).mask for seed in range(3)])


@pytest.fixture(params=[NOISE, POLYPS, VESSELS], ids=["noise", "polyps", "vessels"])
def batch(request):
    return logits_like(request.param), request.param


def each_image(loss, logits, target):
    """A loss that knows no images, one image at a time, averaged."""
    return torch.stack([loss(logits[i : i + 1], target[i : i + 1]) for i in range(len(target))]).mean()


def agrees(ours, theirs, rel=1e-9):
    return float(ours) == pytest.approx(float(theirs), rel=rel)


# ------------------------------------------------------------------------------------------------------------------ pixels


def test_bce_against_smp(batch):
    theirs = smp.losses.SoftBCEWithLogitsLoss(smooth_factor=0.05, pos_weight=torch.tensor(3.0, dtype=torch.float64))
    assert agrees(bce(*batch, label_smoothing=0.1, pos_weight=3.0), theirs(*batch))


def test_bce_by_hand():
    logits, target = torch.tensor([2.0, -1.0]).view(1, 1, 1, 2), torch.tensor([1.0, 1.0]).view(1, 1, 1, 2)
    assert agrees(bce(logits, target, pos_weight=4.0), 4 * (np.log1p(np.exp(-2)) + np.log1p(np.exp(1))) / 2, rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_against_torch_on_probabilities(batch, smoothing):
    logits, target = batch
    weights = torch.tensor([0.5, 4.0], dtype=torch.float64)
    two = torch.stack([(-logits[:, 0]).sigmoid(), logits[:, 0].sigmoid()], dim=1).log()  # a softmax leaves them as they are
    theirs = torch.nn.CrossEntropyLoss(weight=weights, label_smoothing=smoothing)(two, target[:, 0].long())
    assert agrees(cross_entropy(logits, target, weights=(0.5, 4.0), label_smoothing=smoothing), theirs)


def test_cross_entropy_of_two_channels_is_that_of_their_difference(batch):
    logits, target = batch
    shift = torch.randn_like(logits)
    two = torch.cat([shift, logits + shift], dim=1)
    assert agrees(cross_entropy(two, target, weights=(1.0, 2.0)), cross_entropy(logits, target, weights=(1.0, 2.0)))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_cross_entropy_of_one_channel_is_bce(batch, smoothing):
    assert agrees(cross_entropy(*batch, label_smoothing=smoothing), bce(*batch, label_smoothing=smoothing))


def test_weights_of_cross_entropy_are_normalised():
    logits, target = torch.tensor([2.0, -1.0]).view(1, 1, 1, 2), torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    expected = (3 * np.log1p(np.exp(-2)) + 1 * np.log1p(np.exp(-1))) / (3 + 1)
    assert agrees(cross_entropy(logits, target, weights=(1.0, 3.0)), expected, rel=1e-6)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.8, 0.0), (0.5, 0.5)])
def test_focal_against_torchvision_and_monai(batch, alpha, gamma):
    ours = focal(*batch, alpha=alpha, gamma=gamma)
    assert agrees(ours, sigmoid_focal_loss(*batch, alpha=alpha, gamma=gamma, reduction="mean"))
    assert agrees(ours, FocalLoss(alpha=alpha, gamma=gamma)(*batch), rel=1e-6)  # MONAI computes it in float32


def test_focal_against_smp(batch):
    assert agrees(focal(*batch), smp.losses.FocalLoss("binary", alpha=0.25, gamma=2.0)(*batch))


# ------------------------------------------------------------------------------------------------------------------ regions


def test_dice_against_smp(batch):
    theirs = smp.losses.DiceLoss("binary", smooth=1.0, from_logits=True)  # which is added to half of numerator and denominator
    assert agrees(dice(*batch, smooth=2.0), each_image(theirs, *batch))


def test_dice_against_monai(batch):
    assert agrees(dice(*batch, smooth=5.0), DiceLoss(sigmoid=True, smooth_nr=5.0, smooth_dr=5.0)(*batch))


def test_dice_bce_is_the_weighted_sum(batch):
    assert agrees(dice_bce(*batch, bce_weight=0.5), dice(*batch) + 0.5 * bce(*batch))


def test_iou_against_smp_and_monai(batch):
    assert agrees(iou(*batch), each_image(smp.losses.JaccardLoss("binary", smooth=1.0), *batch))
    assert agrees(iou(*batch), DiceLoss(sigmoid=True, jaccard=True, smooth_nr=2.0, smooth_dr=2.0)(*batch))


def test_tversky_against_monai_and_smp(batch):
    theirs = TverskyLoss(sigmoid=True, alpha=0.2, beta=0.9, smooth_nr=1.0, smooth_dr=1.0)
    assert agrees(tversky(*batch, alpha=0.2, beta=0.9), theirs(*batch))
    also = smp.losses.TverskyLoss("binary", alpha=0.2, beta=0.9, smooth=1.0)
    assert agrees(tversky(*batch, alpha=0.2, beta=0.9), each_image(also, *batch))


def test_tversky_by_hand():
    # One pixel right, two false positives, one false negative: 1 - (1 + 1) / (1 + 0.3 * 2 + 0.7 * 1 + 1).
    logits = torch.tensor([100.0, 100.0, 100.0, -100.0, -100.0]).view(1, 1, 1, 5)
    target = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0]).view(1, 1, 1, 5)
    assert agrees(tversky(logits, target), 1 - 2 / 3.3, rel=1e-6)


@pytest.mark.parametrize("gamma", [4 / 3, 0.5])
def test_focal_tversky_is_the_power_of_each_image(batch, gamma):
    images = TverskyLoss(sigmoid=True, alpha=0.3, beta=0.7, smooth_nr=1.0, smooth_dr=1.0, reduction="none")(*batch)
    assert len(images) == 3
    assert agrees(focal_tversky(*batch, gamma=gamma), (images ** (1 / gamma)).mean())


def test_lovasz_against_smp(batch):
    logits, target = (x.float() for x in batch)  # smp computes it in nothing else
    assert agrees(lovasz(*batch), smp.losses.LovaszLoss("binary", per_image=True)(logits, target), rel=1e-5)


def test_lovasz_at_corners_is_the_iou_loss(batch):
    # It extends the IoU loss: with hinges of 0 where right and 2 where wrong, it is twice 1 - IoU.
    logits, target = batch
    preds = (logits > 0).double()
    overlap, union = (preds * target).sum((1, 2, 3)), torch.maximum(preds, target).sum((1, 2, 3))
    assert agrees(lovasz(2 * preds - 1, target), 2 * (1 - overlap / union).mean())


def test_lovasz_keeps_its_digits_in_float32():
    target = torch.zeros(1, 1, 1024, 1024)
    target[..., :100, :100] = 1.0
    order = torch.randperm(1024 * 1024, generator=torch.Generator().manual_seed(0))
    logits = ((4 * order + 1) / 2**22 - 0.5).view(target.shape)  # no two hinges are equal, and each is exact in float32
    exact, rounded = (logits.to(dtype).requires_grad_() for dtype in (torch.float64, torch.float32))
    lovasz(exact, target.double()).backward()
    lovasz(rounded, target).backward()
    assert torch.allclose(rounded.grad.double(), exact.grad, rtol=1e-4, atol=1e-12)


# ----------------------------------------------------------------------------------------------------------------- boundary


def nearest(points, others):
    """The distance of each point to the nearest of others, by trying all."""
    return np.sqrt(((points[:, None] - others[None]) ** 2).sum(-1)).min(1)


@pytest.mark.parametrize("target", [NOISE, POLYPS, VESSELS], ids=["noise", "polyps", "vessels"])
def test_signed_distances_by_trying_all_pixels(target):
    for ours, mask in zip(signed_distances(target)[:, 0].numpy(), target[:, 0].numpy() > 0, strict=True):
        inside, outside = np.argwhere(mask), np.argwhere(~mask)
        assert ours[~mask] == pytest.approx(nearest(outside, inside), abs=1e-6)
        assert ours[mask] == pytest.approx(1 - nearest(inside, outside), abs=1e-6)


def test_boundary_against_scipy(batch):
    logits, target = batch
    masks = target[:, 0].numpy().astype(bool)
    distances = np.stack([np.where(m, 1 - ndimage.distance_transform_edt(m), ndimage.distance_transform_edt(~m)) for m in masks])
    errors = logits[:, 0].sigmoid().numpy() - masks
    assert agrees(boundary(logits, target, weight=0.3), float(dice(*batch)) + 0.3 * (distances * errors).mean(), rel=1e-6)


def test_boundary_counts_a_false_pixel_by_its_distance():
    target = torch.zeros(1, 1, 1, 10)
    target[..., 2] = 1.0
    logits = torch.where(target > 0, 50.0, -50.0)
    losses = []
    for column in (3, 9):
        wrong = logits.clone()
        wrong[..., column] = 50.0
        losses.append(float(boundary(wrong, target, weight=1.0) - dice(wrong, target)))
    assert losses == pytest.approx([1 / 10, 7 / 10])


# --------------------------------------------------------------------------------------------------------------- centreline


@pytest.mark.parametrize("iterations", [1, 5])
def test_cldice_against_monai(batch, iterations):
    theirs = SoftclDiceLoss(iter_=iterations, sigmoid=True, smooth=1e-12)
    ours = cldice(*batch, alpha=1.0, iterations=iterations)
    assert agrees(ours, each_image(theirs, *batch))


def test_cldice_mixes(batch):
    assert agrees(cldice(*batch, alpha=0.3), 0.7 * dice(*batch) + 0.3 * cldice(*batch, alpha=1.0))
    assert agrees(cldice(*batch, alpha=0.0, region="bce"), bce(*batch))


def test_skeleton_recall_against_numpy(batch):
    logits, target = batch
    recalls = []
    for probs, mask in zip(logits[:, 0].sigmoid().numpy(), target[:, 0].numpy() > 0, strict=True):
        tube = ndimage.binary_dilation(morphology.skeletonize(mask), iterations=2) & mask
        recalls.append((probs[tube].sum() + 1) / (tube.sum() + 1))
    assert agrees(skeleton_recall(logits, target, weight=2.0), float(dice_bce(*batch)) + 2 * (1 - np.mean(recalls)))


def test_skeleton_recall_does_not_count_false_positives():
    target = VESSELS
    logits = torch.full_like(target, 50.0)
    assert agrees(skeleton_recall(logits, target, region="bce"), bce(logits, target))


# ---------------------------------------------------------------------------------------------------------------- structure


@pytest.mark.parametrize("kernel", [3, 15, 63])  # the last is wider than the images
def test_structure_against_numpy(batch, kernel):
    logits, target = batch
    losses = []
    for logit, mask in zip(logits[:, 0].numpy(), target[:, 0].numpy(), strict=True):
        weights = 1 + 3 * np.abs(ndimage.uniform_filter(mask, kernel, mode="constant") - mask)
        probs = 1 / (1 + np.exp(-logit))
        entropy = -(mask * np.log(probs) + (1 - mask) * np.log(1 - probs))
        overlap, total = (weights * probs * mask).sum(), (weights * (probs + mask)).sum()
        losses.append((weights * entropy).sum() / weights.sum() + 1 - (overlap + 1) / (total - overlap + 1))
    assert agrees(structure(logits, target, kernel=kernel, factor=3.0), np.mean(losses))


def test_structure_without_weights_is_bce_and_iou(batch):
    assert agrees(structure(*batch, factor=0.0), each_image(bce, *batch) + iou(*batch))


# --------------------------------------------------------------------------------------------------------- deep supervision


def test_deep_supervision_by_hand(batch):
    logits, target = batch
    coarse = [F.avg_pool2d(logits, 2), F.avg_pool2d(logits, 4)]
    enlarged = [F.interpolate(x, size=target.shape[2:], mode="bilinear") for x in coarse]
    expected = (4 * dice(logits, target) + 2 * dice(enlarged[0], target) + dice(enlarged[1], target)) / 7
    assert agrees(deep_supervision(dice)((logits, *coarse), target), expected)
    assert agrees(deep_supervision(dice)(logits, target), dice(logits, target))
    assert agrees(deep_supervision(dice)((logits,), target), dice(logits, target))


def test_deep_supervision_reaches_every_resolution(batch):
    logits, target = batch
    pyramid = tuple(x.requires_grad_() for x in (logits.clone(), F.avg_pool2d(logits, 2), F.avg_pool2d(logits, 4)))
    deep_supervision(bce)(pyramid, target).backward()
    assert all(x.grad.abs().sum() > 0 for x in pyramid)

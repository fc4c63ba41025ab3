"""The skeletons of masks."""

import numpy as np
import pytest
import torch

from limner.data.phantoms import phantom
from limner.losses import cldice, dice, skeleton_recall
from limner.losses.centreline import soft_skeletons
from limner.losses.working import each_mask


def ribbon(thickness, length=40):
    target = torch.zeros(1, 1, 32, length)
    target[..., 10 : 10 + thickness, :] = 1.0
    return target


@pytest.mark.parametrize("iterations", [1, 3, 10])
@pytest.mark.parametrize("style", ["vessel", "polyp", "nuclei"])
def test_a_target_has_the_skeleton_that_a_sure_prediction_has(style, iterations):
    # The target's is made by OpenCV on bits, the prediction's by pooling: a prediction that is the target must have a loss of 0.
    target = torch.from_numpy(np.stack([phantom(style, seed, (48, 56)).mask for seed in range(3)]))[:, None].float()
    logits = torch.where(target > 0, 60.0, -60.0)
    assert float(cldice(logits, target, alpha=1.0, iterations=iterations)) == pytest.approx(0.0, abs=1e-6)


def test_the_soft_skeleton_of_a_ribbon_is_its_middle():
    skeleton = soft_skeletons(ribbon(7), iterations=5)[0, 0]
    assert torch.equal(skeleton[13, 5:-5], torch.ones(30))
    assert skeleton[:, 10:-10].sum() == 20


def test_too_few_iterations_find_no_skeleton():
    assert soft_skeletons(ribbon(7), iterations=2)[..., 10:-10].sum() == 0


def test_a_gap_counts_as_much_in_a_thin_vessel_as_in_a_thick_one():
    def fall(thickness, loss):
        target = ribbon(thickness)
        logits = torch.where(target > 0, 50.0, -50.0)
        logits[..., 15:25] = -50.0
        return float(loss(logits, target))

    assert fall(3, lambda *pair: skeleton_recall(*pair) - skeleton_recall(*pair, weight=1e-9)) == pytest.approx(0.25, abs=0.02)
    both = torch.cat([ribbon(1), ribbon(9)], dim=2)
    logits = torch.where(both > 0, 50.0, -50.0)
    logits[:, :, :32] = -50.0  # the thin one is missed: a tenth of the area, half of the length
    assert dice(logits, both) < 0.07
    assert 0.3 < cldice(logits, both, alpha=1.0) < 0.4


def test_masks_are_read_at_one_half():
    assert each_mask(lambda mask: mask.astype(np.float32), torch.tensor([[[[0.0, 0.4, 0.5, 1.0]]]])).flatten().tolist() == [0, 0, 1, 1]


def test_an_empty_mask_has_no_centreline():
    # By the paper's formula, ridges of the prediction would count before an empty mask, and flattening them is no step towards none.
    both = torch.cat([ribbon(3), torch.zeros(1, 1, 32, 40)])
    logits = torch.randn(both.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    cldice(logits, both, alpha=1.0).backward()
    assert logits.grad[0].abs().sum() > 0
    assert logits.grad[1].abs().sum() == 0

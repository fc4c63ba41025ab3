"""Every network learns: a small one of each kind finds polyps in phantoms that it has not seen, after 120 plain steps of eight images.

Nothing of the training code is used, so that a failure is the network's. The same for losses is in test_learning_losses.py.
"""

from typing import get_args

import numpy as np
import pytest
import torch

from limner.data.phantoms import phantom
from limner.losses import build_loss, deep_supervision
from limner.models import build_network
from limner.recipe.schema import (
    DiceBCEPart,
    EncoderUNetPart,
    FusionUNetPart,
    NetworkPart,
    ResUNetPart,
    ResUNetPlusPlusPart,
    SMPPart,
    UNetPart,
)

DECODER = (32, 16, 16, 8, 8)
# A small network of each kind, and the Dice that it has to reach: with three seeds it was at least 0.03 to 0.1 above.
NETWORKS = {
    "unet": (UNetPart(filters=(8, 16, 32, 32)), 0.7),
    "unet with deep supervision": (UNetPart(filters=(8, 16, 32, 32), deep_supervision=True), 0.7),
    "encoder_unet": (EncoderUNetPart(encoder_name="test_resnet", encoder_weights="none", decoder_channels=DECODER), 0.6),
    "fusion_unet": (
        FusionUNetPart(encoder_names=("test_resnet", "test_convnext"), encoder_weights="none", decoder_channels=DECODER),
        0.65,
    ),
    "resunet": (ResUNetPart(filters=(8, 16, 32, 32)), 0.6),
    "resunet_plusplus": (ResUNetPlusPlusPart(filters=(4, 8, 16, 16, 32)), 0.55),
    "smp": (
        SMPPart(encoder_name="resnet18", encoder_weights="none", options={"encoder_depth": 3, "decoder_channels": (32, 16, 8)}),
        0.55,
    ),
}
SIZE = 48
TRAIN, TEST = 256, 32
STEPS, BATCH = 120, 8
# What can be had without looking at these images: calling everything a polyp gives 0.20, the best circle in their middle 0.33.
BLIND = 0.4


@pytest.fixture(scope="module")
def polyps():
    """Images (N, 3, H, W) from -2 to 2 and masks (N, 1, H, W); the last `TEST` are not trained on."""
    samples = [phantom("polyp", seed, (SIZE, SIZE)) for seed in range(TRAIN + TEST)]
    images = torch.from_numpy(np.stack([sample.image for sample in samples])).permute(0, 3, 1, 2).contiguous()
    masks = torch.from_numpy(np.stack([sample.mask for sample in samples]))[:, None]
    return (images / 255 - 0.5) * 4, masks.float()


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def mean_dice(preds, target):
    overlap, total = (preds & target).sum((1, 2, 3)), preds.sum((1, 2, 3)) + target.sum((1, 2, 3))
    return (2 * overlap / total).mean().item()


def trained(part, images, masks):
    torch.manual_seed(0)
    network = build_network(part).train()
    loss = deep_supervision(build_loss(DiceBCEPart()))
    optimiser = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=5e-3, total_steps=STEPS)
    for _ in range(STEPS):
        batch = torch.randint(0, len(images), (BATCH,))
        mirrored = [dim for dim in (2, 3) if torch.rand(()) < 0.5]
        loss(network(images[batch].flip(mirrored)), masks[batch].flip(mirrored)).backward()
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
    return network.eval()


@pytest.mark.parametrize(("part", "goal"), NETWORKS.values(), ids=NETWORKS.keys())
def test_finds_polyps_that_it_has_not_seen(part, goal, polyps):
    images, masks = polyps
    network = trained(part, images[:TRAIN], masks[:TRAIN])
    with torch.no_grad():
        preds = network(images[TRAIN:]) >= 0  # a probability of 0.5
    assert mean_dice(preds, masks[TRAIN:].bool()) > goal


def test_what_knows_nothing_is_far_from_the_goals(polyps):
    target = polyps[1][TRAIN:].bool()
    rows = torch.arange(SIZE) - (SIZE - 1) / 2
    distance = (rows[:, None] ** 2 + rows**2).sqrt()
    circles = [mean_dice((distance <= radius).expand_as(target), target) for radius in range(4, SIZE)]
    assert max(mean_dice(torch.ones_like(target), target), *circles) < BLIND
    assert min(goal for _, goal in NETWORKS.values()) > BLIND + 0.1


def test_every_kind_of_network_is_here():
    kinds = get_args(get_args(NetworkPart)[0])
    assert {type(part) for part, _ in NETWORKS.values()} == set(kinds)

"""Rules for the network: which, how deep, how wide, from which weights, and in which range it sees the grey levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from limner.planner.reason import Reason
from limner.recipe.normalisation import MEAN_STD

if TYPE_CHECKING:
    from collections.abc import Collection

    from limner.planner.fingerprint import Fingerprint
    from limner.planner.machine import Machine

ENOUGH_FOR_ENCODER = 50  # images; with fewer, its 20 million weights mostly learn them by heart
FEWEST_POOLINGS, MOST_POOLINGS = 3, 5
WIDEST = 512  # channels
_AROUND_LINES = 16  # times their thickness: what tells a line from a rim
_ENCODER_UNET, _UNET = "encoder_unet", "unet"


def choose_network(fingerprint: Fingerprint, machine: Machine, asked: Collection[str] = ()) -> list[Reason]:
    """A U-Net with a pretrained encoder where its weights are at hand, else a plain one.

    Args:
        fingerprint: The data.
        machine: Knows of weights.
        asked: Keys that the user sets; one that only a kind of network has chooses it.
    """
    if any(key.startswith("network.encoder") for key in asked):
        return [Reason("network.name", _ENCODER_UNET, "you ask for an encoder")]
    if {"network.filters", "network.levels", "network.base_filters", "network.norm"} & set(asked):
        return [Reason("network.name", _UNET, "you set its levels")]
    if machine.encoders and fingerprint.images >= ENOUGH_FOR_ENCODER:
        return [Reason("network.name", _ENCODER_UNET, f"{fingerprint.images} images are enough to tune a pretrained encoder")]
    if fingerprint.images < ENOUGH_FOR_ENCODER:
        why = f"{fingerprint.images} images are too few for a large pretrained encoder; a plain U-Net has a tenth of its weights"
    else:
        why = (
            "no ImageNet weights lie in the cache of the Hugging Face hub, so it starts from nothing; with a net or a file of weights, "
            "--set network.encoder_weights=imagenet (or =FILE) is the better choice for photographs"
        )
    return [Reason("network.name", _UNET, why)]


def choose_encoder(machine: Machine, at_hand: Collection[str]) -> list[Reason]:
    """Which encoder, and its weights.

    Args:
        machine: What has to bear it.
        at_hand: Encoders whose weights need no net.
    """
    order = ("resnet50", "resnet34", "resnet18") if machine.gpu else ("resnet34", "resnet50", "resnet18")
    name = next((name for name in (*order, *sorted(at_hand)) if name in at_hand), None)
    if name is None:
        return [
            Reason("network.encoder_name", order[0], f"it suits {machine.words}"),
            Reason("network.encoder_weights", "imagenet", "edges and textures need not be learnt from these images alone"),
        ]
    return [
        Reason("network.encoder_name", name, f"of those whose weights are at hand, the one that suits {machine.words}"),
        Reason("network.encoder_weights", "imagenet", "edges and textures need not be learnt from these images alone"),
    ]


def choose_filters(fingerprint: Fingerprint, machine: Machine, size: tuple[int, int], *, patches: bool) -> list[Reason]:
    """The plain U-Net's levels: deep enough to see a whole object, as wide as the machine bears."""
    scale = 1.0 if patches else math.sqrt(math.prod(size) / (fingerprint.height.middle * fingerprint.width.middle))
    across = scale * (_AROUND_LINES * fingerprint.thickness.high if fingerprint.is_thin else fingerprint.diameter.high)
    poolings = next((count for count in range(FEWEST_POOLINGS, MOST_POOLINGS) if receptive_field(count) >= 1.5 * across), MOST_POOLINGS)
    first = 32 if machine.gpu else 16
    filters = [min(first * 2**level, WIDEST) for level in range(poolings + 1)]
    thing = f"{across:.0f} px around thin lines" if fingerprint.is_thin else f"objects of {across:.0f} px"
    seen = receptive_field(poolings)
    enough = f"a bottom that sees {seen} px" if seen >= 1.5 * across else f"the most there are; the bottom sees {seen} px"
    why = f"{poolings + 1} levels for {thing} at that size: {enough}; {first} channels to begin with suit {machine.words}"
    return [Reason("network.filters", filters, why)]


def receptive_field(poolings: int) -> int:
    """Pixels that one place at the bottom of a U-Net with two 3x3 convolutions a level sees, each way.

    Example:
        >>> receptive_field(4)  # Ronneberger et al. 2015
        140
    """
    return 1 + 4 * ((2 << poolings) - 1) + (1 << poolings) - 1


def choose_normalisation(fingerprint: Fingerprint, network: str) -> list[Reason]:
    """What brings the grey levels nearest to mean 0 and deviation 1; for pretrained weights, what they were trained with."""
    if network == _ENCODER_UNET:
        return [Reason("data.normalisation", "imagenet", "the encoder's weights were learnt with it")]
    best = min(("imagenet", "half", "unit"), key=lambda name: _distance(fingerprint, name))
    mean, std = _normalised(fingerprint, best)
    return [Reason("data.normalisation", best, f"brings these images nearest to mean 0 and deviation 1 (to {mean:.1f} and {std:.1f})")]


def _distance(fingerprint: Fingerprint, name: str) -> float:
    mean, std = _normalised(fingerprint, name)
    return abs(mean) + abs(math.log(max(std, 1e-3)))


def _normalised(fingerprint: Fingerprint, name: str) -> tuple[float, float]:
    """Mean and deviation after a normalisation, averaged over the channels."""
    means, stds = MEAN_STD[name]
    mean = sum((found - shift) / scale for found, shift, scale in zip(fingerprint.mean, means, stds, strict=True)) / 3
    std = sum(found / scale for found, scale in zip(fingerprint.std, stds, strict=True)) / 3
    return mean, std

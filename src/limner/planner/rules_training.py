"""Rules for the training: loss, optimiser, augmentation, batch and epochs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from limner.durations import format_duration
from limner.planner.reason import Reason, percent
from limner.recipe.schema import UNetPart

if TYPE_CHECKING:
    from limner.planner.fingerprint import Fingerprint
    from limner.planner.machine import Machine
    from limner.recipe import Recipe

_BALANCED = 0.3  # share of the foreground from which cross-entropy alone does
_MANY_EMPTY = 0.3
_SHARED_LAYOUT = 12.0  # grey levels; independent arrangements average out to less
_SYMMETRIC = 0.5
_UNLIKE_SIZES = 2.0
_MANY_OBJECTS = 5  # in an image

STEPS = {"cpu": 2500, "gpu": 6000}
FEWEST_EPOCHS, MOST_EPOCHS = 20, 300
LARGEST_BATCH = {"cpu": 8, "gpu": 16}
FEWEST_STEPS = 3  # an epoch
SMALLEST_BATCH = 4  # batch normalisation needs a few images
# Bytes that training takes for each pixel of the input, measured in float32 on the CPU at 256x256: with a ResNet-50 encoder, and of plain
# U-Nets of 16 and 32 channels (117 and 194 MiB an image) for each channel of each level, counted at the input's resolution.
_ENCODER_BYTES = 3500
_UNET_BYTES_PER_CHANNEL = 56


def choose_loss(fingerprint: Fingerprint) -> list[Reason]:
    """Dice counts where foreground is rare; cross-entropy keeps single pixels honest."""
    share = percent(fingerprint.foreground.middle)
    if fingerprint.foreground.middle >= _BALANCED:
        return [Reason("loss.name", "bce", f"foreground is {share} of an image, so both classes weigh enough by themselves")]
    if fingerprint.empty >= _MANY_EMPTY:
        why = f"{percent(fingerprint.empty)} of the images have no foreground, where Dice says little and cross-entropy still teaches"
        return [Reason("loss.name", "dice_bce", why), Reason("loss.bce_weight", 2.0, "so that empty images count for more")]
    why = f"foreground is only {share} of an image, which cross-entropy alone would neglect; Dice is also what the result is judged by"
    return [Reason("loss.name", "dice_bce", why)]


def choose_postprocess(fingerprint: Fingerprint) -> list[Reason]:
    """Many small objects are what specks and touching ones are miscounted for."""
    if fingerprint.is_thin or fingerprint.objects.middle < _MANY_OBJECTS:
        return []
    why = (
        f"an image has about {fingerprint.objects.middle:.0f} objects, whose count specks and touching ones would spoil: what raises the "
        "scores on the validation images is done"
    )
    return [Reason("postprocess.choose", "tuned", why)]


def choose_optimiser(network: str, batch: int) -> list[Reason]:
    """Settings that are known to work with a one-cycle schedule."""
    if network == "encoder_unet":
        return [
            Reason("optimiser.name", "adam", "the recipe polyp-best was tuned with it"),
            Reason("optimiser.learning_rate", 2e-3, "for the decoder; the pretrained encoder learns ten times more slowly"),
        ]
    rate = float(f"{3e-3 * math.sqrt(min(batch, 8) / 8):.1g}")
    return [
        Reason("optimiser.name", "adamw", "weight decay keeps a network that starts from nothing from learning few images by heart"),
        Reason("optimiser.learning_rate", rate, f"the peak of one cycle, for a batch of {batch}"),
        Reason("optimiser.weight_decay", 0.01, "AdamW's usual value"),
    ]


def choose_augmentation(fingerprint: Fingerprint) -> list[Reason]:
    """As much change as the images themselves show."""
    return [*_turns(fingerprint), _zoom(fingerprint), *_colours(fingerprint)]


def _turns(fingerprint: Fingerprint) -> list[Reason]:
    if fingerprint.layout < _SHARED_LAYOUT:
        why = "the mean of all images is nearly flat, so no direction is up"
        return [
            Reason("augmentation.vertical_flip", 0.5, why),
            Reason("augmentation.rotate", 180.0, "for the same reason, any angle is as likely"),
        ]
    if fingerprint.upside_down >= _SYMMETRIC:
        why = f"the mean of all images looks much the same upside down (correlation {fingerprint.upside_down:.2f})"
        return [
            Reason("augmentation.vertical_flip", 0.5, why),
            Reason("augmentation.rotate", 30.0, "images share an arrangement, so only moderate turns are natural"),
        ]
    why = f"up and down differ in these images (correlation of their mean with itself upside down {fingerprint.upside_down:.2f})"
    return [
        Reason("augmentation.vertical_flip", 0.0, why),
        Reason("augmentation.rotate", 15.0, "for the same reason, only slight turns are natural"),
    ]


def _zoom(fingerprint: Fingerprint) -> Reason:
    ratio = fingerprint.diameter.high / max(fingerprint.diameter.low, 1.0)
    if ratio >= _UNLIKE_SIZES and not fingerprint.is_thin:
        return Reason("augmentation.zoom", 0.25, f"objects differ {ratio:.1f}-fold in diameter, so a quarter more or less is still natural")
    kind = "structures are thin" if fingerprint.is_thin else "objects are much of one size"
    return Reason("augmentation.zoom", 0.15, f"{kind}, so scale is changed with care")


def _colours(fingerprint: Fingerprint) -> list[Reason]:
    if fingerprint.is_mixed:
        why = f"{percent(fingerprint.grey)} of the images have no colour and the others do, so contrast and colour must not decide"
        brightness, contrast, saturation = 0.2, 0.4, 0.4
    elif fingerprint.is_colour:
        why, brightness, contrast, saturation = "light and white balance differ between cameras and sites", 0.15, 0.2, 0.2
    else:
        why, brightness, contrast, saturation = "exposure differs between sites; there is no colour to change", 0.15, 0.3, 0.0
    bearable = round(sum(fingerprint.mean) / 3 / 255 / 2, 2)
    reason = Reason("augmentation.brightness", brightness, why)
    if bearable < brightness:
        reason = Reason(
            "augmentation.brightness", bearable, "images are dark, and more than half of their mean would turn some of them black"
        )
    return [
        reason,
        Reason("augmentation.contrast", contrast, why),
        Reason("augmentation.saturation", saturation, "likewise"),
    ]


def choose_batch(fingerprint: Fingerprint, machine: Machine, recipe: Recipe) -> list[Reason]:
    """The largest power of two that memory bears and that leaves a few steps an epoch."""
    each = training_bytes(recipe)
    by_memory = machine.training_memory / each
    by_count = pieces(fingerprint, recipe) / FEWEST_STEPS
    usual = LARGEST_BATCH[_kind(machine)]
    limit = min(usual, by_memory, by_count)
    batch = max(2 ** int(math.log2(max(limit, 1))), SMALLEST_BATCH if by_memory >= SMALLEST_BATCH else 2)
    estimate = f"an image takes about {each / 2**20:.0f} MiB in training"
    if limit == usual:
        why = f"{estimate}, so {machine.words} could bear more, but larger batches gain nothing here"
    elif limit == by_memory:
        why = f"{estimate}, and {machine.training_memory / 2**30:.1f} GiB may be used"
    else:
        why = f"small, since there are only {pieces(fingerprint, recipe):.0f} images to train on; fewer would upset batch normalisation"
    return [Reason("batch_size", batch, why)]


def choose_epochs(fingerprint: Fingerprint, machine: Machine, recipe: Recipe, budget_s: float | None) -> list[Reason]:
    """As many as give the usual number of steps."""
    each = max(1.0, pieces(fingerprint, recipe) // recipe.batch_size)
    steps = STEPS[_kind(machine)]
    epochs = int(min(max(10 * round(steps / each / 10), FEWEST_EPOCHS), MOST_EPOCHS))
    why = f"about {each * epochs:.0f} steps of {recipe.batch_size}, {each:.0f} an epoch"
    if budget_s is not None:
        why += f"; the budget of {format_duration(budget_s)} ends it earlier on a slow machine, with the whole schedule done"
    return [Reason("epochs", epochs, why)]


def pieces(fingerprint: Fingerprint, recipe: Recipe) -> float:
    """Images, or patches, that an epoch holds."""
    data = recipe.data
    images = max(1.0, fingerprint.images * (1 - data.val_fraction - data.test_fraction))
    if data.sampling == "resize":
        return images
    return images * math.ceil(fingerprint.height.middle / data.input_size[0]) * math.ceil(fingerprint.width.middle / data.input_size[1])


def training_bytes(recipe: Recipe) -> float:
    """About how many bytes training takes for one image."""
    network = recipe.network
    if isinstance(network, UNetPart):
        each = float(_UNET_BYTES_PER_CHANNEL) * sum(filters / 4**level for level, filters in enumerate(network.widths))
    else:
        each = _ENCODER_BYTES
    return float(each * math.prod(recipe.data.input_size))


def _kind(machine: Machine) -> str:
    return "gpu" if machine.gpu else "cpu"

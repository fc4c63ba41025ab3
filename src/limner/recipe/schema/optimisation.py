"""The optimiser, the schedule of its learning rate, and when training ends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.recipe.schema.base import NotNegative, Part, Positive, Share

Watched = Literal["val_loss", "val_dice", "val_iou", "val_precision", "val_recall"]
Warmup = Annotated[float, Field(ge=0.0, lt=1.0)]


class OptimiserPart(Part):
    """The optimiser.

    Attributes:
        name: `adam`, `adamw`, `nadam`, `sgd` (Nesterov), or any other class of torch.optim.
        learning_rate: Peak learning rate of everything but a pretrained encoder.
        encoder_scale: The encoder's learning rate as a share of `learning_rate` (discriminative learning rates).
        weight_decay: Weight decay; not applied to biases and normalisation layers.
        momentum: Of `sgd`.
        clip_norm: Gradients are scaled down to at most this norm; 0 switches it off.
        accumulate: Batches whose gradients are averaged before each step of the optimiser.
        ema_decay: With more than 0, the moving average of the weights with this decay is validated, kept and exported; 0.999 is usual.
        freeze_encoder: Share of the training in which a pretrained encoder is left as it is; then it is trained with the rest.
        options: Further arguments of the optimiser's class.
    """

    name: str = "adam"
    learning_rate: Positive = 1e-3
    encoder_scale: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    weight_decay: NotNegative = 0.0
    momentum: Share = 0.9
    clip_norm: NotNegative = 0.0
    accumulate: Annotated[int, Field(ge=1)] = 1
    ema_decay: Share = 0.0
    freeze_encoder: Share = 0.0
    options: dict[str, float | bool | tuple[float, ...]] = Field(default_factory=dict)


class OneCyclePart(Part):
    """One-cycle policy (Smith and Topin 2019): cosine up to the peak, cosine down to almost nothing.

    Attributes:
        warmup: Share of the training in which the learning rate rises.
        start_div: The peak over the learning rate at the start.
        end_div: The peak over the learning rate at the end.
        momentum: Lowest and highest momentum (or first beta); it falls while the learning rate rises. None leaves it as it is.
    """

    name: Literal["one_cycle"] = "one_cycle"
    warmup: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.25
    start_div: Positive = 25.0
    end_div: Positive = 1e5
    momentum: tuple[Share, Share] | None = None


class CosinePart(Part):
    """Linear warm-up, then half a cosine down (Loshchilov and Hutter 2017, without restarts).

    Attributes:
        warmup: Share of the training in which the learning rate rises from almost nothing.
        end_div: The peak over the learning rate at the end.
    """

    name: Literal["cosine"] = "cosine"
    warmup: Warmup = 0.05
    end_div: Positive = 1e3


class PolyPart(Part):
    """Linear warm-up, then (1 - progress) to a power (Liu et al., ParseNet, 2015).

    Attributes:
        power: The power.
        warmup: Share of the training in which the learning rate rises from almost nothing.
    """

    name: Literal["poly"] = "poly"
    power: Positive = 0.9
    warmup: Warmup = 0.0


class PlateauPart(Part):
    """The learning rate is lowered whenever the validation has not become better for a while.

    Attributes:
        monitor: What is watched.
        factor: What the learning rate is multiplied by.
        patience: Epochs without anything better before that.
        end_div: The peak over the lowest learning rate.
    """

    name: Literal["plateau"] = "plateau"
    monitor: Watched = "val_loss"
    factor: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    patience: Annotated[int, Field(ge=0)] = 5
    end_div: Positive = 1e4


class ConstantPart(Part):
    """A constant learning rate, after a linear warm-up if asked for.

    Attributes:
        warmup: Share of the training in which the learning rate rises from almost nothing.
    """

    name: Literal["constant"] = "constant"
    warmup: Warmup = 0.0


SchedulePart = Annotated[OneCyclePart | CosinePart | PolyPart | PlateauPart | ConstantPart, Field(discriminator="name")]


class StoppingPart(Part):
    """Which epoch is kept, and when training ends before its last one.

    Attributes:
        choose_by: The epoch with the best value of this is exported.
        stop_by: What early stopping watches; by default `choose_by`.
        patience: Training ends after this many epochs without a better value; 0 never ends it early.
        min_delta: By how much a value must be better to count.
    """

    choose_by: Watched = "val_dice"
    stop_by: Watched | None = None
    patience: Annotated[int, Field(ge=0)] = 0
    min_delta: NotNegative = 0.0

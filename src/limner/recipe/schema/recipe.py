"""The recipe: everything that decides how a model is trained, as one validated object."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from limner.recipe.schema.augmentation import AugmentationPart
from limner.recipe.schema.base import Part
from limner.recipe.schema.data import DataPart
from limner.recipe.schema.loss import BCEPart, LossPart
from limner.recipe.schema.network import EncoderUNetPart, NetworkPart, resolve_network
from limner.recipe.schema.optimisation import OneCyclePart, OptimiserPart, SchedulePart, StoppingPart
from limner.recipe.schema.postprocess import PostProcessPart
from limner.recipe.schema.trainer import TrainerPart


class ThresholdPart(Part):
    """How probabilities are calibrated, and then the threshold is chosen; always on the validation part.

    Attributes:
        choose: `dice`, `iou` or `f2` (best mean per-image score; F2 weighs recall above precision), `recall` (the highest threshold that
            finds as much of the objects as `recall` asks for), or `fixed`.
        recall: With `choose: recall`, the mean per-image recall (sensitivity) to reach on the validation images with foreground.
        value: The threshold when fixed, and the one used for the scores of each epoch.
        calibrate: Divide the logits by a temperature that makes the probabilities as likely as can be (temperature scaling).
    """

    choose: Literal["dice", "iou", "f2", "recall", "fixed"] = "dice"
    recall: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    value: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    calibrate: bool = True


class Recipe(Part):
    """Everything that decides how a model is trained. One object <-> one YAML file.

    Attributes:
        name: The recipe's name; shipped ones are listed by `limner recipes`.
        task: What is outlined, for titles and the model file ("polyp", "nucleus", "vessel" or any other word).
        description: One line for the list of recipes.
        source: The paper or report that the recipe reproduces.
        dataset: The data set of the catalog that the recipe was made for; taken where no other is named.
        seed: Seed of the split, the initial weights, the order of images and the augmentation.
        epochs: Passes over the training part.
        batch_size: Images per step, on all devices together.
    """

    name: str
    task: str = "object"
    description: str = ""
    source: str = ""
    dataset: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    epochs: Annotated[int, Field(ge=1)] = 50
    batch_size: Annotated[int, Field(ge=1)] = 8
    data: DataPart = DataPart()
    network: NetworkPart = EncoderUNetPart()
    loss: LossPart = BCEPart()
    optimiser: OptimiserPart = OptimiserPart()
    schedule: SchedulePart = OneCyclePart()
    augmentation: AugmentationPart = AugmentationPart()
    stopping: StoppingPart = StoppingPart()
    threshold: ThresholdPart = ThresholdPart()
    postprocess: PostProcessPart = PostProcessPart()
    trainer: TrainerPart = TrainerPart()

    @field_validator("network", "loss", "optimiser", "schedule", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        """`loss: dice` is short for `loss: {name: dice}`; a preset's name stands for a network and its settings."""
        return resolve_network({"name": value} if isinstance(value, str) else value)

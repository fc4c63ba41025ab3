"""The recipe: everything that decides how a model is trained, as one validated object.

Each part that can be exchanged (network, loss, optimiser, schedule) is a small class here, chosen by its `name`. The code that
builds the part lives with the part (`models`, `losses`, `training`); this package never imports PyTorch.
"""

from limner.recipe.schema.augmentation import AugmentationPart
from limner.recipe.schema.base import Part
from limner.recipe.schema.data import DataPart
from limner.recipe.schema.loss import (
    BCEPart,
    BoundaryPart,
    CLDicePart,
    CrossEntropyPart,
    DiceBCEPart,
    DicePart,
    FocalPart,
    FocalTverskyPart,
    IoUPart,
    LossPart,
    LovaszPart,
    SkeletonRecallPart,
    StructurePart,
    TverskyPart,
)
from limner.recipe.schema.network import (
    NETWORK_PRESETS,
    EncoderUNetPart,
    FusionUNetPart,
    NetworkPart,
    ResUNetPart,
    ResUNetPlusPlusPart,
    SMPPart,
    UNetPart,
)
from limner.recipe.schema.optimisation import (
    ConstantPart,
    CosinePart,
    OneCyclePart,
    OptimiserPart,
    PlateauPart,
    PolyPart,
    SchedulePart,
    StoppingPart,
)
from limner.recipe.schema.postprocess import PostProcessPart
from limner.recipe.schema.recipe import Recipe, ThresholdPart
from limner.recipe.schema.trainer import TrainerPart

__all__ = [
    "NETWORK_PRESETS",
    "AugmentationPart",
    "BCEPart",
    "BoundaryPart",
    "CLDicePart",
    "ConstantPart",
    "CosinePart",
    "CrossEntropyPart",
    "DataPart",
    "DiceBCEPart",
    "DicePart",
    "EncoderUNetPart",
    "FocalPart",
    "FocalTverskyPart",
    "FusionUNetPart",
    "IoUPart",
    "LossPart",
    "LovaszPart",
    "NetworkPart",
    "OneCyclePart",
    "OptimiserPart",
    "Part",
    "PlateauPart",
    "PolyPart",
    "PostProcessPart",
    "Recipe",
    "ResUNetPart",
    "ResUNetPlusPlusPart",
    "SMPPart",
    "SchedulePart",
    "SkeletonRecallPart",
    "StoppingPart",
    "StructurePart",
    "ThresholdPart",
    "TrainerPart",
    "TverskyPart",
    "UNetPart",
]

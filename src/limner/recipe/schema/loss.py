"""The losses that a recipe can name; formulas and sources are in `limner.losses`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from limner.recipe.schema.base import NotNegative, Part, Positive, Probability, Share

Region = Literal["dice", "dice_bce", "bce"]


class BCEPart(Part):
    """Binary cross-entropy on logits.

    Attributes:
        label_smoothing: How far the target is drawn from 0 and 1 towards 0.5: 0.1 makes it 0.05 and 0.95.
        pos_weight: Weight of the foreground's pixels; the background's have 1.
    """

    name: Literal["bce"] = "bce"
    label_smoothing: Share = 0.0
    pos_weight: Positive = 1.0


class CrossEntropyPart(Part):
    """Cross-entropy on two classes, background and foreground.

    Attributes:
        weights: Of background and foreground; the mean is weighted by them.
        label_smoothing: As in `bce`.
    """

    name: Literal["cross_entropy"] = "cross_entropy"
    weights: tuple[Positive, Positive] = (1.0, 1.0)
    label_smoothing: Share = 0.0


class DicePart(Part):
    """Soft Dice loss, one image at a time.

    Attributes:
        smooth: Pixels added above and below the fraction.
    """

    name: Literal["dice"] = "dice"
    smooth: Positive = 1.0


class DiceBCEPart(Part):
    """Dice loss plus binary cross-entropy.

    Attributes:
        bce_weight: Weight of the cross-entropy; the Dice loss has weight 1.
    """

    name: Literal["dice_bce"] = "dice_bce"
    bce_weight: Positive = 1.0


class IoUPart(Part):
    """Soft IoU (Jaccard) loss, one image at a time.

    Attributes:
        smooth: Pixels added above and below the fraction.
    """

    name: Literal["iou"] = "iou"
    smooth: Positive = 1.0


class FocalPart(Part):
    """Focal loss (Lin et al. 2017).

    Attributes:
        alpha: Weight of the foreground; the background's is 1 - alpha.
        gamma: How strongly easy pixels are played down; 0 is weighted cross-entropy.
    """

    name: Literal["focal"] = "focal"
    alpha: Probability = 0.25
    gamma: NotNegative = 2.0


class TverskyPart(Part):
    """Tversky loss (Salehi et al. 2017), one image at a time.

    Attributes:
        alpha: Weight of false positives.
        beta: Weight of false negatives; both 0.5 is Dice.
        smooth: Pixels added above and below the fraction.
    """

    name: Literal["tversky"] = "tversky"
    alpha: NotNegative = 0.3
    beta: NotNegative = 0.7
    smooth: Positive = 1.0


class FocalTverskyPart(Part):
    """Focal Tversky loss (Abraham and Khan 2019): the Tversky loss to the power 1/gamma.

    Attributes:
        alpha: Weight of false positives.
        beta: Weight of false negatives.
        gamma: Above 1, images that are nearly right keep more of their pull; 4/3 in the paper.
        smooth: Pixels added above and below the fraction.
    """

    name: Literal["focal_tversky"] = "focal_tversky"
    alpha: NotNegative = 0.3
    beta: NotNegative = 0.7
    gamma: Positive = 4 / 3
    smooth: Positive = 1.0


class LovaszPart(Part):
    """Lovász hinge loss (Berman et al. 2018), one image at a time."""

    name: Literal["lovasz"] = "lovasz"


class BoundaryPart(Part):
    """A region's loss plus the boundary loss (Kervadec et al. 2019).

    Attributes:
        region: The loss that the boundary loss is added to; alone it has trivial minima.
        weight: Weight of the boundary loss, whose unit is pixels.
    """

    name: Literal["boundary"] = "boundary"
    region: Region = "dice"
    weight: Positive = 0.01


class CLDicePart(Part):
    """A region's loss and soft centreline Dice (Shit et al. 2021), for vessels and other thin structures.

    Attributes:
        region: The loss that it is mixed with.
        alpha: Share of the centreline Dice; the region's loss has the rest.
        iterations: Soft erosions; at least half the thickness of the thickest vessel in pixels.
    """

    name: Literal["cldice"] = "cldice"
    region: Region = "dice"
    alpha: Probability = 0.5
    iterations: Annotated[int, Field(ge=1, le=50)] = 5


class SkeletonRecallPart(Part):
    """A region's loss plus skeleton recall (Kirchhoff et al. 2024), for vessels and other thin structures.

    Attributes:
        region: The loss that it is added to.
        weight: Weight of the skeleton recall.
    """

    name: Literal["skeleton_recall"] = "skeleton_recall"
    region: Region = "dice_bce"
    weight: Positive = 1.0


def _odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError(f"{number} is even, and a neighbourhood around a pixel is odd")
    return number


class StructurePart(Part):
    """Structure loss of the polyp literature (Wei et al. 2020, Fan et al. 2020): IoU + BCE, both weighted towards the boundary.

    Attributes:
        kernel: Width in pixels of the neighbourhood that says how near a boundary is; odd.
        factor: How much more a pixel at the boundary counts.
    """

    name: Literal["structure"] = "structure"
    kernel: Annotated[int, Field(ge=3, le=255), AfterValidator(_odd)] = 31
    factor: NotNegative = 5.0


LossPart = Annotated[
    BCEPart
    | CrossEntropyPart
    | DicePart
    | DiceBCEPart
    | IoUPart
    | FocalPart
    | TverskyPart
    | FocalTverskyPart
    | LovaszPart
    | BoundaryPart
    | CLDicePart
    | SkeletonRecallPart
    | StructurePart,
    Field(discriminator="name"),
]

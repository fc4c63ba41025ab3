"""A sheet of augmented images to look at: a row for each image, its variants as training would make them, the mask's outline drawn over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from limner.data.resident import NativeSet, load_native, load_resident
from limner.errors import RecipeError
from limner.imaging.overlay import draw_outline
from limner.imaging.resize import resize_image, resize_mask
from limner.training.augment import augment, augment_fully
from limner.training.augment.draws import KINDS
from limner.training.loader import ResidentLoader, generator
from limner.training.patches import PatchLoader

if TYPE_CHECKING:
    from torch import Tensor

    from limner.data.items import Dataset
    from limner.recipe import Recipe
    from limner.recipe.schema import AugmentationPart
    from limner.types import ImageArray, MaskArray

_WIDEST, _CELL = 1920, (192, 256)  # pixels: of a sheet, where its cells need not be smaller than the least; of a cell
_GAP, _LETTERS, _LINE = 8, 16, 22
_PAPER, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (110, 110, 110)
_DEGREES, _FACTORS = {"rotate", "shear", "hue"}, {"zoom", "contrast", "saturation", "gamma"}
_CHANCES = {"horizontal_flip", "vertical_flip", "cutmix"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a recipe has switched on.

    Attributes:
        kind: Its name in the recipe.
        limit: How far it may go, with its unit; empty where it happens or does not.
        chance: That an image is changed by it, or by the group that it is of.
    """

    kind: str
    limit: str
    chance: float

    @property
    def name(self) -> str:
        """The kind in words."""
        return self.kind.replace("_", " ")


@dataclass(frozen=True, eq=False)
class Column:
    """One column of the sheet.

    Attributes:
        heading: What stands above it, in two lines.
        images: (N, 3, H, W), 0 to 255.
        masks: (N, 1, H, W), 0 or 1.
    """

    heading: tuple[str, str]
    images: Tensor
    masks: Tensor


def draw_sheet(dataset: Dataset, keys: tuple[str, ...], recipe: Recipe, *, variants: int = 6, each: bool = False) -> ImageArray:
    """Draw the sheet; only the images that it shows are read.

    Args:
        dataset: Where the images are from.
        keys: Which ones are shown. They are one batch, so that `cutmix` takes its rectangles from among them.
        recipe: Says how images come to the network, and how they are augmented.
        variants: How many variants of each image.
        each: Instead, one variant for each change that the recipe has, alone and as strong as it may be.

    Raises:
        DataError: An image cannot be read.
        RecipeError: The recipe changes nothing.
    """
    part = recipe.augmentation
    changes = changes_of(part)
    if not changes:
        raise RecipeError(
            "the recipe leaves images as they are, so there is nothing to show",
            where=recipe.name,
            fix="switch something on, for example --set augmentation.rotate=30",
        )
    images, masks = _batch(dataset, keys, recipe)
    columns = [Column(("original", "{1} x {0}".format(*recipe.data.input_size)), images, masks)]
    if each:
        columns += [_alone(change, images, masks, part, recipe.seed) for change in changes]
    else:
        columns += [_variant(number, images, masks, part, recipe.seed) for number in range(variants)]
    return _drawn(columns, keys)


def changes_of(part: AugmentationPart) -> tuple[Change, ...]:
    """The changes that are switched on.

    Example:
        >>> from limner.recipe.schema import AugmentationPart
        >>> part = AugmentationPart(rotate=30, zoom=0.25, shift=0.1, blur=2, jpeg=60)
        >>> [change.limit for change in changes_of(part)]
        ['', '30°', '× 1.25', '10 %', '2 px', 'quality 40']
    """
    return tuple(
        Change(kind, _limit(kind, getattr(part, kind)), getattr(part, kind) if kind in _CHANCES else part.probability)
        for kind in KINDS
        if getattr(part, kind) and (kind in _CHANCES or part.probability)
    )


def _limit(kind: str, value: float) -> str:
    if kind in _CHANCES:
        return ""
    if kind in _DEGREES:
        return f"{value:g}°"
    if kind in _FACTORS:
        return f"× {1 + value:g}"
    if kind == "blur":
        return f"{value:g} px"
    return f"quality {100 - value:g}" if kind == "jpeg" else f"{100 * value:g} %"


def _batch(dataset: Dataset, keys: tuple[str, ...], recipe: Recipe) -> tuple[Tensor, Tensor]:
    """The images and masks as training takes them from its loaders; of an image in patches, one."""
    data = recipe.data
    if data.sampling == "patches":
        native = load_native(dataset, keys, data.input_size)
        patches = [_patch(native, row, recipe) for row in range(len(native))]
        return torch.cat([image for image, _ in patches]).float(), torch.cat([mask for _, mask in patches]).float()
    resident = load_resident(dataset, keys, data.input_size, keep_aspect=data.keep_aspect)
    images, masks, _ = next(iter(ResidentLoader(resident, len(keys))))
    return images.float(), masks.float()


def _patch(native: NativeSet, row: int, recipe: Recipe) -> tuple[Tensor, Tensor]:
    one, data = NativeSet(native.keys[row : row + 1], native.images[row : row + 1], native.masks[row : row + 1]), recipe.data
    loader = PatchLoader(one, data.input_size, 1, foreground=data.patch_foreground, seed=recipe.seed + row)
    image, mask, _ = next(iter(loader))
    return image, mask


def _variant(number: int, images: Tensor, masks: Tensor, part: AugmentationPart, seed: int) -> Column:
    changed = augment(images, masks, part, generator(seed, number, 0))
    return Column((f"variant {number + 1}", ""), *changed)


def _alone(change: Change, images: Tensor, masks: Tensor, part: AugmentationPart, seed: int) -> Column:
    alone = {**dict.fromkeys(KINDS, 0.0), change.kind: getattr(part, change.kind)}
    changed = augment_fully(images, masks, part.model_copy(update=alone), generator(seed, 0, 0))
    return Column((change.name, change.limit), *changed)


def _drawn(columns: list[Column], keys: tuple[str, ...]) -> ImageArray:
    """The sheet: headings, then for each row the image's name and its cells."""
    height, width = columns[0].images.shape[2:]
    cell_width = min(max(_WIDEST // len(columns) - _GAP, _CELL[0]), _CELL[1])
    cell = (max(round(cell_width * height / width), 1), cell_width)
    top, pitch = 2 * (_GAP + _LINE), (cell[0] + _LINE + _GAP, cell[1] + _GAP)
    sheet = Image.new("RGB", (len(columns) * pitch[1] + _GAP, len(keys) * pitch[0] + top), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, column in enumerate(columns):
        left = _GAP + place * pitch[1]
        for line, text in enumerate(column.heading):
            _write(pen, (left, _GAP + line * _LINE), text, cell[1], _FAINT if line else _INK)
        for row in range(len(keys)):
            sheet.paste(Image.fromarray(_cell(column, row, cell)), (left, top + row * pitch[0] + _LINE))
    for row, key in enumerate(keys):
        _write(pen, (_GAP, top + row * pitch[0]), key, sheet.width - 2 * _GAP, _INK)
    return np.asarray(sheet)


def _cell(column: Column, row: int, size: tuple[int, int]) -> ImageArray:
    """One image with its outline, which is drawn after resizing, so that it looks alike in every sheet."""
    image: ImageArray = column.images[row].permute(1, 2, 0).round().byte().contiguous().numpy()
    mask: MaskArray = column.masks[row, 0].bool().numpy()
    return draw_outline(resize_image(image, size), resize_mask(mask, size), fill=0.0)


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, room: int, colour: tuple[int, int, int]) -> None:
    """Write a line; of what is too long, the middle is left out."""
    font = ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), _LETTERS)  # Pillow's own knows few letters
    shown, kept = text, len(text)
    while pen.textlength(shown, font=font) > room and kept > 2:
        kept -= 2
        shown = f"{text[: kept // 2]}...{text[len(text) - kept // 2 :]}"
    pen.text(place, shown, fill=colour, font=font)

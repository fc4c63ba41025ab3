"""The verbs that show what a training would see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.api.common import open_data, refuse_existing, require_training
from limner.api.making import measured_plan
from limner.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from limner.recipe import Recipe
    from limner.training.preview import Change

_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class AugmentationSheet:
    """A sheet of augmented images.

    Attributes:
        path: The picture.
        recipe: The recipe whose augmentation it shows.
        keys: The images on it, from the top.
        changes: What the recipe has switched on.
    """

    path: Path
    recipe: Recipe
    keys: tuple[str, ...]
    changes: tuple[Change, ...]


def preview_augmentation(
    source: str | Path,
    out: str | Path = "augmentation.png",
    *,
    recipe: str | Path | None = None,
    settings: Iterable[str] = (),
    foreground: str | None = None,
    observer: int | None = None,
    group: str | None = None,
    images: int = 6,
    variants: int = 6,
    each: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> AugmentationSheet:
    """Draw what training would make of a few images: a sheet with a row for each, its mask's outline drawn over.

    Args:
        source: Images and masks, as for `train`.
        out: The picture to write, PNG or JPEG.
        recipe: A shipped recipe's name or a YAML file; by default one that is planned for the data.
        settings: Strings `key=value` that change the recipe.
        foreground: What is foreground, in masks of more than two tones.
        observer: Whose masks, where several people drew them.
        group: What names the patient or sequence in an image's key, as a regular expression.
        images: How many images are shown; they are spread evenly over the source, and no others are read.
        variants: How many variants of each.
        each: Instead of variants, one picture for each change that the recipe has, alone and as strong as it may be.
        overwrite: Replace a picture that is already there.
        progress: Show progress on standard error.
        on_step: Is told, in a few words, what begins.

    Raises:
        MissingExtraError: PyTorch and its companions are not installed.
        OutputExistsError: There is a file at `out`.
        LimnerError: Something about the source or the recipe; or the recipe changes nothing.

    Warns:
        LimnerWarning: Some files of the source could not be paired.
    """
    require_training("augmenting images")
    from limner.imaging import write_image
    from limner.planner import settled
    from limner.recipe import data_settings, load_recipe

    path = _checked(Path(out), images, variants, overwrite=overwrite)
    settings = [*settings, *data_settings(foreground=foreground, observer=observer, group=group)]
    chosen = None if recipe is None else load_recipe(recipe, settings)
    dataset = open_data(source, (chosen or settled(settings)).data)
    chosen = chosen or measured_plan(dataset, None, settings, progress=progress, on_step=on_step).recipe
    keys = spread(dataset.keys(), images)
    on_step("starting PyTorch ...")
    from limner.training.preview import changes_of, draw_sheet

    write_image(path, draw_sheet(dataset, keys, chosen, variants=variants, each=each))
    return AugmentationSheet(path, chosen, keys, changes_of(chosen.augmentation))


def spread(keys: Sequence[str], count: int) -> tuple[str, ...]:
    """At most `count` keys, evenly spread.

    Example:
        >>> spread("abcdefghi", 3), spread("ab", 3)
        (('b', 'e', 'h'), ('a', 'b'))
    """
    count = min(count, len(keys))
    return tuple(keys[(2 * place + 1) * len(keys) // (2 * count)] for place in range(count))


def _checked(path: Path, images: int, variants: int, *, overwrite: bool) -> Path:
    if path.suffix.lower() not in _SUFFIXES:
        named = path.with_suffix(".png") if path.name else "sheet.png"
        raise RunError("the sheet is a picture, and its name says of which kind", where=path, fix=f"write --out {named}")
    if min(images, variants) < 1:
        raise RunError("a sheet shows at least one image and one variant of it", fix="raise --images or --variants")
    if not overwrite or path.is_dir():
        refuse_existing([path])
    return path

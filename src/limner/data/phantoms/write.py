"""Folders of phantoms: ordinary image + mask pairs, with a note of the settings beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.data.phantoms.draw import Style, phantom
from limner.errors import DataError, OutputExistsError
from limner.files import write_json
from limner.imaging.write import write_image, write_mask

if TYPE_CHECKING:
    from limner.progress import Progress

NOTE = "phantoms.json"
VERSION = 1  # raise it whenever the same settings would draw other pictures
MOST = 10_000


def write_phantoms(
    folder: str | Path,
    style: Style = "polyp",
    count: int = 64,
    size: tuple[int, int] = (128, 128),
    seed: int = 0,
    *,
    progress: Progress | None = None,
) -> Path:
    """Write `count` phantoms as FOLDER/images/NAME.png and FOLDER/masks/NAME.png (one channel of 0 and 255).

    Number i of a folder is `phantom(style, seed * 10000 + i, size)`, whatever the count. The settings are noted in
    FOLDER/phantoms.json; with the same settings again, only what is missing is drawn, so an interrupted call can be repeated.

    Args:
        folder: Where to write; made if absent.
        style: `polyp`, `nuclei` or `vessel`.
        count: Number of phantoms, 1 to 10000.
        size: Height and width in pixels.
        seed: Folders of different seeds share no picture.
        progress: Called after each phantom with the number done and the total.

    Returns:
        The folder.

    Raises:
        OutputExistsError: The folder holds anything else than phantoms of these settings.
        DataError: A setting is out of range.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     folder = write_phantoms(place, "vessel", count=2, size=(64, 64))
        ...     sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
        ['images/vessel-0000.png', 'images/vessel-0001.png', 'masks/vessel-0000.png', 'masks/vessel-0001.png']
    """
    if not 1 <= count <= MOST:
        raise DataError("the number of phantoms is out of range", where=f"count {count}", fix=f"give a number from 1 to {MOST}")
    place = Path(folder)
    names = [f"{style}-{number:04d}.png" for number in range(count)]
    settings = {"version": VERSION, "style": style, "count": count, "size": list(size), "seed": seed}
    phantom(style, seed * MOST, size)  # settings that cannot be drawn are refused before anything is written
    _check_free(place, settings, names)
    write_json(place / NOTE, settings)
    for number, name in enumerate(names):
        _write_pair(place, name, style, seed * MOST + number, size)
        if progress is not None:
            progress(number + 1, count)
    return place


def _write_pair(place: Path, name: str, style: Style, seed: int, size: tuple[int, int]) -> None:
    """Draw one phantom into its two files, unless both are there."""
    image_path, mask_path = place / "images" / name, place / "masks" / name
    if image_path.exists() and mask_path.exists():
        return
    sample = phantom(style, seed, size)
    write_image(image_path, sample.image)
    write_mask(mask_path, sample.mask)


def _check_free(place: Path, settings: dict[str, Any], names: list[str]) -> None:
    """Refuse a folder with content of its own. Hidden files are nobody's content: half-written ones, the desktop's."""
    if place.exists() and not place.is_dir():
        raise OutputExistsError("there is a file where the folder of phantoms should be", where=place, fix="name another folder")
    planned = {Path(NOTE), *(Path(part, name) for part in ("images", "masks") for name in names)}
    allowed = planned if _note(place) == settings else set()
    found = (path.relative_to(place) for path in sorted(place.rglob("*")) if path.is_file() and not path.name.startswith("."))
    foreign = next((path for path in found if path not in allowed), None)
    if foreign is not None:
        raise OutputExistsError(
            "the folder holds something else than phantoms of these settings", where=place / foreign, fix="name a new or empty folder"
        )


def _note(place: Path) -> object:
    """The settings that a folder was written with, or None."""
    try:
        return json.loads((place / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None

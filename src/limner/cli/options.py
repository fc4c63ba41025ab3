"""Options that several commands share, and the readers of their values. A value that cannot be read is wrong usage (exit code 2)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from limner.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

SPLIT_PARTS = ("train", "val", "test")

SourceArgument: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="SOURCE", help="Images and masks: a folder, a .zip or .tar archive, an annotation file, or a data set's name."),
]
OptionalSourceArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]",
        help="Images and masks: a folder, a .zip or .tar archive, an annotation file, or a data set's name.",
        show_default="the data set that the recipe names",
    ),
]
RecipeOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME|FILE", help="A recipe of `limner recipes`, or a YAML file.", show_default="planned for the data"),
]
SettingsOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe; may be given several times.")
]
TrainingSplitOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="SPLIT",
        help="train=FILE,test=FILE[,val=FILE], each a list of ids; a split.json; or an official split of a known data set.",
    ),
]
AnyObserverOption: TypeAlias = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Whose masks to take, where several people drew them.")
]
ModelArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="MODEL", help="A run folder, an .onnx file, or the name of a shipped model.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON to standard output, and nothing else there.")]
OverwriteOption: TypeAlias = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are already there.")]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
ForegroundOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT", help="What is foreground in masks of more than two tones: nonzero, dark, 1,2, red, #ff0000, or class names."
    ),
]
ObserverOption: TypeAlias = Annotated[
    int, typer.Option(metavar="N", min=1, help="Whose masks to take, where several people drew them: 1 is the first.")
]
GroupOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="REGEX",
        help="What names the patient or sequence in an image's key, such as '^[^_]+'; no group is divided by a split.",
        show_default="what the catalog knows",
    ),
]


@contextmanager
def source_needed(command: str) -> Iterator[None]:
    """That nothing says which data are meant is wrong usage."""
    from limner.api import NoSourceError

    try:
        yield
    except NoSourceError as error:
        raise typer.BadParameter(f"{error.what}: for example limner {command} polyps/", param_hint="'SOURCE'") from None


def source_words(foreground: str | None, observer: int, group: str | None) -> list[str]:
    """The options that say how a source is read, as they are typed, for a command that is to be run next.

    Example:
        >>> source_words("#ff0000", 1, None)
        ['--foreground', '#ff0000']
    """
    given = {"--foreground": foreground, "--observer": None if observer == 1 else str(observer), "--group": group}
    return [word for name, value in given.items() if value is not None for word in (name, value)]


def read_budget(text: str | None) -> float | None:
    """Seconds of a budget such as `10m`."""
    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--budget'") from None


def read_split(text: str | None) -> dict[str, Path] | Path | None:
    """A split: the lists `train=FILE,test=FILE[,val=FILE]`, the path of a split.json, or the name of an official split, as a path too.

    Example:
        >>> sorted(read_split("train=a.txt,test=b.txt"))
        ['test', 'train']
        >>> read_split("official-880-120").name
        'official-880-120'
    """
    if text is None:
        return None
    if "=" not in text and (text.endswith(".json") or re.fullmatch(r"[A-Za-z0-9][\w-]*", text)):
        return Path(text)
    lists: dict[str, Path] = {}
    for entry in re.split(r",(?=\w+=)", text):
        part, separator, file = entry.partition("=")
        part = "val" if part == "validation" else part
        if not separator or not file or part not in SPLIT_PARTS:
            parts = ", ".join(SPLIT_PARTS)
            raise _bad_split(f"'{entry}' should read PART=FILE with PART one of {parts}; or give a split.json, or an official split's name")
        if part in lists:
            raise _bad_split(f"the part '{part}' is given twice")
        lists[part] = Path(file)
    return lists


def _bad_split(message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint="'--split'")


def read_size(text: str | None, option: str, *, least: int = 0) -> tuple[int, int] | None:
    """Height and width of `HxW`, or of one number for both; neither is below `least`.

    Example:
        >>> read_size("480x640", "--size"), read_size("352", "--size")
        ((480, 640), (352, 352))
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,9})(?:[x×](\d{1,9}))?", text.strip().lower())
    if match is None or min(int(side) for side in match.groups() if side) < least:
        raise typer.BadParameter(f"'{text}' is neither a number of pixels nor HEIGHTxWIDTH", param_hint=f"'{option}'")
    return int(match[1]), int(match[2] or match[1])

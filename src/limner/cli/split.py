"""`limner split`: parts that share no patient, no sequence and no copy, in a file that can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limner.cli.console import make_table, note, only_json, print_json, print_table, say
from limner.cli.help import HelpCommand, examples
from limner.cli.options import (
    ForegroundOption,
    GroupOption,
    JsonOption,
    ObserverOption,
    OverwriteOption,
    QuietOption,
    SourceArgument,
    read_split,
)
from limner.errors import OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.data import Dataset
    from limner.data.splits import DrawRules, Evidence, LeakReport, PartSummary, Split

EPILOG = examples(
    "limner split polyps/ --out split.json",
    "limner split frames/ --group '^[^_]+' --folds 5 --out folds/fold.json",
    "limner split polyps/ --keep split.json --out split-2.json",
    "limner split kvasir-seg --split official-880-120 --out official.json",
    "limner train polyps/ --split split.json",
)
DEFAULT_FRACTION = 0.1


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("split", cls=HelpCommand, short_help="Divide images into parts that do not leak.", epilog=EPILOG)(split)


def split(
    source: SourceArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File for the split; with --folds, FILE-1.json and so on.")],
    val: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of the images to validate on.", show_default="0.1, or as in --keep")
    ] = None,
    test: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of the images to test on.", show_default="0.1, or as in --keep")
    ] = None,
    folds: Annotated[int | None, typer.Option(metavar="K", min=2, help="Draw K splits; each image is tested in exactly one.")] = None,
    group: GroupOption = None,
    no_stratify: Annotated[bool, typer.Option("--no-stratify", help="Do not balance the size of the foreground.")] = False,
    no_lookalikes: Annotated[bool, typer.Option("--no-lookalikes", help="Do not keep near-duplicates together.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another seed draws another split.")] = 0,
    given: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="SPLIT",
            help="Do not draw, but take an official split by its name, or train=FILE,test=FILE[,val=FILE], or a split.json.",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="An earlier split of this data: what is in it stays where it is, new images are added."),
    ] = None,
    foreground: ForegroundOption = None,
    observer: ObserverOption = 1,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Divide images into a part to train on, one to validate on and one to test on, and check that they do not leak.

    No patient or sequence, as far as they are known, and no near-duplicates are on both sides; the size of the foreground is balanced. The
    file holds the hash of each image and mask. Give it to `limner train --split`.
    """
    from limner.data import open_source
    from limner.data.options import source_options
    from limner.data.splits import DrawRules, check_choice, check_groups, check_keep, gather, load_split
    from limner.progress import show_progress

    _check_usage(folds=folds, test=test, given=given, keep=keep)
    choice, files = read_split(given), _files(out, folds)
    _refuse_existing(files, overwrite=overwrite)
    kept = load_split(keep) if keep else None
    rules = DrawRules(
        val_fraction=_fraction(val, "val", kept),
        test_fraction=_fraction(test, "test", kept),
        seed=seed,
        stratify=not no_stratify,
        lookalikes=not no_lookalikes,
    )
    dataset = open_source(source, options=source_options(foreground, observer, group))
    if dataset.problems:
        note(dataset.say_problems(), style="yellow")
    check_groups(dataset, group)
    check_choice(dataset, choice)
    if keep and kept:
        check_keep(kept, dataset)
        _say_changes(keep, dataset)
    with only_json(as_json), show_progress("looking for leaks", enabled=not quiet) as tick:
        evidence = gather(dataset, progress=tick)
    splits = _make(dataset, rules, evidence, folds=folds, choice=choice, keep=kept)
    made = [_save(split, dataset, evidence, file) for split, file in zip(splits, files, strict=True)]
    if as_json:
        print_json({"splits": [one.as_json() for one in made]})
        return
    for one in made:
        one.show()


@dataclass(frozen=True, slots=True)
class _Saved:
    """A split that was written, and what there is to say of it."""

    file: Path
    split: Split
    parts: list[PartSummary]
    leaks: LeakReport

    def as_json(self) -> dict[str, Any]:
        known = {"file": str(self.file), "origin": self.split.origin, "seed": self.split.seed, "fold": self.split.fold}
        leaks = {"sentence": self.leaks.sentence(), **self.leaks.model_dump(mode="json")}
        return {**known, "parts": [part.as_json() for part in self.parts], "leak_check": leaks}

    def show(self) -> None:
        columns = ("part", "images", "groups", "foreground", "quartiles")
        rows = [(part.part, str(part.images), str(part.groups), *_percent(part.foreground)) for part in self.parts]
        say(self.split.origin, style="bold")
        print_table(make_table("", columns, rows, right=columns[1:]))
        say(self.leaks.sentence(), style="bold yellow" if self.leaks.leaks else "")
        say(f"split: {self.file}", style="bold green")


def _save(split: Split, dataset: Dataset, evidence: Evidence, file: Path) -> _Saved:
    from limner.data.splits import find_leaks, save_split, summarise

    save_split(split, dataset, file)
    leaks = find_leaks(dataset, split, evidence.looks, lookalikes=evidence.lookalikes)
    return _Saved(file, split, summarise(split, evidence.shares), leaks)


def _make(
    dataset: Dataset,
    rules: DrawRules,
    evidence: Evidence,
    *,
    folds: int | None,
    choice: dict[str, Path] | Path | None,
    keep: Split | None,
) -> Sequence[Split]:
    from limner.data.splits import choose_folds, choose_split

    if folds:
        return choose_folds(dataset, folds, rules, evidence)
    return [choose_split(dataset, choice, rules, evidence, keep=keep)]


def _say_changes(keep: Path, dataset: Dataset) -> None:
    """Images that have changed stay where they were; but they may not be what was meant."""
    from limner.data.splits import verify_split
    from limner.data.splits.words import some_of
    from limner.data.wording import counted

    if changed := verify_split(keep, dataset, dataset):
        note(f"{counted(len(changed), 'file')} changed since {keep} was made: {some_of(changed)}", style="yellow")


def _check_usage(*, folds: int | None, test: float | None, given: str | None, keep: Path | None) -> None:
    """Options that say how to come by a split exclude each other."""
    ways = {"--folds": folds, "--split": given, "--keep": keep}
    used = [name for name, value in ways.items() if value is not None]
    if len(used) > 1:
        raise typer.BadParameter(f"{' and '.join(used)} do not go together")
    if folds and test is not None:
        raise typer.BadParameter("with --folds each test part is one fold: leave out --test")


def _fraction(asked: float | None, part: str, kept: Split | None) -> float:
    """The share that is asked for, or that a kept split has."""
    if asked is None and kept is not None:
        return len(kept.part(part)) / len(kept.part_of())
    return DEFAULT_FRACTION if asked is None else asked


def _files(out: Path, folds: int | None) -> list[Path]:
    return [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, folds + 1)] if folds else [out]


def _refuse_existing(files: list[Path], *, overwrite: bool) -> None:
    if folder := next((file for file in files if file.is_dir()), None):
        raise OutputExistsError("the split is to be a file, and this is a folder", where=folder, fix=f"--out {folder / 'split.json'}")
    if not overwrite and (there := next((file for file in files if file.exists()), None)):
        raise OutputExistsError("the split file already exists", where=there, fix="choose another name with --out, or add --overwrite")


def _percent(foreground: tuple[float, float, float] | None) -> tuple[str, str]:
    """Median and quartiles of shares, in per cent of the image."""
    if foreground is None:
        return "-", "-"
    low, middle, high = (f"{100 * share:.1f}" for share in foreground)
    return f"{middle} %", f"{low} - {high} %"

"""`limner doctor`: what is wrong with a data set, and a repaired copy of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    source_words,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from limner.data import SourceOptions
    from limner.doctor import Diagnosis, Finding, Repairs

EPILOG = examples(
    "limner doctor polyps/",
    "limner doctor kvasir-seg.zip --split train=train.txt,test=test.txt --html findings.html",
    "limner doctor polyps/ --fix --out polyps-repaired",
    "limner doctor polyps/ --fix --out polyps-repaired --leave-out empty-mask --leave-out vanishing-foreground",
    "limner doctor polyps/ --strict --json > findings.json",
)
_SHOWN = 3  # files that the table names for each finding


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("doctor", cls=HelpCommand, short_help="Find and repair what is wrong with images and masks.", epilog=EPILOG)(doctor)


def doctor(
    source: SourceArgument,
    *,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT",
            help="Check this split for leaks: train=FILE,test=FILE[,val=FILE], each a list of ids; a split.json; or an official name.",
        ),
    ] = None,
    input_size: Annotated[
        int, typer.Option("--input-size", metavar="PIXELS", min=8, help="Side that images are resized to for training.")
    ] = 256,
    foreground: ForegroundOption = None,
    observer: ObserverOption = 1,
    group: GroupOption = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with pictures of what was found.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Write a repaired copy to DIR; the source is never changed.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the repaired copy, new or empty.")] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", metavar="KIND", help="With --fix, leave out the pairs of this finding, too; repeatable."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="KIND", help="With --fix, keep the pairs of this finding as they are; repeatable."),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 1 where a finding is an error.")] = False,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find what is wrong with images and masks, say why it matters, and write a repaired copy.

    Every picture is read once: damaged files, names that do not pair, masks of another size or turned, grey fringes, inverted and empty
    masks, duplicates and copies, leaks between the parts of a split, outliers. Nothing is changed; --fix writes a copy.
    """
    from limner.data import SourceOptions
    from limner.doctor.repair.copy import check_kinds
    from limner.imaging.foreground import Foreground
    from limner.report.doctor_page import write_doctor_page

    _check_usage(fix=fix, out=out, others={"--leave-out": leave_out, "--keep": keep})
    check_kinds(leave_out or (), keep or ())
    _check_outputs(source, out if fix else None, html, overwrite=overwrite)
    options = SourceOptions(Foreground.parse(foreground) if foreground else None, observer, group)
    lists = read_split(split)
    with only_json(as_json):
        diagnosis = _diagnose(source, options, input_size, lists, quiet=quiet)
        repairs = _repair(diagnosis, out, leave_out or (), keep or (), quiet=quiet) if fix and out else None
        cure = _repair_command(source, diagnosis, options, split, input_size) if diagnosis.is_repairable else ""
        if html:
            write_doctor_page(diagnosis, html, repair=cure)
    if as_json:
        print_json(diagnosis.as_json() | ({"repairs": _repairs_json(repairs)} if repairs else {}))
    else:
        _print_findings(diagnosis)
        if repairs:
            _print_repairs(repairs)
        elif cure:
            say(f"repair: {cure}", style="bold green")
        if html:
            note(f"page:   {html}")
    if strict and diagnosis.count("error"):
        raise typer.Exit(1)


def _check_usage(*, fix: bool, out: Path | None, others: dict[str, list[str] | None]) -> None:
    if fix and out is None:
        raise typer.BadParameter("--fix needs a folder for the copy: add --out DIR")
    if not fix and (stray := next((option for option, value in {"--out": out, **others}.items() if value), None)):
        raise typer.BadParameter(f"{stray} goes with --fix")


def _check_outputs(source: str, out: Path | None, html: Path | None, *, overwrite: bool) -> None:
    """Refuse before the work is done, not after."""
    from limner.data.source import find_source
    from limner.doctor.repair.folder import check_target
    from limner.errors import OutputExistsError

    place = find_source(source)[0]
    if out is not None:
        check_target(out, place)
    if html is not None and html.is_dir():
        raise OutputExistsError("there is a folder where the page should be", where=html, fix="name a file with --html")
    if html is not None and html.exists() and not overwrite:
        raise OutputExistsError("the page is already there", where=html, fix="choose another name, or add --overwrite")


def _diagnose(source: str, options: SourceOptions, input_size: int, split: dict[str, Path] | Path | None, *, quiet: bool) -> Diagnosis:
    from limner.doctor import diagnose
    from limner.progress import show_progress

    with show_progress("examining", enabled=not quiet) as tick:
        return diagnose(source, options=options, input_size=input_size, split=split, progress=tick)


def _repair(diagnosis: Diagnosis, out: Path, leave_out: Collection[str], keep: Collection[str], *, quiet: bool) -> Repairs:
    from limner.doctor import repair
    from limner.progress import show_progress

    with show_progress("copying", enabled=not quiet) as tick:
        return repair(diagnosis, out, leave_out=leave_out, keep=keep, progress=tick)


def _print_findings(diagnosis: Diagnosis) -> None:
    say(diagnosis.summary(), style="bold")
    if diagnosis.findings:
        columns = ("severity", "finding", "count", "what and where", "cure")
        print_table(make_table("", columns, [_row(finding) for finding in diagnosis.findings], right=("count",)))


def _row(finding: Finding) -> tuple[str, ...]:
    examples = [": ".join(filter(None, (_named(case.files), case.remark))) for case in finding.cases[:_SHOWN]]
    more = ["..."] if len(finding.cases) > _SHOWN else []
    kind = finding.kind
    return kind.severity, kind.name, str(len(finding.cases)), "\n".join(filter(None, [finding.text, *examples, *more])), kind.cure


def _named(files: tuple[str, ...]) -> str:
    return ", ".join(files[:_SHOWN]) + (", ..." if len(files) > _SHOWN else "")


def _print_repairs(repairs: Repairs) -> None:
    say(f"pairs:  {repairs.count('kept')} kept, {repairs.count('repaired')} repaired, {repairs.count('left out')} left out")
    say(f"copy:   {repairs.out}", style="bold green")
    say(f"table:  {repairs.out / 'repairs.csv'}")
    if repairs.split:
        say(f"split:  {repairs.split}")


def _repairs_json(repairs: Repairs) -> dict[str, object]:
    counts = {result: repairs.count(result) for result in ("kept", "repaired", "left out")}
    return {"out": str(repairs.out), **counts, "split": str(repairs.split) if repairs.split else None}


def _repair_command(source: str, diagnosis: Diagnosis, options: SourceOptions, split: str | None, input_size: int) -> str:
    """The command that repairs, with the options that this one was given."""
    told = ["--split", split] if split is not None else []
    told += ["--input-size", str(input_size)] if input_size != 256 else []
    told += source_words(options.foreground.text if options.foreground else None, options.observer, options.group)
    return shlex.join(["limner", "doctor", source, *told, "--fix", "--out", f"{diagnosis.dataset.name}-repaired"])

"""`limner plan`: a recipe made for a data set, with a reason for each choice."""

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
    read_budget,
    source_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.planner import Plan

EPILOG = examples(
    "limner plan polyps/",
    "limner plan polyps/ --out recipe.yaml",
    "limner plan DRIVE.zip --budget 30m --set data.input_size=512",
    "limner plan polyps/ --json > plan.json",
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("plan", cls=HelpCommand, short_help="Plan a recipe for images and masks, with reasons.", epilog=EPILOG)(plan)


def plan(
    source: SourceArgument,
    *,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the recipe there, as YAML with the reasons.", show_default="only shown")
    ] = None,
    budget: Annotated[str | None, typer.Option(metavar="TIME", help="The time that the training may take: 90s, 10m, 1h30m.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A value of the recipe that is yours to choose; may be given several times."),
    ] = None,
    foreground: ForegroundOption = None,
    observer: ObserverOption = 1,
    group: GroupOption = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure images and masks, and plan how to train on them: a recipe, with one sentence of reason for each choice.

    `limner train` plans in the same way where it is given no recipe. With --out, the recipe is yours to read and change.
    """
    from limner.planner import recipe_yaml
    from limner.recipe import data_settings

    _check_out(out, overwrite=overwrite)
    budget_s = read_budget(budget)
    with only_json(as_json):
        given = data_settings(foreground=foreground, observer=None if observer == 1 else observer, group=group)
        made = _make(source, budget_s, [*(settings or ()), *given], progress=not quiet)
    if out is not None:
        from limner.files import write_text

        write_text(out, recipe_yaml(made))
    if as_json:
        print_json(made.as_json())
        return
    _show(made)
    asked = [word for setting in settings or () for word in ("--set", setting)]
    _say_next(source, out, budget, [*source_words(foreground, observer, group), *asked])


def _make(source: str, budget_s: float | None, settings: Sequence[str], *, progress: bool) -> Plan:
    from limner.data import open_source
    from limner.planner import make_plan, settled
    from limner.progress import show_progress

    dataset = open_source(source, options=settled(settings).data.source_options())
    if dataset.problems:
        note(dataset.say_problems(), style="yellow")
    with show_progress("measuring", enabled=progress) as tick:
        return make_plan(dataset, budget_s=budget_s, settings=settings, progress=tick)


def _check_out(out: Path | None, *, overwrite: bool) -> None:
    from limner.errors import OutputExistsError

    if out is None:
        return
    if out.suffix not in {".yaml", ".yml"}:
        raise typer.BadParameter("a recipe's file name ends in .yaml", param_hint="'--out'")
    if out.is_dir() or (out.exists() and not overwrite):
        raise OutputExistsError("there is a file of that name already", where=out, fix="choose another name, or add --overwrite")


def _show(made: Plan) -> None:
    rows = [[reason.key, _value(reason.value), reason.why] for reason in made.reasons]
    print_table(make_table("", ("choice", "value", "why"), rows))
    for line in made.fingerprint.lines():
        say(line)
    if made.fingerprint.empty == 1:
        what = "no mask that was read has any foreground, so there is nothing to learn"
        note(f"{what}: look at the masks, or say what is foreground with --foreground", style="yellow")


def _value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def _say_next(source: str, out: Path | None, budget: str | None, again: Sequence[str]) -> None:
    limit = ["--budget", budget] if budget else []
    if out is None:
        note(f"next:   {shlex.join(['limner', 'plan', source, *again, *limit, '--out', 'recipe.yaml'])} writes it down", style="dim")
        return
    say(f"recipe: {out}", style="bold green")
    note(f"next:   {shlex.join(['limner', 'train', source, '--recipe', str(out), *limit])}", style="dim")

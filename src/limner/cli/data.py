"""`limner data`: public data sets by name: which there are, what is known of them, and getting them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from limner.cli.console import make_table, note, print_json, print_table, say
from limner.cli.guard import if_interrupted
from limner.cli.help import CONTEXT, HelpCommand, HelpGroupMixin, examples
from limner.cli.options import JsonOption, OverwriteOption, QuietOption

if TYPE_CHECKING:
    from limner.data.catalog import CatalogEntry
    from limner.data.catalog.layout import Layout

EPILOG = examples("limner data list", "limner data info kvasir-seg", "limner data get kvasir-seg")
EPILOG_LIST = examples("limner data list", "limner data list --json")
EPILOG_INFO = examples("limner data info kvasir-seg", "limner data info drive --json")
EPILOG_GET = examples(
    "limner data get kvasir-seg",
    "limner data get kvasir-seg --from ~/Downloads/kvasir-seg.zip",
    "limner data get drive --from training.zip --from test.zip",
)
COLUMNS = ("name", "task", "images", "pairs", "licence", "to get", "at hand")
WHERE = "They lie in the folder that the environment variable LIMNER_DATA names, else in that of the user's data."

NameArgument: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="A data set of `limner data list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(cls=HelpGroupMixin, no_args_is_help=True, rich_markup_mode=None, context_settings=CONTEXT)
    group.command("list", cls=HelpCommand, short_help="List the data sets that limner knows.", epilog=EPILOG_LIST)(list_)
    group.command("info", cls=HelpCommand, short_help="Show all that is known of a data set.", epilog=EPILOG_INFO)(info)
    group.command("get", cls=HelpCommand, short_help="Get a data set.", epilog=EPILOG_GET)(get)
    help_ = f"Public data sets by name: list them, look at them, get them. {WHERE}"
    app.add_typer(group, name="data", help=help_, short_help="Public data sets: list, look at, get them.", epilog=EPILOG)


def list_(as_json: JsonOption = False) -> None:
    """List the data sets that limner knows. Each NAME can be given as SOURCE once it is at hand."""
    from limner.data.catalog import catalog_entry, catalog_names

    facts = [_short_facts(catalog_entry(name)) for name in catalog_names()]
    if as_json:
        print_json(facts)
        return
    rows = [
        [fact["name"], fact["task"], fact["modality"], str(fact["pairs"]), fact["licence"], _to_get(fact), _yes(fact)] for fact in facts
    ]
    print_table(make_table("", COLUMNS, rows, right=("pairs",)))
    note("next: limner data info NAME, limner data get NAME", style="dim")


def _short_facts(entry: CatalogEntry) -> dict[str, Any]:
    from limner.data.catalog import find

    place = find(entry)
    return {
        "name": entry.name,
        "title": entry.title,
        "task": entry.task,
        "modality": entry.modality,
        "pairs": entry.pairs,
        "licence": entry.licence,
        "download": entry.is_open,
        "at_hand": None if place is None else str(place),
    }


def _to_get(fact: dict[str, Any]) -> str:
    return "download" if fact["download"] else "by hand"


def _yes(fact: dict[str, Any]) -> str:
    return "yes" if fact["at_hand"] else "no"


def info(name: NameArgument, *, as_json: JsonOption = False) -> None:
    """Show all that is known of a data set: facts, licence, citation, layouts, groups, published splits, and where it is looked for."""
    from limner.data.catalog import catalog_entry

    entry = catalog_entry(name)
    facts = _facts(entry)
    if as_json:
        print_json(facts)
        return
    print_table(make_table(entry.title, ("fact", ""), _rows(entry, facts)))
    if facts["at_hand"]:
        _say_next(name)
    elif entry.is_open:
        note(f"next: limner data get {name}", style="dim")


def _facts(entry: CatalogEntry) -> dict[str, Any]:
    from limner.data.catalog import data_folder
    from limner.data.catalog.intake import by_hand

    return {
        **_short_facts(entry),
        "image_size": entry.image_size,
        "year": entry.year,
        "citation": entry.citation,
        "address": entry.address,
        "notes": entry.notes,
        "observers": entry.observers,
        "groups": entry.group_noun,
        "splits": [{"name": split.name, "source": split.source, "sizes": dict(split.sizes)} for split in entry.splits],
        "layouts": [_layout(layout) for layout in entry.layouts],
        "files": [
            {"file": file.file, "url": file.url, "size": file.size, "sha256": file.sha256, "md5": file.md5} for file in entry.downloads
        ],
        "by_hand": by_hand(entry),
        "looked_for": [str(place) for place in entry.places(data_folder())],
        "pairs_at_hand": _pairs_at_hand(entry),
    }


def _layout(layout: Layout) -> dict[str, Any]:
    return {"name": layout.name, "image": layout.image, "masks": list(layout.masks), "fov": layout.fov}


def _pairs_at_hand(entry: CatalogEntry) -> int | None:
    """How many pairs the copy at hand holds; None where there is none, or where it cannot be read."""
    from limner.data.catalog import find
    from limner.data.source import survey
    from limner.errors import DataError

    try:
        return None if find(entry) is None else len(survey(entry.name))
    except DataError:
        return None


def _rows(entry: CatalogEntry, facts: dict[str, Any]) -> list[list[str]]:
    layouts = "\n".join(_say_layout(layout) for layout in entry.layouts)
    splits = "\n".join(f"{split['name']}: {_say_sizes(split['sizes'])}; {split['source']}" for split in facts["splits"])
    rows = [
        ("name", entry.name),
        ("task", f"{entry.task}, in {entry.modality} of {entry.image_size} pixels"),
        ("pairs", f"{entry.pairs}, masks by {entry.observers} observers" if entry.observers > 1 else str(entry.pairs)),
        ("year", str(entry.year)),
        ("licence", entry.licence),
        ("citation", entry.citation),
        ("address", entry.address),
        ("notes", entry.notes),
        ("groups", f"each image is of a {entry.group_noun}; those of one stay together in a split" if entry.group_noun else "not known"),
        ("splits", splits or "none published"),
        ("layouts", layouts),
        ("to get", "\n".join(str(file["url"]) for file in facts["files"]) if entry.is_open else facts["by_hand"]),
        ("looked for", f"{facts['looked_for'][0]}, and {len(facts['looked_for']) - 1} more places (--json lists them)"),
        ("at hand", _say_at_hand(entry, facts)),
    ]
    return [list(row) for row in rows]


def _say_sizes(sizes: dict[str, int]) -> str:
    return ", ".join(f"{number} {part}" for part, number in sizes.items())


def _say_layout(layout: Layout) -> str:
    masks = " or ".join(plain_pattern(mask) for mask in layout.masks)
    fov = f", field of view {plain_pattern(layout.fov)}" if layout.fov else ""
    return f"{layout.name}: images {plain_pattern(layout.image)}, masks {masks}{fov}"


def plain_pattern(pattern: str) -> str:
    r"""A regular expression with its named groups as words, so that it is easier to read.

    Example:
        >>> plain_pattern(r"images?/(?P<id>cju[0-9a-z]{22})"), plain_pattern(r"(?P<id>(?:a|b)\d)_mask(?:_\d)?")
        ('images?/ID', 'ID_mask(_\\d)?')
    """
    group = re.compile(r"\(\?P<(\w+)>(?:[^()\\]|\\.|\((?:[^()\\]|\\.|\([^()]*\))*\))*\)")
    return group.sub(lambda found: found[1].upper(), pattern).replace("(?:", "(")


def _say_at_hand(entry: CatalogEntry, facts: dict[str, Any]) -> str:
    if facts["at_hand"] is None:
        return "no"
    found = facts["pairs_at_hand"]
    if found is None:
        return f"{facts['at_hand']}, but it cannot be read"
    return f"{facts['at_hand']}, {found if found == entry.pairs else f'but {found}'} pairs"


def get(
    name: NameArgument,
    *,
    source: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FILE|FOLDER",
            help="What you got by hand: an archive as it was downloaded, or a folder with it or with what it unpacks to. It is copied. "
            "May be given several times.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
) -> None:
    """Get a data set into the data folder: from the net, or with --from what you got by hand.

    A download that was broken off goes on where it was; checksums are compared where they are published. Nothing is there before it is
    whole. Behind a proxy, set HTTPS_PROXY.
    """
    from limner.data.catalog import catalog_entry
    from limner.data.catalog.fetch import fetch
    from limner.progress import show_progress

    entry = catalog_entry(name)
    kept = "nothing was changed" if source else f"what has come is kept\n  go on with: limner data get {name}"
    with if_interrupted(kept), show_progress(name, enabled=not quiet) as progress:
        place = fetch(entry, source=source, overwrite=overwrite, progress=progress, on_step=None if quiet else _announce)
    say(f"data: {place}", style="bold green")
    _say_next(name)


def _announce(step: str) -> None:
    note(f"{step} ...", style="dim")


def _say_next(name: str) -> None:
    note(f"next: limner doctor {name}, limner train {name}", style="dim")

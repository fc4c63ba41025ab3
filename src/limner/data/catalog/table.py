"""The catalog as a table in Markdown, for its page in the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.data.catalog import entries

if TYPE_CHECKING:
    from limner.data.catalog import CatalogEntry

_HEAD = ("name", "outlines", "pictures", "pairs", "licence", "to get it", "groups", "official splits")


def catalog_table() -> str:
    """One row for each data set.

    Example:
        >>> print(catalog_table().splitlines()[2][:60])
        | `busi` | lesion | breast ultrasound, many sizes, about 500
    """
    rows = [_HEAD, ("---",) * len(_HEAD), *map(_row, entries())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: CatalogEntry) -> tuple[str, ...]:
    way = f"`limner data get {entry.name}`" if entry.is_open else "by hand"
    splits = ", ".join(f"`{name}`" for name in entry.split_names())
    return (
        f"`{entry.name}`",
        entry.task,
        f"{entry.modality}, {entry.image_size}",
        str(entry.pairs),
        entry.licence,
        f"{way}; [page]({entry.address})",
        entry.group_noun or "not known",
        splits or "none",
    )

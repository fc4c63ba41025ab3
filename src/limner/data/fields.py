"""Give matched images their field-of-view masks."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from limner.data.affixes import without_split_word

if TYPE_CHECKING:
    from limner.data.folders import Folder
    from limner.data.matching import Match
    from limner.data.roles import RoledFile


def fields_of_view(matches: list[Match], files: list[RoledFile]) -> tuple[dict[str, str], list[RoledFile]]:
    """The field of view of each matched image.

    Args:
        matches: Images with their masks.
        files: All files.

    Returns:
        From the image's name to that of its field of view, and the fields of view that belong to no match, or may belong to several.
    """
    fields = [file for file in files if file.role == "fov"]
    if not fields:
        return {}, []
    by_name = _by_name(fields)
    wanted = Counter(key for match in matches if (key := _key(match, by_name)))
    images = Counter(file.root for file in files if file.role == "image")
    found = {}
    for match in matches:
        key = _key(match, by_name) or ((match.image.root, "") if images[match.image.root] == 1 else None)
        held = by_name.get(key, []) if key else []
        if len(held) > 1 or (key and wanted[key] > 1):
            held = [file for file in held if file.stem == match.image.stem]
        if len(held) == 1:
            found[match.image.name] = held[0].name
    used = set(found.values())
    return found, [file for file in fields if file.name not in used]


def _by_name(fields: list[RoledFile]) -> dict[tuple[Folder, str], list[RoledFile]]:
    held: dict[tuple[Folder, str], list[RoledFile]] = defaultdict(list)
    for file in fields:
        held[file.root, file.identity].append(file)
    return held


def _key(match: Match, by_name: dict[tuple[Folder, str], list[RoledFile]]) -> tuple[Folder, str] | None:
    """Under what the fields of view of a match are held: the image's whole identity, or that less the word for a part of the data."""
    keys = [(match.image.root, name) for name in (match.image.identity, without_split_word(match.image.identity))]
    return next((key for key in keys if key in by_name), None)

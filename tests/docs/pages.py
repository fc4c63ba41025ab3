"""Reading the pages of the documentation: which blocks are to be run, and how.

A `console` block holds commands after `$ ` and what they print, a `python` block an example. Both are run, page by page, from the top
down. A comment in the line before a block changes that:

    <!-- not run: REASON -->         it needs the net, hours, or a screen
    <!-- test adds: ARGUMENTS -->    appended to each command, to make it a matter of seconds
    <!-- exit: CODE -->              the command is shown to fail
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```(?P<language>\S*)\s*$")
_COMMENT = re.compile(r"^<!-- (?P<key>not run|test adds|exit): (?P<value>.+) -->$")


@dataclass(frozen=True)
class Command:
    """A command line and the output that the page shows for it (empty: not shown)."""

    text: str
    shown: str


@dataclass
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    notes: dict[str, str]
    lines: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def is_run(self) -> bool:
        return self.language in {"console", "python"} and "not run" not in self.notes

    def commands(self) -> list[Command]:
        """The commands of a console block; a line that ends in a backslash goes on in the next."""
        joined = self.text.replace("\\\n", " ")
        parts = re.split(r"^\$ ", joined, flags=re.MULTILINE)
        assert not parts[0].strip(), f"{self.place}: a console block begins with '$ '"
        return [Command(*part.split("\n", 1)) for part in parts[1:]]


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    found: list[Block] = []
    inside: Block | None = None
    notes: dict[str, str] = {}
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if fence := _FENCE.match(line):
            if inside is None:
                inside = Block(page, number, fence["language"], notes)
            else:
                found.append(inside)
                inside = None
            notes = {}
        elif inside is not None:
            inside.lines.append(line)
        elif comment := _COMMENT.match(line):
            notes = {**notes, comment["key"]: comment["value"]}
        elif line.strip():
            notes = {}
    assert inside is None, f"{page.name}: the block at line {inside.line} is not closed"
    return found

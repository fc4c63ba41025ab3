"""What the catalog says of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """The facts of one data set.

    Attributes:
        name: As given on the command line.
        title: As its authors call it.
        task: What its masks outline, in the singular.
        pairs: How many pairs of image and mask it holds.
        address: Official page.
        licence: In a phrase.
        citation: The paper to cite.
        archives: File names of the official download, and how else it is often named.
        folder: The name of the folder that the archive unpacks to.
        notes: What one has to know of it.
    """

    name: str
    title: str
    task: str
    pairs: int
    address: str
    licence: str
    citation: str
    archives: tuple[str, ...]
    folder: str
    notes: str

    def places(self, folder: Path) -> list[Path]:
        """Where below the data folder it may lie, most likely first: archives before what they unpack to."""
        archives = [base / archive for base in (folder / self.name, folder) for archive in self.archives]
        return [*archives, folder / self.name / self.folder, folder / self.folder, folder / self.name]

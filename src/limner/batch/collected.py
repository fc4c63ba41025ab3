"""Files that hold all images together, such as the table of measurements: what they say of each image, kept when work is resumed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from limner.batch.annotations import coco_file, compact_json
from limner.batch.findings import OBJECT_COLUMNS, VESSEL_COLUMNS
from limner.batch.packed import PackedRows
from limner.batch.tables import read_cells, write_cells
from limner.errors import DataError
from limner.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from limner.batch.layout import Layout
    from limner.batch.tables import Cells
    from limner.prediction_table import Row


class Collected(Protocol):
    """A file that holds all images, with an entry for each, known by the name of its mask."""

    def read(self) -> None:
        """Take what the file says now.

        Raises:
            DataError: It cannot be read.
        """

    def holds(self, mask: str, row: Row) -> bool:
        """Whether all is there of the image that this row of predictions.csv is of."""

    def add(self, mask: str, entry: Any) -> None:  # noqa: ANN401 - each kind has its own
        """Set what is to be said of an image."""

    def save(self, order: Iterable[str]) -> None:
        """Write the file, atomically, its images in this order.

        Raises:
            OSError: It cannot be written.
        """


class ObjectTable:
    """A row for each object: an image may have none."""

    def __init__(self, path: Path, columns: dict[str, type]) -> None:
        self._path, self._columns = path, columns
        self._rows: dict[str, PackedRows] = {}

    def read(self) -> None:
        at = list(self._columns).index("mask")
        for cells in read_cells(self._path, self._columns):
            self._rows.setdefault(str(cells[at]), PackedRows(self._columns)).append(cells)

    def holds(self, mask: str, row: Row) -> bool:
        return len(self._rows.get(mask, ())) == int(row["objects"] or -1)

    def add(self, mask: str, entry: Iterable[Cells]) -> None:
        self._rows[mask] = entry if isinstance(entry, PackedRows) else self._packed(entry)

    def _packed(self, rows: Iterable[Cells]) -> PackedRows:
        packed = PackedRows(self._columns)
        for cells in rows:
            packed.append(cells)
        return packed

    def save(self, order: Iterable[str]) -> None:
        write_cells((cells for mask in order for cells in self._rows.get(mask, ())), self._columns, self._path)


class ImageTable(ObjectTable):
    """A row for each image."""

    def holds(self, mask: str, row: Row) -> bool:
        return mask in self._rows

    def add(self, mask: str, entry: Any) -> None:  # noqa: ANN401 - the cells of one row
        super().add(mask, [entry])


class CocoFile:
    """COCO JSON; each image in it names its mask, by which it is known again."""

    def __init__(self, path: Path, category: str, model: str) -> None:
        self._path, self._category, self._model = path, category, model
        self._images: dict[str, dict[str, Any]] = {}

    def read(self) -> None:
        if not self._path.is_file():
            return
        try:
            value = json.loads(self._path.read_bytes())
            by_id = {image.pop("id"): image | {"annotations": []} for image in value["images"]}
            for annotation in value["annotations"]:
                del annotation["id"]
                by_id[annotation.pop("image_id")]["annotations"].append(annotation)
            self._images = {image["mask"]: image for image in by_id.values()}
        except (ValueError, TypeError, KeyError, AttributeError):
            fix = "choose another --out; or predict all images anew with --overwrite"
            raise DataError("the annotations so far are not those that limner wrote", where=self._path, fix=fix) from None

    def holds(self, mask: str, row: Row) -> bool:
        return mask in self._images

    def add(self, mask: str, entry: dict[str, Any]) -> None:
        self._images[mask] = entry

    def save(self, order: Iterable[str]) -> None:
        images = [self._images[mask] for mask in order if mask in self._images]
        value = coco_file(images, self._category, self._model)
        write_text(self._path, compact_json(value) + "\n")


def open_collected(layout: Layout, task: str, model: str) -> dict[str, Collected]:
    """The files that are wanted, still empty."""
    makers: dict[str, Callable[[Path], Collected]] = {
        "coco": lambda path: CocoFile(path, task, model),
        "measurements": lambda path: ObjectTable(path, OBJECT_COLUMNS),
        "vessels": lambda path: ImageTable(path, VESSEL_COLUMNS),
    }
    return {name: makers[name](path) for name, path in layout.collected.items()}

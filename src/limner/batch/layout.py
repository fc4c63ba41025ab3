"""Where outputs go, and which of them are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from limner.errors import MissingExtraError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from limner.batch.jobs import Clip, Job

TableFormat = Literal["csv", "parquet"]

# One file for each image, and its suffix. The mask is written last: where there is one, the rest is there too.
SUFFIXES: Final = {
    "overlays": ".jpg",
    "probs": ".png",
    "disagreement": ".png",
    "labels": ".tif",
    "labelme": ".json",
    "geojson": ".geojson",
    "masks": ".png",
}
OF_SLIDES: Final = {"overlays": ".jpg", "probs": ".tif", "geojson": ".geojson", "masks": ".tif"}
COLLECTED: Final = ("coco", "measurements")  # one file for all images
COLLECTED_OF_SLIDES: Final = ("measurements",)
OUTPUTS: Final = (*SUFFIXES, *COLLECTED)
USUAL: Final = frozenset({"masks", "overlays"})


@dataclass(frozen=True, slots=True)
class Layout:
    """Where outputs go, and which of them are wanted.

    Attributes:
        out: The folder.
        outputs: Names out of `OUTPUTS`; masks are always among them.
        table_format: Of the tables of measurements.
        vessels: Whether the measurements are those of vessels, too.
    """

    out: Path
    outputs: frozenset[str] = USUAL
    table_format: TableFormat = "csv"
    vessels: bool = False

    @property
    def table(self) -> Path:
        """The table of all predictions."""
        return self.out / "predictions.csv"

    @property
    def collected(self) -> dict[str, Path]:
        """The wanted files that are for all images together, by name."""
        paths = {"coco": self.out / "coco.json", "measurements": self.out / f"measurements.{self.table_format}"}
        wanted = {name: path for name, path in paths.items() if name in self.outputs}
        return wanted | ({"vessels": self.out / f"vessels.{self.table_format}"} if self.vessels and "measurements" in wanted else {})

    def collected_of(self, job: Job) -> list[str]:
        """The names of those that say something of an image."""
        return [name for name in self.collected if job.kind == "image" or name in COLLECTED_OF_SLIDES]

    def folder(self, output: str) -> Path:
        """The folder of an output of which there is one for each image."""
        return self.out / output

    def per_image(self, job: Job) -> list[str]:
        """The wanted outputs of an image, in the order in which they are written."""
        return [name for name in (OF_SLIDES if job.kind == "slide" else SUFFIXES) if name in self.outputs]

    def mask_name(self, job: Job) -> str:
        """What the table calls the mask: its relative posix name."""
        return f"masks/{job.name}{_suffix('masks', job)}"

    def file(self, output: str, job: Job) -> Path:
        """An output of an image."""
        return self.folder(output) / f"{job.name}{_suffix(output, job)}"

    def mask(self, job: Job) -> Path:
        """The mask."""
        return self.file("masks", job)

    def files(self, job: Job) -> list[Path]:
        """All outputs that are wanted of a job."""
        return [self.file(output, job) for output in self.per_image(job)]

    def video(self, clip: Clip) -> Path:
        """The video with outlines."""
        return self.folder("videos") / f"{clip.name}.mp4"


def _suffix(output: str, job: Job) -> str:
    return (OF_SLIDES if job.kind == "slide" else SUFFIXES)[output]


def require_parquet() -> None:
    """Make sure that Parquet files can be written.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise MissingExtraError("parquet", needed_for="a table as Parquet") from None


def refuse_existing(jobs: Sequence[Job], layout: Layout) -> None:
    """Make sure that nothing will be overwritten.

    Raises:
        OutputExistsError: Naming the first file that would be, and how many there are.
    """
    if not jobs:
        return
    wanted = [layout.table, *layout.collected.values(), *(path for job in jobs for path in layout.files(job))]
    existing = [path for path in wanted if path.exists()]
    if existing:
        others = f" (and {len(existing) - 1} other outputs)" if len(existing) > 1 else ""
        fix = "add --resume to skip what is done, --overwrite to replace it, or choose another --out"
        raise OutputExistsError(f"an output is already there{others}", where=existing[0], fix=fix)


def refuse_to_replace_inputs(jobs: Sequence[Job], layout: Layout) -> None:
    """Make sure that no output has the place of an image that is to be predicted, which not even `overwrite` asks for.

    Raises:
        OutputExistsError: Naming the first one.
    """
    inputs = {job.path.resolve() for job in jobs if job.path is not None}
    for path in (path for job in jobs for path in layout.files(job)):
        if path.resolve() in inputs:
            raise OutputExistsError("an output would replace an image that is to be predicted", where=path, fix="choose another --out")

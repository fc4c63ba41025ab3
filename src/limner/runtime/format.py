"""What a limner model file is: an ONNX file whose metadata say what the model is, where it comes from and how good it was found to be.

The metadata stand as JSON under the key `limner`, and under `limner_sha256` a checksum over all the rest: a flipped bit in the weights
would otherwise go unseen and give slightly wrong masks.
"""

from __future__ import annotations

import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from limner.errors import ModelFileError
from limner.runtime import wire
from limner.runtime.facts import Parity, ScoreFacts, TrainingData
from limner.runtime.postprocess import PostProcess, scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# 2 came with `sampling`: a reader of 1 would shrink images for a model of patches. 3 came with `postprocess`: a reader of 2 would leave out
# what belongs to the mask. A file is written as the lowest version that can be understood rightly.
FORMAT_VERSION = 3
METADATA_KEY = "limner"
CHECKSUM_KEY = "limner_sha256"

_MOST_BYTES = 2**31 - 1  # of an ONNX file that needs no other
_NO_MODEL = "the file is not an ONNX file, or is cut short"
_REMAKE = "make the file again with `limner export RUN --out MODEL.onnx`, or copy it again from where it came"

Side = Annotated[int, Field(ge=1, le=2**16)]


class ReviewRule(BaseModel):
    """From which score on an image should be looked at by a person.

    Attributes:
        threshold: An image whose review score (see `limner.metrics.review`) lies above this is flagged.
        share: Share of the validation images that lie above it, about.
        origin: A sentence that says what it was chosen on.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    threshold: Annotated[float, Field(ge=0.0, le=1.0)]
    share: Annotated[float, Field(gt=0.0, lt=1.0)]
    origin: str


class ModelMetadata(BaseModel):
    """What a model file says about itself. Immutable; change it with `model_copy(update=...)`.

    Attributes:
        format_version: Of the file format; a reader refuses a newer one.
        name: The model's name, usually the recipe's.
        task: What is outlined: "polyp", "nucleus", "vessel" or any other word.
        recipe: The whole recipe, as JSON values.
        threshold: A pixel is foreground where its probability, as float32, is at least this value, as float32.
        threshold_origin: A sentence that says where the threshold comes from, such as "best mean per-image Dice on 88 validation images".
        temperature: The graph divides the logits by this, so that the probabilities are calibrated; 1 where that was not done.
        review: Which images should be looked at by a person; None where there were too few validation images to tell.
        input_size: Height and width in pixels of what the network sees.
        sampling: `resize`: it sees every image whole, brought to that size by the graph. `patches`: it sees images at their own resolution,
            in pieces of that size; whoever runs the file cuts them (see `limner.imaging.tiles`).
        created: When the file was made, ISO 8601 in UTC.
        versions: Versions of the libraries that made it, by name.
        training_data: Name, licence if known, number of images per part, hash of the split.
        parity: How closely the file agrees with the network in PyTorch, or of another precision with the float32 file; None when not
            checked.
        metrics: Scores of this model, each with `name`, `convention`, `value`, `n`, `part`.
        postprocess: What is done to the mask after the graph; None for nothing.
        precision: Of the network's numbers: `float32`, `float16` (half), or `int8` (quantised).
        quantisation: How an `int8` file was made: what it was calibrated on, and what was left in float32.
        parameters: Number of the network's weights; None in files of an older limner.
        gflops: Floating-point operations for one image, in 10^9; a multiplication and an addition are two. None likewise.

    Example:
        >>> metadata = ModelMetadata(name="toy", task="polyp", input_size=(64, 64), created="2026-01-01T00:00:00+00:00")
        >>> metadata.threshold, metadata.threshold_origin
        (0.5, 'not chosen: the default')
    """

    # A field that a later limner adds does not stop this one from reading the file; a change of meaning raises the format version.
    model_config = ConfigDict(extra="ignore", frozen=True)

    format_version: Literal[1, 2, 3] = 2
    name: str
    task: str
    recipe: dict[str, Any] = {}
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    threshold_origin: str = "not chosen: the default"
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    review: ReviewRule | None = None
    input_size: tuple[Side, Side]
    sampling: Literal["resize", "patches"] = "resize"
    created: str
    versions: dict[str, str] = {}
    training_data: TrainingData = {}
    parity: Parity | None = None
    metrics: list[ScoreFacts] = []
    postprocess: PostProcess | None = None
    precision: Literal["float32", "float16", "int8"] = "float32"
    quantisation: dict[str, Any] | None = None
    parameters: int | None = None
    gflops: float | None = None

    @property
    def keep_aspect(self) -> bool:
        """Whether an image that is seen whole keeps its shape, on black."""
        data = self.recipe.get("data")
        return isinstance(data, dict) and data.get("keep_aspect") is True

    def scale_of(self, size: tuple[int, int]) -> float:
        """How many pixels of an image of a height and width make one that the network sees, along a side."""
        return scale_of(size, self.input_size, keep_aspect=self.keep_aspect) if self.sampling == "resize" else 1.0

    @model_validator(mode="after")
    def _told_by_version(self) -> ModelMetadata:
        if self.postprocess is not None and self.format_version < 3:
            object.__setattr__(self, "format_version", 3)  # the object is immutable to everybody else
        return self


def read_metadata(path: str | Path) -> ModelMetadata:
    """Read what a model file says about itself, without starting it.

    Raises:
        ModelFileError: The file is missing, damaged, not limner's, or of a newer format.
    """
    return parse_metadata(read_model(path), where=path)


def peek_metadata(path: str | Path) -> ModelMetadata:
    """The same, of the metadata alone: whether the rest of the file is whole is not looked at, which takes its time for large files.

    Raises:
        ModelFileError: The file is missing, not limner's, or of a newer format.
    """
    try:
        with _opened(path) as (file, size):
            entries = wire.metadata_of_file(file, size)
    except ValueError:
        raise ModelFileError(_NO_MODEL, where=path, fix=_REMAKE) from None
    return _parse_entry(entries, path)


def read_model(path: str | Path) -> bytes:
    """Read a file whole.

    Raises:
        ModelFileError: It is missing or cannot be read, or is none that could be a model.
    """
    with _opened(path) as (file, _):
        return file.read()


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file to read, and its size in bytes. Pipes are not waited for, devices not read for ever."""
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
            raise ModelFileError(f"a model is a file, and this is {kind}", where=path, fix="give an .onnx file or a run folder")
        if found.st_size > _MOST_BYTES:
            what = f"the file has {found.st_size / 1e9:.1f} GB, and a model is never larger than {_MOST_BYTES / 1e9:.1f} GB"
            raise ModelFileError(what, where=path, fix=_REMAKE)
        with Path(path).open("rb") as file:
            yield file, found.st_size
    except FileNotFoundError:
        fix = "check the path; `limner models` lists the shipped models"
        raise ModelFileError("there is no such model file", where=path, fix=fix) from None
    except OSError as error:
        raise ModelFileError(f"the model file cannot be read: {error.strerror}", where=path, fix="check the file's rights") from None
    except MemoryError:
        raise ModelFileError("the model file does not fit into memory", where=path, fix="free memory, or take a smaller model") from None


def parse_metadata(model: bytes, *, where: str | Path) -> ModelMetadata:
    """Check that the bytes are a whole, undamaged limner model that holds nothing foreign, and return its metadata.

    Nothing in the bytes is executed; `where` names their origin in errors.

    Raises:
        ModelFileError: They are not.
    """
    try:
        view = memoryview(model)
        foreign, entries = wire.find_foreign(view), wire.metadata(view)
        checksum = wire.checksum(view, without=CHECKSUM_KEY)
    except ValueError:
        raise ModelFileError(_NO_MODEL, where=where, fix=_REMAKE) from None
    metadata = _parse_entry(entries, where)
    if foreign:
        raise ModelFileError(f"the file holds {foreign}, which a limner model never does", where=where, fix=_REMAKE)
    if entries.get(CHECKSUM_KEY) != checksum:
        raise ModelFileError("the file is damaged or was changed by another program: its checksum is wrong", where=where, fix=_REMAKE)
    return metadata


def _parse_entry(entries: Mapping[str, str], where: str | Path) -> ModelMetadata:
    """What limner's own entry among the metadata says."""
    if METADATA_KEY not in entries:
        fix = "export a run with `limner export`; to run another ONNX file, use ONNX Runtime itself"
        raise ModelFileError("the file may be an ONNX file, but it was not made by limner", where=where, fix=fix)
    return _validate(entries[METADATA_KEY], where)


class _Version(BaseModel):
    """The one field that every version of the format has."""

    format_version: int


def _validate(text: str, where: str | Path) -> ModelMetadata:
    try:
        version = _Version.model_validate_json(text).format_version
        if version > FORMAT_VERSION:
            what = f"the file has format version {version}; this limner reads up to version {FORMAT_VERSION}"
            raise ModelFileError(what, where=where, fix="upgrade with `pip install --upgrade limner`")
        return ModelMetadata.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(step) for step in fault["loc"])
        raise ModelFileError(f"the file's metadata are not valid: '{place}': {fault['msg'].lower()}", where=where, fix=_REMAKE) from None

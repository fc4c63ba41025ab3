"""What a limner model file is: an ONNX file whose metadata say what the model is, where it comes from and how good it was found to be.

The metadata stand as JSON under the key `limner`, and under `limner_sha256` a checksum over all the rest: a flipped bit in the weights
would otherwise go unseen and give slightly wrong masks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limner.errors import ModelFileError
from limner.runtime import wire

FORMAT_VERSION = 2  # 2 came with `sampling`: a reader of 1 would shrink images for a model of patches
METADATA_KEY = "limner"
CHECKSUM_KEY = "limner_sha256"

_REMAKE = "make the file again with `limner export RUN --out MODEL.onnx`, or copy it again from where it came"


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
        parity: How closely the file agrees with the network in PyTorch; None when not checked.
        metrics: Scores of this model, each with `name`, `convention`, `value`, `n`, `part`.

    Example:
        >>> metadata = ModelMetadata(name="toy", task="polyp", input_size=(64, 64), created="2026-01-01T00:00:00+00:00")
        >>> metadata.threshold, metadata.threshold_origin
        (0.5, 'not chosen: the default')
    """

    # A field that a later limner adds does not stop this one from reading the file; a change of meaning raises the format version.
    model_config = ConfigDict(extra="ignore", frozen=True)

    format_version: Literal[1, 2] = 2
    name: str
    task: str
    recipe: dict[str, Any] = {}
    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    threshold_origin: str = "not chosen: the default"
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    review: ReviewRule | None = None
    input_size: tuple[int, int]
    sampling: Literal["resize", "patches"] = "resize"
    created: str
    versions: dict[str, str] = {}
    training_data: dict[str, Any] = {}
    parity: dict[str, Any] | None = None
    metrics: list[dict[str, Any]] = []


def read_metadata(path: str | Path) -> ModelMetadata:
    """Read what a model file says about itself, without starting it.

    Raises:
        ModelFileError: The file is missing, damaged, not limner's, or of a newer format.
    """
    return parse_metadata(read_model(path), where=path)


def read_model(path: str | Path) -> bytes:
    """Read a file whole.

    Raises:
        ModelFileError: It is missing or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        fix = "check the path; `limner models` lists the shipped models"
        raise ModelFileError("there is no such model file", where=path, fix=fix) from None
    except OSError as error:
        raise ModelFileError(f"the model file cannot be read: {error.strerror}", where=path, fix="check the file's rights") from None


def parse_metadata(model: bytes, *, where: str | Path) -> ModelMetadata:
    """Check that the bytes are a whole, undamaged limner model that needs no other file, and return its metadata.

    Nothing in the bytes is executed; `where` names their origin in errors.

    Raises:
        ModelFileError: They are not.
    """
    try:
        view = memoryview(model)
        entries, external = wire.metadata(view), wire.has_external_data(view)
        checksum = wire.checksum(view, without=CHECKSUM_KEY)
    except ValueError:
        raise ModelFileError("the file is not an ONNX file, or is cut short", where=where, fix=_REMAKE) from None
    if METADATA_KEY not in entries:
        fix = "export a run with `limner export`; to run another ONNX file, use ONNX Runtime itself"
        raise ModelFileError("the file may be an ONNX file, but it was not made by limner", where=where, fix=fix)
    if external:
        raise ModelFileError("the file asks for data from other files, which a limner model never does", where=where, fix=_REMAKE)
    metadata = _validate(entries[METADATA_KEY], where)
    if entries.get(CHECKSUM_KEY) != checksum:
        raise ModelFileError("the file is damaged or was changed by another program: its checksum is wrong", where=where, fix=_REMAKE)
    return metadata


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

"""A model card: what a model file says about itself, as a page of Markdown for people.

What is not known is said to be unknown, since a gap that goes unseen is taken for "no problem". What is told
follows Mitchell et al., Model Cards for Model Reporting, FAT* 2019 (arXiv:1810.03993), in the order in which model hubs show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from limner.runtime import wire
from limner.runtime.card_scores import describe_parity, describe_scores
from limner.runtime.format import parse_metadata, read_model
from limner.runtime.markdown import NOT_RECORDED, counted, escaped, first, link, printable, table, text, told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from limner.runtime.format import ModelMetadata
    from limner.runtime.postprocess import PostProcess

CARD_KEY = "model_card"  # in the file's metadata, beside the JSON that it is made of

_WARNING = """\
> **Not a medical device.** Nothing in this file says that anybody has approved the model for diagnosis or treatment, so take it that
> nobody has. Nothing is known of it but what stands below: on images from another hospital, camera, stain or group of patients it may
> fail, and its masks look just as sure when it does. A person who can read such images has to look at each mask before anything depends
> on it."""

_NETWORKS = {
    "encoder_unet": "U-Net with a timm encoder",
    "fusion_unet": "U-Net with several timm encoders",
    "unet": "U-Net",
    "resunet": "ResUNet",
    "resunet_plusplus": "ResUNet++",
    "smp": "of segmentation_models.pytorch",
}
_CHANNELS = {"rgb": "red, green and blue", "grey": "grey (luma)", "green": "green alone"}
_NORMALISATIONS = {
    "none": "grey levels as they are, 0 to 255",
    "unit": "divided by 255",
    "half": "shifted and scaled to -1 to 1",
    "imagenet": "by ImageNet's mean and standard deviation",
    "measured": "by the training images' mean and standard deviation",
    "minmax": "each image by its own darkest and brightest value",
    "zscore": "each image by its own mean and standard deviation",
}
_PRECISIONS = {
    "float32": "float32",
    "float16": "float16: weights of half the size",
    "int8": "int8: quantised, but for layers that were kept in float",
}


def render_card(metadata: ModelMetadata) -> str:
    """The model card of a model, in Markdown. The same metadata give the same text.

    Args:
        metadata: Of a file from any hand: whatever stands in its free fields comes out as plain text.

    Example:
        >>> from limner.runtime import ModelMetadata
        >>> metadata = ModelMetadata(name="toy", task="polyp", input_size=(64, 64), created="2026-01-01T00:00:00+00:00")
        >>> render_card(metadata).splitlines()[0]
        '# toy'
    """
    sections = [
        f"# {escaped(metadata.name)}\n\n{_summary(metadata)}\n\n{_WARNING}",
        _section("What it is", _facts(metadata)),
        _section("Intended use and limits", _uses()),
        _section("How it sees an image", _seeing(metadata)),
        _section("From probability to mask", _deciding(metadata)),
        _section("Training", _training(metadata)),
        _section("Scores", describe_scores(metadata)),
        _section("Agreement with what it was made of", describe_parity(metadata)),
        _section("How to run it", _running(metadata)),
        _section("Versions", _versions(metadata)),
    ]
    return "\n\n".join(sections) + "\n"


def read_card(path: str | Path) -> str:
    """The card in a model file; of a file of an older limner, which has none, one that is written from its metadata.

    Raises:
        ModelFileError: The file is missing, damaged, not limner's, or of a newer format.
    """
    model = read_model(path)
    metadata = parse_metadata(model, where=path)
    stored = wire.metadata(memoryview(model)).get(CARD_KEY)
    return printable(stored) if stored else render_card(metadata)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}"


def _summary(metadata: ModelMetadata) -> str:
    return (
        f"Outlines one kind of object in two-dimensional colour or grey images: **{escaped(metadata.task)}**. For each pixel it gives the "
        "probability of belonging to one, and a mask. It is one ONNX file that runs without limner and without PyTorch."
    )


def _facts(metadata: ModelMetadata) -> str:
    rows = [
        ("Task", escaped(metadata.task)),
        ("Description", text(metadata.recipe.get("description"))),
        ("Network", _network(_mapping(metadata.recipe.get("network")))),
        ("Parameters", counted(metadata.parameters)),
        ("GFLOPs for one image or patch", NOT_RECORDED if metadata.gflops is None else f"{metadata.gflops:.2f}"),
        ("Precision", _PRECISIONS[metadata.precision]),
        *((f"Quantisation: {text(key)}", told(value)) for key, value in first(metadata.quantisation or {})),
        ("Made", text(metadata.created)),
        ("Recipe", text(metadata.recipe.get("name"))),
        ("Follows", text(metadata.recipe.get("source"))),
    ]
    return _rows(rows)


def _uses() -> str:
    return "\n".join(
        [
            "- Meant for research, and for drafts that a person checks, on images of the kind it was trained on.",
            "- Not meant to be trusted unseen, nor on images of another kind.",
            "- Every pixel gets an answer. Nothing in the file tells an image of the wrong kind from a right one.",
            f"- How well it does for different groups of patients, devices and places: {NOT_RECORDED}.",
            f"- Who drew the masks it learnt from, and how far people agree on them: {NOT_RECORDED}; see the data's own publication.",
        ]
    )


def _seeing(metadata: ModelMetadata) -> str:
    height, width = metadata.input_size
    data = _mapping(metadata.recipe.get("data"))
    if metadata.sampling == "patches":
        how = "in overlapping patches at its own resolution, which limner cuts and blends; other programs have to cut them"
    elif metadata.keep_aspect:
        how = "whole, shrunk or enlarged with its shape kept, on black; inside the file"
    else:
        how = "whole, stretched to that size; inside the file"
    rows = [
        ("Input", "uint8 RGB of any size"),
        ("The network sees", f"{height} x {width} pixels (height x width)"),
        ("It sees an image", how),
        ("Channels", _word(data.get("channels"), _CHANNELS)),
        ("Normalisation", _word(data.get("normalisation"), _NORMALISATIONS)),
    ]
    return _rows(rows)


def _deciding(metadata: ModelMetadata) -> str:
    review = metadata.review
    looked_at = NOT_RECORDED if review is None else f"score above {review.threshold:.3f}: {escaped(review.origin)}"
    rows = [
        ("Threshold", f"{metadata.threshold:.4g}: a pixel is foreground from this probability on"),
        ("Chosen", text(metadata.threshold_origin)),
        ("Calibration (temperature)", _calibration(metadata)),
        ("Post-processing of the mask", _postprocess(metadata.postprocess)),
        ("Images that a person should look at", looked_at),
    ]
    return _rows(rows)


def _calibration(metadata: ModelMetadata) -> str:
    if metadata.temperature != 1:
        return f"logits divided by {metadata.temperature:.4g}, inside the file"
    joined = any(score.get("part") == "out-of-fold" for score in metadata.metrics)
    return "that of each fold's own model, inside the file" if joined else "none"


def _postprocess(settings: PostProcess | None) -> str:
    if settings is None:
        return "none"
    origin = f". Chosen: {escaped(settings.origin)}" if settings.origin else ""
    return f"{settings.words()} (pixels as the network sees them; done by limner after the file's own mask){origin}"


def _training(metadata: ModelMetadata) -> str:
    data, recipe = metadata.training_data, metadata.recipe
    parts = ", ".join(f"{counted(data[part])} {name}" for part, name in _PARTS.items() if data.get(part))
    rows = [
        ("Data", text(data.get("title") or data.get("name"))),
        ("Licence of the data", text(data.get("licence"))),
        ("Citation", text(data.get("citation"))),
        ("Address", link(address) if isinstance(address := data.get("address"), str) and address else NOT_RECORDED),
        ("Images", parts or NOT_RECORDED),
        ("Split", text(data.get("split"))),
        ("SHA-256 of the split", text(data.get("split_sha256"))),
        ("SHA-256 of each image (first 12 digits)", "in the file's metadata" if data.get("hashes") else NOT_RECORDED),
        ("Weights it began with", _weights(_mapping(recipe.get("network")))),
        ("Loss", text(_part(recipe, "loss", "name"))),
        ("Optimiser", text(_part(recipe, "optimiser", "name"))),
        ("Epochs, at most", told(recipe.get("epochs"))),
        ("Batch size", told(recipe.get("batch_size"))),
        ("Seed", told(recipe.get("seed"))),
    ]
    return _rows(rows) + "\n\nThe whole recipe stands in the file's metadata (entry `limner`, JSON)."


_PARTS = {"train": "for training", "val": "for validation", "test": "for the test"}


def _network(network: Mapping[str, Any]) -> str:
    """What the network is, in the words of its part of the recipe."""
    name = network.get("name")
    if not isinstance(name, str):
        return NOT_RECORDED
    known = _NETWORKS.get(name, name)
    details = [network.get(key) for key in ("architecture", "encoder_name", "encoder_names", "filters")]
    return ": ".join([escaped(known), *(told(detail) for detail in details if detail)])


def _weights(network: Mapping[str, Any]) -> str:
    """Where the encoder's weights come from. Of a path only the last part is told: the rest is somebody's disk."""
    weights = network.get("encoder_weights")
    if weights is None:
        return "random numbers" if network else NOT_RECORDED
    if weights == "none":
        return "random numbers"
    if weights == "imagenet":
        return "pretrained on ImageNet, as the encoder's library gives them; their licence is not recorded"
    place = str(weights).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{escaped(place)}, from a disk; their origin and licence are not recorded"


_BARE = """\
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("model.onnx")
image = np.asarray(Image.open("image.png").convert("RGB"))
probs, mask = session.run(["probs", "mask"], {"image": image[None]})
Image.fromarray(mask[0] * 255).save("mask.png")"""

_LIMNER = """\
import limner

prediction = limner.load("model.onnx").predict("image.png")
prediction.mask, prediction.probs"""


def _running(metadata: ModelMetadata) -> str:
    paragraphs = [
        "With limner (`pip install limner`), here of a file `model.onnx`:",
        "```text\nlimner predict model.onnx images/ --out predictions\n```",
        f"```python\n{_LIMNER}\n```",
        "With ONNX Runtime alone:",
        f"```python\n{_BARE}\n```",
    ]
    if metadata.sampling == "patches":
        height, width = metadata.input_size
        paragraphs.append(f"This way the image has to be a tile of {height} x {width} pixels; a larger one would be shrunk to that size.")
    if metadata.postprocess is not None:
        paragraphs.append("This way the mask is the one before post-processing, which only limner does.")
    return "\n\n".join(paragraphs)


def _versions(metadata: ModelMetadata) -> str:
    rows = [("File format", str(metadata.format_version)), *((text(name), text(version)) for name, version in first(metadata.versions))]
    return _rows(rows)


def _rows(rows: Sequence[tuple[str, str]]) -> str:
    return table(["", ""], rows)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _part(recipe: Mapping[str, Any], *keys: str) -> Any:  # noqa: ANN401 - any JSON value
    """What a recipe says at some depth; None where it says nothing."""
    value: Any = recipe
    for key in keys:
        value = _mapping(value).get(key)
    return value


def _word(value: object, words: Mapping[str, str]) -> str:
    return words.get(value, escaped(value)) if isinstance(value, str) and value else NOT_RECORDED

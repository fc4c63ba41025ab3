"""The model card: what it tells, what it says is unknown, and that no field can break it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from onnx import helper

from limner.runtime import ModelMetadata, wire
from limner.runtime.card import CARD_KEY, read_card, render_card
from limner.runtime.format import CHECKSUM_KEY, METADATA_KEY, ReviewRule, read_metadata
from limner.runtime.markdown import escaped, link
from limner.runtime.postprocess import PostProcess

if TYPE_CHECKING:
    from pathlib import Path

BARE = ModelMetadata(name="toy", task="polyp", input_size=(64, 96), created="2026-01-01T00:00:00+00:00")
RECIPE = {
    "name": "polyp-best",
    "description": "A U-Net",
    "source": "S1",
    "epochs": 50,
    "batch_size": 8,
    "seed": 3,
    "data": {"channels": "green", "normalisation": "half", "keep_aspect": True},
    "network": {"name": "encoder_unet", "encoder_name": "resnet50", "encoder_weights": "imagenet"},
    "loss": {"name": "dice_bce"},
    "optimiser": {"name": "adamw"},
}
DATA = {
    "name": "kvasir-seg",
    "title": "Kvasir-SEG",
    "licence": "CC BY 4.0",
    "citation": "D. Jha et al., 2020",
    "address": "https://datasets.simula.no/kvasir-seg/",
    "train": 792,
    "val": 88,
    "test": 1200,
    "split": "official",
    "split_sha256": "ab" * 32,
    "hashes": {"train": ["0" * 12]},
}


def score(name: str, value: float | None, convention: str = "per-image", n: int = 120, part: str = "test", **more: Any) -> dict[str, Any]:
    return {"name": name, "convention": convention, "value": value, "n": n, "part": part, "threshold": 0.65, "empty": "one"} | more


SCORES = [
    score("dice", 0.85386, interval=[0.82761, 0.87836]),
    score("dice", 0.8559, "pooled", interval=None),
    score("hausdorff95", 47.191, unit="px", interval=[38.67, 56.604], n=117),
    score("dice_std", None),
]
FULL = BARE.model_copy(
    update={
        "recipe": RECIPE,
        "training_data": DATA,
        "threshold": 0.65,
        "threshold_origin": "best mean per-image Dice on 88 validation images",
        "temperature": 0.952,
        "review": ReviewRule(threshold=0.3216, share=0.1, origin="the most doubtful 10 % lie above it"),
        "metrics": SCORES,
        "parity": {
            "max_prob_difference": 1.22e-5,
            "mask_agreement": 0.99999,
            "n": 8,
            "dice_lost": 0.124,
            "dice_n": 88,
            "reference": "the float32 file",
        },
        "postprocess": PostProcess(opening=1, max_hole=9, min_area=25, largest_only=True, split_touching=True, origin="88 images"),
        "precision": "int8",
        "quantisation": {"layers": 64, "float_layers": ["head", "stem"]},
        "parameters": 31_000_123,
        "gflops": 40.257,
        "versions": {"limner": "0.2.0", "onnxruntime": "1.31.1"},
    }
)


def cells(card: str) -> dict[str, str]:
    """The rows of all tables: first cell -> the others."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in card.splitlines() if line.startswith("|")]
    return {first: " / ".join(rest) for first, *rest in rows}


TOLD = {
    "Task": "polyp",
    "Network": "U-Net with a timm encoder: resnet50",
    "Parameters": "31,000,123",
    "GFLOPs for one image or patch": "40.26",
    "Precision": "int8: quantised, but for layers that were kept in float",
    "Quantisation: layers": "64",
    "Quantisation: float_layers": "head, stem",
    "The network sees": "64 x 96 pixels (height x width)",
    "Channels": "green alone",
    "Normalisation": "shifted and scaled to -1 to 1",
    "Threshold": "0.65: a pixel is foreground from this probability on",
    "Chosen": "best mean per-image Dice on 88 validation images",
    "Calibration (temperature)": "logits divided by 0.952, inside the file",
    "Images that a person should look at": "score above 0.322: the most doubtful 10 % lie above it",
    "Data": "Kvasir-SEG",
    "Licence of the data": "CC BY 4.0",
    "Citation": "D. Jha et al., 2020",
    "Address": "<https://datasets.simula.no/kvasir-seg/>",
    "Images": "792 for training, 88 for validation, 1,200 for the test",
    "SHA-256 of the split": "ab" * 32,
    "Loss": "dice_bce",
    "Seed": "3",
    "Dice": "0.8539 (0.8276 to 0.8784) / 0.8559",
    "Hausdorff distance, 95 %": "47.19 px (38.67 to 56.60), n = 117 /",
    "Dice, standard deviation over images": "undefined /",
    "Compared with": "the float32 file",
    "Largest difference of a pixel's probability": "1.2e-05",
    "Pixels with the same mask, worst image": "99.999%",
    "Dice lost by that (100 is all of it)": "+0.12 points, per-image, on 88 images",
    "onnxruntime": "1.31.1",
}


def test_what_a_file_says_is_told() -> None:
    found = cells(render_card(FULL))
    assert {name: found.get(name, "").strip() for name in TOLD} == TOLD


def test_every_step_of_postprocessing_is_told() -> None:
    told = cells(render_card(FULL))["Post-processing of the mask"]
    for words in ("radius 1 px", "up to 9 px²", "below 25 px²", "largest", "told apart", "Chosen: 88 images", "by limner"):
        assert words in told
    assert cells(render_card(BARE))["Post-processing of the mask"] == "none"


UNKNOWN = [
    "Parameters",
    "GFLOPs for one image or patch",
    "Network",
    "Channels",
    "Normalisation",
    "Images that a person should look at",
    "Data",
    "Licence of the data",
    "Citation",
    "Address",
    "Images",
    "Split",
    "SHA-256 of the split",
    "SHA-256 of each image (first 12 digits)",
    "Weights it began with",
    "Loss",
    "Seed",
]


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    card = render_card(BARE)
    assert {name: cells(card)[name] for name in UNKNOWN} == dict.fromkeys(UNKNOWN, "not recorded")
    assert "nobody has noted in this file how good the model is" in card
    assert "the file was not compared with the network" in card


@pytest.mark.parametrize("metadata", [BARE, FULL], ids=["bare", "full"])
def test_every_card_warns_and_says_how_to_run(metadata: ModelMetadata) -> None:
    card = render_card(metadata)
    for words in ("Not a medical device", "limner predict model.onnx", 'limner.load("model.onnx")', 'InferenceSession("model.onnx")'):
        assert words in card
    assert "groups of patients, devices and places: not recorded" in card


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("test", "nothing was chosen by"),
        ("val", "expect less on new images"),
        ("out-of-fold", "Of the ensemble itself nothing was measured"),
        ("unheard of", "an unknown part"),
    ],
)
def test_the_part_that_scores_are_of_is_told(part: str, words: str) -> None:
    card = render_card(FULL.model_copy(update={"metrics": [score("dice", 0.8, part=part)]}))
    assert words in card
    assert "Measured on 120 images, at the threshold 0.65" in card
    assert "Intervals are not recorded" in card


def test_scores_of_another_precision_are_said_to_be_of_another() -> None:
    assert "of the model in float32, which this file in int8 was made of" in render_card(FULL)
    assert "was made of." not in render_card(FULL.model_copy(update={"precision": "float32"}))


def test_an_ensemble_is_calibrated_by_its_models() -> None:
    ensemble = FULL.model_copy(update={"temperature": 1.0, "metrics": [score("dice", 0.8, part="out-of-fold")]})
    assert "each fold" in cells(render_card(ensemble))["Calibration (temperature)"]
    assert cells(render_card(BARE))["Calibration (temperature)"] == "none"


def test_how_an_image_is_seen_is_told() -> None:
    assert "shape kept" in render_card(FULL)
    assert "stretched" in render_card(BARE)
    patches = render_card(BARE.model_copy(update={"sampling": "patches"}))
    assert "overlapping patches" in patches
    assert "a tile of 64 x 96 pixels" in patches


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("imagenet", "pretrained on ImageNet"),
        ("none", "random numbers"),
        ("/mnt/disk/weights/resnet50.safetensors", "resnet50.safetensors, from a disk"),
        ("C:\\Users\\somebody\\w.safetensors", "w.safetensors, from a disk"),
    ],
)
def test_weights_are_named_and_nobodys_disk_is(weights: str, words: str) -> None:
    network = RECIPE["network"] | {"encoder_weights": weights}
    card = render_card(FULL.model_copy(update={"recipe": RECIPE | {"network": network}}))
    assert words in cells(card)["Weights it began with"]
    assert "somebody" not in card


def test_a_network_without_an_encoder_began_with_random_numbers() -> None:
    recipe = RECIPE | {"network": {"name": "unet", "filters": [32, 64]}}
    found = cells(render_card(FULL.model_copy(update={"recipe": recipe})))
    assert (found["Network"], found["Weights it began with"]) == ("U-Net: 32, 64", "random numbers")


def test_the_same_metadata_give_the_same_card() -> None:
    once, again = (ModelMetadata.model_validate_json(FULL.model_dump_json()) for _ in range(2))
    assert render_card(again) == render_card(once)


# ------------------------------------------------------------------------------------------------- hostile fields

NASTY = [
    "a|b",
    "a\nb",
    "# a",
    "`a",
    "</td><script>",
    "[a](javascript:b)",
    "![a](b)",
    "*a*",
    "_a_",
    "\x1b[31m",
    "\\",
    "\u202eabc",
    "a" * 5000,
]
FIELDS = ["name", "task", "threshold_origin", "created"]


def shape(card: str) -> list[str]:
    """What the card is made of, without its words."""
    tokens = MarkdownIt("commonmark").enable("table").parse(card)
    inner = [child for token in tokens for child in token.children or () if child.type != "text"]
    return [token.type for token in tokens] + [token.type for token in inner]


@given(text=st.sampled_from(NASTY) | st.text(min_size=1), field=st.sampled_from(FIELDS))
@settings(max_examples=40)
def test_no_field_breaks_the_page(text: str, field: str) -> None:
    word = f"x{text}x"  # empty or blank, it would be "not recorded", which is of another shape nowhere, but of other words
    hostile = {
        "recipe": RECIPE | {"name": word, "description": word, "network": {"name": word, "encoder_name": word}, "loss": {"name": word}},
        "training_data": DATA | dict.fromkeys(["title", "licence", "citation", "split"], word),
        "metrics": [score(word, 0.5, unit=word), *SCORES[1:]],
        "quantisation": {word: word, "float_layers": [word]},
        "versions": {word: word, "onnxruntime": word},
        field: word,
    }
    benign = FULL.model_copy(update={"metrics": [score("x", 0.5, unit="x"), *SCORES[1:]], "versions": {"x": "x", "onnxruntime": "x"}})
    benign = benign.model_copy(update={"quantisation": {"x": "x", "float_layers": ["x"]}})
    card = render_card(FULL.model_copy(update=hostile))
    assert shape(card) == shape(render_card(benign))
    assert all(character.isprintable() or character == "\n" for character in card)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DICTIONARY = st.dictionaries(st.sampled_from([*RECIPE, *DATA, "reference", "dice_lost"]), JSON, max_size=6)


@given(recipe=DICTIONARY, quantisation=DICTIONARY, data=DICTIONARY, parity=DICTIONARY, values=st.lists(JSON, max_size=3))
@settings(max_examples=40)
def test_whatever_stands_in_the_free_fields_a_card_comes_of_it(
    recipe: dict[str, Any], quantisation: dict[str, Any], data: dict[str, Any], parity: dict[str, Any], values: list[Any]
) -> None:
    metrics = [{"name": "dice", "convention": "pooled", "value": value, "n": value, "interval": value, "unit": value} for value in values]
    free = {"recipe": recipe, "quantisation": quantisation, "training_data": data, "parity": parity, "metrics": metrics}
    assert render_card(BARE.model_copy(update=free)).startswith("# toy\n")


def test_a_card_stays_short_whatever_the_file_holds() -> None:
    many = {str(number): ["x" * 50] * 100 for number in range(1000)}
    metrics = [score(f"m{number}", 0.5) for number in range(5000)]
    long = {"quantisation": many, "versions": dict.fromkeys(many, "1"), "metrics": metrics, "name": "n" * 10**6}
    assert len(render_card(FULL.model_copy(update=long))) < 100_000


def test_only_addresses_are_links() -> None:
    assert link("https://example.org/a?b=c") == "<https://example.org/a?b=c>"
    for address in ("javascript:alert(1)", "https://a>b", "https://a b", "file:///etc/passwd"):
        assert not link(address).startswith("<")
    assert escaped("kvasir_seg and _this_") == r"kvasir_seg and \_this\_"


# ------------------------------------------------------------------------------------------------- in the file


def signed(path: Path, properties: dict[str, str]) -> Path:
    model = onnx.load(path)
    helper.set_model_props(model, properties)
    digest = wire.checksum(memoryview(model.SerializeToString()), without=CHECKSUM_KEY)
    helper.set_model_props(model, properties | {CHECKSUM_KEY: digest})
    path.write_bytes(model.SerializeToString())
    return path


def test_the_card_that_stands_in_the_file_is_read(toy_model: Path, tmp_path: Path) -> None:
    metadata = read_metadata(toy_model)
    (tmp_path / "model.onnx").write_bytes(toy_model.read_bytes())
    path = signed(tmp_path / "model.onnx", {METADATA_KEY: metadata.model_dump_json(), CARD_KEY: "# Its own\x1b[2J\n"})
    assert read_card(path) == "# Its own [2J\n"  # nothing in it steers the terminal


def test_a_file_without_a_card_gets_one(toy_model: Path, tmp_path: Path) -> None:
    metadata = read_metadata(toy_model)
    (tmp_path / "model.onnx").write_bytes(toy_model.read_bytes())
    path = signed(tmp_path / "model.onnx", {METADATA_KEY: metadata.model_dump_json()})
    assert read_card(path) == render_card(metadata)


def test_a_written_file_has_its_card_inside(toy_model: Path) -> None:
    entries = wire.metadata(memoryview(toy_model.read_bytes()))
    assert entries[CARD_KEY] == render_card(read_metadata(toy_model)) == read_card(toy_model)

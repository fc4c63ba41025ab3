"""Naming the foreground."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image
from tests.imaging.corpus import tiff
from tests.imaging.pictures import disc, encoded

from limner.errors import DataError
from limner.imaging import encode_png, read_mask
from limner.imaging.foreground import Foreground
from limner.imaging.voc import colour_map

OUTER, INNER = disc(64, 28), disc(64, 12)


def named(data: bytes, text: str, name: str = "m.png") -> np.ndarray:
    return read_mask(data, name=name, foreground=Foreground.parse(text))


def two_classes(outer, inner, ground=0) -> np.ndarray:
    values = [np.asarray(value) for value in (outer, inner, ground)]
    mask = (OUTER, INNER) if values[0].ndim == 0 else (OUTER[..., None], INNER[..., None])
    return np.where(mask[1], values[1], np.where(mask[0], values[0], values[2])).astype(np.uint8)


@pytest.mark.parametrize(
    ("text", "values", "colours", "names", "keyword"),
    [
        ("nonzero", set(), set(), ("nonzero",), "nonzero"),
        ("Dark", set(), set(), ("Dark",), "dark"),
        ("1", {1}, set(), ("1",), None),
        (" 1, 2,7 ", {1, 2, 7}, set(), ("1", "2", "7"), None),
        ("1-3;9", {1, 2, 3, 9}, set(), ("1-3", "9"), None),
        ("red", set(), {(255, 0, 0)}, ("red",), None),
        ("#0f0;rgb(0, 0, 255)", set(), {(0, 255, 0), (0, 0, 255)}, ("#0f0", "rgb(0, 0, 255)"), None),
        ("rgb(1,2,3),#ff0000", set(), {(1, 2, 3), (255, 0, 0)}, ("rgb(1,2,3)", "#ff0000"), None),
        ("polyp, flat adenoma", set(), set(), ("polyp", "flat adenoma"), None),
        ("class-1", set(), set(), ("class-1",), None),
    ],
)
def test_grammar(text, values, colours, names, keyword) -> None:
    found = Foreground.parse(text)
    assert (set(found.values), set(found.colours), found.names, found.keyword) == (values, colours, names, keyword)
    assert found.text == str(found) == text


def test_equal_if_the_same_is_meant() -> None:
    assert Foreground.parse("1,2,3") == Foreground.parse("3; 1-2")
    assert hash(Foreground.parse("1,2")) == hash(Foreground.parse("2,1"))
    assert Foreground.parse("red") != Foreground.parse("#ff0000")  # to an annotation file they are not the same
    assert Foreground.parse("1") != Foreground.parse("nonzero")
    assert pickle.loads(pickle.dumps(Foreground.parse("red,2"))) == Foreground.parse("red,2")


@pytest.mark.parametrize("text", ["", " ; ,", "#12345", "#zz", "rgb(1,2", "rgb(300,0,0)", "9-3", "1-999999"])
def test_nonsense_is_refused_with_examples(text: str) -> None:
    with pytest.raises(DataError) as caught:
        Foreground.parse(text)
    assert "`#ff0000`" in caught.value.fix
    assert "`1-20`" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", OUTER & ~INNER), ("2", INNER), ("1,2", OUTER), ("nonzero", OUTER), ("2-9", INNER), ("0", ~OUTER), ("7", OUTER & False)],
)
@pytest.mark.parametrize("kind", ["grey", "palette", "three", "tiff16", "tiff32", "float"])
def test_levels(text: str, expected, kind: str) -> None:
    levels = two_classes(1, 2)
    palette = Image.fromarray(levels).convert("P")
    palette.putpalette([9, 9, 9, 255, 0, 0, 0, 255, 0])
    data = {
        "grey": encode_png(levels),
        "palette": encoded(palette, "PNG"),
        "three": encode_png(np.repeat(levels[..., None], 3, axis=2)),
        "tiff16": tiff(levels.astype(np.uint16)),
        "tiff32": tiff(levels.astype(np.int32)),
        "float": tiff(levels.astype(np.float32)),
    }[kind]
    assert np.array_equal(named(data, text), expected)


@pytest.mark.parametrize("text", ["red", "#f00", "rgb(250, 5, 3)", "hsl(0, 100%, 50%)"])
@pytest.mark.parametrize("kind", ["rgb", "palette", "rgb16"])
def test_colours(text: str, kind: str) -> None:
    colours = two_classes((255, 0, 0), (0, 0, 255), (0, 0, 0))
    picture = Image.fromarray(colours)
    data = {
        "rgb": encoded(picture, "PNG"),
        "palette": encoded(picture.quantize(8), "PNG"),
        "rgb16": tiff(np.moveaxis(colours.astype(np.uint16) * 257, -1, 0), photometric="rgb", planarconfig="separate"),
    }[kind]
    assert np.array_equal(named(data, text), OUTER & ~INNER)
    assert np.array_equal(named(data, f"{text};blue"), OUTER)
    assert np.array_equal(named(data, "nonzero") if kind != "palette" else OUTER, OUTER)
    assert not named(data, "lime").any()


def test_colours_are_near_in_lossless_files_and_nearer_than_each_other_in_lossy_ones() -> None:
    colours = two_classes((255, 0, 0), (128, 0, 0), (0, 0, 0))
    assert np.array_equal(named(encode_png(colours), "#f80500"), OUTER & ~INNER)
    assert not named(encode_png(colours), "#f50000").any()
    jpeg = encoded(Image.fromarray(colours), "JPEG", quality=85, subsampling=0)
    assert (named(jpeg, "red", "m.jpg") != (OUTER & ~INNER)).mean() < 0.02
    assert (named(jpeg, "maroon", "m.jpg") != INNER).mean() < 0.05


def test_a_grey_is_a_colour_of_grey_masks() -> None:
    levels = two_classes(128, 255)
    assert np.array_equal(named(encode_png(levels), "white"), INNER)
    assert np.array_equal(named(encode_png(levels), "#808080"), OUTER & ~INNER)
    assert np.array_equal(named(tiff(levels.astype(np.uint16) * 257), "white"), INNER)
    assert np.array_equal(named(encode_png(INNER.astype(np.uint8)), "nonzero"), INNER)
    assert not named(encode_png(levels), "red").any()


def test_bits() -> None:
    data = encoded(Image.fromarray(INNER), "PNG")
    for text, expected in [
        ("1", INNER),
        ("255", INNER),
        ("0", ~INNER),
        ("white", INNER),
        ("black", ~INNER),
        ("nonzero", INNER),
        ("2", INNER & False),
    ]:
        assert np.array_equal(named(data, text), expected)


@pytest.mark.parametrize("levels", [(0, 255), (0, 1), (3, 9)])
def test_dark_is_the_opposite(levels) -> None:
    data = encode_png(np.where(INNER, levels[0], levels[1]).astype(np.uint8))
    assert np.array_equal(named(data, "dark"), INNER)
    assert np.array_equal(read_mask(data, name="m.png"), ~INNER)
    fringed = encoded(Image.fromarray(np.where(INNER, 0, 255).astype(np.uint8)), "JPEG")
    assert (named(fringed, "dark") != INNER).mean() < 0.01


def test_border_of_pascal_voc_is_never_nonzero() -> None:
    picture = Image.fromarray(np.where(INNER, 7, np.where(OUTER, 255, 0)).astype(np.uint8)).convert("P")
    picture.putpalette(colour_map().ravel().tolist())
    data = encoded(picture, "PNG")
    assert np.array_equal(named(data, "nonzero"), INNER)
    assert np.array_equal(named(data, "255"), OUTER & ~INNER)
    assert np.array_equal(named(data, "#808080"), INNER)  # what VOC paints index 7


@pytest.mark.parametrize(("text", "expected"), [("nonzero", OUTER), ("255", INNER), ("130", OUTER & ~INNER), ("130,255", OUTER)])
def test_lossy_levels_within_60(text: str, expected) -> None:
    data = encoded(Image.fromarray(two_classes(130, 255)), "JPEG", quality=90)
    assert (named(data, text, "m.jpg") != expected).mean() < 0.05


def test_nothing_in_a_black_jpeg() -> None:
    assert not named(encoded(Image.new("L", (16, 16), 3), "JPEG"), "nonzero").any()


@pytest.mark.parametrize(
    ("data", "text", "match"),
    [
        (encode_png(two_classes(1, 2)), "polyp", "pictures have no names: 'polyp'"),
        (encode_png(two_classes(1, 2)), "1,polyp,red", "'polyp' is neither"),
        (encoded(Image.fromarray(two_classes(1, 2)), "JPEG"), "1", "lossy format"),
        (encode_png(two_classes((255, 0, 0), (0, 255, 0), (0, 0, 0))), "1", "in colour"),
    ],
)
def test_what_cannot_be_told_is_refused(data: bytes, text: str, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        named(data, text, "masks/a.png")
    assert caught.value.where == "masks/a.png"

"""The one rule by which masks are read."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.pictures import disc, encoded, with_orientation

from limner.errors import DataError
from limner.imaging import encode_png, read_image, read_mask
from limner.imaging.foreground import Foreground
from limner.imaging.voc import colour_map

DISC = disc(64, 20)


def png(levels) -> bytes:
    return encode_png(np.asarray(levels, np.uint8))


def tiff(levels, tmp_path) -> bytes:
    tifffile.imwrite(tmp_path / "mask.tif", levels)
    return (tmp_path / "mask.tif").read_bytes()


@pytest.mark.parametrize("values", [(0, 1), (0, 255), (0, 128), (1, 2), (127, 255), (254, 255), (0, 7)])
def test_larger_of_two_values_is_foreground(values) -> None:
    assert np.array_equal(read_mask(png(np.where(DISC, values[1], values[0])), name="m.png"), DISC)


def test_one_bit_mask() -> None:
    assert np.array_equal(read_mask(encoded(Image.fromarray(DISC), "PNG"), name="m.png"), DISC)


@pytest.mark.parametrize("level", [1, 3, 255])
def test_one_value_is_a_full_mask(level: int) -> None:
    assert read_mask(png(np.full((8, 8), level)), name="m.png").all()


def test_zeros_are_an_empty_mask() -> None:
    assert not read_mask(png(np.zeros((8, 8))), name="m.png").any()


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("high", [255, 76])
def test_fringes_of_jpeg(quality: int, high: int) -> None:
    data = encoded(Image.fromarray((DISC * high).astype(np.uint8)), "JPEG", quality=quality)
    mask = read_mask(data, name="m.jpg")
    assert (mask != DISC).mean() < 0.01


@pytest.mark.parametrize("level", [0, 255])
def test_constant_jpeg(level: int) -> None:
    mask = read_mask(encoded(Image.new("L", (16, 16), level), "JPEG"), name="m.jpg")
    assert mask.all() == mask.any() == bool(level)


def test_noise_over_an_empty_target_stays_empty() -> None:
    noise = np.random.default_rng(0).integers(0, 3, (64, 64)).astype(np.uint8)
    assert not read_mask(encoded(Image.fromarray(noise), "JPEG", quality=95), name="m.jpg").any()
    assert not read_mask(png(noise), name="m.png").any()


def test_noise_below_a_full_target_stays_full() -> None:
    noise = np.random.default_rng(0).integers(248, 256, (64, 64)).astype(np.uint8)
    assert read_mask(encoded(Image.fromarray(noise), "JPEG", quality=95), name="m.jpg").all()
    assert read_mask(png(noise), name="m.png").all()


def test_fringes_saved_again_without_loss() -> None:
    jpeg = encoded(Image.fromarray((DISC * 255).astype(np.uint8)), "JPEG", quality=60)
    with Image.open(BytesIO(jpeg)) as picture:
        mask = read_mask(png(np.asarray(picture)), name="m.png")
    assert (mask != DISC).mean() < 0.01


def test_smoothed_edges() -> None:
    small = Image.fromarray((disc(256, 80) * 255).astype(np.uint8)).resize((64, 64), Image.Resampling.BILINEAR)
    assert (read_mask(encoded(small, "PNG"), name="m.png") != DISC).mean() < 0.01


def test_thin_smoothed_lines_are_no_labels() -> None:
    lines = np.zeros((64, 64), np.uint8)
    lines[10::12], lines[11::12], lines[12::12] = 90, 255, 90
    assert read_mask(png(lines), name="m.png").sum(axis=1).tolist() == [64 * (row % 12 == 11) for row in range(64)]


@pytest.mark.parametrize(("colour", "ground"), [((255, 255, 255), (0, 0, 0)), ((255, 0, 0), (0, 0, 0)), ((0, 255, 0), (0, 0, 255))])
def test_of_two_colours_the_brighter_is_foreground(colour, ground) -> None:
    levels = np.where(DISC[..., None], np.array(colour), np.array(ground)).astype(np.uint8)
    assert np.array_equal(read_mask(png(levels), name="m.png"), DISC)
    assert np.array_equal(read_mask(encoded(Image.fromarray(levels), "WEBP", lossless=True), name="m.webp"), DISC)


@pytest.mark.parametrize("colours", [[0, 0, 0, 128, 0, 0], [0, 0, 0, 1, 1, 1], [10, 0, 0, 255, 255, 255]])
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palette_counts_by_its_grey_level(colours: list[int], kind: str) -> None:
    indexed = Image.fromarray(DISC.astype(np.uint8)).convert("P")
    indexed.putpalette(colours)
    assert np.array_equal(read_mask(encoded(indexed, kind), name="m"), DISC)


def test_palette_in_reverse() -> None:
    indexed = Image.fromarray((~DISC).astype(np.uint8)).convert("P")
    indexed.putpalette([255, 255, 255, 0, 0, 0])
    assert np.array_equal(read_mask(encoded(indexed, "PNG"), name="m.png"), DISC)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_ignored(mode: str) -> None:
    picture = Image.fromarray((DISC * 255).astype(np.uint8)).convert(mode)
    picture.putalpha(Image.fromarray((~DISC * 255).astype(np.uint8)))
    assert np.array_equal(read_mask(encoded(picture, "PNG"), name="m.png"), DISC)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("high", [1, 255, 3000])
def test_deep_masks(tmp_path, dtype, high: int) -> None:
    assert np.array_equal(read_mask(tiff((DISC * high).astype(dtype), tmp_path), name="m.tif"), DISC)


def test_float_mask_with_nan(tmp_path) -> None:
    levels = np.where(DISC, 1.0, np.nan).astype(np.float32)
    assert np.array_equal(read_mask(tiff(levels, tmp_path), name="m.tif"), DISC)


def test_sixteen_bit_colour(tmp_path) -> None:
    levels = np.repeat((DISC * 65535).astype(np.uint16)[..., None], 3, axis=2)
    tifffile.imwrite(tmp_path / "m.tif", levels, photometric="rgb")
    assert np.array_equal(read_mask((tmp_path / "m.tif").read_bytes(), name="m.tif"), DISC)


def test_orientation_is_applied() -> None:
    levels = np.zeros((4, 6, 3), np.uint8)
    levels[0, :3] = 255
    assert np.array_equal(read_mask(with_orientation(levels, 6), name="m.png"), levels[..., 0] > 0)


def label_map(levels: list[int]) -> np.ndarray:
    blocks = np.zeros((64, 64), np.uint16)
    for index, level in enumerate(levels):
        row, column = divmod(index, 6)
        blocks[row * 10 + 1 : row * 10 + 9, column * 10 + 1 : column * 10 + 9] = level
    return blocks


@pytest.mark.parametrize("levels", [[1, 2], [128, 255], [60, 120, 180, 240], list(range(1, 8)) * 4])
def test_label_maps_are_refused_and_named(tmp_path, levels: list[int]) -> None:
    with pytest.raises(DataError, match="not one of two tones") as caught:
        read_mask(tiff(label_map(levels), tmp_path), name="masks/cells.tif")
    assert caught.value.where == "masks/cells.tif"
    assert f"{len(set(levels)) + 1} grey levels" in caught.value.what
    assert f"`--foreground nonzero` for all, `--foreground {levels[0]},{levels[1]}` for some" in caught.value.fix


def ringed(ground: int, border: int, inner: int) -> np.ndarray:
    """A disc with a border two pixels thick."""
    return np.where(disc(64, 18), inner, np.where(DISC, border, ground)).astype(np.uint8)


@pytest.mark.parametrize(
    "levels",
    [
        np.where(disc(64, 10), 2, np.where(DISC, 1, 0)),
        label_map([1, 2]),
        label_map([6, 6, 6, 6, 7]),
        label_map([7, 7, 7, 7, 6]),
        label_map([255] * 9 + [127]),
        label_map([127, *[255] * 9]),
        label_map([3, *[255] * 20, 100, 180]),
        ringed(0, 255, 1),
    ],
    ids=["instances", "cells", "high", "low", "one-label", "other-label", "rare", "ignored-border"],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_labels_of_a_lossless_file_are_never_dropped(tmp_path, levels, dtype) -> None:
    with pytest.raises(DataError, match="not one of two tones"):
        read_mask(tiff(levels.astype(dtype), tmp_path), name="m.tif")


@pytest.mark.parametrize("levels", [(0, 1, 2), (0, 2, 1), (0, 3, 7)])
def test_trimaps_with_thin_borders_are_no_noise(levels) -> None:
    with pytest.raises(DataError, match="not one of two tones"):
        read_mask(png(ringed(*levels)), name="m.png")


@pytest.mark.parametrize("dark", [[11], [11, 12, 14], [20, 22, 28, 30]])
def test_dark_remnants_of_published_masks_are_ground(dark: list[int]) -> None:
    levels = np.where(DISC, 255, 0)
    levels[2:7, 2:30] = dark[0]
    levels[60, : len(dark)] = dark
    assert np.array_equal(read_mask(png(levels), name="m.png"), DISC)


@pytest.mark.parametrize("colours", [((255, 0, 0), (0, 130, 0)), ((0, 130, 0), (255, 0, 0))])
@pytest.mark.parametrize("palette", [False, True])
def test_two_colours_of_one_brightness_are_refused(colours, palette: bool) -> None:
    levels = np.where(DISC[..., None], *np.array(colours)).astype(np.uint8)
    picture = Image.fromarray(levels)
    with pytest.raises(DataError, match="foreground"):
        read_mask(encoded(picture.quantize(2) if palette else picture, "PNG"), name="m.png")


def voc(indices: np.ndarray) -> bytes:
    picture = Image.fromarray(indices.astype(np.uint8)).convert("P")
    picture.putpalette(colour_map().ravel().tolist())
    return encoded(picture, "PNG")


def test_border_of_pascal_voc_is_ground() -> None:
    indices = np.where(disc(64, 18), 4, np.where(DISC, 255, 0))
    assert np.array_equal(read_mask(voc(indices), name="m.png"), disc(64, 18))
    assert not read_mask(voc(np.where(DISC, 255, 0)), name="m.png").any()
    assert not read_mask(voc(np.zeros((4, 4))), name="m.png").any()


def test_classes_of_pascal_voc_are_listed() -> None:
    with pytest.raises(DataError, match=r"3 palette indices \(0, 1, 15\)") as caught:
        read_mask(voc(np.where(disc(64, 10), 15, np.where(DISC, 1, 0))), name="m.png")
    assert "`--foreground nonzero` for all, `--foreground 1,15` for some" in caught.value.fix


def test_coloured_classes_are_listed() -> None:
    levels = np.zeros((64, 64, 3), np.uint8)
    levels[DISC] = (255, 0, 0)
    levels[disc(64, 10)] = (0, 255, 0)
    with pytest.raises(DataError, match=r"3 colours \(#000000, #ff0000, #00ff00\)") as caught:
        read_mask(png(levels), name="m.png")
    assert "--foreground '#ff0000'" in caught.value.fix


def test_photograph_is_refused() -> None:
    ramp = np.repeat(np.linspace(0, 255, 32).astype(np.uint8).repeat(8)[None], 64, axis=0)
    with pytest.raises(DataError, match="not one of two tones"):
        read_mask(encoded(Image.fromarray(ramp), "JPEG", quality=95), name="m.jpg")


def test_no_picture_is_refused() -> None:
    with pytest.raises(DataError, match=r"m\.png"):
        read_mask(b"nothing", name="m.png")


@pytest.mark.parametrize("levels", [DISC, DISC.astype(np.uint8) * np.uint8(255)], ids=["1 bit", "8 bits"])
def test_where_white_is_zero_the_stored_levels_count(levels, tmp_path) -> None:
    """Tifffile writes so by default what is boolean, and ImageJ what has an inverted table; viewers show the object black."""
    tifffile.imwrite(tmp_path / "m.tif", levels, photometric="miniswhite")
    data = (tmp_path / "m.tif").read_bytes()
    assert np.array_equal(read_mask(data, name="m.tif"), DISC)
    assert np.array_equal(read_image(data, name="m.tif")[..., 0] == 0, DISC)


def test_a_boolean_array_written_by_tifffile(tmp_path) -> None:
    assert np.array_equal(read_mask(tiff(DISC, tmp_path), name="m.tif"), DISC)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_label_on_a_transparent_layer(colour, kind: str) -> None:
    layer = np.dstack([np.full((64, 64, 3), colour, np.uint8), DISC.astype(np.uint8) * np.uint8(255)])
    data = encoded(Image.fromarray(layer), kind)
    assert np.array_equal(read_mask(data, name="m"), DISC)
    assert (read_image(data, name="m") == colour).all()
    if colour[0] and not colour[1]:
        assert np.array_equal(read_mask(data, name="m", foreground=Foreground.parse("red")), DISC)


def test_alpha_says_nothing_where_colours_do() -> None:
    layer = np.dstack([np.repeat(DISC[..., None], 3, axis=2).astype(np.uint8) * np.uint8(255), np.eye(64, dtype=np.uint8) * np.uint8(255)])
    assert np.array_equal(read_mask(encoded(Image.fromarray(layer), "PNG"), name="m.png"), DISC)

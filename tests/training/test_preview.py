from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.data.folders import pairs, write_folder

from limner.data import open_source
from limner.data.phantoms import write_phantoms
from limner.data.resident import load_resident
from limner.errors import RecipeError
from limner.imaging import draw_outline, resize_image, resize_mask
from limner.imaging.overlay import GREEN
from limner.recipe import load_recipe
from limner.training import preview
from limner.training.augment import augment
from limner.training.loader import generator
from limner.training.preview import changes_of, draw_sheet

NOTHING = ["augmentation.horizontal_flip=0", "augmentation.vertical_flip=0", "augmentation.probability=0"]


@pytest.fixture(scope="module")
def polyps(tmp_path_factory):
    return open_source(write_phantoms(tmp_path_factory.mktemp("preview") / "polyps", "polyp", count=6, size=(64, 64)))


def cells(sheet, rows, columns, side=256):
    """The pictures on a sheet whose cells are square."""
    gap, line = preview._GAP, preview._LINE
    assert sheet.shape == (2 * (gap + line) + rows * (side + line + gap), gap + columns * (side + gap), 3)
    corners = [
        [(2 * (gap + line) + row * (side + line + gap) + line, gap + column * (side + gap)) for column in range(columns)]
        for row in range(rows)
    ]
    return [[sheet[top : top + side, left : left + side] for top, left in row] for row in corners]


def test_a_row_for_each_image_and_the_original_first(polyps):
    recipe = load_recipe("phantom-unet", ["data.input_size=256"])
    sheet = draw_sheet(polyps, polyps.keys()[:2], recipe, variants=3)
    found = cells(sheet, 2, 4)
    for row, key in zip(found, polyps.keys(), strict=False):
        sample = polyps[key].load()
        expected = draw_outline(resize_image(sample.image, (256, 256)), resize_mask(sample.mask, (256, 256)), fill=0.0)
        assert np.array_equal(row[0], expected)


def test_variants_are_what_training_makes_of_the_batch(polyps):
    recipe = load_recipe("phantom-unet", ["data.input_size=256", "seed=7"])
    keys = polyps.keys()[:2]
    found = cells(draw_sheet(polyps, keys, recipe, variants=2), 2, 3)
    resident = load_resident(polyps, keys, (256, 256))
    images, masks = torch.from_numpy(resident.images).permute(0, 3, 1, 2).float(), torch.from_numpy(resident.masks)[:, None].float()
    for variant in range(2):
        changed, outlines = augment(images, masks, recipe.augmentation, generator(7, variant, 0))
        for row in range(2):
            picture = changed[row].permute(1, 2, 0).round().byte().numpy()
            assert np.array_equal(found[row][variant + 1], draw_outline(picture, outlines[row, 0].bool().numpy(), fill=0.0))


def test_each_change_stands_alone(polyps):
    settings = ["data.input_size=256", *NOTHING, "augmentation.probability=0.5", "augmentation.rotate=0", "augmentation.zoom=0"]
    settings += ["augmentation.brightness=0.4", "augmentation.contrast=0", "augmentation.vertical_flip=0.1"]
    recipe = load_recipe("phantom-unet", settings)
    assert [change.kind for change in changes_of(recipe.augmentation)] == ["vertical_flip", "brightness"]
    (original, flipped, lighter) = cells(draw_sheet(polyps, polyps.keys()[:1], recipe, each=True), 1, 3)[0]
    assert np.array_equal(flipped, original[::-1])
    plain = ~((original == GREEN).all(2) | (lighter == GREEN).all(2))
    difference = lighter[plain].astype(int) - original[plain]
    assert abs(np.median(difference)) == 102


def test_patches_are_shown_for_a_recipe_of_patches(polyps):
    recipe = load_recipe("phantom-unet", ["data.sampling=patches", "data.input_size=[24,32]"])
    images, masks = preview._batch(polyps, polyps.keys()[:3], recipe)
    for image, mask, key in zip(images, masks, polyps.keys(), strict=False):
        sample = polyps[key].load()
        both = np.dstack([sample.image, sample.mask])
        patch = torch.cat([image, mask]).permute(1, 2, 0).numpy()
        assert any(np.array_equal(patch, both[y : y + 24, x : x + 32]) for y in range(41) for x in range(33))


def test_only_the_images_shown_are_read(tmp_path):
    folder = write_folder(tmp_path / "data", pairs(["a", "b", "c"]))
    next((folder / "images").glob("c.*")).write_bytes(b"no picture")
    dataset = open_source(folder)
    recipe = load_recipe("phantom-unet", ["data.input_size=32"])
    assert draw_sheet(dataset, ("a", "b"), recipe, variants=1).ndim == 3


def test_long_names_and_many_columns_are_fitted(polyps):
    recipe = load_recipe("phantom-unet", ["data.input_size=[32,64]"])
    sheet = draw_sheet(polyps, polyps.keys()[:1], recipe, variants=20)
    assert sheet.shape[1] < 4500
    assert sheet.shape[0] < 300


def test_a_recipe_that_changes_nothing_is_told(polyps):
    with pytest.raises(RecipeError, match="nothing to show"):
        draw_sheet(polyps, polyps.keys()[:1], load_recipe("phantom-unet", NOTHING))

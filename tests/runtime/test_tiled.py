"""Models of patches: images are seen at their own resolution, tile by tile."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from tests.export.toys import ChannelMean, random_image, toy_network

from limner.batch.slides import predict_slide
from limner.export import export_network, new_metadata
from limner.export.parity import check_parity
from limner.recipe import load_recipe
from limner.runtime import load


def patch_recipe():
    return load_recipe("phantom-unet", ["data.input_size=[32,48]", "data.sampling=patches", "data.normalisation=unit"])


@pytest.fixture(scope="module")
def mean_model(tmp_path_factory):
    recipe = patch_recipe()
    return load(export_network(ChannelMean(), recipe, new_metadata(recipe), tmp_path_factory.mktemp("patches") / "mean.onnx"))


@pytest.mark.parametrize("size", [(5, 7), (32, 48), (33, 200), (150, 131)])
def test_no_pixel_is_resized(mean_model, size):
    image = random_image(*size)
    expected = 1 / (1 + np.exp(-image.mean(axis=2) / 255))
    prediction = mean_model.predict(image)
    np.testing.assert_allclose(prediction.probs, expected, atol=1e-5)
    assert np.array_equal(prediction.mask, prediction.probs >= np.float32(prediction.threshold))


def test_a_slide_is_seen_as_the_image_is(mean_model, tmp_path):
    image = random_image(170, 210)
    tifffile.imwrite(tmp_path / "slide.tif", image, tile=(64, 64), photometric="rgb")
    predict_slide(mean_model, tmp_path / "slide.tif", tmp_path / "mask.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "mask.tif") > 0, mean_model.predict(image).mask)


def test_the_file_says_that_it_sees_patches(mean_model):
    assert mean_model.metadata.sampling == "patches"
    assert mean_model.metadata.input_size == (32, 48)


def test_a_list_of_mixed_sizes_keeps_its_order(mean_model):
    sizes = [(40, 50), (10, 90), (40, 50)]
    assert [prediction.mask.shape for prediction in mean_model.predict([random_image(*size) for size in sizes])] == sizes


def test_file_and_network_agree_on_patches(tmp_path):
    recipe, network = patch_recipe(), toy_network()
    path = export_network(network, recipe, new_metadata(recipe), tmp_path / "toy.onnx")
    parity = check_parity(network, recipe, path, [random_image(70, 90), random_image(20, 20)])
    assert parity.max_prob_difference < 1e-5


def test_what_a_tile_says_does_not_depend_on_where_tiles_end(tmp_path):
    """A network of small reach gives the same as on the whole image: where it lacks surroundings, at a tile's edge, it is not asked."""
    recipe, network = patch_recipe(), toy_network()
    tiled = load(export_network(network, recipe, new_metadata(recipe), tmp_path / "tiled.onnx"))
    image = random_image(120, 108)  # tiles then begin at even places, where pooling pairs the same pixels
    whole_recipe = load_recipe("phantom-unet", ["data.input_size=[120,108]", "data.normalisation=unit"])
    whole = load(export_network(network, whole_recipe, new_metadata(whole_recipe), tmp_path / "whole.onnx"))
    difference = np.abs(tiled.predict(image).probs - whole.predict(image).probs)[4:-4, 4:-4]
    assert difference.max() < 1e-5

"""Views and ensembles, on models whose answer is the image itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.export.toys import random_image
from tests.runtime.files import write_red

from limner.errors import DataError, LimnerError, LimnerWarning
from limner.runtime import load
from limner.runtime.postprocess import PostProcess
from limner.runtime.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.sets(st.sampled_from(sorted(VIEWS))).map(sorted)


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sees images whole, at their own resolution."""
    return write_red(tmp_path_factory.mktemp("red") / "red.onnx")


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_red(tmp_path_factory.mktemp("patches") / "patches.onnx", sampling="patches", input_size=(16, 24))


def red_of(image: np.ndarray) -> np.ndarray:
    return image[..., 0] / np.float32(255)


@given(NAMES, st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=40)
def test_every_view_of_a_whole_image_comes_back_as_it_was(red: Path, names, height, width):
    image = random_image(height, width)
    prediction = load(red, views=names).predict(image)
    np.testing.assert_allclose(prediction.probs, red_of(image), atol=1e-6)
    assert (prediction.disagreement is None) == (not names)
    if names:
        assert prediction.disagreement.shape == (height, width)
        assert prediction.disagreement.max() < 1e-6


@given(st.sets(st.sampled_from(["flips", "rotations"]), min_size=1).map(sorted), st.integers(1, 50), st.integers(1, 50))
@settings(max_examples=15)
def test_flips_and_rotations_of_tiles_come_back_as_they_were(patches: Path, names, height, width):
    image = random_image(height, width)
    prediction = load(patches, views=names).predict(image)
    np.testing.assert_allclose(prediction.probs, red_of(image), atol=1e-6)
    assert prediction.disagreement.max() < 1e-6


def test_flips_of_a_whole_image_are_exact(red: Path):
    image = random_image(13, 30)
    prediction = load(red, views=["flips", "rotations"]).predict(image)
    assert np.array_equal(prediction.probs, red_of(image))
    assert not prediction.disagreement.any()


def test_scales_of_patches_resize_the_image_and_back(patches: Path):
    """A smooth image survives that; how far it does not is what the scales disagree about."""
    smooth = np.repeat(np.linspace(20, 220, 60, dtype=np.uint8)[None, :, None], 50, axis=0).repeat(3, axis=2)
    prediction = load(patches, views=["scales"]).predict(smooth)
    assert np.abs(prediction.probs - red_of(smooth))[:, 3:-3].max() < 0.01
    noise = load(patches, views=["scales"]).predict(random_image(50, 60))
    assert noise.disagreement.mean() > 0.02


def test_what_depends_on_the_side_is_averaged_over_the_views(toy_model: Path):
    image = random_image(40, 60)
    plain, turned = load(toy_model), load(toy_model, views=["flips"])
    each = [
        plain.predict(image).probs,
        plain.predict(image[:, ::-1]).probs[:, ::-1],
        plain.predict(image[::-1]).probs[::-1],
        plain.predict(image[::-1, ::-1]).probs[::-1, ::-1],
    ]
    found = turned.predict(image)
    np.testing.assert_allclose(found.probs, np.mean(each, axis=0), atol=1e-5)
    np.testing.assert_allclose(found.disagreement, np.std(each, axis=0), atol=1e-4)
    assert np.array_equal(found.mask, found.probs >= np.float32(turned.threshold))
    assert found.disagreement.max() > 0.01


def test_views_of_several_images_are_those_of_each(toy_model: Path):
    predictor = load(toy_model, views=["flips", "scales"])
    images = [random_image(30, 40, seed) for seed in range(3)]
    for image, found in zip(images, predictor.predict(images), strict=True):
        alone = predictor.predict(image)
        np.testing.assert_allclose(found.probs, alone.probs, atol=1e-5)
        np.testing.assert_allclose(found.disagreement, alone.disagreement, atol=1e-4)


def test_a_smaller_scale_sees_the_surroundings_mirrored(tmp_path: Path):
    """The image is seen at 0.8: the model, which resizes it, resolves less of it."""
    path = write_red(tmp_path / "red.onnx", resized=True)
    smooth = np.repeat(np.linspace(20, 220, 64, dtype=np.uint8)[:, None, None], 64, axis=1).repeat(3, axis=2)
    found = load(path, views=["scales"]).predict(smooth)
    assert np.abs(found.probs - red_of(smooth))[4:-4].max() < 0.01
    assert found.disagreement[4:-4].max() < 0.01


def test_tiles_are_run_in_all_views(tmp_path: Path, patches: Path):
    tiles = np.stack([random_image(16, 24, seed) for seed in range(3)])
    predictor = load(patches, views=["flips"])
    assert (predictor.tile_size, predictor.overlap) == ((16, 24), (4, 6))
    np.testing.assert_allclose(predictor.run_tiles(tiles), red_of(tiles), atol=1e-6)
    with pytest.raises(DataError, match="cannot be turned by 90"):
        load(patches, views=["rotations"]).run_tiles(tiles)
    with pytest.raises(DataError, match="several scales"):
        load(patches, views=["scales"]).run_tiles(tiles)
    square = load(write_red(tmp_path / "square.onnx", sampling="patches"), views=["flips", "rotations"])
    np.testing.assert_allclose(square.run_tiles(tiles[:, :16, :16]), red_of(tiles[:, :16, :16]), atol=1e-6)


def test_a_whole_image_model_has_no_tiles(red: Path):
    predictor = load(red)
    assert (predictor.tile_size, predictor.overlap) == (None, (0, 0))
    with pytest.raises(DataError, match="sees images whole"):
        predictor.run_tiles(random_image(8, 8)[None])


def test_a_whole_image_model_may_be_told_to_see_tiles(tmp_path: Path):
    path = write_red(tmp_path / "red.onnx", resized=True)
    image = random_image(90, 70)
    predictor = load(path, tile_size=32, overlap=(8, 4))  # as large as its input: nothing is resized any more
    assert (predictor.tile_size, predictor.overlap) == ((32, 32), (8, 4))
    np.testing.assert_allclose(predictor.predict(image).probs, red_of(image), atol=1e-5)
    assert np.abs(load(path).predict(image).probs - red_of(image)).max() > 0.1
    assert predictor.label != load(path).label


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"overlap": 4}, "sees images whole"),
        ({"tile_size": 0}, "a tile's side is a number of pixels"),
        ({"tile_size": (8, -1)}, "a tile's side is a number of pixels"),
        ({"tile_size": "64"}, "a tile's side is a number of pixels"),
        ({"tile_size": 10**20}, "a tile's side is a number of pixels"),
        ({"tile_size": 16, "overlap": 4.5}, "an overlap is a number"),
        ({"tile_size": 16, "overlap": 16}, "cannot overlap"),
        ({"tile_size": 16, "overlap": -1}, "an overlap is a number"),
        ({"views": ["turns"]}, "no test-time views"),
        ({"provider": "gpu"}, "no provider 'gpu'"),
    ],
)
def test_options_that_do_not_fit_are_refused(red: Path, options, words):
    with pytest.raises(LimnerError, match=words) as caught:
        load(red, **options)
    assert caught.value.fix


def test_patches_have_one_size(patches: Path):
    with pytest.raises(LimnerError, match="pieces of 16 x 24 pixels, and in no others"):
        load(patches, tile_size=32)
    assert load(patches, tile_size=(16, 24)).label == load(patches).label


def test_an_ensemble_is_the_mean_of_its_models(tmp_path: Path):
    """Of different input sizes, ways of sampling and thresholds."""
    paths = [
        write_red(tmp_path / "a.onnx", gain=0.9, threshold=0.2),
        write_red(tmp_path / "b.onnx", gain=0.6, sampling="patches", input_size=(16, 16), threshold=0.3),
        write_red(tmp_path / "c.onnx", gain=0.3, resized=True, threshold=0.7),
    ]
    image = random_image(32, 32)  # at the input size of the third, which then resizes nothing
    together, each = load(paths), [load(path).predict(image).probs for path in paths]
    found = together.predict(image)
    np.testing.assert_allclose(found.probs, np.mean(each, axis=0), atol=1e-5)
    np.testing.assert_allclose(found.disagreement, np.std(each, axis=0), atol=1e-4)
    assert together.threshold == pytest.approx(0.4)
    assert np.array_equal(found.mask, found.probs >= np.float32(together.threshold))
    assert (together.path, together.paths) == (paths[0], tuple(paths))
    assert together.tile_size is None
    assert together.metadata.name == "a + b + c"
    assert together.metadata.review is None
    assert len({together.label, *(load(path).label for path in paths)}) == 4


def test_views_and_models_are_averaged_together(tmp_path: Path):
    paths = [write_red(tmp_path / "a.onnx", gain=0.2), write_red(tmp_path / "b.onnx", gain=0.6)]
    image = np.full((9, 12, 3), 255, np.uint8)
    found = load(paths, views=["flips"]).predict(image)
    np.testing.assert_allclose(found.probs, 0.4, atol=1e-6)
    np.testing.assert_allclose(found.disagreement, 0.2, atol=1e-6)


def test_the_tiles_of_each_model_are_in_the_label(tmp_path: Path):
    paths = [write_red(tmp_path / f"{side}.onnx", sampling="patches", input_size=(side, side)) for side in (16, 32)]
    assert len({load(paths, overlap=overlap).label for overlap in (None, 2, 8)}) == 3


def test_an_ensemble_of_one_kind_of_patches_runs_tiles(tmp_path: Path):
    paths = [write_red(tmp_path / f"{gain}.onnx", gain=gain, sampling="patches") for gain in (0.5, 1.0)]
    predictor, tiles = load(paths), random_image(32, 32)[None]
    assert predictor.tile_size == (32, 32)
    np.testing.assert_allclose(predictor.run_tiles(tiles), 0.75 * red_of(tiles), atol=1e-6)


def test_what_an_ensemble_says_of_itself(tmp_path: Path):
    def path(name: str, post: PostProcess, **facts) -> Path:
        return write_red(tmp_path / f"{name}.onnx", postprocess=post, **facts)

    hashes = [{"train": ["1", "2"], "test": ["3"]}, {"train": ["3"], "val": ["1"], "test": ["4"]}]
    one = path("one", PostProcess(min_area=9, origin="here"), training_data={"name": "x", "hashes": hashes[0]}, parameters=5, gflops=1.5)
    two = path("two", PostProcess(min_area=9, origin="there"), training_data={"name": "y", "hashes": hashes[1]}, parameters=7)
    three = path("three", PostProcess(min_area=9), input_size=(16, 16))
    together = load([one, two]).metadata
    assert together.postprocess is not None
    assert together.postprocess.min_area == 9
    assert (together.parameters, together.gflops) == (12, None)
    assert together.training_data == {"name": "x + y", "hashes": {"train": ["1", "2", "3"], "val": [], "test": ["4"]}}
    assert load([one, three]).metadata.postprocess is None  # its nine pixels are others


def test_an_ensemble_of_different_tasks_is_warned_of(tmp_path: Path):
    paths = [write_red(tmp_path / f"{task}.onnx", task=task) for task in ("polyp", "vessel")]
    with pytest.warns(LimnerWarning, match="polyp, vessel"):
        load(paths)


def test_the_same_file_twice_is_refused(tmp_path: Path, red: Path):
    (tmp_path / "link.onnx").symlink_to(red)
    with pytest.raises(LimnerError, match="given twice"):
        load([red, tmp_path / "link.onnx"])


def test_an_ensemble_of_nothing_is_refused():
    with pytest.raises(LimnerError, match="no model"):
        load([])


def test_a_list_of_one_is_that_model(red: Path):
    assert load([red]).metadata == load(red).metadata
    assert load([red]).label == load(red).label


def test_masks_are_post_processed_unless_that_is_not_wanted(tmp_path: Path):
    image = np.zeros((64, 64, 3), np.uint8)
    image[5:8, 5:8], image[20:50, 20:50] = 255, 255
    path = write_red(tmp_path / "red.onnx", postprocess=PostProcess(min_area=4))
    small = load(path).predict(image)  # a pixel of the network is two of the image: 9 pixels of the image are 2.25 of its own
    assert (small.mask.sum(), small.probs[6, 6]) == (900, 1)
    raw = load(path, postprocess=False)
    assert raw.predict(image).mask.sum() == 909
    assert (raw.postprocess, load(path).postprocess) == (None, PostProcess(min_area=4))
    assert raw.label != load(path).label
    tiled = load(path, tile_size=32)  # a pixel of the network is one of the image
    assert tiled.predict(image).mask.sum() == 909


def test_objects_are_told_apart_where_the_model_asks_for_it(tmp_path: Path):
    image = np.zeros((40, 40, 3), np.uint8)
    image[2:12, 2:12], image[20:30, 20:30] = 255, 255
    found = load(write_red(tmp_path / "red.onnx", postprocess=PostProcess(split_touching=True))).predict(image)
    assert found.objects is not None
    assert found.objects.max() == 2
    assert np.array_equal(found.objects > 0, found.mask)


def test_the_toy_and_its_twin_agree(tmp_path: Path, toy_model: Path):
    """Two files of one network: their mean is what each says, and they do not disagree."""
    image = random_image(50, 40)
    found, alone = load([toy_model, shutil.copyfile(toy_model, tmp_path / "twin.onnx")]).predict(image), load(toy_model).predict(image)
    np.testing.assert_allclose(found.probs, alone.probs, atol=1e-6)
    assert found.disagreement.max() < 1e-6

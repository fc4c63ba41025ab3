"""Slides are predicted by rows of tiles; what is written is whole or absent."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.imaging.slides import pyramid, scene

from limner.batch.slides import predict_slide
from limner.errors import DataError, LimnerWarning
from limner.metrics.review import review_score
from limner.runtime.tiled import predict_tiles
from limner.types import Prediction

SIZE = (700, 530)
THRESHOLD = 0.4


class Red:
    """The red channel is the probability; by tiles, or of the image whole."""

    threshold = THRESHOLD
    overlap = (16, 16)

    path = "red.onnx"

    def __init__(self, *, tile=(64, 64), postprocess=None, sampling="resize"):
        self.tile_size = tile
        self.postprocess = postprocess
        self.metadata = SimpleNamespace(sampling=sampling)
        self.seen = []

    def run_tiles(self, tiles):
        self.seen.append(tiles.shape)
        return tiles[..., 0] / np.float32(255)

    def predict(self, image):
        self.seen.append(image.shape)
        probs = image[..., 0] / np.float32(255)
        mask = probs >= np.float32(THRESHOLD)
        return Prediction(probs, ~mask if self.postprocess else mask, THRESHOLD)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    options = {"resolution": (20_000, 20_000), "resolutionunit": "centimeter"}
    return pyramid(tmp_path_factory.mktemp("slides") / "slide.tif", scene(*SIZE), **options)


def test_a_slide_by_tiles(tmp_path, place):
    rows = []
    found = predict_slide(
        Red(),
        place,
        tmp_path / "masks" / "mask.tif",
        probs_path=tmp_path / "probs.tif",
        overlay_path=tmp_path / "overlay.jpg",
        progress=lambda done, total: rows.append((done, total)),
    )
    expected = scene(*SIZE)[..., 0] / np.float32(255)
    mask, probs = tifffile.imread(tmp_path / "masks" / "mask.tif"), tifffile.imread(tmp_path / "probs.tif")
    np.testing.assert_allclose(probs / 65535, expected, atol=1e-5)
    clear = np.abs(expected - THRESHOLD) > 1e-5
    assert np.array_equal(mask[clear], 255 * (expected >= THRESHOLD)[clear])
    assert (found.size, found.spacing_um) == (SIZE, pytest.approx(0.5))
    assert found.foreground_share == (mask > 0).mean()
    assert found.mean_foreground_prob == pytest.approx(expected[mask > 0].mean(), abs=1e-5)
    assert found.max_prob == pytest.approx(expected.max(), abs=1e-6)
    assert found.review_score == pytest.approx(review_score(expected, mask > 0), abs=1e-5)
    assert found.seconds > 0
    assert [done for done, _ in rows] == sorted({done for done, _ in rows})
    assert rows[-1] == (700, 700)
    with Image.open(tmp_path / "overlay.jpg") as overlay:
        assert overlay.size == (530, 700)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mask.tif", "masks", "overlay.jpg", "probs.tif"]


def test_rows_are_those_of_the_image_in_memory(tmp_path, place):
    model = Red(tile=(96, 80))
    predict_slide(model, place, tmp_path / "mask.tif", probs_path=tmp_path / "probs.tif")
    probs = predict_tiles(model.run_tiles, scene(*SIZE), (96, 80), model.overlap)
    assert np.array_equal(tifffile.imread(tmp_path / "mask.tif") > 0, probs >= np.float32(THRESHOLD))
    assert np.array_equal(tifffile.imread(tmp_path / "probs.tif"), np.round(probs * 65535).astype(np.uint16))


def test_a_model_that_sees_images_whole_gets_the_slide_shrunk(tmp_path, place, monkeypatch):
    monkeypatch.setattr("limner.batch.slides._WHOLE", 350)
    model = Red(tile=None)
    found = predict_slide(model, place, tmp_path / "mask.tif", probs_path=tmp_path / "probs.tif", overlay_path=tmp_path / "overlay.png")
    assert model.seen == [(350, 265, 3)]
    mask, probs = tifffile.imread(tmp_path / "mask.tif"), tifffile.imread(tmp_path / "probs.tif")
    assert mask.shape == probs.shape == SIZE
    expected = scene(*SIZE)[..., 0] / 255
    smooth = np.s_[200:-5, 5:-5]
    np.testing.assert_allclose((probs / 65535)[smooth], expected[smooth], atol=0.015)  # the copy is darker by one level
    clear = np.abs(probs / 65535 - THRESHOLD) > 1e-4
    assert np.array_equal((mask > 0)[clear], (probs > THRESHOLD * 65535)[clear])
    assert found.foreground_share == (mask > 0).mean()


def test_a_mask_that_was_post_processed_is_enlarged_itself(tmp_path, place, monkeypatch):
    monkeypatch.setattr("limner.batch.slides._WHOLE", 350)
    predict_slide(Red(tile=None, postprocess=object()), place, tmp_path / "mask.tif")
    mask = tifffile.imread(tmp_path / "mask.tif") > 0
    assert mask[190, 300]  # of a low probability: here post-processing turns the mask over
    assert not mask[690, 300]


def test_post_processing_of_tiles_is_left_out_with_a_warning(tmp_path, place):
    with pytest.warns(LimnerWarning, match=r"post-processing is left out: .* slide\.tif"):
        predict_slide(Red(postprocess=object()), place, tmp_path / "mask.tif")


def test_no_foreground_has_no_mean(tmp_path):
    tifffile.imwrite(tmp_path / "black.tif", np.zeros((80, 90, 3), np.uint8), tile=(32, 32), photometric="rgb")
    found = predict_slide(Red(), tmp_path / "black.tif", tmp_path / "mask.tif")
    assert (found.foreground_share, found.mean_foreground_prob, found.max_prob, found.review_score) == (0, None, 0, 0)
    assert found.spacing_um is None


@pytest.mark.parametrize("stops", [KeyboardInterrupt, DataError("the model cannot run"), OSError("no space left")])
def test_what_stops_it_leaves_nothing_behind(tmp_path, place, monkeypatch, stops):
    monkeypatch.setattr("limner.runtime.rows._BATCH_PIXELS", 50_000)

    class Stops(Red):
        def run_tiles(self, tiles):
            if len(self.seen) > 5:
                raise stops
            return super().run_tiles(tiles)

    (tmp_path / "mask.tif").write_text("an earlier one")
    with pytest.raises(stops if isinstance(stops, type) else type(stops)):
        predict_slide(Stops(), place, tmp_path / "mask.tif", probs_path=tmp_path / "probs.tif", overlay_path=tmp_path / "overlay.jpg")
    assert [path.name for path in tmp_path.iterdir()] == ["mask.tif"]
    assert (tmp_path / "mask.tif").read_text() == "an earlier one"


def test_a_slide_that_is_damaged_halfway_leaves_nothing_behind(tmp_path, place):
    data = bytearray(place.read_bytes())
    with tifffile.TiffFile(place) as tiff:
        offset, count = tiff.pages[0].dataoffsets[70], tiff.pages[0].databytecounts[70]
    data[offset : offset + count] = bytes(count)
    (tmp_path / "slide.tif").write_bytes(data)
    with pytest.raises(DataError, match=r"slide\.tif"):
        predict_slide(Red(), tmp_path / "slide.tif", tmp_path / "mask.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["slide.tif"]


def test_models_of_different_tiles_are_refused(tmp_path, place):
    with pytest.raises(DataError, match="pieces of different sizes"):
        predict_slide(Red(tile=None, sampling="patches"), place, tmp_path / "mask.tif")
    assert not list(tmp_path.iterdir())

"""Slides are predicted by rows of tiles; what is written is whole or absent."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.batch.test_slide_objects import cut_one_by_one
from tests.imaging.slides import pyramid, scene

from limner.batch import Layout, Wanted, plan, predict_many, predict_plan, slide_objects
from limner.batch.annotations import geojson_file
from limner.batch.slides import predict_slide
from limner.errors import DataError, LimnerWarning
from limner.imaging.contours import trace_objects
from limner.imaging.instances import connected_areas
from limner.measures import measure_objects
from limner.metrics.review import review_score
from limner.runtime.format import ModelMetadata
from limner.runtime.postprocess import PostProcess, apply
from limner.runtime.tiled import predict_tiles
from limner.types import Prediction

SIZE = (700, 530)
THRESHOLD = 0.4


class Red:
    """The red channel is the probability; by tiles, or of the image whole."""

    threshold = THRESHOLD
    overlap = (16, 16)

    path = "red.onnx"

    label = "red 0123456789ab"

    def __init__(self, *, tile=(64, 64), postprocess=None, sampling="resize"):
        self.tile_size = tile
        self.postprocess = postprocess
        self.metadata = ModelMetadata(name="red", task="polyp", input_size=(32, 32), sampling=sampling, created="2026-01-01T00:00:00+00:00")
        self.seen = []

    def run_tiles(self, tiles):
        self.seen.append(tiles.shape)
        return tiles[..., 0] / np.float32(255)

    def predict(self, image):
        self.seen.append(image.shape)
        probs = image[..., 0] / np.float32(255)
        found = Prediction(probs, probs >= np.float32(THRESHOLD), THRESHOLD)
        return found if self.postprocess is None else apply(found, self.postprocess, scale=1.0)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    options = {"resolution": (20_000, 20_000), "resolutionunit": "centimeter"}
    return pyramid(tmp_path_factory.mktemp("slides") / "slide.tif", scene(*SIZE), **options)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return pyramid(tmp_path_factory.mktemp("slides") / "slide.tif", scene(400, 90))


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
    monkeypatch.setattr("limner.batch.slide_rows._WHOLE", 350)
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
    monkeypatch.setattr("limner.batch.slide_rows._WHOLE", 350)
    found = predict_slide(Red(tile=None, postprocess=PostProcess(min_area=9000, split_touching=True)), place, tmp_path / "mask.tif")
    mask = tifffile.imread(tmp_path / "mask.tif") > 0
    assert mask[690, 300]
    assert not mask[:100, :100].any()  # the noise is gone
    assert found.objects == 1


PROCESSES = [
    None,
    PostProcess(largest_only=True),
    PostProcess(opening=1, max_hole=50, min_area=12, split_touching=True),
]


def sizes(labels):
    return np.sort(np.bincount(labels.ravel()))


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.words() if process else "none")
def test_everything_of_a_slide_is_that_of_the_image_in_memory(tmp_path, place, process):
    model, measures = Red(tile=(32, 32), postprocess=process), []
    found = predict_slide(
        model,
        place,
        tmp_path / "mask.tif",
        geojson_path=tmp_path / "objects.geojson",
        measured=lambda one, spacing: measures.append((one, spacing)),
    )
    image = scene(*SIZE)
    probs = predict_tiles(model.run_tiles, image, (32, 32), model.overlap)
    right = Prediction(probs, probs >= np.float32(THRESHOLD), THRESHOLD)
    if process is not None:
        right = apply(right, process, scale=1.0)
    labels = connected_areas(right.mask) if right.objects is None else cut_one_by_one(connected_areas(right.mask))
    if right.objects is not None:
        assert np.abs(sizes(right.objects) - sizes(labels)).sum() < 0.02 * right.mask.sum()
    assert np.array_equal(tifffile.imread(tmp_path / "mask.tif") > 0, right.mask)
    assert found.objects == labels.max()
    assert found.mean_foreground_prob == pytest.approx(probs[right.mask].mean())
    features = json.loads((tmp_path / "objects.geojson").read_text())["features"]
    expected = geojson_file(trace_objects(labels), "polyp", probs)["features"]
    assert [one["properties"]["name"] for one in features] == [f"polyp {number}" for number in range(1, len(features) + 1)]
    assert sorted(str(one["geometry"]) for one in features) == sorted(str(one["geometry"]) for one in expected)
    assert [spacing for _, spacing in measures] == pytest.approx([0.5] * found.objects)
    ours = sorted((*one.box, one.area, one.perimeter, one.mean_prob, one.mean_intensity) for one, _ in measures)
    theirs = measure_objects(labels, image, probs)
    np.testing.assert_allclose(ours, sorted((*one.box, one.area, one.perimeter, one.mean_prob, one.mean_intensity) for one in theirs))


def test_lengths_are_those_that_the_network_sees(tmp_path, place):
    """Tiles of 64 pixels that are shrunk to 32: two pixels of the slide make one."""
    predict_slide(Red(postprocess=PostProcess(min_area=20)), place, tmp_path / "mask.tif")
    predict_slide(Red(postprocess=PostProcess(min_area=80), sampling="patches"), place, tmp_path / "other.tif")
    assert (tmp_path / "mask.tif").read_bytes() == (tmp_path / "other.tif").read_bytes()


def test_touching_objects_are_cut_as_on_the_smaller_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("limner.batch.slide_rows._WHOLE", 100)
    image = np.zeros((200, 300, 3), np.uint8)
    for column in (60, 112):
        image[np.hypot(*(np.indices((200, 300)) - np.array([90, column])[:, None, None])) < 30] = 255
    image[20:28, 200:290] = 255
    tifffile.imwrite(tmp_path / "slide.tif", image, tile=(32, 32), photometric="rgb")
    areas = []
    found = predict_slide(
        Red(tile=None, postprocess=PostProcess(split_touching=True)),
        tmp_path / "slide.tif",
        tmp_path / "mask.tif",
        measured=lambda one, _: areas.append((one.area, one.box)),
    )
    assert found.objects == len(areas) == 3
    assert sum(area for area, _ in areas) == round(found.foreground_share * 200 * 300)
    (_, bar), (left_area, left), (right_area, right) = sorted(areas)
    assert left_area == pytest.approx(right_area, rel=0.1)
    assert abs(left[0] + left[2] - right[0]) <= 6 or abs(right[0] + right[2] - left[0]) <= 6
    assert bar[0] == pytest.approx(200, abs=3)


def test_what_is_too_large_to_be_cut_or_traced_is_told(tmp_path, place, monkeypatch):
    monkeypatch.setattr(slide_objects, "MOST_TRACED", 2000)
    monkeypatch.setattr(slide_objects, "MOST_CUT", 1000)
    with pytest.warns(
        LimnerWarning, match=r"^slide\.tif: 2 objects are outlined .* on a smaller copy; 2 objects .* are not cut where they touch$"
    ):
        predict_slide(
            Red(postprocess=PostProcess(split_touching=True)), place, tmp_path / "mask.tif", geojson_path=tmp_path / "objects.geojson"
        )


def test_progress_and_all_outputs_of_slides_and_pictures_together(tmp_path, small):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "slide.tif").write_bytes(small.read_bytes())
    Image.fromarray(scene(40, 50)).save(tmp_path / "in" / "picture.png")
    wanted, steps = Wanted.of(["geojson", "measurements"], overlays=False, spacing=2.0), []
    layout = Layout(tmp_path / "out", wanted.outputs)
    found = predict_many(Red(), plan([tmp_path / "in"]).images, layout, spacing=2.0, progress=lambda *step: steps.append(step))
    assert found.written == 2
    assert steps[0] == (100, 200)
    assert steps[-1] == (200, 200)
    assert steps == sorted(steps)
    assert len(set(steps)) > 5
    slide = next(row for row in found.rows if row["mask"] == "masks/slide.tif")
    features = json.loads((tmp_path / "out" / "geojson" / "slide.geojson").read_text())["features"]
    with (tmp_path / "out" / "measurements.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["mask"] == "masks/slide.tif"]
    assert int(slide["objects"]) == len(features) == len(rows) > 3
    assert {row["spacing_um"] for row in rows} == {"2"}
    assert all(float(row["area_um2"]) == 4 * int(row["area_px"]) for row in rows)


@pytest.mark.parametrize(("lost", "is_again"), [(None, 0), ("geojson/slide.geojson", 1), ("measurements.csv", 1), ("masks/slide.tif", 1)])
def test_a_slide_is_done_again_only_if_something_is_missing(tmp_path, small, lost, is_again):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "slide.tif").write_bytes(small.read_bytes())
    inputs, wanted = plan([tmp_path / "in"]), {"names": ["geojson", "measurements"], "overlays": False}
    predict_plan(Red(), inputs, tmp_path / "out", Wanted.of(**wanted), progress=False)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != "predictions.csv"}
    if lost is not None:
        (tmp_path / "out" / lost).unlink()
    again = predict_plan(Red(), inputs, tmp_path / "out", Wanted.of(**wanted, resume=True), progress=False)
    assert (again.written, again.skipped) == (is_again, 1 - is_again)
    assert {path: path.read_bytes() for path in before} == before


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
        predict_slide(
            Stops(postprocess=PostProcess(largest_only=True)),
            place,
            tmp_path / "mask.tif",
            probs_path=tmp_path / "probs.tif",
            overlay_path=tmp_path / "overlay.jpg",
            geojson_path=tmp_path / "objects.geojson",
        )
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

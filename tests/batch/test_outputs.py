"""The files of each image, read back by limner's own readers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.mask import encode
from tests.batch.stub import Stub, blobs, painted, ring
from tests.data.folders import write_folder, write_zip

from limner.batch import OUTPUTS, Wanted, plan, predict_plan
from limner.batch.annotations import coco_annotations
from limner.data import open_source
from limner.imaging.contours import Part, trace_objects
from limner.imaging.foreground import Foreground
from limner.imaging.instances import connected_areas
from limner.imaging.read import read_labels, read_mask

# Shapes with holes, parts that touch at corners, cut off by the border, of a pixel, and none at all.
MASKS = {"a": ring(), "deep/b": blobs(), "c": np.zeros((6, 9), bool), "d": np.ones((5, 8), bool), "e": np.eye(4, 7, dtype=bool)}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder with `in/`, and `out/` with everything that can be written of it."""
    folder = tmp_path_factory.mktemp("outputs")
    write_folder(folder / "in", {f"{name}.png": painted(mask) for name, mask in MASKS.items()})
    predict_plan(Stub(), plan([folder / "in"]), folder / "out", Wanted.of(OUTPUTS), progress=False)
    return folder


def check_masks(dataset):
    """The masks are those that were predicted, and each connected area is an object of its own."""
    assert len(dataset) == len(MASKS)
    for item in dataset:
        name = next(name for name in MASKS if item.image.display.endswith(f"in/{name}.png"))
        assert np.array_equal(item.load().mask, MASKS[name]), name
        found, expected = item.load_instances(), connected_areas(MASKS[name])
        assert len(np.unique(np.stack([found, expected]).reshape(2, -1), axis=1).T) == len(np.unique(expected))


def test_the_mask_is_a_png_of_the_images_size(done):
    for name, mask in MASKS.items():
        data = (done / "out" / "masks" / f"{name}.png").read_bytes()
        assert np.array_equal(read_mask(data, name=name), mask)


def test_coco_is_read_back_pixel_for_pixel(done, tmp_path):
    shutil.copytree(done / "in", tmp_path / "in")
    shutil.copy(done / "out" / "coco.json", tmp_path / "in")
    check_masks(open_source(tmp_path / "in" / "coco.json"))


def test_run_lengths_are_those_of_cocos_own_encoder():
    random = np.random.default_rng(0)
    for _ in range(50):
        mask = random.random(random.integers(1, 30, 2)) < random.uniform(0.1, 1.0)
        for one in trace_objects(mask.astype(np.int32)):
            own = coco_annotations([replace(one, parts=(Part(one.parts[0].shell, (one.parts[0].shell,)),))], mask.astype(np.float32))
            assert own[0]["segmentation"]["counts"] == encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools, with NumPy 2
def test_coco_is_what_cocos_own_tools_expect(done, capsys):
    coco = COCO(done / "out" / "coco.json")
    assert coco.getCatIds(catNms=["polyp"]) == [1]
    assert len(coco.getImgIds()) == len(MASKS)
    for facts in coco.loadImgs(coco.getImgIds()):
        mask = MASKS[facts["mask"].removeprefix("masks/").removesuffix(".png")]
        assert facts["file_name"] == facts["mask"].removeprefix("masks/")
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[facts["id"]]))
        drawn = sum((coco.annToMask(one) for one in annotations), np.zeros(mask.shape, np.uint8))
        assert np.array_equal(drawn, mask)
        for one in annotations:
            part = coco.annToMask(one).astype(bool)
            rows, columns = np.nonzero(part)
            assert one["area"] == part.sum()
            assert one["bbox"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert one["score"] == 0.8
            assert one["iscrowd"] == 0


def test_objects_with_holes_are_run_lengths_and_the_others_polygons(done):
    value = json.loads((done / "out" / "coco.json").read_text())
    of = {image["id"]: image["file_name"] for image in value["images"]}
    kinds = {(of[one["image_id"]], isinstance(one["segmentation"], list)) for one in value["annotations"]}
    assert ("a.png", False) in kinds
    assert ("d.png", True) in kinds
    assert ("e.png", True) in kinds


def test_labelme_is_read_back_pixel_for_pixel(done):
    check_masks(open_source(done / "out" / "labelme"))
    value = json.loads((done / "out" / "labelme" / "deep" / "b.json").read_text())
    assert value["imagePath"] == "../../../in/deep/b.png"


def test_geojson_is_read_back_pixel_for_pixel(done, tmp_path):
    shutil.copytree(done / "in", tmp_path / "in")
    shutil.copytree(done / "out" / "geojson", tmp_path / "in", dirs_exist_ok=True)
    check_masks(open_source(tmp_path / "in"))


def test_geojson_is_a_collection_of_annotations_with_rings_that_close(done):
    value = json.loads((done / "out" / "geojson" / "a.geojson").read_text())
    (feature,) = value["features"]
    assert value["type"] == "FeatureCollection"
    assert feature["properties"]["objectType"] == "annotation"
    assert feature["properties"]["classification"]["name"] == "polyp"
    assert feature["properties"]["measurements"] == {"Area px^2": int(ring().sum()), "Mean probability": 0.8}
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["geometry"]["coordinates"][0] == [
        [[4, 3], [15, 3], [15, 12], [4, 12], [4, 3]],
        [[7, 6], [7, 9], [12, 9], [12, 6], [7, 6]],
    ]
    assert json.loads((done / "out" / "geojson" / "c.geojson").read_text())["features"] == []


def test_labels_number_the_connected_areas(done):
    for name, mask in MASKS.items():
        with Image.open(done / "out" / "labels" / f"{name}.tif") as picture:
            stored = np.asarray(picture)
        assert stored.dtype == np.uint16
        assert np.array_equal(stored, connected_areas(mask))


@pytest.mark.parametrize(("output", "high"), [("probs", 0.8), ("disagreement", 0.4)])
def test_probabilities_and_disagreement_are_16_bit_pngs(done, output, high):
    with Image.open(done / "out" / output / "a.png") as picture:
        assert np.array_equal(np.asarray(picture), ring() * np.uint16(round(high * 65535)))


def test_touching_objects_keep_their_numbers_in_every_format(tmp_path):
    labels = np.zeros((12, 40), np.uint8)
    for number in range(1, 13):
        labels[2:10, 3 * number - 1 : 3 * number + 2] = number  # side by side, without a gap
    write_folder(tmp_path / "in", {"n.png": painted(labels > 0, labels=labels)})
    out = tmp_path / "out"
    predict_plan(Stub(with_objects=True), plan([tmp_path / "in"]), out, Wanted.of(OUTPUTS), progress=False)
    read = {"labels": read_labels((out / "labels" / "n.tif").read_bytes(), name="n.tif", foreground=Foreground.parse("nonzero"))}
    read["labelme"] = open_source(out / "labelme")["n"].load_instances()
    shutil.copy(out / "geojson" / "n.geojson", tmp_path / "in")
    read["geojson"] = open_source(tmp_path / "in" / "n.geojson")["n"].load_instances()
    shutil.copy(out / "coco.json", tmp_path / "in")
    read["coco"] = open_source(tmp_path / "in" / "coco.json")["n"].load_instances()
    for name, found in read.items():
        assert np.array_equal(found, labels), name
    with Image.open(out / "overlays" / "n.jpg") as overlay:
        green = np.asarray(overlay)[5, 3:38, 1].astype(int)
    assert green.min() > 120  # each object is three pixels wide, so that all of it is line; what is filled alone has 72


def test_images_in_an_archive_are_named_as_they_are_in_it(tmp_path):
    archive = write_zip(tmp_path / "in.zip", {"deep/a.png": painted(ring())})
    predict_plan(Stub(), plan([archive]), tmp_path / "out", Wanted.of(["labelme", "coco"]), progress=False)
    assert json.loads((tmp_path / "out" / "labelme" / "deep" / "a.json").read_text())["imagePath"] == "deep/a.png"
    assert json.loads((tmp_path / "out" / "coco.json").read_text())["images"][0]["file_name"] == "deep/a.png"


def test_only_what_is_wanted_is_written(tmp_path):
    write_folder(tmp_path / "in", {"a.png": painted(ring())})
    predict_plan(Stub(), plan([tmp_path / "in"]), tmp_path / "out", Wanted.of(["geojson"], overlays=False), progress=False)
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert written == ["geojson/a.geojson", "masks/a.png", "predictions.csv"]

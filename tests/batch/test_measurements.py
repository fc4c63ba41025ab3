"""The tables of measurements: what is in them, and that they survive interruptions."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile
from tests.batch.stub import Stub, painted, ring
from tests.data.folders import write_folder

from limner.batch import Wanted, plan, predict_plan
from limner.batch.findings import OBJECT_COLUMNS, VESSEL_COLUMNS
from limner.batch.tables import read_cells, write_cells
from limner.errors import DataError, OutputExistsError

SQUARES = np.zeros((20, 30), bool)
SQUARES[2:6, 3:9] = SQUARES[10:15, 20:25] = True


def predict(folder, wanted=None, stub=None, out="out"):
    wanted = wanted or Wanted.of(["measurements"], overlays=False)
    return predict_plan(stub or Stub(), plan([folder / "in"]), folder / out, wanted, progress=False)


def rows(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def folder(tmp_path):
    masks = {"a": SQUARES, "empty": np.zeros((5, 6), bool), "b": ring()}
    write_folder(tmp_path / "in", {f"{name}.png": painted(mask) for name, mask in masks.items()})
    return tmp_path


def test_a_row_for_each_object(folder):
    found = predict(folder)
    table = rows(folder / "out" / "measurements.csv")
    assert [(row["mask"], row["object"]) for row in table] == [("masks/a.png", "1"), ("masks/a.png", "2"), ("masks/b.png", "1")]
    first = table[0]
    assert first["file"] == str(folder / "in" / "a.png")
    assert [first[name] for name in ("x", "y", "left", "top", "width", "height", "area_px")] == ["6", "4", "3", "2", "6", "4", "24"]
    assert (first["mean_prob"], first["mean_intensity"]) == ("0.8", str(round(0.299 * 204 + 0.587 * 40)))
    assert first["spacing_um"] == first["area_um2"] == first["feret_um"] == ""
    counts = {row["mask"]: row["objects"] for row in rows(folder / "out" / "predictions.csv")}
    assert counts == {"masks/a.png": "2", "masks/b.png": "1", "masks/empty.png": "0"}
    assert found.outputs["measurements"] == folder / "out" / "measurements.csv"
    assert not (folder / "out" / "vessels.csv").exists()


def test_lengths_and_areas_in_micrometres(folder):
    predict(folder, Wanted.of(["measurements"], spacing=0.5))
    row = rows(folder / "out" / "measurements.csv")[0]
    assert (row["spacing_um"], row["area_um2"]) == ("0.5", "6")
    for name in ("perimeter", "feret"):
        assert float(row[f"{name}_um"]) == pytest.approx(float(row[f"{name}_px"]) / 2, abs=1e-4)


def test_the_spacing_that_a_file_tells_is_taken_unless_another_is_given(tmp_path):
    (tmp_path / "in").mkdir()
    image = np.dstack([SQUARES * np.uint8(204), np.zeros((*SQUARES.shape, 2), np.uint8)])
    tifffile.imwrite(tmp_path / "in" / "a.tif", image, imagej=True, resolution=(4.0, 4.0), metadata={"unit": "um"})
    predict(tmp_path, out="told")
    predict(tmp_path, Wanted.of(["measurements"], spacing=2.0), out="given")
    assert rows(tmp_path / "told" / "measurements.csv")[0]["area_um2"] == "1.5"
    assert rows(tmp_path / "given" / "measurements.csv")[0]["area_um2"] == "96"


def test_vessel_models_have_a_row_for_each_image(tmp_path):
    mask = np.zeros((40, 60), bool)
    mask[19:22, 5:55] = True
    write_folder(tmp_path / "in", {"a.png": painted(mask), "b.png": painted(np.zeros((9, 9), bool))})
    predict(tmp_path, Wanted.of(["measurements"], spacing=10.0), Stub(task="retinal vessel"))
    one, none = rows(tmp_path / "out" / "vessels.csv")
    assert float(one["density"]) == pytest.approx(150 / 2400)
    assert float(one["length_px"]) == pytest.approx(48, abs=2)
    assert float(one["length_um"]) == pytest.approx(10 * float(one["length_px"]), abs=0.01)
    area_mm2 = 2400 * 0.01**2
    assert float(one["length_mm_per_mm2"]) == pytest.approx(float(one["length_um"]) / 1000 / area_mm2, rel=1e-3)
    assert (one["field_px"], one["segments"], one["branch_points"], one["end_points"]) == ("2400", "1", "0", "2")
    assert float(one["tortuosity"]) == pytest.approx(1, abs=0.01)
    assert (none["density"], none["length_px"], none["tortuosity"]) == ("0", "0", "")


@pytest.mark.parametrize("table", ["csv", "parquet"])
def test_resuming_keeps_what_was_measured(folder, table):
    wanted = {"names": ["measurements", "coco"], "table": table}
    predict(folder, Wanted.of(**wanted))
    whole = {path: path.read_bytes() for path in (folder / "out" / f"measurements.{table}", folder / "out" / "coco.json")}
    (folder / "out" / "masks" / "b.png").unlink()
    stub = Stub()
    again = predict(folder, Wanted.of(**wanted, resume=True), stub)
    assert (again.written, again.skipped, stub.seen) == (1, 2, [(20, 30)])
    for path, data in whole.items():
        assert path.read_bytes() == data, path


@pytest.mark.parametrize("lost", ["measurements.csv", "coco.json", "vessels.csv"])
def test_what_is_missing_in_a_file_of_all_images_is_done_again(folder, lost):
    wanted, stub = ["measurements", "coco"], Stub(task="vessel")
    predict(folder, Wanted.of(wanted), stub)
    before = (folder / "out" / lost).read_bytes()
    (folder / "out" / lost).unlink()
    again = predict(folder, Wanted.of(wanted, resume=True), stub)
    assert again.written == (2 if lost == "measurements.csv" else 3)  # an image without objects has no row to miss
    assert (folder / "out" / lost).read_bytes() == before


def test_resuming_with_other_images_keeps_the_rows_of_the_first(folder):
    predict(folder, Wanted.of(["measurements", "coco"]))
    before = rows(folder / "out" / "measurements.csv")
    write_folder(folder / "more", {"z.png": painted(ring())})
    predict_plan(Stub(), plan([folder / "more"]), folder / "out", Wanted.of(["measurements", "coco"], resume=True), progress=False)
    after = rows(folder / "out" / "measurements.csv")
    assert after[: len(before)] == before
    assert [row["mask"] for row in after[len(before) :]] == ["masks/z.png"]


@pytest.mark.parametrize("name", ["measurements.csv", "coco.json"])
def test_files_of_all_images_are_not_overwritten(folder, name):
    write_folder(folder / "out", {name: b"precious"})
    with pytest.raises(OutputExistsError, match="already there") as caught:
        predict(folder, Wanted.of(["measurements", "coco"]))
    assert caught.value.where == str(folder / "out" / name)
    assert [path.name for path in (folder / "out").iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "damage"),
    [("measurements.csv", b"a,b\n"), ("measurements.csv", b"\xff\x00"), ("coco.json", b"{}"), ("coco.json", b"[1"), ("coco.json", b"[]")],
)
def test_resuming_on_a_file_that_is_not_limners_is_an_error(folder, name, damage):
    predict(folder, Wanted.of(["measurements", "coco"]))
    (folder / "out" / name).write_bytes(damage)
    with pytest.raises(DataError, match="so far") as caught:
        predict(folder, Wanted.of(["measurements", "coco"], resume=True))
    assert caught.value.where == str(folder / "out" / name)
    assert (folder / "out" / name).read_bytes() == damage


@pytest.mark.parametrize("columns", [OBJECT_COLUMNS, VESSEL_COLUMNS], ids=["objects", "vessels"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_are_read_back_with_their_types(tmp_path, columns, suffix):
    full = tuple({str: "ä, b", int: 7, float: 0.5}[kind] for kind in columns.values())
    sparse = tuple("x" if kind is str else None for kind in columns.values())
    write_cells([full, sparse], columns, tmp_path / f"t{suffix}")
    assert read_cells(tmp_path / f"t{suffix}", columns) == [full, sparse]
    write_cells([], columns, tmp_path / f"e{suffix}")
    assert read_cells(tmp_path / f"e{suffix}", columns) == []


def test_large_numbers_are_written_out(tmp_path):
    write_cells([(123456789.25, 1e-9)], {"a": float, "b": float}, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "a,b\n123456789.25,0.000000001\n"

"""The loop: stages that overlap, images that fail, outputs that cannot be written."""

from __future__ import annotations

import errno
import threading

import numpy as np
import pytest
from tests.batch.stub import Stub, painted, ring
from tests.data.folders import write_folder

from limner.batch import Layout, Wanted, outputs, plan, predict_many, predict_plan, run
from limner.batch.slides import SlideResult
from limner.errors import DataError, LimnerError, LimnerWarning, MissingExtraError
from limner.prediction_table import is_claim, read_table


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "in", {f"{number:02d}.png": painted(ring()) for number in range(12)})
    return tmp_path


def many(folder, predictor=None, **options):
    return predict_many(predictor or Stub(), plan([folder / "in"]).images, Layout(folder / "out"), **options)


def test_few_images_are_in_memory_at_a_time(folder, monkeypatch):
    """While the first image is being written, no more than the next three are read."""
    read, release = [], threading.Event()
    original, write = run.read_image, outputs.write_mask

    def noting(data, *, name):
        read.append(name)
        return original(data, name=name)

    def waiting(path, mask):
        release.wait(timeout=60)
        write(path, mask)

    class Watching(Stub):
        def predict(self, image):
            if len(self.seen) == 1:  # the second is predicted while the first waits to be written: the stages overlap
                release.set()
            return super().predict(image)

    counts = []
    monkeypatch.setattr(run, "read_image", noting)
    monkeypatch.setattr(outputs, "write_mask", waiting)
    found = many(folder, Watching(), progress=lambda done, total: counts.append((done, total, len(read))))
    assert found.written == 12
    assert counts[0][2] <= 4
    assert [done for done, _, _ in counts] == list(range(1, 13))
    assert {total for _, total, _ in counts} == {12}


def test_the_rows_are_in_the_order_of_the_images(folder):
    found = many(folder)
    names = [row["mask"] for row in found.rows]
    assert names == sorted(names)
    assert list(read_table(folder / "out" / "predictions.csv")) == names


def test_a_full_disk_ends_the_work_and_leaves_nothing_half_written(folder, monkeypatch):
    write, count = outputs.write_mask, []

    def full(path, mask):
        count.append(path)
        if len(count) > 3:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, mask)

    monkeypatch.setattr(outputs, "write_mask", full)
    with pytest.raises(OSError, match="No space left"):
        many(folder)
    rows = read_table(folder / "out" / "predictions.csv")
    masks = sorted(path.name for path in (folder / "out" / "masks").iterdir())
    assert masks == ["00.png", "01.png", "02.png"]
    assert sorted(rows) == [f"masks/{name}" for name in masks]  # each mask is known, if only by a claim
    monkeypatch.setattr(outputs, "write_mask", write)
    again = many(folder, resume=True)
    assert again.written + again.skipped == 12
    assert not any(map(is_claim, read_table(folder / "out" / "predictions.csv").values()))


def test_ctrl_c_while_an_image_is_predicted_keeps_those_before_it(folder):
    class Interrupted(Stub):
        def predict(self, image):
            if len(self.seen) == 5:
                raise KeyboardInterrupt
            return super().predict(image)

    with pytest.raises(KeyboardInterrupt):
        many(folder, Interrupted())
    masks = sorted(path.name for path in (folder / "out" / "masks").iterdir())
    assert masks in ([f"{number:02d}.png" for number in range(n)] for n in (4, 5))  # the fifth may not have been begun
    rows = read_table(folder / "out" / "predictions.csv")
    assert sorted(rows) == [f"masks/{name}" for name in masks]
    assert not any(path.name.startswith(".") for path in (folder / "out").rglob("*"))


def test_overwriting_leaves_no_mask_of_another_model(folder):
    many(folder)
    (folder / "in" / "03.png").write_bytes(b"no image")
    found = many(folder, Stub(label="other 0123456789ab"))
    masks = sorted(path.name for path in (folder / "out" / "masks").iterdir())
    assert masks == [f"{number:02d}.png" for number in range(12) if number != 3]
    assert sorted(read_table(folder / "out" / "predictions.csv")) == [f"masks/{name}" for name in masks]
    assert len(found.failures) == 1


def test_a_folder_that_cannot_be_written_to_is_an_error_at_once(folder):
    (folder / "out").write_bytes(b"a file")
    stub = Stub()
    with pytest.raises(OSError, match="out"):
        many(folder, stub)
    assert stub.seen == []


def test_images_that_fail_are_noted_at_any_stage(folder, monkeypatch):
    (folder / "in" / "03.png").write_bytes(b"no image")

    class Failing(Stub):
        def predict(self, image):
            if len(self.seen) == 4:
                self.seen.append(None)
                raise MemoryError
            return super().predict(image)

    def too_wide(path, image):
        if path.name == "07.jpg":
            raise DataError("an image of 70000x1 pixels cannot be stored as .jpg")
        return write(path, image)

    write = outputs.write_image
    monkeypatch.setattr(outputs, "write_image", too_wide)
    found = many(folder, Failing())
    assert [failure.file[-6:] for failure in found.failures] == ["03.png", "05.png", "07.png"]
    assert found.failures[1].reason == "there is not enough memory"
    assert (found.written, len(found.rows)) == (9, 9)
    assert not (folder / "out" / "masks" / "07.png").exists()


def test_slides_come_after_the_pictures_with_rows_of_their_own(tmp_path, monkeypatch):
    def predict_slide(predictor, path, mask_path, *, probs_path, overlay_path, geojson_path, measured, progress):
        assert geojson_path is None
        assert measured is not None
        for made in (mask_path, probs_path, overlay_path):
            if made:
                made.parent.mkdir(parents=True, exist_ok=True)
                made.write_bytes(b"made")
        return SlideResult((3000, 4000), 0.25, None, 0.125, 0.5, 2.0, 0.5, 0)

    monkeypatch.setattr(run, "predict_slide", predict_slide)
    write_folder(tmp_path / "in", {"a.svs": b"a slide", "b.png": painted(ring())})
    wanted = Wanted.of(["probs", "labels", "measurements"])
    with pytest.warns(
        LimnerWarning, match=r"of slides only geojson, masks, measurements, overlays, probs are written, not labels: .*a\.svs"
    ):
        found = predict_plan(Stub(), plan([tmp_path / "in"]), tmp_path / "out", wanted, progress=False)
    slide = next(row for row in found.rows if row["mask"] == "masks/a.tif")
    assert (slide["width"], slide["height"], slide["max_prob"], slide["needs_review"]) == ("4000", "3000", "0.1250", "0.5000")
    assert (slide["mean_foreground_prob"], slide["objects"], slide["milliseconds"]) == ("", "0", "2000.0")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {"masks/a.tif", "probs/a.tif", "overlays/a.jpg", "masks/b.png", "probs/b.png"} < written
    with pytest.warns(LimnerWarning, match="of slides only"):
        again = predict_plan(
            Stub(), plan([tmp_path / "in"]), tmp_path / "out", Wanted.of(["probs", "labels", "measurements"], resume=True), progress=False
        )
    assert (again.written, again.skipped) == (0, 2)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["maskz"], {}, "there is no output 'maskz'"),
        (["disagreement"], {}, "cannot disagree with itself"),
        ([], {"spacing": 0.0}, "a positive number of µm"),
        ([], {"spacing": float("nan")}, "a positive number of µm"),
    ],
)
def test_what_cannot_be_had_is_an_error(names, options, message):
    with pytest.raises(LimnerError, match=message) as caught:
        Wanted.of(names, **options).check(several=False)
    assert caught.value.fix


def test_parquet_needs_its_extra_only_where_it_is_written(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    Wanted.of(["geojson"], table="parquet").check(several=False)
    with pytest.raises(MissingExtraError, match="parquet"):
        Wanted.of(["measurements"], table="parquet").check(several=False)


def test_the_stub_is_what_it_says():
    assert np.array_equal(Stub().predict(run.read_image(painted(ring()), name="a")).mask, ring())

from __future__ import annotations

import csv
import errno
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from tests.data.folders import image_bytes, write_folder, write_zip
from tests.imaging.films import scene, write_film
from typer.testing import CliRunner

from limner.batch import outputs
from limner.cli.app import app
from limner.errors import DataError
from limner.export.exporter import update_model
from limner.files import sha256
from limner.metrics import soft_dice
from limner.runtime import Predictor, load
from limner.runtime.format import ReviewRule, read_metadata


@pytest.fixture
def images(tmp_path):
    """Three images of different sizes, in two folders."""
    files = {"a.png": image_bytes(1, (20, 31)), "deep/b.jpg.png": image_bytes(2, (40, 24)), "deep/c.png": image_bytes(3)}
    return write_folder(tmp_path / "in", files)


@pytest.fixture
def hospitals(tmp_path):
    """Two folders, each with an image x.png of its own."""
    files = {"hospital-a/x.png": image_bytes(1), "hospital-a/y.png": image_bytes(2), "hospital-b/x.png": image_bytes(3)}
    return write_folder(tmp_path, files)


def contents(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def rows(out):
    with (out / "predictions.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def written(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_a_folder_keeps_its_folders_and_sizes(limner, toy_model, images, tmp_path):
    out = tmp_path / "out"
    result = limner("predict", toy_model, images, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 images predicted ")
    assert written(out) == [
        "masks/a.png",
        "masks/deep/b.jpg.png",
        "masks/deep/c.png",
        "overlays/a.jpg",
        "overlays/deep/b.jpg.jpg",
        "overlays/deep/c.jpg",
        "predictions.csv",
    ]
    with Image.open(out / "masks/a.png") as mask, Image.open(out / "overlays/a.jpg") as overlay:
        assert (mask.mode, mask.size, overlay.size) == ("L", (31, 20), (31, 20))
        assert set(np.unique(np.asarray(mask))) <= {0, 255}


def test_the_table_says_what_the_predictor_says(limner, toy_model, images, tmp_path):
    limner("predict", toy_model, images, "--out", tmp_path / "out", "--no-overlays", "--probs")
    row = rows(tmp_path / "out")[0]
    expected = load(toy_model).predict(images / "a.png")
    assert row["file"] == str(images / "a.png")
    assert (row["mask"], row["width"], row["height"]) == ("masks/a.png", "31", "20")
    assert row["model"] == f"{load(toy_model).metadata.name} {sha256(toy_model.read_bytes())[:12]}"
    assert float(row["foreground_share"]) == pytest.approx(expected.foreground_share, abs=1e-6)
    assert float(row["mean_foreground_prob"]) == pytest.approx(expected.probs[expected.mask].mean(), abs=1e-4)
    assert float(row["max_prob"]) == pytest.approx(expected.probs.max(), abs=1e-4)
    assert re.fullmatch(r"\d+\.\d", row["milliseconds"])
    assert not (tmp_path / "out" / "overlays").exists()
    with Image.open(tmp_path / "out" / "probs" / "a.png") as probs:
        assert np.abs(np.asarray(probs) / 65535 - expected.probs).max() <= 0.5 / 65535 + 1e-7
    with Image.open(tmp_path / "out" / "masks" / "a.png") as mask:
        assert np.array_equal(np.asarray(mask) == 255, expected.mask)


def test_the_table_says_how_doubtful_each_image_is(limner, toy_model, images, tmp_path):
    result = limner("predict", toy_model, images, "--out", tmp_path / "out")
    for row in rows(tmp_path / "out"):
        expected = load(toy_model).predict(row["file"])
        assert float(row["needs_review"]) == pytest.approx(1 - soft_dice(expected.probs, expected.mask), abs=1e-4)
        assert row["flagged"] == ""  # this model has no rule by which it flags
    assert "review" not in result.stdout


def test_images_above_the_models_own_limit_are_flagged(limner, toy_model, images, tmp_path):
    limner("predict", toy_model, images, "--out", tmp_path / "first")
    doubtful = sorted(rows(tmp_path / "first"), key=lambda row: float(row["needs_review"]), reverse=True)
    limit = (float(doubtful[1]["needs_review"]) + float(doubtful[2]["needs_review"])) / 2
    model = shutil.copyfile(toy_model, tmp_path / "model.onnx")
    rule = ReviewRule(threshold=limit, share=0.1, origin="for the test")
    update_model(model, metadata=read_metadata(model).model_copy(update={"review": rule}))

    result = limner("predict", model, images, "--out", tmp_path / "out")
    assert {row["mask"] for row in rows(tmp_path / "out") if row["flagged"] == "yes"} == {row["mask"] for row in doubtful[:2]}
    assert {row["mask"] for row in rows(tmp_path / "out") if row["flagged"] == "no"} == {doubtful[2]["mask"]}
    told = f"review: 2 images are flagged in the table for a look; the most doubtful: {doubtful[0]['file']}"
    assert told in " ".join(result.stdout.split())

    again = limner("predict", model, images, "--out", tmp_path / "out", "--resume", "--json")
    assert json.loads(again.stdout)["flagged"] == [row["file"] for row in doubtful[:2]]


def test_files_folders_and_archives_together(limner, toy_model, images, tmp_path):
    archive = write_zip(tmp_path / "more.zip", {"z.png": image_bytes(5)})
    result = limner("predict", toy_model, images / "a.png", archive, images / "deep", images / "a.png", "--out", tmp_path / "out", "-q")
    assert result.exit_code == 0, result.output
    assert [row["mask"] for row in rows(tmp_path / "out")] == ["masks/a.png", "masks/z.png", "masks/b.jpg.png", "masks/c.png"]


def test_json_is_all_there_is_on_standard_output(limner, toy_model, images, tmp_path):
    result = limner("predict", toy_model, images, "--out", tmp_path / "out", "--json")
    summary = json.loads(result.stdout)
    assert (summary["images"], summary["written"], summary["skipped"], summary["failed"]) == (3, 3, 0, [])
    assert summary["table"] == str(tmp_path / "out" / "predictions.csv")


def test_unreadable_images_are_named_and_the_others_are_done(limner, toy_model, images, tmp_path):
    (images / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    result = limner("predict", toy_model, images, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stdout.startswith("3 images predicted ")
    assert str(images / "broken.jpg") in result.stderr
    assert "1 of 4 inputs could not be predicted" in result.stderr
    assert len(rows(tmp_path / "out")) == 3


@pytest.mark.parametrize("error", [DataError("the model cannot run on an image of 40 x 24 pixels"), MemoryError()])
def test_images_on_which_the_model_fails_are_named_and_the_others_are_done(limner, toy_model, images, tmp_path, monkeypatch, error):
    predict = Predictor.predict

    def failing(self, image):
        if image.shape[:2] == (40, 24):
            raise error
        return predict(self, image)

    monkeypatch.setattr(Predictor, "predict", failing)
    result = limner("predict", toy_model, images, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"failed: {images / 'deep' / 'b.jpg.png'}: " in result.stderr.replace("\n", "")
    assert "1 of 3 inputs could not be predicted" in result.stderr
    assert [row["mask"] for row in rows(tmp_path / "out")] == ["masks/a.png", "masks/deep/c.png"]


def test_an_output_that_cannot_be_written_ends_the_work(limner, toy_model, images, tmp_path, monkeypatch):
    def full(path, mask):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(outputs, "write_mask", full)
    result = limner("predict", toy_model, images, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "could not be predicted" not in result.stderr
    assert rows(tmp_path / "out") == []


@pytest.mark.parametrize("left", ["masks/deep/c.png", "overlays/a.jpg", "predictions.csv"])
def test_nothing_is_overwritten_or_even_begun(limner, toy_model, images, tmp_path, left):
    write_folder(tmp_path / "out", {left: b"precious"})
    result = limner("predict", toy_model, images, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"where: {tmp_path / 'out' / left}" in result.stderr
    assert written(tmp_path / "out") == [left]
    assert (tmp_path / "out" / left).read_bytes() == b"precious"


def test_overwrite_replaces(limner, toy_model, images, tmp_path):
    write_folder(tmp_path / "out", {"masks/a.png": b"old", "predictions.csv": b"old"})
    assert limner("predict", toy_model, images, "--out", tmp_path / "out", "--overwrite").exit_code == 0
    assert (tmp_path / "out" / "masks" / "a.png").read_bytes() != b"old"
    assert len(rows(tmp_path / "out")) == 3


def test_not_even_overwrite_replaces_the_images_themselves(limner, toy_model, images, tmp_path):
    before = (images / "a.png").read_bytes()
    (images.parent / "masks").symlink_to(images, target_is_directory=True)
    result = limner("predict", toy_model, images, "--out", images.parent, "--no-overlays", "--overwrite")
    assert result.exit_code == 1
    assert "would replace an image that is to be predicted" in result.stderr
    assert (images / "a.png").read_bytes() == before


def test_resume_does_only_what_is_missing(limner, toy_model, images, tmp_path):
    out = tmp_path / "out"
    limner("predict", toy_model, images, "--out", out)
    before = rows(out)
    (out / "masks" / "deep" / "c.png").unlink()
    kept = (out / "masks" / "a.png").stat().st_mtime_ns
    summary = json.loads(limner("predict", toy_model, images, "--out", out, "--resume", "--json").stdout)
    assert (summary["written"], summary["skipped"]) == (1, 2)
    assert (out / "masks" / "a.png").stat().st_mtime_ns == kept
    assert [row["mask"] for row in rows(out)] == [row["mask"] for row in before]


def test_resume_does_not_replace_the_mask_of_another_image(limner, toy_model, hospitals, tmp_path):
    out = tmp_path / "out"
    limner("predict", toy_model, hospitals / "hospital-a", "--out", out)
    before = contents(out)
    result = limner("predict", toy_model, hospitals / "hospital-b", "--out", out, "--resume")
    assert result.exit_code == 1
    assert str(out / "masks" / "x.png") in result.stderr.replace("\n", "")
    assert contents(out) == before


def test_resume_keeps_the_rows_of_other_images(limner, toy_model, hospitals, tmp_path):
    out = tmp_path / "out"
    limner("predict", toy_model, hospitals / "hospital-a" / "y.png", "--out", out)
    kept = rows(out)
    summary = json.loads(limner("predict", toy_model, hospitals / "hospital-b", "--out", out, "--resume", "--json").stdout)
    assert (summary["images"], summary["written"], summary["skipped"]) == (1, 1, 0)
    assert rows(out)[:-1] == kept
    assert rows(out)[-1]["file"] == str(hospitals / "hospital-b" / "x.png")


def test_resume_knows_an_image_by_its_place_however_it_is_written(limner, toy_model, hospitals, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    limner("predict", toy_model, "hospital-a", "--out", "out")
    before = contents(tmp_path / "out")
    result = limner("predict", toy_model, hospitals / "hospital-a", "--out", "out", "--resume", "--json")
    assert json.loads(result.stdout)["skipped"] == 2
    assert contents(tmp_path / "out") == before


def test_resume_does_not_replace_a_mask_that_no_table_knows(limner, toy_model, hospitals, tmp_path):
    out = tmp_path / "out"
    limner("predict", toy_model, hospitals / "hospital-a", "--out", out)
    (out / "predictions.csv").unlink()
    before = contents(out)
    result = limner("predict", toy_model, hospitals / "hospital-a", "--out", out, "--resume")
    assert result.exit_code == 1
    assert str(out / "masks" / "x.png") in result.stderr.replace("\n", "")
    assert contents(out) == before


@pytest.mark.parametrize(("encoding", "code"), [("utf-8-sig", 0), ("latin-1", 1)])
def test_resume_reads_what_a_spreadsheet_saved_or_says_what_is_wrong(limner, toy_model, hospitals, tmp_path, encoding, code):
    out, table = tmp_path / "out", tmp_path / "out" / "predictions.csv"
    (hospitals / "hospital-a" / "x.png").rename(hospitals / "hospital-a" / "ä.png")
    limner("predict", toy_model, hospitals / "hospital-a", "--out", out)
    table.write_bytes(table.read_text("utf-8").encode(encoding))
    masks = contents(out / "masks")
    result = limner("predict", toy_model, hospitals / "hospital-a", "--out", out, "--resume")
    assert result.exit_code == code
    assert ("it is not UTF-8 text" in result.stderr) == (code == 1)
    assert contents(out / "masks") == masks


def test_resume_does_not_mix_models(limner, toy_model, hospitals, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other.onnx"
    shutil.copyfile(toy_model, other)
    update_model(other, threshold=0.6)
    limner("predict", toy_model, hospitals / "hospital-a", "--out", out)
    (out / "masks" / "y.png").unlink()
    before = contents(out)
    result = limner("predict", other, hospitals / "hospital-a", "--out", out, "--resume")
    assert result.exit_code == 1
    assert "another model" in result.stderr
    assert contents(out) == before


def test_resume_goes_on_after_the_process_was_killed(limner, toy_model, images, tmp_path, monkeypatch):
    """Neither the end of the work nor the table's last save is reached, as with a power cut."""
    out, tables = tmp_path / "out", []
    write_mask = outputs.write_mask

    def noting(path, mask):
        tables.append((out / "predictions.csv").read_bytes())
        write_mask(path, mask)

    monkeypatch.setattr(outputs, "write_mask", noting)
    limner("predict", toy_model, images, "--out", out)
    (out / "predictions.csv").write_bytes(tables[-1])
    (out / "masks" / "deep" / "c.png").unlink()
    result = limner("predict", toy_model, images, "--out", out, "--resume", "--json")
    assert json.loads(result.stdout)["written"] == 3
    assert [row["width"] for row in rows(out)] == ["31", "24", "10"]


def test_ctrl_c_keeps_what_is_complete_and_says_how_to_go_on(limner, toy_model, images, tmp_path, monkeypatch):
    out = tmp_path / "out"
    limner("predict", toy_model, images / "deep", "--out", out)  # rows of an earlier call, not reached before the interrupt
    write_mask, done = outputs.write_mask, []

    def interrupted(path, mask):
        if done:
            raise KeyboardInterrupt
        write_mask(path, mask)
        done.append(path)

    monkeypatch.setattr(outputs, "write_mask", interrupted)
    (images / "deep" / "a.png").write_bytes(image_bytes(7))
    (images / "deep" / "b2.png").write_bytes(image_bytes(8))
    result = limner("predict", toy_model, images / "deep", "--out", out, "--resume")
    assert result.exit_code == 130
    assert "--resume" in result.stderr
    assert [row["mask"] for row in rows(out)] == ["masks/a.png", "masks/b.jpg.png", "masks/c.png"]


def test_an_input_that_is_not_there_stops_before_anything_is_written(limner, toy_model, images, tmp_path):
    result = limner("predict", toy_model, images, tmp_path / "nowhere", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert not (tmp_path / "out").exists()


def test_more_outputs_are_named_in_the_summary_and_in_the_json(limner, toy_model, images, tmp_path):
    wanted = ["--write", "geojson,labels", "--write", "coco, measurements", "--no-overlays", "--spacing", "0.5"]
    result = limner("predict", toy_model, images, "--out", tmp_path / "out", *wanted)
    assert result.exit_code == 0, result.output
    assert f"measurements: {tmp_path / 'out' / 'measurements.csv'}" in result.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("masks", "geojson", "labels"),
        *("coco.json", "measurements.csv", "predictions.csv"),
    }
    again = json.loads(limner("predict", toy_model, images, "--out", tmp_path / "out", *wanted, "--resume", "--json").stdout)
    assert (again["written"], again["skipped"], again["videos"], again["left_out"]) == (0, 3, [], [])
    assert set(again["outputs"]) == {"masks", "geojson", "labels", "coco", "measurements", "table"}
    assert again["outputs"]["coco"] == str(tmp_path / "out" / "coco.json")


def test_views_disagree(limner, toy_model, images, tmp_path):
    result = limner("predict", toy_model, images / "a.png", "--out", tmp_path / "out", "--views", "flips", "--write", "disagreement")
    assert result.exit_code == 0, result.output
    expected = load(toy_model, views=["flips"]).predict(images / "a.png").disagreement
    with Image.open(tmp_path / "out" / "disagreement" / "a.png") as stored:
        assert np.abs(np.asarray(stored) / 65535 - expected).max() <= 0.5 / 65535 + 1e-6
    assert expected.max() > 0


def test_another_model_is_averaged_with_the_first(limner, toy_model, images, tmp_path):
    other = shutil.copyfile(toy_model, tmp_path / "other.onnx")
    update_model(other, threshold=0.6)
    result = limner("predict", toy_model, images / "a.png", "--also", other, "--out", tmp_path / "out", "--no-overlays", "--threads", 1)
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "out" / "masks" / "a.png") as mask:
        assert np.array_equal(np.asarray(mask) == 255, load([toy_model, other]).predict(images / "a.png").mask)


def test_paths_and_patterns_from_standard_input(toy_model, images, tmp_path):
    lines = f"{images}/a.png\n\n{images}/deep/*.png\n"
    args = ["predict", str(toy_model), "-", "--out", str(tmp_path / "out"), "--no-overlays"]
    result = CliRunner().invoke(app, args, input=lines)
    assert result.exit_code == 0, result.output
    assert [row["mask"] for row in rows(tmp_path / "out")] == ["masks/a.png", "masks/b.jpg.png", "masks/c.png"]
    assert CliRunner().invoke(app, args, input="\n").exit_code == 2
    found = CliRunner().invoke(app, [*args, "--overwrite"], input=f"{images}/a.png\0{images}/deep/c.png\0".encode())
    assert found.exit_code == 0, found.output  # as of `find -print0`
    assert [row["mask"] for row in rows(tmp_path / "out")] == ["masks/a.png", "masks/c.png"]
    wrong = CliRunner().invoke(app, [*args, "--overwrite"], input=b"caf\xe9.png\n")
    assert wrong.exit_code == 1


def test_masks_beside_the_images_are_told_of_below_the_summary(limner, toy_model, data, tmp_path):
    result = limner("predict", toy_model, data, "--out", tmp_path / "out", "--no-overlays")
    assert result.exit_code == 0
    assert result.stdout.startswith("10 images predicted ")
    assert "WARNING" not in result.stderr
    assert "left out as masks" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--write", "maskz"], 1, "there is no output 'maskz'"),
        (["--write", "probs,,coco"], 2, "a comma stands where a word is missing"),
        (["--write", "disagreement"], 1, "cannot disagree with itself"),
        (["--table", "xlsx"], 2, "it is csv or parquet"),
        (["--tile-size", "64y64"], 2, "neither a number of pixels nor HEIGHTxWIDTH"),
        (["--spacing", "-1"], 1, "a positive number of µm"),
        (["--smooth", "inf"], 1, "a time constant is a number of seconds"),
        (["--seconds", "inf"], 1, "no length of a video"),
        (["--resume", "--overwrite"], 2, "give one of them"),
        (["--views", "shears"], 1, "shears"),
        (["--provider", "abacus"], 1, "abacus"),
    ],
)
def test_wrong_options_are_told_before_anything_is_written(limner, toy_model, images, tmp_path, options, code, message):
    result = limner("predict", toy_model, images, "--out", tmp_path / "out", *options)
    assert result.exit_code == code, result.output
    assert message in " ".join(result.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_a_video_from_the_command_line(limner, toy_model, tmp_path):
    write_film(tmp_path / "clip.mp4", [scene(index) for index in range(4)])
    result = limner("predict", toy_model, tmp_path / "clip.mp4", "--out", tmp_path / "out.mp4")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("4 frames predicted in ")
    assert "frames/s, file to file; the video itself has 25)" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.csv", "out.mp4"]
    refused = limner("predict", toy_model, tmp_path / "clip.mp4", "--out", tmp_path / "out.mp4")
    assert refused.exit_code == 1
    assert "already there" in refused.stderr
    summary = json.loads(limner("predict", toy_model, tmp_path / "clip.mp4", "--out", tmp_path / "out.mp4", "--resume", "--json").stdout)
    assert (summary["videos_skipped"], summary["skipped"], summary["videos"], summary["table"]) == (1, 0, [], None)


def test_the_options_stand_in_groups(limner):
    shown = limner("predict", "--help").stdout
    headings = ["Arguments:", "What is written:", "How it is predicted:", "Videos:", "Options:"]
    places = [shown.index(f"\n{heading}\n") for heading in headings]
    assert places == sorted(places)
    assert shown.index("--write") < shown.index("How it is predicted:") < shown.index("--provider")

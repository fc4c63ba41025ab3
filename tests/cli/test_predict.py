from __future__ import annotations

import csv
import json
import re

import numpy as np
import pytest
from PIL import Image
from tests.data.folders import image_bytes, write_folder, write_zip

from limner import batch
from limner.runtime import load


@pytest.fixture
def images(tmp_path):
    """Three images of different sizes, in two folders."""
    files = {"a.png": image_bytes(1, (20, 31)), "deep/b.jpg.png": image_bytes(2, (40, 24)), "deep/c.png": image_bytes(3)}
    return write_folder(tmp_path / "in", files)


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
    assert float(row["foreground_share"]) == pytest.approx(expected.foreground_share, abs=1e-6)
    assert float(row["mean_foreground_prob"]) == pytest.approx(expected.probs[expected.mask].mean(), abs=1e-4)
    assert float(row["max_prob"]) == pytest.approx(expected.probs.max(), abs=1e-4)
    assert re.fullmatch(r"\d+\.\d", row["milliseconds"])
    assert not (tmp_path / "out" / "overlays").exists()
    with Image.open(tmp_path / "out" / "probs" / "a.png") as probs:
        assert np.abs(np.asarray(probs) / 65535 - expected.probs).max() <= 0.5 / 65535 + 1e-7
    with Image.open(tmp_path / "out" / "masks" / "a.png") as mask:
        assert np.array_equal(np.asarray(mask) == 255, expected.mask)


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
    assert "1 of 4 images could not be predicted" in result.stderr
    assert len(rows(tmp_path / "out")) == 3


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


def test_ctrl_c_keeps_what_is_complete_and_says_how_to_go_on(limner, toy_model, images, tmp_path, monkeypatch):
    out = tmp_path / "out"
    limner("predict", toy_model, images / "deep", "--out", out)  # rows of an earlier call, not reached before the interrupt
    write_mask, done = batch.write_mask, []

    def interrupted(path, mask):
        if done:
            raise KeyboardInterrupt
        write_mask(path, mask)
        done.append(path)

    monkeypatch.setattr(batch, "write_mask", interrupted)
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

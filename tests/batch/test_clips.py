"""Several videos on one command line: where they go, and what becomes of one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.batch.stub import Stub, painted, ring
from tests.data.folders import write_folder

from limner.batch import Wanted, clips, plan, predict_plan
from limner.batch.video import VideoResult
from limner.errors import DataError, LimnerWarning, OutputExistsError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two files that claim to be videos; `predict_video` is replaced by one that writes its options."""

    def predict_video(predictor, source, out, **options):
        options.pop("progress")
        if Path(source).read_bytes() == b"broken":
            raise DataError("the video cannot be read", where=source)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(f"{Path(source).name} {options}")
        out.with_suffix(".csv").write_text("frame\n")
        return VideoResult(3, 1.0, 3.0, out, out.with_suffix(".csv"), (8, 8), 25.0, 1.0, 0, interrupted=False)

    monkeypatch.setattr(clips, "predict_video", predict_video)
    return write_folder(tmp_path, {"a.mp4": b"a", "b.avi": b"b", "image.png": painted(ring())})


def predict(folder, *names, out="out", **wanted):
    return predict_plan(Stub(), plan([folder / name for name in names]), folder / out, Wanted.of((), **wanted), progress=False)


def test_one_video_goes_to_the_file_that_is_named(folder):
    found = predict(folder, "a.mp4", out="new/outlined.mp4", smooth=0.5, seconds=2.0)
    assert (folder / "new" / "outlined.mp4").read_text() == "a.mp4 {'smooth': 0.5, 'seconds': 2.0, 'overwrite': False}"
    assert [video.out for video in found.videos] == [folder / "new" / "outlined.mp4"]
    assert sorted(path.name for path in (folder / "new").iterdir()) == ["outlined.csv", "outlined.mp4"]
    assert (found.n, found.images, found.outputs) == (1, 0, {})


def test_several_videos_and_images_go_into_a_folder(folder):
    found = predict(folder, "a.mp4", "image.png", "b.avi")
    written = sorted(path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*") if path.is_file())
    videos = ["videos/a.csv", "videos/a.mp4", "videos/b.csv", "videos/b.mp4"]
    assert written == ["masks/image.png", "overlays/image.jpg", "predictions.csv", *videos]
    assert (found.n, found.images, found.written, len(found.videos), len(found.rows)) == (3, 1, 1, 2, 1)


@pytest.mark.parametrize("names", [("a.mp4", "b.avi"), ("image.png",), ("a.mp4", "image.png")])
def test_a_video_cannot_hold_anything_else(folder, names):
    with pytest.raises(DataError, match="the output is called like a video, but the inputs are"):
        predict(folder, *names, out="new.mp4")
    assert not (folder / "new.mp4").exists()


@pytest.mark.parametrize("left", ["videos/a.mp4", "videos/a.csv"])
def test_nothing_is_overwritten_or_begun(folder, left):
    write_folder(folder / "out", {left: b"precious"})
    with pytest.raises(OutputExistsError, match="already there") as caught:
        predict(folder, "image.png", "a.mp4")
    assert caught.value.where == str(folder / "out" / left)
    assert not (folder / "out" / "masks").exists()
    predict(folder, "a.mp4", overwrite=True)
    assert (folder / "out" / left).read_bytes() != b"precious"


def test_resuming_skips_what_is_there(folder):
    predict(folder, "a.mp4")
    (folder / "out" / "videos" / "a.mp4").write_bytes(b"kept")
    found = predict(folder, "a.mp4", "b.avi", resume=True)
    assert (found.videos_skipped, len(found.videos), found.n, found.images) == (1, 1, 2, 0)
    assert (folder / "out" / "videos" / "a.mp4").read_bytes() == b"kept"


def test_resuming_does_not_take_a_video_of_others_for_its_own(folder):
    write_folder(folder, {"holiday.mp4": b"precious"})
    with pytest.raises(OutputExistsError, match="none that was predicted"):
        predict(folder, "a.mp4", out="holiday.mp4", resume=True)
    assert (folder / "holiday.mp4").read_bytes() == b"precious"


def test_what_cannot_be_had_of_videos_is_told(folder):
    with pytest.warns(LimnerWarning, match="of videos a copy with outlines .* not geojson"):
        predict_plan(Stub(), plan([folder / "a.mp4"]), folder / "out", Wanted.of(["geojson"]), progress=False)


def test_a_video_that_fails_does_not_stop_the_others(folder):
    (folder / "a.mp4").write_bytes(b"broken")
    found = predict(folder, "a.mp4", "b.avi")
    assert [(failure.file, failure.reason) for failure in found.failures] == [(str(folder / "a.mp4"), "the video cannot be read")]
    assert len(found.videos) == 1


def test_the_only_video_that_fails_is_the_error(folder):
    (folder / "a.mp4").write_bytes(b"broken")
    with pytest.raises(DataError, match="the video cannot be read"):
        predict(folder, "a.mp4")

"""From what a user names to a plan."""

from __future__ import annotations

import os
import warnings
from pathlib import PosixPath

import pytest
from tests.data.folders import image_bytes, write_folder, write_zip

from limner.batch import Clip, plan
from limner.errors import DataError, LimnerWarning

IMAGE = image_bytes(1)


def names(*inputs):
    return [job.name for job in plan(inputs).images]


def test_two_folders_of_one_name_can_be_given_if_their_images_differ(tmp_path):
    write_folder(tmp_path, {"x/images/a.png": image_bytes(1), "y/images/b.png": image_bytes(2)})
    assert names(tmp_path / "x" / "images", tmp_path / "y" / "images") == ["a", "b"]


def test_an_input_given_twice_is_taken_once(tmp_path):
    write_folder(tmp_path, {"a.png": image_bytes(1)})
    assert len(names(tmp_path, f"{tmp_path}/.", tmp_path.parent / "." / tmp_path.name)) == 1


@pytest.mark.parametrize("packed", [False, True])
def test_masks_beside_their_images_are_left_out_and_told_of_without_alarm(tmp_path, packed):
    files = {"images/a.png": image_bytes(1), "masks/a.png": image_bytes(2)}
    place = write_zip(tmp_path / "data.zip", files) if packed else write_folder(tmp_path / "data", files)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = plan([place])
    assert [job.name for job in found.images] == ["images/a"]
    assert len(found.left_out) == 1
    assert str(place) in found.left_out[0]
    assert "1 file left out as masks" in found.left_out[0]


def test_a_pattern_keeps_the_folders_below_its_fixed_part(tmp_path):
    write_folder(tmp_path, dict.fromkeys(["scans/one/a.png", "scans/two/a.png", "scans/two/b.jpg", "scans/two/notes.txt"], IMAGE))
    assert names(f"{tmp_path}/scans/**/*.png") == ["one/a", "two/a"]
    assert names(f"{tmp_path}/scans/two/*") == ["a", "b"]
    assert names(f"{tmp_path}/scans/t?o/[ab].*") == ["two/a", "two/b"]
    assert names(f"{tmp_path}/scans/*") == names(tmp_path / "scans" / "one", tmp_path / "scans" / "two")  # folders alone match
    assert sorted(names(f"{tmp_path}/scans/**")) == ["one/a", "two/a", "two/b"]


def test_a_pattern_and_a_file_that_it_matches_are_one(tmp_path):
    write_folder(tmp_path, dict.fromkeys(["a.png", "b.png"], IMAGE))
    assert names(tmp_path / "b.png", f"{tmp_path}/*.png") == ["b", "a"]


def test_a_file_whose_name_looks_like_a_pattern_is_taken_as_it_is(tmp_path):
    write_folder(tmp_path, dict.fromkeys(["a[1].png", "a1.png"], IMAGE))
    assert names(tmp_path / "a[1].png") == ["a[1]"]


def test_a_pattern_without_a_match_is_an_error(tmp_path):
    write_folder(tmp_path, {"notes.txt": b""})
    with pytest.raises(DataError, match=r"^no file matches the pattern") as caught:
        plan([f"{tmp_path}/*.png"])
    assert caught.value.where == f"{tmp_path}/*.png"
    with pytest.raises(DataError, match="no file of a kind that is read"):
        plan([f"{tmp_path}/*"])


def test_archives_among_the_matches_are_opened(tmp_path):
    write_zip(tmp_path / "one.zip", {"a.png": IMAGE})
    write_folder(tmp_path, {"b.png": IMAGE})
    assert sorted(names(f"{tmp_path}/*")) == ["a", "b"]


def test_videos_cameras_and_streams_are_clips(tmp_path):
    write_folder(tmp_path, dict.fromkeys(["x/clip.mp4", "y/clip.mp4", "a.png"], IMAGE))
    inputs = [
        tmp_path / "x" / "clip.mp4",
        tmp_path / "a.png",
        tmp_path / "y" / "clip.mp4",
        "webcam:1",
        "rtsp://scope.local/live?x=1",
        "webcam:1",
    ]
    found = plan(inputs)
    assert [job.name for job in found.images] == ["a"]
    assert found.clips == (
        Clip(str(tmp_path / "x" / "clip.mp4"), "x/clip"),
        Clip(str(tmp_path / "y" / "clip.mp4"), "y/clip"),
        Clip("webcam:1", "webcam-1"),
        Clip("rtsp://scope.local/live?x=1", "rtsp-scope-local-live-x-1"),
    )


@pytest.mark.parametrize("pictures", [[], ["c.png"]])
def test_videos_in_a_folder_are_found_too(tmp_path, pictures):
    write_folder(tmp_path, dict.fromkeys(["a.mp4", "deep/b.mp4", *pictures], IMAGE))
    for inputs in ([tmp_path], [tmp_path / "a.mp4", tmp_path]):
        found = plan(inputs)
        assert [clip.name for clip in found.clips] == ["a", "b"]
        assert [job.name for job in found.images] == [name[:-4] for name in pictures]
    assert len(plan([f"{tmp_path}/*.mp4"]).clips) == 1


def test_streams_of_one_place_are_told_apart(tmp_path):
    found = plan(["rtsp://10.0.0.5/live", "rtsp://10.0.0.6/live"])
    assert [clip.name for clip in found.clips] == ["rtsp-10-0-0-5-live", "rtsp-10-0-0-6-live"]


def test_a_file_within_a_folder_that_is_given_too_is_taken_once(tmp_path):
    write_folder(tmp_path, {"a.png": image_bytes(1), "b.png": image_bytes(2)})
    assert names(tmp_path, tmp_path / "a.png") == ["a", "b"]
    assert names(tmp_path / "b.png", tmp_path) == ["b", "a"]


def test_a_folder_right_below_the_root_gives_no_absolute_name(tmp_path, monkeypatch):
    write_folder(tmp_path, dict.fromkeys(["a.png", "a.jpg"], IMAGE))
    monkeypatch.setattr("limner.batch.inputs.Path.resolve", lambda path: PosixPath("/") / path.name if path.suffix else PosixPath("/"))
    found = names(tmp_path / "a.png", tmp_path / "a.jpg")
    assert found == ["a.png", "a.jpg"]


def test_a_name_that_begins_with_a_tilde(tmp_path, monkeypatch):
    write_folder(tmp_path, {"~nobody.png": IMAGE})
    monkeypatch.chdir(tmp_path)
    assert names("~nobody.png") == ["~nobody"]


def test_a_name_that_is_no_text_is_an_error(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.png")).write_bytes(IMAGE)
    with pytest.raises(DataError, match=r"the file's name is not UTF-8: b'.*caf\\xe9.png'"):
        plan([tmp_path])


def test_a_pattern_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(DataError, match="pattern") as caught:
        plan([f"{tmp_path}/**b/*.png"])
    assert caught.value.fix


@pytest.mark.parametrize("place", ["nowhere", "nowhere.mp4", "nowhere.png"])
def test_what_is_not_there_is_an_error(tmp_path, place):
    with pytest.raises(DataError, match="no such"):
        plan([tmp_path / place])


def test_slides_are_told_from_pictures(tmp_path):
    write_folder(tmp_path, dict.fromkeys(["in/a.png", "in/b.svs"], IMAGE))
    found = plan([tmp_path / "in"])
    assert [(job.name, job.kind) for job in found.images] == [("a", "image"), ("b", "slide")]
    assert [job.kind for job in plan([tmp_path / "in" / "b.svs"]).images] == ["slide"]


def test_a_folder_of_slides_alone(tmp_path):
    write_folder(tmp_path, {"in/deep/b.ndpi": IMAGE})
    assert names(tmp_path / "in") == ["deep/b"]


def test_what_cannot_be_told_apart_is_warned_of(tmp_path, monkeypatch):
    from limner.batch import inputs
    from limner.data.problems import Problem

    opened = inputs.open_source

    def doubtful(place, *, masks):
        from dataclasses import replace

        return replace(opened(place, masks=masks), problems=(Problem("collision", ("a",), "a: two of them"),))

    monkeypatch.setattr(inputs, "open_source", doubtful)
    write_folder(tmp_path, {"a.png": IMAGE})
    with pytest.warns(LimnerWarning, match="1 problem in .*: a: two of them"):
        plan([tmp_path])

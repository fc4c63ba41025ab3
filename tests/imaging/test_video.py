"""Reading and writing moving pictures: nothing is lost, moved or mirrored, and what is broken is named."""

from __future__ import annotations

import gc
import shutil
import socket
import sys
import wave
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pytest
from tests.imaging.films import STEP, TICK, noise, read_film, scene, write_film

from limner.errors import DataError, MissingExtraError
from limner.imaging import video as reading
from limner.imaging.video import is_live, is_video, open_video
from limner.imaging.video_write import write_video

if TYPE_CHECKING:
    from pathlib import Path

    from limner.imaging.video import Frame
    from limner.types import ImageArray

FPS = Fraction(25)


def frames_of(path: Path) -> list[Frame]:
    with open_video(path) as video:
        return list(video.frames)


def distance(image: ImageArray, other: ImageArray) -> float:
    return float(np.abs(image.astype(float) - other).mean())


def write(path: Path, images: list[ImageArray], times: list[Fraction] | None = None) -> None:
    with write_video(path, fps=FPS, time_base=TICK) as writer:
        for index, image in enumerate(images):
            writer.add(image, times[index] if times else index / FPS)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("clip.mp4", True),
        ("a b/CLIP.MOV", True),
        ("webcam", True),
        ("webcam:12", True),
        ("webcam:x", False),
        ("rtsp://scope/live", True),
        ("http://host/any", True),
        ("https://host/any", True),
        ("frame.png", False),
        ("slide.tif", False),
        ("polyps.zip", False),
        ("mp4", False),
        ("s3://bucket/clip", False),
    ],
)
def test_what_is_a_video(place: str, expected: bool) -> None:
    assert is_video(place) is expected


def test_only_cameras_and_streams_are_live() -> None:
    assert [is_live(place) for place in ("webcam:1", "rtsp://scope/live", "clip.mp4")] == [True, True, False]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
def test_frames_and_times_survive_writing_and_reading(suffix: str, tmp_path: Path) -> None:
    images = [scene(index) for index in range(12)]
    write(tmp_path / f"a{suffix}", images)
    frames = frames_of(tmp_path / f"a{suffix}")
    assert [frame.time for frame in frames] == [index / FPS for index in range(12)]
    assert [frame.index for frame in frames] == list(range(12))
    assert max(distance(frame.image, image) for frame, image in zip(frames, images, strict=True)) < 4


def test_another_reader_sees_the_same_film(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [scene(index) for index in range(5)])
    images, times = read_film(tmp_path / "a.mp4")
    assert times == [index / FPS for index in range(5)]
    assert max(distance(image, scene(index)) for index, image in enumerate(images)) < 4


def test_a_variable_rate_is_kept_to_the_tick(tmp_path: Path) -> None:
    ticks = [700, 700 + STEP, 1900, 9000, 9001, 30000]
    film = write_film(tmp_path / "a.mp4", [scene(index) for index in range(6)], ticks=ticks)
    frames = frames_of(film)
    assert [frame.time for frame in frames] == [(tick - ticks[0]) * TICK for tick in ticks]
    write(tmp_path / "b.mp4", [frame.image for frame in frames], [frame.time for frame in frames])
    assert [frame.time for frame in frames_of(tmp_path / "b.mp4")] == [frame.time for frame in frames]


def test_matroska_keeps_milliseconds(tmp_path: Path) -> None:
    times = [Fraction(number, 90_000) for number in (0, 3003, 9999)]
    write(tmp_path / "a.mkv", [scene(index) for index in range(3)], times)
    assert [round(1000 * frame.time) for frame in frames_of(tmp_path / "a.mkv")] == [round(1000 * time) for time in times]


def test_times_that_are_missing_or_stand_still_follow_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_to_rgb", lambda frame, _matrix: frame)
    ticks = [None, None, 100, 100, 90, 200]
    decoded = [SimpleNamespace(pts=tick, time_base=Fraction(1, 100)) for tick in ticks]
    times = [frame.time for frame in reading._timed(iter(decoded), Fraction(10))]  # type: ignore[arg-type]  # only pts and time base matter
    assert times == [Fraction(tenths, 10) for tenths in (0, 1, 2, 3, 4, 10)]


@pytest.mark.parametrize("size", [(47, 63), (48, 63), (47, 64)])
def test_an_odd_side_grows_by_a_repeated_pixel(size: tuple[int, int], tmp_path: Path) -> None:
    image = scene(0, size)
    write(tmp_path / "a.mp4", [image] * 3)
    shown = frames_of(tmp_path / "a.mp4")[1].image
    assert shown.shape == (48, 64, 3)
    assert distance(shown[: size[0], : size[1]], image) < 7  # colours are kept for pairs of pixels, and the quarters' border is odd
    assert distance(shown[-1], shown[-2]) < 4
    assert distance(shown[:, -1], shown[:, -2]) < 4


def test_a_frame_of_another_size_is_fitted_to_the_first(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [scene(0), scene(1, (96, 128)), scene(2)])
    frames = frames_of(tmp_path / "a.mp4")
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    assert distance(frames[1].image, scene(1)) < 6


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_telephone_held_another_way_gives_an_upright_picture(degrees: int, tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [scene(0)] * 3, prepare=lambda stream: stream.set_display_rotation(degrees))
    with open_video(film) as video:
        image = next(video.frames).image
    assert video.size == image.shape[:2] == np.rot90(scene(0), degrees // 90).shape[:2]
    assert distance(image, np.rot90(scene(0), degrees // 90)) < 4


def test_a_mirrored_picture_is_mirrored_back(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [scene(0)] * 3, prepare=lambda stream: stream.set_display_rotation(0, hflip=True))
    assert distance(frames_of(film)[0].image, np.fliplr(scene(0))) < 4


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    def wide(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    def on_its_side(stream: av.VideoStream) -> None:
        wide(stream)
        stream.set_display_rotation(90)

    with open_video(write_film(tmp_path / "a.mp4", [scene(0)] * 2, prepare=wide)) as video:
        assert video.aspect == Fraction(16, 11)
        with write_video(tmp_path / "b.mp4", fps=video.fps, aspect=video.aspect) as writer:
            writer.add(scene(0), Fraction(0))
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
    with open_video(write_film(tmp_path / "c.mp4", [scene(0)] * 2, prepare=on_its_side)) as video:
        assert video.aspect == Fraction(11, 16)


@pytest.mark.parametrize(("size", "standard"), [((64, 1280), "ITU709"), ((48, 64), "ITU601")])
@pytest.mark.parametrize("told", [True, False])
def test_colours_follow_the_standard_that_players_assume(told: bool, size: tuple[int, int], standard: str, tmp_path: Path) -> None:
    def tell(stream: av.VideoStream) -> None:
        if told:
            stream.codec_context.colorspace = 1 if standard == "ITU709" else 6

    film = write_film(tmp_path / "a.mp4", [scene(0, size)] * 2, prepare=tell, colours={"dst_colorspace": standard})
    assert distance(frames_of(film)[0].image, scene(0, size)) < 3


@pytest.mark.parametrize(("size", "number"), [((64, 1280), 1), ((48, 64), 6)])
def test_a_written_film_plays_everywhere(size: tuple[int, int], number: int, tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", [scene(index, size) for index in range(3)])
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 25)
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (number, 1)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # a browser shows it while it loads
    assert distance(frames_of(tmp_path / "a.mp4")[0].image, scene(0, size)) < 4


@pytest.mark.parametrize("name", ["x:1.mp4", "http:x.mp4", "p%03d.mp4", "-o.mp4", "ünï çode.mp4"])
def test_any_name_of_a_file_is_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name, [scene(0)] * 2)
    with open_video(name) as video:
        assert len(list(video.frames)) == 2


def test_the_facts_of_a_file(tmp_path: Path) -> None:
    with open_video(write_film(tmp_path / "a.mp4", [scene(index) for index in range(8)])) as video:
        assert (video.size, video.fps, video.expected, video.live) == ((48, 64), 25, 8, False)
        assert video.duration == 8 / 25


def test_a_rate_that_nobody_means_is_not_believed() -> None:
    rates = [(Fraction(30_000, 1001), 1000), (None, Fraction(30)), (None, Fraction(1000)), (None, None)]
    streams: list[Any] = [SimpleNamespace(average_rate=average, guessed_rate=guessed) for average, guessed in rates]
    assert [reading._rate(stream) for stream in streams] == [Fraction(30_000, 1001), 30, 25, 25]


def test_frames_are_let_go_at_once(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [scene(index) for index in range(20)], prepare=lambda stream: stream.set_display_rotation(90))
    gc.collect()
    gc.disable()  # so that what is held in circles stays
    try:
        with open_video(film) as video:
            held = [sum(type(thing) is av.VideoFrame for thing in gc.get_objects()) for _ in video.frames]
    finally:
        gc.enable()
    assert len(held) == 20
    assert max(held[-5:]) <= held[5] <= 6


def test_a_file_that_was_cut_short_names_the_frame_where_it_ends(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [noise(index) for index in range(30)], faststart=True)
    data = film.read_bytes()
    film.write_bytes(data[: len(data) // 2])
    seen: list[Frame] = []
    with pytest.raises(DataError, match=r"frame \d+ ") as error, open_video(film) as video:
        seen.extend(video.frames)
    assert 5 < len(seen) < 25
    assert f"frame {len(seen)} " in error.value.what
    assert error.value.where == str(film)
    assert max(distance(frame.image, noise(frame.index)) for frame in seen) < 25


def test_a_damaged_frame_is_named(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mkv", [noise(index) for index in range(30)])
    data = bytearray(film.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    film.write_bytes(data)
    seen: list[Frame] = []
    with pytest.raises(DataError, match="damaged") as error, open_video(film) as video:
        seen.extend(video.frames)
    assert 5 < len(seen) < 25
    assert f"frame {len(seen)} " in error.value.what


@pytest.mark.parametrize(
    "content", [b"", b"no video at all " * 99, b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n"]
)
def test_a_file_that_is_no_video_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read") as error:
        open_video(tmp_path / "a.mp4")
    assert error.value.where == str(tmp_path / "a.mp4")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        open_video(tmp_path / "none.mp4")


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(800))
    shutil.move(tmp_path / "a.wav", tmp_path / "a.mkv")
    with pytest.raises(DataError, match="no moving pictures"):
        open_video(tmp_path / "a.mkv")


def test_a_film_without_frames_is_refused(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", [noise(0)], faststart=True)
    film.write_bytes(film.read_bytes()[: film.read_bytes().index(b"mdat") + 4])
    with pytest.raises(DataError, match=r"not one frame|before frame 0"):
        open_video(film)


def test_a_stream_that_does_not_answer_is_given_up() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/live.ts"
        with pytest.raises(DataError, match="did not answer in time"):
            open_video(address, wait_s=0.05)
    with pytest.raises(DataError, match="Connection refused"):
        open_video(address)


def test_an_unknown_suffix_is_told_which_are_known(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error, write_video(tmp_path / "a.gif", fps=FPS):
        pass
    assert error.value.fix == "use one of .mp4, .mkv, .mov, .avi"


def test_on_an_error_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(TypeError), write_video(tmp_path / "a.mp4", fps=FPS) as writer:
        writer.add(scene(0), "now")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_without_the_extra_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match="'video'"):
        open_video(tmp_path / "a.mp4")
    with pytest.raises(MissingExtraError, match="'video'"), write_video(tmp_path / "a.mp4", fps=FPS):
        pass


class Camera:
    """What OpenCV gives for a camera that shows three frames."""

    def __init__(self, number: int) -> None:
        self.images = [cv2.cvtColor(scene(index), cv2.COLOR_RGB2BGR) for index in range(3)] if number == 1 else []
        self.released = False
        cameras.append(self)

    def read(self) -> tuple[bool, ImageArray | None]:
        return (True, self.images.pop(0)) if self.images else (False, None)

    def get(self, _key: int) -> float:
        return 15.0

    def set(self, _key: int, _value: float) -> bool:
        return False

    def release(self) -> None:
        self.released = True


cameras: list[Camera] = []


def test_a_camera_is_read_until_it_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    seen: list[Frame] = []
    with open_video("webcam:1") as video:
        assert (video.size, video.fps, video.live, video.expected) == ((48, 64), 15, True, None)
        with pytest.raises(DataError, match="no frame 3") as error:
            seen.extend(video.frames)
    assert error.value.where == "webcam:1"
    assert all(np.array_equal(frame.image, scene(frame.index)) for frame in seen)
    assert seen[0].time == 0 < seen[1].time < seen[2].time
    assert cameras[-1].released


def test_a_camera_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    with pytest.raises(DataError, match="cannot be used"):
        open_video("webcam")
    assert cameras[-1].released


def test_opencv_itself_has_no_hundredth_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="cannot be used"):
        open_video("webcam:99")
    assert capfd.readouterr().err == ""

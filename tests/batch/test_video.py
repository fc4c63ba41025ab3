"""Prediction over a video: every frame once, at its time, with bounded memory, and nothing lost when it is stopped."""

from __future__ import annotations

import csv
import shutil
import threading
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.imaging.films import STEP, noise, read_film, scene, write_film

from limner.batch import video as predicting
from limner.batch.video import COLUMNS, predict_video
from limner.errors import DataError, LimnerError, LimnerWarning, OutputExistsError
from limner.imaging.video import Frame, Video, open_video
from limner.metrics.review import review_score
from limner.runtime.format import ModelMetadata, ReviewRule
from limner.runtime.postprocess import PostProcess, apply
from limner.types import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from limner.types import ImageArray, ProbArray

THRESHOLD = 0.5
RULE = ReviewRule(threshold=0.2, share=0.1, origin="chosen for the tests")


class Brightness:
    """Takes the brightness of the red channel for the probability; stands where a `Predictor` does."""

    threshold = THRESHOLD
    has_probs = True
    postprocess: PostProcess | None = None

    def __init__(self, watch: Callable[[int], None] = lambda _index: None, review: ReviewRule | None = RULE) -> None:
        self.calls = count()
        self.watch = watch
        self.metadata = ModelMetadata(
            name="brightness", task="polyp", input_size=(48, 64), threshold=THRESHOLD, created="2026-01-01T00:00:00+00:00", review=review
        )

    def predict(self, image: ImageArray) -> Prediction:
        self.watch(next(self.calls))
        return self.decide(red(image))

    def decide(self, probs: ProbArray, disagreement: ProbArray | None = None) -> Prediction:
        found = Prediction(probs, probs >= np.float32(THRESHOLD), THRESHOLD, disagreement=disagreement)
        return found if self.postprocess is None else apply(found, self.postprocess, scale=1.0)


def red(image: ImageArray) -> ProbArray:
    return image[..., 0].astype(np.float32) / np.float32(255)


def run(source: str | Path, out: Path, predictor: Brightness | None = None, **options: Any) -> predicting.VideoResult:
    return predict_video(predictor or Brightness(), source, out, **options)  # type: ignore[arg-type]  # it stands where a Predictor does


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames at a variable rate, the first not at 0."""
    ticks = [700 + STEP * index + (300 if index % 3 == 1 else 0) for index in range(12)]
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", [scene(2 * index) for index in range(12)], ticks=ticks)


@pytest.fixture
def frames(film: Path) -> list[Frame]:
    with open_video(film) as video:
        return list(video.frames)


def a_stream(monkeypatch: pytest.MonkeyPatch, frames: Iterator[Frame], *, live: bool = False) -> None:
    """Let every source be these frames."""
    quarter = Fraction(1, 4)
    fake = Video("a stream", (48, 64), Fraction(4), quarter, Fraction(1), None, None, live, frames, lambda: None)
    monkeypatch.setattr(predicting, "open_video", lambda _source: fake)


def images(pictures: Iterator[ImageArray] | list[ImageArray]) -> Iterator[Frame]:
    return (Frame(index, Fraction(index, 4), picture) for index, picture in enumerate(pictures))


def test_every_frame_is_written_once_at_its_time(film: Path, frames: list[Frame], tmp_path: Path) -> None:
    result = run(film, tmp_path / "new" / "out.mp4")
    drawn, times = read_film(result.out)
    assert times == [frame.time for frame in frames]
    assert (result.frames, result.size, result.interrupted) == (12, (48, 64), False)
    assert result.fps == result.frames / result.seconds
    with open_video(film) as video:
        assert result.source_fps == float(video.fps)
    # Where nothing was found the picture is the source's, and across the red quarter, which was, runs a green line.
    assert max(np.abs(image[30:, :20].astype(float) - frame.image[30:, :20]).mean() for image, frame in zip(drawn, frames, strict=True)) < 6
    line = drawn[0][0, 36:60].astype(float).mean(axis=0)
    assert line[1] > 150 > line[0]


def test_the_table_says_of_each_frame_what_was_found(film: Path, frames: list[Frame], tmp_path: Path) -> None:
    result = run(film, tmp_path / "out.mp4")
    rows = rows_of(result.table)
    assert result.table == tmp_path / "out.csv"
    assert tuple(rows[0]) == COLUMNS
    for row, frame in zip(rows, frames, strict=True):
        probs = red(frame.image)
        mask = probs >= np.float32(THRESHOLD)
        doubt = review_score(probs, mask)
        assert row == {
            "frame": str(frame.index),
            "seconds": f"{float(frame.time):.6f}",
            "foreground_share": f"{mask.mean():.6f}",
            "objects": "1",
            "mean_foreground_prob": f"{probs[mask].mean():.4f}",
            "max_prob": f"{probs.max():.4f}",
            "needs_review": f"{doubt:.4f}",
            "flagged": "yes" if doubt > RULE.threshold else "no",
            "milliseconds": row["milliseconds"],
        }
    assert result.flagged == sum(row["flagged"] == "yes" for row in rows) > 0
    assert result.milliseconds == pytest.approx(np.mean([float(row["milliseconds"]) for row in rows]), abs=0.06)


def test_a_frame_without_anything_has_an_empty_mean_and_no_rule_flags_it(tmp_path: Path) -> None:
    dark = write_film(tmp_path / "dark.mp4", [np.zeros((48, 64, 3), np.uint8)] * 2)
    (row, _) = rows_of(run(dark, tmp_path / "out.mp4", Brightness(review=None)).table)
    assert [row[name] for name in ("foreground_share", "objects", "mean_foreground_prob", "flagged")] == ["0.000000", "0", "", ""]


@pytest.mark.parametrize("constant", [0.03, 0.5])
def test_smoothing_is_a_moving_average_by_the_true_time(constant: float, film: Path, frames: list[Frame], tmp_path: Path) -> None:
    rows = rows_of(run(film, tmp_path / "out.mp4", smooth=constant).table)
    mean, before = red(frames[0].image).astype(np.float64), frames[0].time
    for row, frame in zip(rows, frames, strict=True):
        kept = np.exp(-float(frame.time - before) / constant)
        mean, before = kept * mean + (1 - kept) * red(frame.image), frame.time
        assert float(row["max_prob"]) == pytest.approx(mean.max(), abs=1e-4)
        assert float(row["foreground_share"]) == pytest.approx((mean >= THRESHOLD).mean(), abs=1e-3)
    assert rows != rows_of(run(film, tmp_path / "plain.mp4").table)


def test_smoothing_begins_anew_where_the_size_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bright, dark = np.full((48, 64, 3), 250, np.uint8), np.full((24, 32, 3), 20, np.uint8)
    a_stream(monkeypatch, images([bright, dark, dark]))
    shares = [row["max_prob"] for row in rows_of(run("a stream", tmp_path / "out.mp4", smooth=60).table)]
    assert shares == ["0.9804", "0.0784", "0.0784"]


def test_what_follows_the_threshold_follows_the_smoothed_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dot = np.zeros((48, 64, 3), np.uint8)
    dot[4:7, 4:7], dot[20:40, 20:40] = 255, 255
    for settings, objects in ((None, "2"), (PostProcess(min_area=30), "1")):
        monkeypatch.setattr(Brightness, "postprocess", settings)
        a_stream(monkeypatch, images([dot] * 3))
        rows = rows_of(run("a stream", tmp_path / f"{objects}.mp4", smooth=1.0).table)
        assert [row["objects"] for row in rows] == [objects] * 3


def test_only_a_few_frames_are_held_however_long_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made, looked, drawn, most = count(), 0, 0, [0, 0]
    draw = predicting.draw_outline

    def pictures() -> Iterator[ImageArray]:
        for _ in range(60):
            most[0] = max(most[0], next(made) + 1 - looked)
            yield np.zeros((48, 64, 3), np.uint8)

    def look(_index: int) -> None:
        nonlocal looked
        looked += 1
        most[1] = max(most[1], looked - drawn)

    def outline(image: ImageArray, *args: Any, **options: Any) -> ImageArray:
        nonlocal drawn
        drawn += 1
        return draw(image, *args, **options)

    monkeypatch.setattr(predicting, "draw_outline", outline)
    a_stream(monkeypatch, images(pictures()))
    assert run("a stream", tmp_path / "out.mp4", Brightness(look)).frames == 60
    assert max(most) <= predicting._DEPTH + 2


def test_decoding_inference_and_encoding_overlap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The network waits in its third frame for the fourth to be decoded, and for the first to be drawn: one after the other would hang."""
    decoded, drawn = threading.Event(), threading.Event()
    draw = predicting.draw_outline

    def pictures() -> Iterator[ImageArray]:
        for index in range(6):
            if index == 3:
                decoded.set()
            yield np.zeros((48, 64, 3), np.uint8)

    def look(index: int) -> None:
        assert index != 2 or (decoded.wait(30) and drawn.wait(30))

    def outline(*args: Any, **options: Any) -> ImageArray:
        drawn.set()
        return draw(*args, **options)

    monkeypatch.setattr(predicting, "draw_outline", outline)
    a_stream(monkeypatch, images(pictures()))
    assert run("a stream", tmp_path / "out.mp4", Brightness(look)).frames == 6


def interrupt_at(number: int) -> Callable[[int], None]:
    def watch(index: int) -> None:
        if index == number:
            raise KeyboardInterrupt

    return watch


def test_ctrl_c_leaves_a_film_that_plays_and_its_table(film: Path, frames: list[Frame], tmp_path: Path) -> None:
    with pytest.warns(LimnerWarning, match=r"the \d frames so far are in .*out\.partial\.mp4"), pytest.raises(KeyboardInterrupt):
        run(film, tmp_path / "out.mp4", Brightness(interrupt_at(7)))
    drawn, times = read_film(tmp_path / "out.partial.mp4")
    assert 7 - predicting._DEPTH <= len(drawn) <= 7
    assert times == [frame.time for frame in frames[: len(drawn)]]
    assert len(rows_of(tmp_path / "out.partial.csv")) == len(drawn)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.partial.csv", "out.partial.mp4"]
    run(film, tmp_path / "out.mp4")  # what is complete takes the place of what was not
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.mp4"]


def test_ctrl_c_before_the_first_frame_leaves_nothing(film: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(film, tmp_path / "out.mp4", Brightness(interrupt_at(0)))
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_how_a_camera_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    a_stream(monkeypatch, images(scene(index) for index in count()), live=True)
    result = run("webcam", tmp_path / "out.mp4", Brightness(interrupt_at(9)))
    assert result.interrupted
    assert 9 - predicting._DEPTH <= result.frames == len(read_film(result.out)[0]) <= 9


def test_a_damaged_frame_ends_it_and_what_came_before_is_kept(tmp_path: Path) -> None:
    source = write_film(tmp_path / "film.mp4", [noise(index) for index in range(30)], faststart=True)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(DataError, match=r"frame \d+ .*the (\d+) frames before it are in .*out\.partial\.mp4") as error:
        run(source, tmp_path / "out.mp4")
    drawn, _ = read_film(tmp_path / "out.partial.mp4")
    assert f"frame {len(drawn)} " in error.value.what
    assert f"the {len(drawn)} frames before it" in error.value.what
    assert len(rows_of(tmp_path / "out.partial.csv")) == len(drawn)


def test_a_model_that_fails_on_a_frame_says_so_itself(film: Path, tmp_path: Path) -> None:
    def fail(_index: int) -> None:
        raise DataError("the model cannot run")

    with pytest.raises(LimnerError, match="the model cannot run"):
        run(film, tmp_path / "out.mp4", Brightness(fail))
    assert not list(tmp_path.iterdir())


def test_a_bug_leaves_nothing_behind(film: Path, tmp_path: Path) -> None:
    def fail(index: int) -> None:
        if index == 5:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(film, tmp_path / "out.mp4", Brightness(fail))
    assert not list(tmp_path.iterdir())


def test_a_file_that_has_lost_its_end_is_told(tmp_path: Path) -> None:
    source = write_film(tmp_path / "film.mkv", [noise(index) for index in range(80)])
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 4])
    with pytest.warns(LimnerWarning, match=r"lost its end: it ends after \d\.\d of 3\.2 seconds"):
        result = run(source, tmp_path / "out.mp4")
    assert len(rows_of(result.table)) == result.frames < 40


def test_it_stops_after_so_many_seconds(film: Path, frames: list[Frame], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    result = run(film, tmp_path / "out.mp4", seconds=0.2, progress=lambda done, total: seen.append((done, total)))
    assert result.frames == sum(frame.time < 0.2 for frame in frames) < 12
    assert [done for done, _ in seen] == list(range(1, result.frames + 1))
    assert all(done <= total <= 12 for done, total in seen)
    assert run(film, tmp_path / "one.mp4", seconds=0).frames == 1


def test_progress_knows_the_length_of_a_file(film: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    run(film, tmp_path / "out.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 12) for done in range(1, 13)]


@pytest.mark.parametrize("there", ["out.mp4", "out.csv"])
def test_what_is_there_is_kept_unless_told_otherwise(there: str, film: Path, tmp_path: Path) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(OutputExistsError) as error:
        run(film, tmp_path / "out.mp4")
    assert error.value.where == str(tmp_path / there)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    assert len(rows_of(run(film, tmp_path / "out.mp4", overwrite=True).table)) == 12


def test_the_video_itself_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_film(tmp_path / "film.mp4", [scene(0)] * 2)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputExistsError, match="the video itself"):
        run("film.mp4", tmp_path / "film.mp4", overwrite=True)
    with pytest.raises(OutputExistsError, match="the video itself"):
        run("film.mp4", tmp_path / "out.mp4", table=Path("film.mp4"), overwrite=True)


def test_an_unknown_suffix_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="suffix"):
        run(tmp_path / "none.mp4", tmp_path / "out.gif")


def test_an_odd_size_with_a_turn_goes_through(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [scene(0, (46, 64))] * 4, prepare=lambda stream: stream.set_display_rotation(90))
    result = run(film, tmp_path / "out.avi")
    assert result.size == (64, 46)
    assert {image.shape for image in read_film(result.out)[0]} == {(64, 46, 3)}


def test_a_video_that_is_called_like_an_unfinished_output_is_not_replaced(film: Path, tmp_path: Path) -> None:
    source = Path(shutil.copyfile(film, tmp_path / "x.partial.mp4"))
    with pytest.raises(OutputExistsError, match="would replace the video itself"):
        run(source, tmp_path / "x.mp4", overwrite=True)
    assert source.read_bytes() == film.read_bytes()

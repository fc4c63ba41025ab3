"""Video: how fast each stage is alone, all three in turn, and all three overlapped; and the memory of a short and of a long clip.

The clip is made of real images, walked through forwards and backwards, encoded once. In turn and overlapped are measured alternately, and
the best of each counts. How much there is to gain depends on what is idle: much where a GPU does the network's work, less where the
network alone keeps all cores busy.

    python benchmarks/video.py MODEL [--source CVC-ClinicDB.zip] [--frames 600] [--width 384 --height 288] [--threads 2]

Without a source the frames are phantoms. Memory is the peak of a process of its own, which loads the model and does nothing else (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from fractions import Fraction
from itertools import chain, cycle, islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import cv2

from limner.batch.video import predict_video
from limner.data.phantoms import write_phantoms
from limner.data.source import open_source
from limner.imaging import draw_outline
from limner.imaging.video import Frame, open_video
from limner.imaging.video_write import write_video
from limner.runtime import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.runtime import Predictor
    from limner.types import ImageArray

FPS = Fraction(25)
ALONE = 60  # frames of which each stage is timed alone
ROUNDS = 3


def pictures(source: str, size: tuple[int, int]) -> Iterator[ImageArray]:
    """The source's images in the order of their numbers, forwards and backwards for ever, at one size."""
    items = sorted(open_source(source).items, key=lambda item: [int(number) for number in re.findall(r"\d+", item.key)])[:200]
    images = [cv2.resize(item.load().image, size[::-1], interpolation=cv2.INTER_AREA) for item in items]
    return cycle(chain(images, reversed(images[1:-1])))


def make_clip(path: Path, images: Iterator[ImageArray], frames: int) -> Path:
    """A clip of so many frames."""
    with write_video(path, fps=FPS) as writer:
        for index, image in enumerate(islice(images, frames)):
            writer.add(image, index / FPS)
    return path


def alone(predictor: Predictor, clip: Path, folder: Path) -> dict[str, float]:
    """Frames per second of each stage when nothing else runs."""
    rates = {}
    start = perf_counter()
    with open_video(clip) as video:
        frames: list[Frame] = list(islice(video.frames, ALONE))
    rates["decode"] = len(frames) / (perf_counter() - start)
    predictor.predict(frames[0].image)
    start = perf_counter()
    masks = [predictor.predict(frame.image).mask for frame in frames]
    rates["network"] = len(frames) / (perf_counter() - start)
    start = perf_counter()
    with write_video(folder / "alone.mp4", fps=FPS) as writer:
        for frame, mask in zip(frames, masks, strict=True):
            writer.add(draw_outline(frame.image, mask), frame.time)
    rates["draw and encode"] = len(frames) / (perf_counter() - start)
    return rates


def in_turn(predictor: Predictor, clip: Path, out: Path) -> float:
    """Frames per second when each frame goes through all stages before the next begins."""
    start, frames = perf_counter(), 0
    with open_video(clip) as video, write_video(out, fps=video.fps, time_base=video.time_base) as writer:
        for frame in video.frames:
            writer.add(draw_outline(frame.image, predictor.predict(frame.image).mask), frame.time)
            frames += 1
    return frames / (perf_counter() - start)


def peak_mb(model: str, clip: Path, frames: int, options: argparse.Namespace) -> float:
    """Peak memory of a process that predicts the first frames of a clip, in MB."""
    seconds = str(float(frames / FPS))
    words = [sys.executable, __file__, model, "--only", str(clip), "--seconds", seconds, "--threads", str(options.threads)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ.copy()).stdout)


def only(model: str, clip: Path, seconds: float, threads: int) -> None:
    """Predict a clip and print the peak memory of this process, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        predict_video(load(model, threads=threads), clip, Path(folder) / "out.mp4", seconds=seconds)
    # Not getrusage: after fork and exec its peak begins at what the parent held.
    print(int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model file or run folder")
    parser.add_argument("--source", help="folder or archive of images and masks; phantoms if not given")
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--height", type=int, default=288)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        only(options.model, options.only, options.seconds, options.threads)
        return
    with tempfile.TemporaryDirectory() as name:
        folder, size = Path(name), (options.height, options.width)
        source = options.source or str(write_phantoms(folder / "phantoms", count=40, size=size))
        clip = make_clip(folder / "clip.mp4", pictures(source, size), options.frames)
        predictor = load(options.model, threads=options.threads)
        rates = alone(predictor, clip, folder)
        turns, wholes = [], []
        for _ in range(ROUNDS):
            turns.append(in_turn(predictor, clip, folder / "turn.mp4"))
            wholes.append(predict_video(predictor, clip, folder / "out.mp4", overwrite=True).fps)
        peaks = {frames: peak_mb(options.model, clip, frames, options) for frames in (options.frames // 4, options.frames)}
    turn, whole = max(turns), max(wholes)
    report = {
        "frames": options.frames,
        "size": f"{options.width}x{options.height}",
        "alone_fps": {name: round(rate, 1) for name, rate in rates.items()},
        "in_turn_fps": round(turn, 1),
        "overlapped_fps": round(whole, 1),
        "peak_mb": {str(frames): round(peak) for frames, peak in peaks.items()},
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    print(f"{options.frames} frames of {report['size']}, {options.threads} threads")
    for name, rate in rates.items():
        print(f"{name + ' alone':32s} {rate:8.1f} frames/s")
    print(f"{'all in turn':32s} {turn:8.1f} frames/s")
    print(f"{'all overlapped, file to file':32s} {whole:8.1f} frames/s   {whole / turn:5.2f} x")
    for frames, peak in peaks.items():
        print(f"{f'peak memory, {frames} frames':32s} {peak:8.0f} MB")


if __name__ == "__main__":
    main()

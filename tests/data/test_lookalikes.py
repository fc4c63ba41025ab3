"""Near-duplicates: copies are found whatever was done to them, frames are told from copies, and images of one kind are left apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from tests.data.folders import image_bytes, write_folder

from limner.data import open_source
from limner.data.lookalikes import find_lookalikes, look, look_at
from limner.data.phantoms import STYLES, phantom, write_phantoms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from limner.types import ImageArray


def jpeg(image: ImageArray, quality: int) -> ImageArray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def resized(image: ImageArray, height: int, width: int) -> ImageArray:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def cropped(image: ImageArray, share: float) -> ImageArray:
    rows, columns = (int(share * side) for side in image.shape[:2])
    return image[rows : image.shape[0] - rows, columns : image.shape[1] - columns]


def wobbled(image: ImageArray, pixels: float) -> ImageArray:
    """What another moment would show: near and far tissue have moved differently."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    period = 2 * np.pi * 1.5 / image.shape[0]
    return cv2.remap(
        image, x + pixels * np.sin(y * period), y + pixels * np.cos(x * period), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


COPIES: dict[str, Callable[[ImageArray], ImageArray]] = {
    "jpeg 50": lambda image: jpeg(image, 50),
    "jpeg 95": lambda image: jpeg(image, 95),
    "half the size": lambda image: resized(image, 96, 128),
    "twice the size": lambda image: resized(image, 384, 512),
    "other proportions": lambda image: resized(image, 200, 200),
    "darker": lambda image: (image * 0.75).astype(np.uint8),
    "gamma": lambda image: (255 * (image / 255) ** 0.8).astype(np.uint8),
    "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), 1.2),
    "2 % cropped": lambda image: cropped(image, 0.02),
    "4 % cropped": lambda image: cropped(image, 0.04),
    "a black border": lambda image: cv2.copyMakeBorder(image, 4, 4, 5, 5, cv2.BORDER_CONSTANT),
    "mirrored": lambda image: np.ascontiguousarray(image[:, ::-1]),
    "upside down and compressed": lambda image: jpeg(np.ascontiguousarray(image[::-1]), 70),
}


@pytest.fixture(scope="module")
def frames() -> list[ImageArray]:
    return [phantom("polyp", seed, (192, 256)).image for seed in range(6)]


@pytest.mark.parametrize("change", COPIES)
def test_a_changed_copy_is_found_and_nothing_else(frames: list[ImageArray], change: str) -> None:
    looks = {f"frame{number}": look(image) for number, image in enumerate(frames)}
    looks |= {f"other{number}": look(COPIES[change](frames[number])) for number in (1, 4)}
    found = find_lookalikes(looks)
    assert [(pair.first, pair.second, pair.kind) for pair in found] == [("frame1", "other1", "copy"), ("frame4", "other4", "copy")]
    assert all(0.9 < pair.score <= 1 for pair in found)


def test_the_same_pixels_are_identical_and_each_is_paired_with_the_first(frames: list[ImageArray]) -> None:
    looks = {"c": look(frames[0]), "a": look(frames[0].copy()), "b": look(frames[0]), "d": look(frames[1])}
    found = find_lookalikes(looks)
    assert [(pair.first, pair.second, pair.kind, pair.score) for pair in found] == [
        ("a", "b", "identical", 1.0),
        ("a", "c", "identical", 1.0),
    ]


def test_a_frame_of_another_moment_is_no_copy(frames: list[ImageArray]) -> None:
    kinds = {}
    for moved in (0.0, 2.0, 12.0):
        found = find_lookalikes({"a": look(frames[2]), "b": look(jpeg(wobbled(frames[2], moved), 95))})
        kinds[moved] = [pair.kind for pair in found]
    assert kinds == {0.0: ["copy"], 2.0: ["similar"], 12.0: []}


@pytest.mark.parametrize("style", STYLES)
def test_images_of_one_kind_are_not_alike(style: str) -> None:
    looks = {str(seed): look(phantom(style, seed, (128, 128)).image) for seed in range(40)}
    assert find_lookalikes(looks) == []


def test_images_without_structure_match_only_where_they_are_identical() -> None:
    rng = np.random.default_rng(0)
    flat = {f"flat{level}": np.full((90, 120, 3), level, np.uint8) for level in range(0, 250, 25)}
    noisy = {f"noisy{n}": np.clip(rng.normal(128, 3, (90, 120, 3)), 0, 255).astype(np.uint8) for n in range(10)}
    ramps = {f"ramp{n}": np.tile(np.linspace(100, 101 + n, 120).astype(np.uint8)[None, :, None], (90, 1, 3)) for n in range(2)}
    twin = {"twin": flat["flat50"].copy()}
    found = find_lookalikes({key: look(image) for key, image in (flat | noisy | ramps | twin).items()})
    assert [(pair.first, pair.second, pair.kind) for pair in found] == [("flat50", "twin", "identical")]


def test_few_images_have_no_lookalikes(frames: list[ImageArray]) -> None:
    assert find_lookalikes({}) == []
    assert find_lookalikes({"a": look(frames[0])}) == []


def test_a_source_is_looked_at_in_order_without_what_cannot_be_read(tmp_path: Path) -> None:
    files = {f"images/{key}.png": image_bytes(seed, (40, 50)) for seed, key in enumerate("abc")}
    files["images/b.png"] = files["images/b.png"][:60]
    ticks: list[tuple[int, int]] = []
    looks = look_at(open_source(write_folder(tmp_path, files), masks=False), progress=lambda done, total: ticks.append((done, total)))
    assert list(looks) == ["a", "c"]
    assert looks["a"].size == (40, 50)
    assert ticks == [(1, 3), (2, 3), (3, 3)]


def test_a_folder_of_phantoms_with_a_copy(tmp_path: Path) -> None:
    folder = write_phantoms(tmp_path / "a", "polyp", count=8, size=(96, 96))
    source = open_source(folder, masks=False)
    copy = folder / "images" / "zz.jpg"
    cv2.imwrite(str(copy), source["polyp-0003"].load_image()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    found = find_lookalikes(look_at(open_source(folder, masks=False)))
    assert [(pair.first, pair.second, pair.kind) for pair in found] == [("polyp-0003", "zz", "copy")]


def test_real_frames_of_one_sequence_are_similar_and_of_two_are_not(shared: Path) -> None:
    source = open_source(shared / "data" / "cvc-clinicdb" / "CVC-ClinicDB.zip", masks=False)
    items = [
        item for item in source if "Original" in item.image.name and _number(item.image.name) in {62, 63, 200, 202, 206, 366, 367, 369}
    ]
    found = find_lookalikes(look_at(items))
    pairs = {(_number(pair.first), _number(pair.second)): pair.kind for pair in found}
    assert pairs == {(62, 63): "copy", (200, 202): "similar", (366, 367): "similar"}  # 62 and 63: no eye tells them apart


def test_fundus_photographs_are_not_alike(shared: Path) -> None:
    items = [item for item in open_source(shared / "data" / "drive" / "DRIVE.zip", masks=False) if "/images/" in item.image.name]
    looks = look_at(items)
    assert len(looks) == 40
    assert find_lookalikes(looks) == []


def _number(name: str) -> int:
    return int(re.findall(r"\d+", name)[-1])

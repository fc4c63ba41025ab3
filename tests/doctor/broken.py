"""Tiny folders, each broken in one way, with what the doctor should say of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from tests.imaging.pictures import encoded, with_orientation

from limner.data.phantoms import write_phantoms
from limner.imaging import encode_png, read_image, read_mask, resize_image, resize_mask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

THIRD = "polyp-0002"
IMAGE, MASK = f"images/{THIRD}.png", f"masks/{THIRD}.png"


def phantoms(folder: Path, *, count: int = 6, size: tuple[int, int] = (96, 96)) -> Path:
    """Clean pairs, without the note that phantoms come with."""
    write_phantoms(folder, "polyp", count=count, size=size)
    (folder / "phantoms.json").unlink()
    return folder


def image_of(folder: Path, name: str = IMAGE):
    return read_image((folder / name).read_bytes(), name=name)


def mask_of(folder: Path, name: str = MASK):
    return read_mask((folder / name).read_bytes(), name=name)


def levels_of(mask) -> np.ndarray:
    return mask.astype(np.uint8) * np.uint8(255)


@dataclass(frozen=True)
class Broken:
    """A way to break a folder.

    Attributes:
        kind: What should be found.
        severity: How grave.
        files: The files that should be named.
        break_it: Breaks a clean folder.
        keeps: Whether `--fix` keeps the pairs, so that only `--leave-out` is a cure.
        count: Pairs of the clean folder.
        size: Of its pictures.
        gone: Keys that the copy should be without.
        mended: Keys that the copy should hold mended.
        also: Other kinds that come with it.
        options: More arguments of `diagnose`.
    """

    kind: str
    severity: str
    files: tuple[str, ...]
    break_it: Callable[[Path], None]
    keeps: bool = False
    count: int = 6
    size: tuple[int, int] = (96, 96)
    gone: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    options: dict = field(default_factory=dict)
    label: str = ""


def cut_short(folder: Path) -> None:
    data = (folder / IMAGE).read_bytes()
    (folder / IMAGE).write_bytes(data[: len(data) // 2])


def empty_file(folder: Path) -> None:
    (folder / MASK).write_bytes(b"")


def two_images(folder: Path) -> None:
    Image.fromarray(image_of(folder)).save(folder / f"images/{THIRD}.jpg")


def rival_folders(folder: Path) -> None:
    for part in ("images", "masks"):
        shutil.copytree(folder / part, folder / "b" / part)
        shutil.move(folder / part, folder / "a" / part)
    for path in sorted((folder / "b" / "images").iterdir()):
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
        path.rename(path.with_name("b" + path.name))
        (folder / "b" / "masks" / path.name).rename(folder / "b" / "masks" / f"b{path.name}")
    shutil.copytree(folder / "a" / "masks", folder / "a" / "labels")


def copied_folder(folder: Path) -> None:
    for part in ("images", "masks"):
        shutil.copytree(folder / part, folder / "b" / part)
        shutil.move(folder / part, folder / "a" / part)


def other_shape(folder: Path) -> None:
    (folder / MASK).write_bytes(encode_png(resize_mask(mask_of(folder), (96, 60))))


def half_size(folder: Path) -> None:
    (folder / MASK).write_bytes(encode_png(resize_mask(mask_of(folder), (48, 48))))


def turned_by_tag(folder: Path) -> None:
    """The image is stored turned, with a tag; the mask was drawn on it as stored."""
    image, mask = image_of(folder), mask_of(folder)
    (folder / IMAGE).write_bytes(with_orientation(image, 6))
    (folder / MASK).write_bytes(encode_png(np.rot90(mask)))


def turned_mask_tag(folder: Path) -> None:
    """The mask lies right as stored, but carries a tag that turns it."""
    exif = Image.Exif()
    exif[0x0112] = 8
    (folder / MASK).write_bytes(encoded(Image.fromarray(levels_of(mask_of(folder))), "PNG", exif=exif))


def turned_without_tag(folder: Path) -> None:
    (folder / MASK).write_bytes(encode_png(mask_of(folder).T))


def tagged(folder: Path) -> None:
    (folder / IMAGE).write_bytes(with_orientation(image_of(folder), 6))


def labels(folder: Path) -> None:
    mask = mask_of(folder).astype(np.uint8)
    mask[:20, :20] = 2
    (folder / MASK).write_bytes(encode_png(mask))


def jpeg_mask(folder: Path) -> None:
    (folder / f"masks/{THIRD}.jpg").write_bytes(encoded(Image.fromarray(levels_of(mask_of(folder))), "JPEG", quality=70))
    (folder / MASK).unlink()


def smooth_mask(folder: Path) -> None:
    levels = Image.fromarray(levels_of(mask_of(folder)))
    (folder / MASK).write_bytes(encoded(levels.resize((48, 48), Image.Resampling.BILINEAR).resize((96, 96)), "PNG"))


def see_through(folder: Path) -> None:
    image = Image.fromarray(image_of(folder)).convert("RGBA")
    image.putalpha(Image.fromarray(levels_of(mask_of(folder))))
    (folder / IMAGE).write_bytes(encoded(image, "PNG"))


def mask_in_alpha(folder: Path) -> None:
    image = Image.fromarray(np.zeros((96, 96, 3), np.uint8)).convert("RGBA")
    image.putalpha(Image.fromarray(levels_of(mask_of(folder))))
    (folder / MASK).write_bytes(encoded(image, "PNG"))


def image_for_mask(folder: Path) -> None:
    (folder / MASK).write_bytes(encoded(Image.fromarray(image_of(folder)).convert("L"), "PNG"))


def set_mask(change: Callable) -> Callable[[Path], None]:
    return lambda folder: (folder / MASK).write_bytes(encode_png(change(mask_of(folder)))) and None


def set_image(change: Callable) -> Callable[[Path], None]:
    return lambda folder: (folder / IMAGE).write_bytes(encode_png(change(image_of(folder)).astype(np.uint8))) and None


def twice(folder: Path) -> None:
    for part in ("images", "masks"):
        shutil.copyfile(folder / part / f"{THIRD}.png", folder / part / "again.png")


def copy_as_jpeg(folder: Path) -> None:
    bright = np.clip(image_of(folder).astype(float) * 1.15, 0, 255).astype(np.uint8)
    small = resize_image(bright, (80, 80))
    (folder / "images/again.jpg").write_bytes(encoded(Image.fromarray(small), "JPEG", quality=80))
    (folder / "masks/again.png").write_bytes(encode_png(resize_mask(mask_of(folder), (80, 80))))


def speck(mask):
    small = np.zeros_like(mask)
    small[40:43, 40:43] = True
    return small


def another_size(size: tuple[int, int]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        image, mask = resize_image(image_of(folder), size), resize_mask(mask_of(folder), size)
        (folder / IMAGE).write_bytes(encode_png(image))
        (folder / MASK).write_bytes(encode_png(mask))

    return change


TABLE = [
    Broken("unreadable", "error", (IMAGE,), cut_short, gone=(THIRD,), label="cut short"),
    Broken("unreadable", "error", (MASK,), empty_file, gone=(THIRD,), label="empty file"),
    Broken("orphan-image", "warning", (IMAGE,), lambda folder: (folder / MASK).unlink()),
    Broken("orphan-mask", "warning", (MASK,), lambda folder: (folder / IMAGE).unlink()),
    Broken("collision", "error", (f"images/{THIRD}.jpg", IMAGE, MASK), two_images),
    Broken("rival-masks", "error", (*(f"a/images/polyp-000{number}.png" for number in range(6)), "a/labels/", "a/masks/"), rival_folders),
    Broken("copied-folder", "warning", ("a/images/", "b/images/"), copied_folder, also=("duplicate",)),
    Broken("size-mismatch", "error", (IMAGE, MASK), other_shape, gone=(THIRD,)),
    Broken("resized-mask", "error", (IMAGE, MASK), half_size, mended=(THIRD,)),
    Broken("transposed-mask", "error", (IMAGE, MASK), turned_by_tag, size=(64, 96), mended=(THIRD,), also=("exif-rotation",), label="tag"),
    Broken(
        "transposed-mask",
        "error",
        (IMAGE, MASK),
        turned_mask_tag,
        size=(64, 96),
        mended=(THIRD,),
        also=("exif-rotation",),
        label="mask's tag",
    ),
    Broken("transposed-mask", "error", (IMAGE, MASK), turned_without_tag, size=(64, 96), gone=(THIRD,), label="no tag"),
    Broken("exif-rotation", "warning", (IMAGE,), tagged, mended=(THIRD,)),
    Broken("label-map", "error", (MASK,), labels, gone=(THIRD,)),
    Broken("not-binary", "warning", (f"masks/{THIRD}.jpg",), jpeg_mask, mended=(THIRD,), label="JPEG"),
    Broken("not-binary", "warning", (MASK,), smooth_mask, mended=(THIRD,), label="smooth"),
    Broken("alpha-channel", "warning", (IMAGE,), see_through, mended=(THIRD,)),
    Broken("alpha-channel", "warning", (MASK,), mask_in_alpha, mended=(THIRD,), label="mask"),
    Broken("mask-is-image", "error", (IMAGE, MASK), image_for_mask, gone=(THIRD,)),
    Broken("inverted-mask", "warning", (MASK,), set_mask(np.logical_not), mended=(THIRD,)),
    Broken("full-mask", "warning", (MASK,), set_mask(np.ones_like), gone=(THIRD,)),
    Broken("empty-mask", "note", (MASK,), set_mask(np.zeros_like), keeps=True),
    Broken("constant-image", "warning", (IMAGE,), set_image(lambda image: np.full_like(image, 90)), gone=(THIRD,)),
    Broken("dark-image", "note", (IMAGE,), set_image(lambda image: image // 16), keeps=True),
    Broken("duplicate", "warning", ("images/again.png", IMAGE), twice, gone=(THIRD,)),
    Broken("near-duplicate", "warning", ("images/again.jpg", IMAGE), copy_as_jpeg, gone=("again",)),
    Broken("vanishing-foreground", "warning", (MASK,), set_mask(speck), keeps=True, options={"input_size": 16}),
    Broken("size-outlier", "note", (IMAGE,), another_size((288, 288)), keeps=True, count=24),
    Broken("aspect-outlier", "note", (IMAGE,), another_size((96, 140)), keeps=True, count=24),
    Broken("intensity-outlier", "note", (IMAGE,), set_image(lambda image: 200 + image // 8), keeps=True, count=24),
]

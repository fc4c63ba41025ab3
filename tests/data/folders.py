"""Tiny sources on disk, in the layouts that people have."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from limner.imaging import encode_png

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def image_bytes(seed: int = 0, size: tuple[int, int] = (8, 10)) -> bytes:
    """A PNG of noise."""
    return encode_png(np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8))


def mask_bytes(seed: int = 0, size: tuple[int, int] = (8, 10)) -> bytes:
    """A PNG mask of noise."""
    return encode_png(np.random.default_rng(seed).random(size) > 0.5)


def pairs(keys: Iterable[str], wrapper: str = "") -> dict[str, bytes]:
    """Files of a data set in images/ and masks/, by name."""
    files = {}
    for seed, key in enumerate(keys):
        files[f"{wrapper}images/{key}.png"] = image_bytes(seed)
        files[f"{wrapper}masks/{key}.png"] = mask_bytes(seed)
    return files


def write_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a tar archive, compressed by gzip unless the suffix is .tar."""
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path

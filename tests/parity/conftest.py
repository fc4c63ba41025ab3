"""Model files of every way to see an image and of every precision, and images of every kind; made once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tifffile
from PIL import Image
from tests.export.toys import THRESHOLD, random_image, toy_network, toy_recipe, write_toy

from limner.data import open_source
from limner.data.phantoms import phantom, write_phantoms
from limner.export import export_network, exporter, new_metadata
from limner.export.converting import convert_model
from limner.files import sha256
from limner.selection import HASH_DIGITS

if TYPE_CHECKING:
    from pathlib import Path

    from limner.recipe import Recipe

WAYS = {"resize": {}, "keep_aspect": {"keep_aspect": True}, "patches": {"sampling": "patches"}}
PRECISIONS = ("float16", "int8")


@dataclass(frozen=True)
class Model:
    """A model file, and the recipe of the network in it."""

    path: Path
    recipe: Recipe


@pytest.fixture(scope="package")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed; copy it to change it."""
    return write_toy(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture(scope="package")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """By name: one of each way to see an image, then one of each precision."""
    folder = tmp_path_factory.mktemp("models")
    data = write_phantoms(folder / "data", "polyp", 16, (40, 56))
    hashes = [sha256(path.read_bytes())[:HASH_DIGITS] for path in sorted((data / "images").iterdir())]
    known = {"name": "phantoms", "train": 10, "val": 6, "hashes": {"train": hashes[:10], "val": hashes[10:], "test": []}}
    core = exporter._export_core(toy_network().eval(), (3, *toy_recipe().data.input_size)).SerializeToString()
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "_export_core", lambda *_: onnx.load_model_from_string(core))  # the same network in all of them
        for name, changes in WAYS.items():
            recipe = toy_recipe()
            recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=changes)})
            metadata = new_metadata(recipe, threshold=THRESHOLD, training_data=known)
            made[name] = Model(export_network(toy_network(), recipe, metadata, folder / f"{name}.onnx"), recipe)
    source = open_source(data)
    for precision in PRECISIONS:
        path = convert_model(made["resize"].path, folder / f"{precision}.onnx", precision, source, progress=False)
        made[precision] = Model(path, made["resize"].recipe)
    return made


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, np.ndarray]:
    """Image files of many kinds and sizes -> the pixels uint8 RGB (H, W, 3) in them, known without limner's own decoding."""
    folder = tmp_path_factory.mktemp("pictures")
    known: dict[Path, np.ndarray] = {}
    for height, width in [(1, 1), (2, 3), (31, 47), (32, 48), (1, 200), (333, 7), (96, 96), (257, 700)]:
        image = phantom("nuclei", 3, (height, width)).image if min(height, width) >= 32 else random_image(height, width)
        known[folder / f"colour-{height}x{width}.png"] = image
        Image.fromarray(image).save(folder / f"colour-{height}x{width}.png")
    grey = random_image(50, 61, seed=1)[..., 0]
    Image.fromarray(grey).save(folder / "grey.png")
    known[folder / "grey.png"] = np.stack([grey] * 3, axis=-1)
    deep = np.random.default_rng(2).integers(0, 2**16, (64, 41), dtype=np.uint16)
    tifffile.imwrite(folder / "deep.tif", deep)
    known[folder / "deep.tif"] = np.stack([np.round(deep / 257).astype(np.uint8)] * 3, axis=-1)
    lossless, turned = phantom("polyp", 5, (45, 80)).image, Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: the picture is to be turned by 90 degrees to the right
    Image.fromarray(lossless).save(folder / "turned.jpg", exif=turned, quality=95, subsampling=0)
    decoded = np.asarray(Image.open(folder / "turned.jpg"))
    assert np.abs(decoded.astype(int) - lossless).mean() < 6
    known[folder / "turned.jpg"] = np.rot90(decoded, -1)
    return known

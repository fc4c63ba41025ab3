"""The same image through the Python API, through the command line and through bare ONNX Runtime: the same mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from typer.testing import CliRunner

import limner
from limner.cli.app import app
from limner.data.phantoms import phantom
from limner.imaging import encode_png

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [(96, 96), (75, 131)], ids=str)
@pytest.mark.parametrize("style", ["polyp", "nuclei"])
def test_three_ways_to_one_mask(toy_model: Path, tmp_path: Path, style: str, size: tuple[int, int]) -> None:
    image = phantom(style, 1, size).image
    (tmp_path / "image.png").write_bytes(encode_png(image))

    in_python = limner.load(toy_model).predict(tmp_path / "image.png").mask

    done = CliRunner().invoke(app, ["predict", str(toy_model), str(tmp_path / "image.png"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    on_the_command_line = np.asarray(Image.open(tmp_path / "out" / "masks" / "image.png")) == 255

    session = onnxruntime.InferenceSession(toy_model, providers=["CPUExecutionProvider"])
    bare = session.run(["mask"], {"image": np.asarray(Image.open(tmp_path / "image.png"))[None]})[0][0].astype(bool)

    assert in_python.shape == size
    assert 0 < in_python.mean() < 1, "a mask of one value would prove little"
    np.testing.assert_array_equal(on_the_command_line, in_python)
    np.testing.assert_array_equal(bare, in_python)

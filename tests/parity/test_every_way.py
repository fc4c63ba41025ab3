"""The same image through Python, the command line, bare ONNX Runtime and PyTorch: the same mask, for every kind of model and of file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from tests.export.toys import toy_network
from tests.parity.conftest import PRECISIONS, WAYS
from typer.testing import CliRunner

import limner
from limner.cli.app import app
from limner.export.parity import reference_probs
from limner.runtime.format import read_metadata
from limner.runtime.tiled import predict_tiles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.parity.conftest import Model

ALL = [*WAYS, *PRECISIONS]


def bare(model: Model, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and mask by ONNX Runtime alone. Patches have to be cut and put together by whoever runs the file."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.path, options, providers=["CPUExecutionProvider"])
    if model.recipe.data.sampling == "patches":
        probs = predict_tiles(lambda tiles: session.run(["probs"], {"image": tiles})[0], image, model.recipe.data.input_size)
        return probs, probs >= np.float32(read_metadata(model.path).threshold)
    probs, mask = session.run(["probs", "mask"], {"image": image[None]})
    return probs[0], mask[0].astype(bool)


@pytest.mark.parametrize("name", ALL)
def test_python_command_line_and_bare_file_give_the_same_masks(
    name: str, models: dict[str, Model], pictures: dict[Path, np.ndarray], tmp_path: Path
) -> None:
    model, shares = models[name], []
    done = CliRunner().invoke(app, ["predict", str(model.path), *map(str, pictures), "--out", str(tmp_path / "out"), "--quiet"])
    assert done.exit_code == 0, done.output
    predictor = limner.load(model.path)
    for path, pixels in pictures.items():
        in_python = predictor.predict(path)
        probs, mask = bare(model, pixels)
        on_the_command_line = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{path.stem}.png")) == 255
        assert in_python.mask.shape == pixels.shape[:2]
        np.testing.assert_array_equal(mask, in_python.mask, err_msg=path.name)
        np.testing.assert_array_equal(on_the_command_line, in_python.mask, err_msg=path.name)
        np.testing.assert_allclose(in_python.probs, probs, atol=1e-6, err_msg=path.name)
        shares.append(in_python.foreground_share)
    assert 0.05 < np.mean(shares) < 0.95, "masks of one value would prove little"


@pytest.mark.parametrize("name", WAYS)
def test_pytorch_gives_the_same_masks(name: str, models: dict[str, Model], pictures: dict[Path, np.ndarray]) -> None:
    model, network = models[name], toy_network().eval()
    predictor = limner.load(model.path)
    for path, pixels in pictures.items():
        found, reference = predictor.predict(path), reference_probs(network, model.recipe, np.ascontiguousarray(pixels))
        clear = np.abs(reference - predictor.threshold) > 1e-4  # nearer to the threshold, rounding decides
        assert clear.mean() > 0.99 or pixels.size < 1000
        np.testing.assert_array_equal((reference >= predictor.threshold)[clear], found.mask[clear], err_msg=path.name)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_another_precision_hardly_changes_the_masks(precision: str, models: dict[str, Model], pictures: dict[Path, np.ndarray]) -> None:
    assert read_metadata(models[precision].path).precision == precision
    exact, rounded = (limner.load(models[name].path) for name in ("resize", precision))
    same = [(exact.predict(path).mask == rounded.predict(path).mask).mean() for path in pictures]
    assert np.mean(same) > 0.95
    parity = read_metadata(models[precision].path).parity
    assert parity is not None
    assert parity["max_prob_difference"] < 0.2

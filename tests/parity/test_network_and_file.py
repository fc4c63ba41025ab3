"""The network in PyTorch, the predictor and the bare file: three ways to one answer."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from tests.export.toys import ChannelMean, random_image, toy_network, toy_recipe
from torch import nn

from limner.export import check_parity, export_network, new_metadata
from limner.models import build_network
from limner.recipe.schema import EncoderUNetPart, NetworkPart, UNetPart
from limner.runtime import load

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [(32, 48), (31, 47), (64, 96), (1, 1), (8, 8), (3, 200), (200, 3), (333, 77), (480, 640)]
BARE = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
image = np.load(sys.argv[2])
probs, mask = session.run(["probs", "mask"], {"image": image[None]})
np.savez(sys.argv[3], probs=probs[0], mask=mask[0])
assert not [name for name in sys.modules if name.split(".")[0] in ("limner", "torch", "onnx")]
"""


def images(seed: int = 0) -> list[np.ndarray]:
    return [random_image(height, width, seed) for height, width in SIZES]


def test_the_toy_network_and_its_file_agree_on_any_size(toy_model: Path) -> None:
    parity = check_parity(toy_network(), toy_recipe(), toy_model, images())
    assert parity.n == len(SIZES)
    assert parity.max_prob_difference < 1e-4
    assert parity.mask_agreement > 0.9999


@pytest.mark.parametrize("normalisation", ["none", "unit", "half", "imagenet"])
def test_every_normalisation_agrees(tmp_path: Path, normalisation: str) -> None:
    recipe = toy_recipe(normalisation)
    path = export_network(ChannelMean(), recipe, new_metadata(recipe), tmp_path / "model.onnx")
    # Without a division the logits run to 255, where their rounding error is a thousandth.
    assert check_parity(ChannelMean(), recipe, path, images()).max_prob_difference < (5e-4 if normalisation == "none" else 1e-5)


@pytest.mark.parametrize(
    "part",
    [
        UNetPart(filters=(4, 8, 8)),
        UNetPart(filters=(4, 8), upsample="nearest", norm="none"),
        EncoderUNetPart(encoder_name="resnet18", encoder_weights="none", decoder_channels=(16, 8, 8, 8, 4)),
    ],
    ids=["unet", "unet-nearest", "resnet18"],
)
def test_the_networks_of_recipes_agree_with_their_files(tmp_path: Path, part: NetworkPart) -> None:
    torch.manual_seed(0)
    network, recipe = build_network(part), toy_recipe(size=(40, 56))
    path = export_network(network, recipe, new_metadata(recipe), tmp_path / "model.onnx")
    parity = check_parity(network, recipe, path, images()[:4])
    assert parity.max_prob_difference < 1e-4
    assert parity.mask_agreement > 0.9999


def test_a_large_photograph_agrees(toy_model: Path) -> None:
    assert check_parity(toy_network(), toy_recipe(), toy_model, [random_image(2000, 1500)]).max_prob_difference < 1e-4


def test_another_network_is_seen_to_disagree(toy_model: Path) -> None:
    other = toy_network()
    with torch.no_grad():
        next(module for module in other.modules() if isinstance(module, nn.ConvTranspose2d)).weight.mul_(1.05)
    assert check_parity(other, toy_recipe(), toy_model, images()).max_prob_difference > 1e-3


def test_parity_of_nothing_is_refused(toy_model: Path) -> None:
    with pytest.raises(ValueError, match="at least one image"):
        check_parity(toy_network(), toy_recipe(), toy_model, [])


def test_a_bare_script_on_onnx_runtime_gives_the_predictors_answer(toy_model: Path, tmp_path: Path) -> None:
    image = random_image(123, 77)
    np.save(tmp_path / "image.npy", image)
    arguments = [str(toy_model), str(tmp_path / "image.npy"), str(tmp_path / "answer.npz")]
    subprocess.run([sys.executable, "-c", BARE, *arguments], check=True)
    prediction, bare = load(toy_model).predict(image), np.load(tmp_path / "answer.npz")
    np.testing.assert_allclose(bare["probs"], prediction.probs, atol=1e-6)
    assert (bare["mask"].astype(bool) == prediction.mask).mean() > 0.999

"""The network in PyTorch, the predictor and the bare file: three ways to one answer."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from tests.export.toys import DATA_PARTS, Surroundings, data_part, random_image, toy_network, toy_recipe
from torch import nn

from limner.export import check_parity, export_network, exporter, new_metadata
from limner.export.parity import reference_probs
from limner.models import build_network
from limner.recipe.schema import DataPart, EncoderUNetPart, NetworkPart, UNetPart
from limner.runtime import load
from limner.types import Sample

if TYPE_CHECKING:
    from pathlib import Path

_EXPORT_CORE = exporter._export_core
SIZES = [(32, 48), (31, 47), (64, 96), (1, 1), (8, 8), (3, 200), (200, 3), (90, 1), (333, 77), (480, 640)]
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


@pytest.fixture
def one_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same network is translated once for all tests; what is around it is new each time."""
    monkeypatch.setattr(exporter, "_export_core", lambda _, shape: onnx.load_model_from_string(_surroundings(shape)))


@cache
def _surroundings(shape: tuple[int, int, int]) -> bytes:
    return _EXPORT_CORE(Surroundings().eval(), shape).SerializeToString()


@pytest.mark.parametrize("data", DATA_PARTS.values(), ids=DATA_PARTS.keys())
@pytest.mark.usefixtures("one_export")
def test_every_way_to_the_network_agrees(tmp_path: Path, data: DataPart) -> None:
    recipe = toy_recipe().model_copy(update={"data": data})
    path = export_network(Surroundings(), recipe, new_metadata(recipe), tmp_path / "model.onnx")
    # Without a division the logits run to 255, where their rounding error is a thousandth.
    within = 5e-4 if data.normalisation == "none" else 1e-5
    assert check_parity(Surroundings(), recipe, path, images()).max_prob_difference < within
    dim = [image // 16 + 60 for image in images()[:3]]
    assert check_parity(Surroundings(), recipe, path, [*dim, np.full((40, 40, 3), 9, np.uint8)]).max_prob_difference < 10 * within


@pytest.mark.parametrize("normalisation", ["minmax", "zscore", "measured"])
@pytest.mark.usefixtures("one_export")
def test_patches_agree(tmp_path: Path, normalisation: str) -> None:
    recipe = toy_recipe().model_copy(update={"data": data_part(normalisation, "grey").model_copy(update={"sampling": "patches"})})
    path = export_network(Surroundings(), recipe, new_metadata(recipe), tmp_path / "model.onnx")
    assert check_parity(Surroundings(), recipe, path, images()).max_prob_difference < 1e-5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("imagenet-rgb", "half-rgb"),
        ("minmax-rgb", "unit-rgb"),
        ("zscore-rgb", "imagenet-rgb"),
        ("unit-grey", "unit-green"),
        ("unit-rgb", "unit-rgb-aspect"),
        ("measured-grey", "imagenet-grey"),
        ("zscore-green-aspect", "zscore-green"),
    ],
)
@pytest.mark.usefixtures("one_export")
def test_a_file_that_prepares_images_otherwise_is_seen_to_disagree(tmp_path: Path, right: str, wrong: str) -> None:
    recipe, other = (toy_recipe().model_copy(update={"data": DATA_PARTS[name]}) for name in (right, wrong))
    path = export_network(Surroundings(), other, new_metadata(other), tmp_path / "model.onnx")
    assert check_parity(Surroundings(), recipe, path, images()).max_prob_difference > 1e-2


class Transposed(nn.Module):
    """Begins and ends in another memory layout, as transformers do; ONNX Runtime then moves transpositions through what is around it."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.tanh(image.permute(0, 2, 3, 1)).mean(dim=3, keepdim=True).permute(0, 3, 1, 2)


@pytest.mark.parametrize("name", ["zscore-rgb-aspect", "imagenet-grey-aspect"])
def test_transpositions_at_the_edge_of_the_network_do_no_harm(tmp_path: Path, name: str) -> None:
    recipe = toy_recipe().model_copy(update={"data": DATA_PARTS[name]})
    path = export_network(Transposed(), recipe, new_metadata(recipe), tmp_path / "model.onnx")
    assert check_parity(Transposed(), recipe, path, images()).max_prob_difference < 1e-5


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


def test_dice_lost_is_that_of_the_network_less_that_of_the_file(toy_model: Path) -> None:
    other = toy_network()
    with torch.no_grad():
        next(module for module in other.modules() if isinstance(module, nn.ConvTranspose2d)).weight.mul_(1.3)
    predictor = load(toy_model, provider="cpu")
    samples = [Sample(str(number), image, random_image(*image.shape[:2], 9)[..., 0] > 90) for number, image in enumerate(images()[:4])]

    def dice(mask: np.ndarray, target: np.ndarray) -> float:
        return 2 * (mask & target).sum() / (mask.sum() + target.sum())

    network = [reference_probs(other.eval(), toy_recipe(), one.image) >= np.float32(predictor.threshold) for one in samples]
    file = [predictor.predict(one.image).mask for one in samples]
    lost = [dice(a, one.mask) - dice(b, one.mask) for a, b, one in zip(network, file, samples, strict=True)]
    parity = check_parity(other, toy_recipe(), toy_model, [*samples, random_image(20, 20)])
    assert abs(sum(lost)) > 1e-4, "else nothing would be told apart"
    assert parity.dice_lost == pytest.approx(100 * np.mean(lost), abs=1e-4)
    assert (parity.n, parity.dice_n, parity.reference) == (5, 4, "the network in PyTorch")
    assert check_parity(other, toy_recipe(), toy_model, images()[:1]).dice_lost is None


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

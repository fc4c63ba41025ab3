"""Counted in the graph, and by PyTorch's own counter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from tests.export.toys import SIZE, toy_network, toy_recipe
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from limner.export import export_network, new_metadata
from limner.export.ensemble import ensemble_metadata
from limner.export.exporter import inference_copy
from limner.models import build_network
from limner.recipe.schema import UNetPart
from limner.runtime.format import read_metadata

if TYPE_CHECKING:
    from pathlib import Path


class Mixed(nn.Module):
    """Convolutions in groups and strides, a product of matrices, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, stride=2, padding=1, groups=3)
        self.up = nn.ConvTranspose2d(12, 4, 4, stride=2, padding=1, groups=2, bias=False)
        self.linear = nn.Linear(4, 6)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        tokens = self.linear(self.up(self.conv(image)).flatten(2).mT)
        return (tokens @ (tokens.mT @ tokens)).mean(dim=2).unflatten(1, SIZE).unsqueeze(1)


def by_pytorch(network: nn.Module) -> float:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        inference_copy(network)(torch.zeros(1, 3, *SIZE))
    return counter.get_total_flops() / 1e9


@pytest.mark.parametrize("network", [Mixed(), build_network(UNetPart(filters=(4, 8)))], ids=["mixed", "unet"])
def test_a_file_knows_its_size_and_work(tmp_path: Path, network: nn.Module) -> None:
    recipe = toy_recipe()
    path = export_network(network, recipe, new_metadata(recipe), tmp_path / "model.onnx")
    metadata = read_metadata(path)
    assert metadata.parameters == sum(weight.numel() for weight in network.parameters())
    assert metadata.gflops == pytest.approx(by_pytorch(network), rel=1e-6)


def test_an_ensemble_has_the_work_of_all(toy_model: Path) -> None:
    one = read_metadata(toy_model)
    assert one.gflops == pytest.approx(by_pytorch(toy_network()), rel=1e-6)
    both = ensemble_metadata([toy_model, toy_model], toy_recipe())
    assert (both.parameters, both.gflops) == (2 * one.parameters, 2 * one.gflops)

"""Biases make up for what the rounding of weights adds on average."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from tests.export.toys import SIZE, random_image
from torch import nn

from limner.export import export_network, new_metadata
from limner.export.bias import correct_biases
from limner.recipe import load_recipe

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = 4  # so coarse that the shift is plain


def rounded(weight: torch.Tensor) -> torch.Tensor:
    step = weight.abs().amax(dim=(1, 2, 3), keepdim=True) / LEVELS
    return torch.round(weight / step) * step


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_mean_of_each_channel_is_that_of_the_exact_layer(groups: int, tmp_path: Path) -> None:
    torch.manual_seed(groups)
    first, middle, last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 8, (3, 1), groups=groups), nn.Conv2d(8, 1, 1)
    network = nn.Sequential(first, nn.ReLU(), middle, nn.ReflectionPad2d((0, 0, 1, 1)), last)
    recipe = load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}", "data.normalisation=unit"])
    path = export_network(network, recipe, new_metadata(recipe), tmp_path / "model.onnx")
    model, image = onnx.load(path), np.full((*SIZE, 3), (30, 90, 200), np.uint8)  # one colour, so that means say all
    corrections = correct_biases(model, [image[None]], levels=LEVELS)
    name = next(node.name for node in model.graph.node if node.op_type == "Conv" and len(corrections[node.name][1]) == 8)
    with torch.no_grad():
        seen = torch.relu(first(torch.from_numpy(image).permute(2, 0, 1)[None] / 255))
        exact = middle(seen).mean(dim=(0, 2, 3))
        weight, bias = rounded(middle.weight), torch.from_numpy(corrections[name][1])
        coarse, plain = (nn.functional.conv2d(seen, weight, one, groups=groups).mean(dim=(0, 2, 3)) for one in (bias, middle.bias))
    assert float((plain - exact).abs().max()) > 0.005
    np.testing.assert_allclose(coarse, exact, atol=1e-5)


def test_layers_whose_weights_are_on_the_grid_keep_their_biases(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 1, 1))
    with torch.no_grad():
        for layer in network:
            layer.weight.copy_(torch.sign(layer.weight) * 0.5)
    recipe = load_recipe("phantom-unet", [f"data.input_size={list(SIZE)}"])
    path = export_network(network, recipe, new_metadata(recipe), tmp_path / "model.onnx")
    found = correct_biases(onnx.load(path), [random_image(*SIZE)[None]], levels=64)
    expected = [layer.bias.detach().numpy() for layer in network]
    for (_, bias), own in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(bias, own, atol=1e-6)

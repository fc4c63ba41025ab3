"""ResUNet++ against its authors' code: the count of its parameters by hand, the size of each part's output, and each part by itself."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from limner.models.aspp import ASPP
from limner.models.attention_gate import AttentionGate
from limner.models.residual import SqueezeExcitation
from limner.models.resunet_plusplus import ResUNetPlusPlus
from limner.recipe.schema import ResUNetPlusPlusPart

OF_THE_CODE = (16, 32, 64, 128, 256)
SMALL = (4, 8, 8, 16, 16)


# What Keras counts for each block of the authors' code: every convolution has a bias, a batch normalisation four values per channel.
def conv(before, after, side):
    return before * after * side**2 + after


def unit(before, after, *, stem=False):
    norms = 4 * after + 4 * after + (0 if stem else 4 * before)
    excitation = 2 * after * (after // 8)
    return conv(before, after, 3) + conv(after, after, 3) + conv(before, after, 1) + norms + excitation


def pyramid(before, after):
    return 4 * (conv(before, after, 3) + 4 * after) + conv(after, after, 1)


def gate(skip, below):
    return 4 * skip + conv(skip, below, 3) + 2 * (4 * below + conv(below, below, 3))


def keras_count(stem, first, second, third, bridge):
    encoder = unit(3, stem, stem=True) + unit(stem, first) + unit(first, second) + unit(second, third) + pyramid(third, bridge)
    gates = gate(second, bridge) + gate(first, third) + gate(stem, second)
    decoder = unit(bridge + second, third) + unit(third + first, second) + unit(second + stem, first)
    return encoder + gates + decoder + pyramid(first, stem) + conv(stem, 1, 1)


def counted_as_keras_does(network):
    """Of the network as built, with a bias for every convolution and the running statistics of every batch normalisation."""
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    without_bias = sum(module.out_channels for module in convolutions if module.bias is None)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return parameters + without_bias + sum(2 * module.num_features for module in norms)


@pytest.mark.parametrize(
    ("filters", "expected"), [(OF_THE_CODE, 4_070_385), (ResUNetPlusPlusPart().filters, 16_242_785)], ids=["code", "default"]
)
def test_has_the_parameters_of_the_authors_code(filters, expected):
    with torch.device("meta"):
        network = ResUNetPlusPlus(ResUNetPlusPlusPart(filters=filters))
    assert keras_count(*filters) == expected
    assert counted_as_keras_does(network) == expected


def test_docstring_states_the_parameters():
    with torch.device("meta"):
        network = ResUNetPlusPlus(ResUNetPlusPlusPart(filters=OF_THE_CODE))
    assert sum(parameter.numel() for parameter in network.parameters()) == 4_060_081


@torch.no_grad()
def test_each_part_has_its_size():
    with torch.device("meta"):
        network = ResUNetPlusPlus(ResUNetPlusPlusPart(filters=OF_THE_CODE))
        parts = {"stem": network.stem, "bridge": network.bridge, "aspp": network.aspp}
        parts |= {f"down {number}": module for number, module in enumerate(network.down)}
        parts |= {f"gate {number}": module.gate for number, module in enumerate(network.up)}
        parts |= {f"up {number}": module for number, module in enumerate(network.up)}
        shapes = {}
        for name, module in parts.items():
            module.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape[1:])}))
        network(torch.zeros(1, 3, 256, 256))
    assert shapes == {
        "stem": (16, 256, 256),
        "down 0": (32, 128, 128),
        "down 1": (64, 64, 64),
        "down 2": (128, 32, 32),
        "bridge": (256, 32, 32),
        "gate 0": (256, 32, 32),  # the gate comes before upsampling
        "up 0": (128, 64, 64),
        "gate 1": (128, 64, 64),
        "up 1": (64, 128, 128),
        "gate 2": (64, 128, 128),
        "up 2": (32, 256, 256),
        "aspp": (16, 256, 256),
    }


@torch.no_grad()
def test_squeeze_and_excitation_weighs_channels():
    torch.manual_seed(0)
    excitation = SqueezeExcitation(16)
    first, last = excitation.gate[0].weight, excitation.gate[2].weight
    assert first.shape == (2, 16)
    x = torch.randn(3, 16, 5, 7)
    factors = torch.sigmoid(F.relu(x.mean((2, 3)) @ first.T) @ last.T)
    torch.testing.assert_close(excitation(x), x * factors.view(3, 16, 1, 1))


@torch.no_grad()
def test_pyramid_sees_at_its_dilations():
    """The response to a single bright pixel is where the taps of the four branches are, and as often as they are."""
    pyramid = ASPP(1, 1).eval()
    for module in pyramid.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    image = torch.zeros(1, 1, 41, 41)
    image[..., 20, 20] = 1
    expected = torch.zeros(41, 41)
    for rate in (1, 6, 12, 18):
        expected[20 - rate : 21 + rate : rate, 20 - rate : 21 + rate : rate] += 1
    torch.testing.assert_close(pyramid(image)[0, 0], expected, atol=1e-3, rtol=0)


@torch.no_grad()
def test_gate_is_the_formula():
    torch.manual_seed(0)
    gate = AttentionGate(4, 6).eval()
    x, skip = torch.randn(2, 6, 5, 7), torch.randn(2, 4, 10, 14)

    def block(layers, values):
        norm, _, conv = layers[:3]
        scaled = values / (1 + norm.eps) ** 0.5  # as yet no mean but 0 and no variance but 1 was seen
        return F.conv2d(F.relu(scaled), conv.weight, conv.bias, padding=1)

    pooled = block(gate.skip, skip).unfold(2, 2, 2).unfold(3, 2, 2).amax((-2, -1))
    weights = block(gate.weights, pooled + block(gate.below, x))
    torch.testing.assert_close(gate(x, skip), weights * x, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_odd_sizes_are_padded_by_the_border():
    torch.manual_seed(0)
    network = ResUNetPlusPlus(ResUNetPlusPlusPart(filters=SMALL)).eval()
    images = torch.rand(2, 3, 21, 34)
    whole = network(F.pad(images, (0, 6, 0, 3), mode="replicate"))
    torch.testing.assert_close(network(images), whole[..., :21, :34])


@pytest.mark.parametrize("side", [1, 8, 33])
def test_takes_a_batch_of_one_in_training(side):
    torch.manual_seed(0)
    logits = ResUNetPlusPlus(ResUNetPlusPlusPart(filters=SMALL)).train()(torch.rand(1, 3, side, side))
    assert logits.shape == (1, 1, side, side)
    assert torch.isfinite(logits).all()

"""ResUNet against Table 1 of Zhang et al. 2018, and its residual unit against the formula."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from limner.models.residual import ResidualUnit
from limner.models.resunet import ResUNet
from limner.recipe.schema import ResUNetPart

# Table 1: channels into and out of each 3x3 convolution, its stride, and the side of its output for an image of 224.
TABLE_1 = [
    (3, 64, 1, 224),
    (64, 64, 1, 224),
    (64, 128, 2, 112),
    (128, 128, 1, 112),
    (128, 256, 2, 56),
    (256, 256, 1, 56),
    (256, 512, 2, 28),
    (512, 512, 1, 28),
    (512 + 256, 256, 1, 56),
    (256, 256, 1, 56),
    (256 + 128, 128, 1, 112),
    (128, 128, 1, 112),
    (128 + 64, 64, 1, 224),
    (64, 64, 1, 224),
]


def seen_convolutions(network, images):
    """(in, out, stride, side of the output) of each 3x3 convolution, in the order in which they are run."""
    seen = []

    def note(module, _, output):
        if module.kernel_size == (3, 3):
            seen.append((module.in_channels, module.out_channels, module.stride[0], output.shape[-1]))

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(note)
    network(images)
    return seen


@torch.no_grad()
def test_convolutions_are_those_of_table_1():
    with torch.device("meta"):
        network = ResUNet(ResUNetPart())
        assert seen_convolutions(network, torch.zeros(1, 3, 224, 224)) == TABLE_1


def test_has_the_papers_parameters_and_those_of_the_shortcuts():
    with torch.device("meta"):
        network = ResUNet(ResUNetPart())
    of_table_1 = sum(9 * before * after for before, after, _, _ in TABLE_1) + 64  # and the last 1x1 convolution
    assert of_table_1 == 7_780_096  # "7.8 M"
    units = [(3, 64), (64, 128), (128, 256), (256, 512), (768, 256), (384, 128), (192, 64)]
    shortcuts = sum(before * after + 2 * after for before, after in units)
    # Before each convolution but the image's, and the biases of each unit's second convolution and of the last one.
    normalisation = sum(2 * before + 2 * after for before, after in units) - 2 * 3
    biases = sum(after for _, after in units) + 1
    counted = sum(parameter.numel() for parameter in network.parameters())
    assert counted == of_table_1 + shortcuts + normalisation + biases == 8_220_993


@pytest.mark.parametrize("filters", [(4, 8), (4, 8, 8, 16, 16)], ids=len)
def test_levels_are_as_many_as_filters(filters):
    network = ResUNet(ResUNetPart(filters=filters)).eval()
    deepest = []
    network.down[-1].register_forward_hook(lambda _, __, output: deepest.append(tuple(output.shape)))
    side = 2 ** (len(filters) + 1)
    assert network(torch.zeros(1, 3, side, side)).shape == (1, 1, side, side)
    assert deepest == [(1, filters[-1], 4, 4)]


def test_there_is_no_pooling():
    pools = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
    assert not any(isinstance(module, pools) for module in ResUNet(ResUNetPart(filters=(4, 8))).modules())


@torch.no_grad()
def test_odd_sizes_are_padded_by_the_border():
    torch.manual_seed(0)
    network = ResUNet(ResUNetPart(filters=(4, 8, 8))).eval()
    images = torch.rand(2, 3, 21, 34)
    whole = network(F.pad(images, (0, 2, 0, 3), mode="replicate"))
    torch.testing.assert_close(network(images), whole[..., :21, :34])


@pytest.mark.parametrize(("channels", "stride"), [((6, 6), 1), ((6, 8), 1), ((6, 6), 2)])
@torch.no_grad()
def test_residual_unit_is_the_formula(channels, stride):
    torch.manual_seed(0)
    unit = ResidualUnit(*channels, stride=stride).eval()
    for module in unit.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.running_var):
                values.uniform_(0.5, 1.5)
            for values in (module.bias, module.running_mean):
                values.normal_()
    x = torch.randn(2, channels[0], 8, 12)
    norm1, _, conv1, norm2, _, conv2 = unit.residual
    y = F.conv2d(F.relu(normalised(x, norm1)), conv1.weight, stride=stride, padding=1)
    y = F.conv2d(F.relu(normalised(y, norm2)), conv2.weight, conv2.bias, padding=1)
    changes = stride == 2 or channels[0] != channels[1]
    shortcut = normalised(F.conv2d(x, unit.shortcut[0].weight, stride=stride), unit.shortcut[1]) if changes else x
    torch.testing.assert_close(unit(x), y + shortcut, atol=1e-5, rtol=1e-5)


def normalised(x, norm):
    mean, var, weight, bias = (values[:, None, None] for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias))
    return (x - mean) / (var + norm.eps).sqrt() * weight + bias


def test_no_1x1_convolution_is_strided():
    """oneDNN's backward pass of a strided 1x1 convolution with fewer than 16 channels writes beyond its workspace in this layout."""
    strided = [
        module for module in ResUNet(ResUNetPart(filters=(4, 8, 8))).modules() if isinstance(module, nn.Conv2d) and max(module.stride) > 1
    ]
    assert {module.kernel_size for module in strided} == {(3, 3)}


def test_takes_a_batch_of_one_as_small_as_a_pixel_in_training():
    logits = ResUNet(ResUNetPart(filters=(4, 8, 8))).train()(torch.rand(1, 3, 1, 1))
    assert logits.shape == (1, 1, 1, 1)
    assert torch.isfinite(logits).all()

import numpy as np
import pytest
import torch
from torch import nn

from limner.models.attention import SCSE
from limner.models.blocks import centre_crop, conv_block, mirror, norm_layer, pad_to_multiple


@pytest.mark.parametrize("height", [1, 2, 3, 7])
@pytest.mark.parametrize("border", [0, 1, 2, 5, 40])
def test_mirrors_as_numpy_does_however_wide_the_border(height, border):
    images = np.random.default_rng(0).random((2, 3, height, 4), np.float32)
    expected = np.pad(images, ((0, 0), (0, 0), (border, border + 3), (2, 0)), mode="reflect")
    np.testing.assert_array_equal(mirror(torch.from_numpy(images), border, border + 3, 2, 0).numpy(), expected)


@pytest.mark.parametrize(
    ("size", "expected"), [((64, 64), (64, 64)), ((65, 33), (96, 64)), ((31, 100), (32, 128)), ((32, 32), (64, 32)), ((1, 1), (64, 32))]
)
def test_pads_to_a_multiple_and_to_two_positions_at_least(size, expected):
    images = torch.rand(1, 2, *size)
    padded = pad_to_multiple(images, 32)
    assert padded.shape[2:] == expected
    assert torch.equal(padded[..., : size[0], : size[1]], images)
    assert torch.equal(padded[..., -1, -1], images[..., -1, -1])


def test_crops_the_middle():
    assert centre_crop(torch.arange(36).reshape(1, 1, 6, 6), 2, 4).tolist() == [[[[13, 14, 15, 16], [19, 20, 21, 22]]]]


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (8, 1), (64, 8), (12, 2), (13, 13), (20, 4)])
def test_groups_have_eight_channels_or_the_most_below_that_divide_evenly(channels, groups):
    norm = norm_layer("group", channels)
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == groups


@pytest.mark.parametrize(
    ("norm", "kind"), [("batch", nn.BatchNorm2d), ("instance", nn.InstanceNorm2d), ("group", nn.GroupNorm), ("none", type(None))]
)
@pytest.mark.parametrize("convs", [1, 2, 3])
def test_each_convolution_has_its_norm_and_relu(norm, kind, convs):
    block = conv_block(5, 8, convs=convs, norm=norm)
    expected = [nn.Conv2d, nn.ReLU] if norm == "none" else [nn.Conv2d, kind, nn.ReLU]
    assert [type(layer) for layer in block] == expected * convs
    assert [layer.in_channels for layer in block if isinstance(layer, nn.Conv2d)] == [5, 8, 8][:convs]
    assert all((layer.bias is None) == (norm != "none") for layer in block if isinstance(layer, nn.Conv2d))


@torch.no_grad()
def test_scse_is_what_the_paper_says():
    """Equations 2 to 5 of Roy et al. 2018, with einsum: U_cSE = sigmoid(W1 relu(W2 z)) U, U_sSE = sigmoid(w * U) U, and their sum."""
    torch.manual_seed(0)
    scse, u = SCSE(6), torch.randn(2, 6, 4, 5)
    _, first, _, second, _ = scse.channel
    assert first.out_channels == 3
    z = u.mean((2, 3))
    hidden = (torch.einsum("oi,ni->no", first.weight[..., 0, 0], z) + first.bias).clamp_min(0)
    channels = torch.sigmoid(torch.einsum("oi,ni->no", second.weight[..., 0, 0], hidden) + second.bias)
    places = torch.sigmoid(torch.einsum("i,nihw->nhw", scse.spatial[0].weight[0, :, 0, 0], u))
    torch.testing.assert_close(scse(u), u * channels[:, :, None, None] + u * places[:, None])

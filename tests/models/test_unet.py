import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from limner.models import UNet, build_network
from limner.recipe.schema.network import NetworkPart, UNetPart, resolve_network

VESSEL_DOWN = [(3, 1, 128), (3, 128, 256), (3, 256, 256), (3, 256, 512), (3, 512, 1024)]
VESSEL_UP = [(2, 1024, 512), (3, 1024, 512), (2, 512, 256), (3, 512, 256), (2, 256, 256), (3, 512, 256), (2, 256, 128), (3, 256, 128)]


def preset(name, **settings):
    return TypeAdapter(NetworkPart).validate_python(resolve_network({"name": name, **settings}))


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def count(*layers):
    """Parameters of convolutions with bias, from (side of the kernel, channels in, channels out)."""
    return sum((side * side * before + 1) * after for side, before, after in layers)


def test_the_network_of_2015_has_the_papers_layers():
    """Counted by hand from figure 1 of the paper, with one channel in and one logit instead of two classes."""
    down = [(3, 1, 64), (3, 64, 64), (3, 64, 128), (3, 128, 128), (3, 128, 256), (3, 256, 256), (3, 256, 512), (3, 512, 512)]
    bottom = [(3, 512, 1024), (3, 1024, 1024)]
    up = [(2, 1024, 512), (3, 1024, 512), (3, 512, 512), (2, 512, 256), (3, 512, 256), (3, 256, 256)]
    up += [(2, 256, 128), (3, 256, 128), (3, 128, 128), (2, 128, 64), (3, 128, 64), (3, 64, 64)]
    with torch.device("meta"):
        network = build_network(preset("unet-2015"), in_channels=1)
    assert parameters(network) == count(*down, *bottom, *up, (1, 64, 1)) == 31_030_593


def test_the_network_of_2015_goes_through_the_papers_sizes():
    with torch.device("meta"):
        network = build_network(preset("unet-2015", base_filters=1), in_channels=1).eval()
        sizes = []
        for module in (*network.down, *network.decoder.stages):
            module.register_forward_hook(lambda module, images, result: sizes.append((images[0].shape[-1], result.shape[-1])))
        assert network(torch.zeros(1, 1, 388, 388)).shape == (1, 1, 388, 388)
    assert sizes[:5] == [(572, 568), (284, 280), (140, 136), (68, 64), (32, 28)]
    assert sizes[5:] == [(28, 52), (52, 100), (100, 196), (196, 388)]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (2, [(3, 1, 128), (3, 128, 256), (3, 256, 256), (2, 256, 256), (3, 512, 256), (2, 256, 128), (3, 256, 128), (1, 128, 1)]),
        (4, [*VESSEL_DOWN, *VESSEL_UP, (1, 128, 1)]),
    ],
)
def test_the_vessel_network_has_one_convolution_a_level(levels, expected):
    with torch.device("meta"):
        network = build_network(preset("unet-vessel", levels=levels), in_channels=1)
    assert parameters(network) == count(*expected)
    assert [type(layer) for layer in network.decoder.stages[0].up] == [nn.ConvTranspose2d, nn.ReLU]


@pytest.mark.parametrize(("levels", "convs"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 2), (2, 3)])
@pytest.mark.parametrize("size", [(5, 3), (17, 40), (32, 32)])
@torch.no_grad()
def test_without_padding_it_is_the_padded_network_on_a_mirrored_image(levels, convs, size):
    """Far from the border both see the same, when the poolings of both begin at the same pixel: `convs` to the right of the image."""
    torch.manual_seed(0)
    part = UNetPart(filters=(6,) * (levels + 1), convs=convs, norm="none", padding="valid", deep_supervision=True)
    network, padded = UNet(part), UNet(part.model_copy(update={"padding": "same"}))
    padded.load_state_dict(network.state_dict())
    images = torch.rand(2, 3, *size)
    around = 12 * convs * network.stride - convs
    after = [around + -(side + 2 * around) % network.stride for side in size]
    mirrored = np.pad(images.numpy(), ((0, 0), (0, 0), (around, after[0]), (around, after[1])), mode="reflect")
    expected = padded(torch.from_numpy(mirrored))
    logits = network(images)
    torch.testing.assert_close(logits[0], expected[0][..., around : around + size[0], around : around + size[1]], atol=1e-5, rtol=1e-4)
    if levels > 1 and convs == 2:  # the coarser logits begin at a whole pixel: their crop is exact
        height, width = (-(-side // 2) for side in size)
        at = around // 2
        torch.testing.assert_close(logits[1], expected[1][..., at : at + height, at : at + width], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_without_normalisation_a_signal_keeps_its_size():
    """Variance 2 / N; PyTorch's own initial weights would leave a thousandth of it at the bottom."""
    torch.manual_seed(0)
    network = UNet(UNetPart(base_filters=16, norm="none")).eval()
    sizes = []
    for module in (*network.down, *network.decoder.stages):
        module.register_forward_hook(lambda module, images, result: sizes.append(result.square().mean().sqrt().item()))
    network(torch.randn(2, 3, 128, 128))
    assert all(0.3 < size < 5 for size in sizes)


@pytest.mark.parametrize("levels", range(1, 7))
def test_has_as_many_levels_as_asked_for(levels):
    with torch.device("meta"):
        network = UNet(UNetPart(levels=levels, base_filters=2)).eval()
        sizes = []
        network.dropout.register_forward_hook(lambda module, images, result: sizes.append(tuple(result.shape[1:])))
        network(torch.zeros(1, 3, 128, 256))
    assert sizes == [(2 * 2**levels, 128 >> levels, 256 >> levels)]


def test_dropout_leaves_out_whole_maps_at_the_bottom_in_training_alone():
    torch.manual_seed(0)
    network = UNet(UNetPart(filters=(4, 64), dropout=0.5))
    images = torch.rand(2, 3, 16, 16)
    found = []
    network.dropout.register_forward_hook(lambda module, images, result: found.append((images[0], result)))
    network.train()(images)
    network.eval()(images)
    (before, after), (same, as_it_was) = found
    gone = (after == 0).all((2, 3)) & (before != 0).any(3).any(2)
    assert 0.3 < gone.float().mean() < 0.7
    assert ((after == 0) == (before == 0))[~gone].all()
    assert torch.equal(same, as_it_was)


@pytest.mark.parametrize(("upsample", "kind"), [("transposed", nn.ConvTranspose2d), ("nearest", nn.Upsample), ("bilinear", nn.Upsample)])
def test_upsamples_as_asked_for(upsample, kind):
    network = UNet(UNetPart(filters=(4, 8, 8), upsample=upsample))
    for stage in network.decoder.stages:
        assert isinstance(stage.up, kind)
        assert getattr(stage.up, "mode", "transposed") == upsample

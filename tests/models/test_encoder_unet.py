import pytest
import torch
from torch import nn

from limner.errors import RecipeError
from limner.models import EncoderUNet
from limner.models.attention import SCSE
from limner.recipe.schema import EncoderUNetPart

TINY = EncoderUNetPart(encoder_name="test_resnet", encoder_weights="none")


def tiny(**settings):
    return EncoderUNet(TINY.model_copy(update=settings))


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def stage(before, skip, after):
    """By hand: a 2x2 transposed convolution with bias, then two 3x3 convolutions without, each with batch normalisation."""
    return (4 * before + 1) * after + (9 * (after + skip) + 2) * after + (9 * after + 2) * after


def test_unet_resnet50_has_the_reported_layers():
    network = EncoderUNet(EncoderUNetPart(encoder_weights="none"))
    decoder = stage(2048, 1024, 256) + stage(256, 512, 128) + stage(128, 256, 64) + stage(64, 64, 32) + stage(32, 0, 16) + 17
    assert parameters(network.encoder) == 23_508_032
    assert parameters(network) == 23_508_032 + decoder


@pytest.mark.parametrize(
    ("encoder_name", "widths", "skips"),
    [
        ("test_resnet", [256, 128, 64, 32, 16], [192, 48, 32, 32, 0]),
        ("test_convnext2", [256, 128, 64, 32, 16], [96, 64, 32, 0, 0]),
        ("test_vit", [128, 64, 32, 16], [0, 0, 0, 0]),
        ("vgg11", [256, 128, 64, 32, 16], [512, 512, 256, 128, 64]),
    ],
)
def test_decoder_fits_the_encoders_depth(encoder_name, widths, skips):
    with torch.device("meta"):
        stages = tiny(encoder_name=encoder_name).decoder.decoder.stages
    assert [one.conv[-3].out_channels for one in stages] == widths
    assert [one.conv[0].in_channels - width for one, width in zip(stages, widths, strict=True)] == skips


def test_says_how_many_decoder_stages_are_needed():
    with pytest.raises(RecipeError, match="needs 5 decoder stages, but 2 are given") as caught:
        tiny(decoder_channels=(8, 4))
    assert "(256, 128, 64, 32, 16)" in caught.value.fix


def test_parameters_of_the_encoder_can_be_told_by_their_name():
    network = tiny()
    own = {name for name, _ in network.named_parameters() if name.startswith("encoder.")}
    assert sum(parameter.numel() for name, parameter in network.named_parameters() if name in own) == parameters(network.encoder)
    assert parameters(network.encoder) < parameters(network)


def test_neck_fuses_the_deepest_features():
    plain, neck = tiny(), tiny(neck="conv")
    assert parameters(neck) - parameters(plain) == 96 * 96 + 2 * 96
    seen = []
    neck.neck.register_forward_hook(lambda module, images, result: seen.append((images[0].shape, result.shape)))
    neck.eval()(torch.rand(1, 3, 64, 96))
    assert seen == [((1, 96, 2, 3), (1, 96, 2, 3))]


def test_scse_ends_every_stage():
    stages = tiny(attention="scse").decoder.decoder.stages
    assert all(isinstance(one.attention, SCSE) for one in stages)
    assert not any(isinstance(module, SCSE) for module in tiny().modules())


@pytest.mark.parametrize("upsample", ["nearest", "bilinear"])
def test_interpolation_replaces_the_transposed_convolution(upsample):
    network = tiny(upsample=upsample)
    assert not any(isinstance(module, nn.ConvTranspose2d) for module in network.modules())
    assert {module.mode for module in network.modules() if isinstance(module, nn.Upsample)} == {upsample}


def test_dropout_is_of_the_deepest_features():
    network = tiny(dropout=0.9).train()
    seen = []
    network.dropout.register_forward_hook(lambda module, images, result: seen.append(result))
    torch.manual_seed(0)
    network(torch.rand(2, 3, 64, 64))
    assert seen[0].shape == (2, 96, 2, 2)
    assert (seen[0] == 0).all(3).all(2).float().mean() > 0.7


@torch.no_grad()
def test_channels_of_the_input_come_from_the_pretrained_layer(tmp_path):
    """One channel thrice is the grey image in colours, so the network for one channel must give the same for it."""
    from safetensors.torch import save_file

    torch.manual_seed(0)
    colour = tiny()
    save_file(colour.encoder.body.state_dict(), tmp_path / "test_resnet.safetensors")
    grey = EncoderUNet(TINY.model_copy(update={"encoder_weights": str(tmp_path)}), in_channels=1)
    images = torch.rand(2, 1, 64, 64)
    expected = colour.encoder.eval()(images.expand(-1, 3, -1, -1))
    for stride, maps in grey.encoder.eval()(images).items():
        torch.testing.assert_close(maps, expected[stride], atol=1e-4, rtol=1e-3)

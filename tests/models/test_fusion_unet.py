import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from limner.errors import DataError, RecipeError
from limner.models import FusionUNet
from limner.models.encoders import build_encoder
from limner.models.fusion_unet import Fusion
from limner.recipe.schema import FusionUNetPart

TINY = FusionUNetPart(encoder_names=("test_resnet", "test_efficientnet"), encoder_weights="none", decoder_channels=(16, 8, 8, 4, 4))


def tiny(**settings):
    return FusionUNet(TINY.model_copy(update=settings))


def normalised(x):
    """Batch normalisation of a new layer, in training."""
    return (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5).sqrt()


@torch.no_grad()
def test_concat_is_one_pointwise_convolution_over_all():
    torch.manual_seed(0)
    maps = [torch.randn(2, channels, 4, 5) for channels in (3, 6, 2)]
    fusion = Fusion([3, 6, 2], "concat").train()
    assert fusion.channels == 6
    mixed = torch.einsum("oi,nihw->nohw", fusion.mix[0].weight[..., 0, 0], torch.cat(maps, dim=1))
    torch.testing.assert_close(fusion(maps), F.relu(normalised(mixed)), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_sum_weighs_every_map_alike_whatever_its_scale():
    torch.manual_seed(0)
    maps = [torch.randn(2, channels, 4, 5) for channels in (3, 6)]
    fusion = Fusion([3, 6], "sum").train()
    mixed = [torch.einsum("oi,nihw->nohw", part[0].weight[..., 0, 0], x) for part, x in zip(fusion.mix.parts, maps, strict=True)]
    expected = F.relu(sum(normalised(x) for x in mixed))
    torch.testing.assert_close(fusion(maps), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(fusion([maps[0], 1000 * maps[1]]), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("fusion", ["concat", "sum"])
def test_a_single_map_is_left_as_it_is(fusion):
    alone = Fusion([4], fusion)
    maps = torch.rand(1, 4, 2, 2)
    assert torch.equal(alone([maps]), maps)
    assert list(alone.parameters()) == []


@pytest.mark.parametrize("fusion", ["concat", "sum"])
def test_levels_that_one_encoder_lacks_come_from_the_others(fusion):
    """test_vit gives stride 16 alone, test_convnext2 4 to 32, test_efficientnet 2 to 32."""
    network = tiny(encoder_names=("test_vit", "test_convnext2", "test_efficientnet"), fusion=fusion)
    seen = {}
    for stride, fused in network.fusions.items():
        fused.register_forward_hook(
            lambda module, maps, result, stride=stride: seen.update({int(stride): (len(maps[0]), tuple(result.shape))})
        )
    assert network.eval()(torch.rand(1, 3, 60, 90)).shape == (1, 1, 60, 90)
    assert seen == {
        2: (1, (1, 16, 32, 48)),
        4: (2, (1, 32, 16, 24)),
        8: (2, (1, 64, 8, 12)),
        16: (3, (1, 96, 4, 6)),
        32: (2, (1, 128, 2, 3)),
    }


def test_only_the_encoders_count_as_pretrained():
    network = tiny()
    assert {name.split(".")[1] for name, _ in network.named_parameters() if name.startswith("encoder.")} == {"0", "1"}
    assert any(name.startswith("fusions.") for name, _ in network.named_parameters())


def test_every_encoder_finds_its_file_in_the_folder(tmp_path):
    torch.manual_seed(0)
    for name in TINY.encoder_names:
        save_file(build_encoder(name, "none").body.state_dict(), tmp_path / f"{name}.somewhere.safetensors")
    torch.manual_seed(1)
    one, other = tiny(encoder_weights=str(tmp_path)), tiny(encoder_weights=str(tmp_path))
    for key, value in one.encoder.state_dict().items():
        assert torch.equal(value, other.encoder.state_dict()[key])
    (tmp_path / "test_efficientnet.somewhere.safetensors").unlink()
    with pytest.raises(DataError, match="no weights for 'test_efficientnet': 0 files fit"):
        tiny(encoder_weights=str(tmp_path))


def test_blames_the_right_key():
    with pytest.raises(RecipeError, match="timm has no encoder named 'test_resnett'") as caught:
        tiny(encoder_names=("test_resnet", "test_resnett"))
    assert caught.value.where == "network.encoder_names"


def test_fuses_real_weights(shared):
    """The encoders inside give what each gives alone, on an image of any size."""
    names = ("resnet50", "tf_efficientnet_lite0")
    network = tiny(encoder_names=names, encoder_weights=str(shared / "weights")).eval()
    images = torch.rand(1, 3, 64, 96)
    for name, encoder in zip(names, network.encoder, strict=True):
        alone = build_encoder(name, str(shared / "weights")).eval()
        assert torch.equal(encoder(images)[32], alone(images)[32])
    assert network(images).shape == (1, 1, 64, 96)

"""The networks of segmentation_models.pytorch, kept to limner's contract, and what is said where one cannot be had."""

import copy
import sys

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from limner.errors import DataError, MissingExtraError, RecipeError
from limner.models import build_network
from limner.models.smp import build_smp
from limner.recipe.schema import SMPPart

SMALL_VIT = SMPPart(
    architecture="DPT",
    encoder_name="tu-vit_tiny_patch16_224",
    encoder_weights="none",
    options={"dynamic_img_size": True, "decoder_intermediate_channels": [8, 8, 8, 8], "decoder_fusion_channels": 8},
)
NARROW = {"decoder_channels": (16, 8, 8, 8, 8)}
SMALL = SMPPart(architecture="Unet", encoder_name="resnet18", encoder_weights="none", options=NARROW)
PARTS = {
    "Unet": SMALL,
    "UnetPlusPlus": SMALL.model_copy(update={"architecture": "UnetPlusPlus"}),
    "MAnet": SMALL.model_copy(update={"architecture": "MAnet"}),
    **{
        name: SMALL.model_copy(update={"architecture": name, "options": {}})
        for name in ("Linknet", "FPN", "PSPNet", "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet")
    },
    "Segformer": SMPPart(architecture="Segformer", encoder_name="mit_b0", encoder_weights="none"),
    "DPT": SMALL_VIT,
}


def part_like(part=SMALL, **settings):
    return part.model_copy(update=settings)


def test_every_architecture_of_the_library_is_tested():
    classes = [value for value in vars(smp).values() if isinstance(value, type) and issubclass(value, smp.base.SegmentationModel)]
    assert {kind.__name__ for kind in classes} == set(PARTS)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_architecture_keeps_the_contract(part):
    torch.manual_seed(0)
    network = build_network(part).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 96, 96)).shape == (1, 1, 96, 96)
        assert network(torch.rand(2, 3, 65, 33)).shape == (2, 1, 65, 33)
    logits = network.train()(torch.rand(1, 3, 64, 64))  # a batch of one
    assert logits.shape == (1, 1, 64, 64)
    logits.square().mean().backward()
    assert any(name.startswith("encoder.") and value.grad is not None and value.grad.any() for name, value in network.named_parameters())


@torch.no_grad()
def test_gives_what_the_library_gives():
    torch.manual_seed(0)
    network = build_smp(SMALL).eval()
    theirs = smp.Unet("resnet18", encoder_weights=None, classes=1, **NARROW).eval()
    theirs.load_state_dict(network.state_dict())
    images = torch.rand(2, 3, 64, 96)
    torch.testing.assert_close(network(images), theirs(images))
    cropped = images[..., :50, :70]
    padded = F.pad(cropped, (0, 26, 0, 14), mode="replicate")
    torch.testing.assert_close(network(cropped), theirs(padded)[..., :50, :70])


@torch.no_grad()
def test_copies_agree():
    """Training and export copy networks."""
    torch.manual_seed(0)
    network = build_smp(SMALL).eval()
    images = torch.rand(1, 3, 40, 40)
    torch.testing.assert_close(copy.deepcopy(network)(images), network(images))


@pytest.mark.parametrize("channels", [1, 4])
@torch.no_grad()
def test_takes_any_number_of_channels(channels):
    assert build_smp(SMALL, in_channels=channels).eval()(torch.rand(1, channels, 40, 40)).shape == (1, 1, 40, 40)


def test_options_reach_the_library():
    assert build_smp(SMALL).segmentation_head[0].in_channels == 8
    assert build_smp(part_like(options={})).segmentation_head[0].in_channels == 16


@pytest.mark.parametrize(
    ("settings", "what", "fix"),
    [
        ({"architecture": "UnetPlus"}, "no architecture named 'UnetPlus'", "did you mean 'UnetPlusPlus'"),
        ({"encoder_name": "resnet19"}, "no encoder named 'resnet19'", "did you mean 'resnet1"),
        ({"encoder_name": "tu-resnett18"}, "no encoder named 'tu-resnett18'", "did you mean 'tu-resnet18"),
        ({"encoder_name": "qqqq"}, "no encoder named 'qqqq'", "tu-NAME"),
        ({"options": {"decoder_chanels": [8] * 5}}, "'decoder_chanels' is no option of smp:Unet", "did you mean 'decoder_channels'"),
        ({"options": {"activation": "sigmoid"}}, "'activation' is no option of smp:Unet", "allowed"),
        ({"options": {"classes": 2}}, "'classes' is no option of smp:Unet", "allowed"),
        ({"options": {"decoder_channels": [8, 8]}}, "smp:Unet cannot be built", "network.options"),
        ({"architecture": "DPT", "options": {}}, "smp:DPT cannot be built with the encoder 'resnet18'", "tu-vit"),
        ({"encoder_name": "tu-resnet18", "options": {"colour": 1}}, "smp:Unet cannot be built", "network.options"),
        ({"encoder_name": "mobileone_s0", "encoder_weights": "imagenet", "options": {"encoder_depth": 9}}, "cannot be built", "options"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(str(setting) for setting in value.values()),
)
def test_says_what_is_wrong_with_a_recipe(settings, what, fix):
    with pytest.raises(RecipeError) as caught:
        build_smp(part_like(**settings))
    assert what in caught.value.what
    assert fix in caught.value.fix


def test_says_which_extra_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(MissingExtraError, match="smp:Unet needs the extra 'smp'") as caught:
        build_smp(SMALL)
    assert "limner[smp]" in caught.value.fix


@pytest.mark.parametrize("name", ["resnet18", "tu-resnet18"])
def test_says_when_weights_cannot_be_fetched(name, monkeypatch):
    def offline(*_, **__):
        raise OSError("no route to host")

    def timm_offline(*names, pretrained=False, **options):
        return offline() if pretrained else create_model(*names, **options)

    create_model = timm.create_model
    monkeypatch.setattr("segmentation_models_pytorch.encoders.hf_hub_download", offline)
    monkeypatch.setattr(timm, "create_model", timm_offline)
    part = part_like(encoder_name=name, encoder_weights="imagenet", options={})
    with pytest.raises(DataError, match=f"ImageNet weights of '{name}' could not be fetched"):
        build_smp(part)
    build_smp(part, pretrained=False)


def test_says_when_there_are_no_imagenet_weights(monkeypatch):
    monkeypatch.setitem(smp.encoders.encoders["resnet18"], "pretrained_settings", {})
    with pytest.raises(RecipeError, match="no ImageNet weights of 'resnet18'"):
        build_smp(part_like(encoder_weights="imagenet"))
    with pytest.raises(RecipeError, match="no ImageNet weights of 'tu-nf_resnet26'"):
        build_smp(part_like(encoder_name="tu-nf_resnet26", encoder_weights="imagenet"))


@pytest.fixture
def weights(tmp_path):
    """Half-precision weights with a classifier beside them, and a network that they were taken from."""
    torch.manual_seed(1)
    encoder = build_smp(SMALL).encoder
    state = {key: value.half() if value.is_floating_point() else value for key, value in encoder.state_dict().items()}
    path = tmp_path / "resnet18.safetensors"
    save_file({**state, "fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}, path)
    return path, encoder.state_dict()


def test_loads_weights_from_a_file(weights):
    path, expected = weights
    torch.manual_seed(2)
    found = build_smp(part_like(encoder_weights=str(path))).encoder.state_dict()
    for key, value in found.items():
        assert value.dtype == expected[key].dtype
        torch.testing.assert_close(value, expected[key], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("architecture", "name", "last"),
    [("Segformer", "mit_b0", "norm4.weight"), ("FPN", "tu-test_convnext", "model.stages_3.blocks.0.norm.weight")],
)
def test_loads_weights_of_transformers_and_of_models_in_timms_keys(architecture, name, last, channels, tmp_path):
    part = SMPPart(architecture=architecture, encoder_name=name, encoder_weights="none")
    source = timm.create_model("test_convnext") if name.startswith("tu-") else build_smp(part).encoder
    state = {key: torch.full_like(value, 0.5) for key, value in source.state_dict().items()}
    save_file(state, tmp_path / "whole.safetensors")
    loaded = build_smp(part_like(part, encoder_weights=str(tmp_path / "whole.safetensors")), in_channels=channels).encoder
    assert loaded.state_dict()[last].eq(0.5).all()


def test_makes_the_first_layer_for_one_channel_from_the_file(weights):
    path, expected = weights
    found = build_smp(part_like(encoder_weights=str(path)), in_channels=1).encoder.state_dict()
    torch.testing.assert_close(found["conv1.weight"], expected["conv1.weight"].sum(1, keepdim=True), atol=1e-2, rtol=1e-2)


def test_refuses_weights_of_another_encoder(weights):
    with pytest.raises(DataError, match="holds no weights of 'resnet34'"):
        build_smp(part_like(encoder_name="resnet34", encoder_weights=str(weights[0])))


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        build_smp(part_like(encoder_weights=str(tmp_path / "none.safetensors")))


def test_real_resnet50_weights_fit(shared):
    part = SMPPart(architecture="Linknet", encoder_name="resnet50", encoder_weights=str(shared / "weights"))
    encoder = build_smp(part).encoder
    assert encoder.bn1.running_mean.abs().sum() > 0

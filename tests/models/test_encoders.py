import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

from limner.errors import DataError, RecipeError
from limner.models.encoders import build_encoder

TINY = "test_resnet"


@pytest.fixture
def weights(tmp_path):
    """Half-precision weights in timm's keys, with a classifier beside them, as they are passed around."""
    torch.manual_seed(1)
    body = build_encoder(TINY, "none").body
    state = {key: value.half() if value.is_floating_point() else value for key, value in body.state_dict().items()}
    path = tmp_path / f"{TINY}.somewhere.fp16.safetensors"
    save_file({**state, "fc.weight": torch.zeros(10, 96), "fc.bias": torch.zeros(10)}, path)
    return path


@pytest.mark.parametrize("from_folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("name", [TINY, f"{TINY}.r160_in1k"], ids=["plain", "with timm's tag"])
def test_loads_local_weights(weights, from_folder, name):
    torch.manual_seed(2)
    loaded = build_encoder(name, str(weights.parent if from_folder else weights)).body.state_dict()
    there = load_file(weights)
    for key, value in loaded.items():
        assert value.dtype == (torch.int64 if key.endswith("num_batches_tracked") else torch.float32)
        assert torch.equal(value, there[key].to(value.dtype)), key


@pytest.mark.parametrize("name", ["test_convnext", "test_resnet", "test_vit", "test_efficientnet", "test_mambaout"])
@torch.no_grad()
def test_reads_the_weights_of_the_whole_model(name, tmp_path):
    """The encoder gives what timm's own gives, which is made by timm from the same weights, in keys of its own for some models."""
    torch.manual_seed(0)
    whole = timm.create_model(name)
    for values in whole.state_dict().values():
        if values.is_floating_point():
            values.uniform_(0.1, 0.2)
    save_file(whole.state_dict(), tmp_path / "whole.safetensors")
    overlay = {"file": str(tmp_path / "whole.safetensors"), "num_classes": whole.num_classes}
    theirs = timm.create_model(name, features_only=True, pretrained=True, pretrained_cfg_overlay=overlay)
    ours = build_encoder(name, str(tmp_path / "whole.safetensors")).body
    for key, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value), key


def test_prefers_the_file_of_the_very_tag(weights):
    other = {key: torch.zeros_like(value) for key, value in load_file(weights).items()}
    save_file(other, weights.parent / f"{TINY}.r160_in1k.safetensors")
    loaded = build_encoder(f"{TINY}.r160_in1k", str(weights.parent))
    assert not any(value.any() for value in loaded.parameters())


@pytest.mark.parametrize(("channels", "of"), [(1, None), (4, [0, 1, 2, 0]), (6, [0, 1, 2, 0, 1, 2])])
def test_makes_the_first_layer_from_the_pretrained_one(weights, channels, of):
    """The colours summed for one channel; else repeated, and scaled so that a white image gives what it gave."""
    colour, adapted = (build_encoder(TINY, str(weights), in_channels=number).body for number in (3, channels))
    before, after = colour.conv1[0].weight, adapted.conv1[0].weight
    expected = before.sum(1, keepdim=True) if of is None else before[:, of] * 3 / channels
    torch.testing.assert_close(after, expected)
    others = adapted.state_dict()
    assert all(torch.equal(others[key], value) for key, value in colour.state_dict().items() if key != "conv1.0.weight")


def test_is_untrained_without_weights_or_when_a_checkpoint_brings_them(weights):
    torch.manual_seed(5)
    expected = build_encoder(TINY, "none").state_dict()
    torch.manual_seed(5)
    for key, value in build_encoder(TINY, str(weights), pretrained=False).state_dict().items():
        assert torch.equal(value, expected[key])


def test_names_what_is_missing_in_weights_of_another_network(weights):
    with pytest.raises(DataError, match=r"holds no weights of 'resnet18': \d+ are missing or of another shape, first 'conv1.weight'"):
        build_encoder("resnet18", str(weights))


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_refuses_weights_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError):
        build_encoder(TINY, str(path))


def test_refuses_an_ambiguous_folder(weights):
    (weights.parent / f"{TINY}.other.safetensors").write_bytes(weights.read_bytes())
    with pytest.raises(DataError, match="2 files fit"):
        build_encoder(TINY, str(weights.parent))


def test_says_when_weights_cannot_be_fetched(monkeypatch):
    def offline(name, *, pretrained=False, create=timm.create_model, **options):
        if pretrained:
            raise OSError("no route to host")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(DataError, match=r"could not be fetched \(OSError\)"):
        build_encoder(TINY, "imagenet")
    with pytest.raises(RecipeError, match="timm has no ImageNet weights of 'nf_resnet26'"):
        build_encoder("nf_resnet26", "imagenet")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("resnett50", "did you mean 'resnet50'"),
        ("zzzz", "choose another encoder"),
        ("convmixer_768_32", "reduces by 7"),
        ("nasnetalarge", r"stride 2 is \(31, 47\) where \(32, 48\)"),
        ("mixer_s16_224", "cannot be the encoder"),
    ],
)
def test_refuses_what_fits_no_unet(name, reason):
    with pytest.raises(RecipeError, match=reason) as caught:
        build_encoder(name, "none")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("test_resnet", {2: 32, 4: 32, 8: 48, 16: 192, 32: 96}),
        ("test_vit", {16: 64}),
        ("test_mambaout", {4: 16, 8: 32, 16: 48, 32: 64}),
        ("swin_tiny_patch4_window7_224", {4: 96, 8: 192, 16: 384, 32: 768}),
        ("deit_tiny_patch16_224", {16: 192}),
        ("vgg11", {1: 64, 2: 128, 4: 256, 8: 512, 16: 512, 32: 512}),
    ],
)
def test_gives_maps_by_stride_for_any_size(name, channels):
    with torch.device("meta"):
        encoder = build_encoder(name, "none").eval()
        maps = encoder(torch.zeros(2, 3, 96, 160))
    assert encoder.channels == channels
    assert {stride: tuple(one.shape) for stride, one in maps.items()} == {
        stride: (2, number, 96 // stride, 160 // stride) for stride, number in channels.items()
    }


@pytest.mark.parametrize("name", ["resnet34", "resnet50", "resnet152"])
def test_has_the_published_number_of_parameters(name):
    """torchvision publishes 21.8, 25.6 and 60.2 million, with a classifier of 1000 classes."""
    published = torchvision.models.get_model_weights(name).DEFAULT.meta["num_params"]
    with torch.device("meta"):
        encoder = build_encoder(name, "none")
    classifier = 1000 * (encoder.channels[32] + 1)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == published - classifier
    assert list(encoder.channels) == [2, 4, 8, 16, 32]
    assert list(encoder.channels.values()) == ([64, 64, 128, 256, 512] if name == "resnet34" else [64, 256, 512, 1024, 2048])


@torch.no_grad()
def test_reads_mobilenets_in_torchvisions_keys(tmp_path):
    """The encoder gives what torchvision's own network gives, layer by layer."""
    torch.manual_seed(0)
    theirs = torchvision.models.mobilenet_v2().eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2)
            module.weight.uniform_(0.5, 2)
            module.bias.uniform_(-0.5, 0.5)
    save_file(theirs.state_dict(), tmp_path / "mobilenet_v2.safetensors")
    encoder = build_encoder("mobilenetv2_100", str(tmp_path / "mobilenet_v2.safetensors")).eval()
    images = torch.rand(1, 3, 64, 96)
    maps = encoder(images)
    for stride, last in {2: 1, 4: 3, 8: 6, 16: 13, 32: 17}.items():
        torch.testing.assert_close(maps[stride], theirs.features[: last + 1](images), atol=1e-4, rtol=1e-4)
    with pytest.raises(DataError, match="holds no weights of 'mobilenetv2_140'"):
        build_encoder("mobilenetv2_140", str(tmp_path / "mobilenet_v2.safetensors"))


@pytest.mark.parametrize(
    ("name", "file", "key"),
    [
        ("resnet50", "resnet50.raw01.fp16.safetensors", "layer4.2.conv3.weight"),
        ("tf_efficientnet_lite0", "tf_efficientnet_lite0.fp16.safetensors", "blocks.6.0.conv_pwl.weight"),
        ("tf_efficientnet_lite2", "tf_efficientnet_lite2.fp16.safetensors", "blocks.6.0.conv_pwl.weight"),
    ],
)
def test_reads_real_weights_from_a_folder(shared, name, file, key):
    loaded = build_encoder(name, str(shared / "weights")).body.state_dict()
    assert loaded[key].dtype == torch.float32
    assert torch.equal(loaded[key], load_file(shared / "weights" / file)[key].float())


def test_reads_the_real_mobilenet_in_torchvisions_keys(shared):
    path = shared / "weights" / "mobilenet_v2.torchvision.fp16.safetensors"
    theirs = torchvision.models.mobilenet_v2()
    theirs.load_state_dict(load_file(path), strict=False)
    images = torch.rand(1, 3, 64, 64)
    maps = build_encoder("mobilenetv2_100", str(path)).eval()(images)
    torch.testing.assert_close(maps[32], theirs.eval().features[:18](images), atol=1e-4, rtol=1e-3)

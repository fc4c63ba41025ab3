import pytest
import torch
from safetensors.torch import save_file

from limner.errors import DataError, RecipeError
from limner.models import build_network
from limner.models.encoders import build_encoder
from limner.recipe.schema import EncoderUNetPart

SMALL = EncoderUNetPart(encoder_name="resnet10t", encoder_weights="none")


@pytest.fixture
def weights(tmp_path):
    """Half-precision weights in timm's keys, with a classifier beside them, as they are passed around."""
    torch.manual_seed(1)
    encoder = build_encoder(SMALL)
    state = {key: value.half() if value.is_floating_point() else value for key, value in encoder.state_dict().items()}
    path = tmp_path / "resnet10t.somewhere.fp16.safetensors"
    save_file({**state, "fc.weight": torch.zeros(10, 512), "fc.bias": torch.zeros(10)}, path)
    return path


@pytest.mark.parametrize("from_folder", [False, True], ids=["file", "folder"])
def test_loads_local_weights(weights, from_folder):
    part = SMALL.model_copy(update={"encoder_weights": str(weights.parent if from_folder else weights)})
    torch.manual_seed(1)
    expected = build_encoder(SMALL).state_dict()
    torch.manual_seed(2)
    for key, value in build_encoder(part).state_dict().items():
        assert value.dtype == expected[key].dtype
        torch.testing.assert_close(value, expected[key], atol=1e-3, rtol=1e-3)


def test_adapts_the_first_layer_to_the_channels(weights):
    part = SMALL.model_copy(update={"encoder_weights": str(weights), "in_channels": 1})
    assert build_encoder(part)(torch.rand(1, 1, 64, 64))[0].shape[2:] == (32, 32)


def test_names_what_is_missing_in_weights_of_another_network(weights):
    part = SMALL.model_copy(update={"encoder_weights": str(weights), "encoder_name": "resnet18"})
    with pytest.raises(DataError, match="holds no weights of 'resnet18'"):
        build_encoder(part)


@pytest.mark.parametrize("content", [None, b"not safetensors"])
def test_refuses_weights_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError):
        build_encoder(SMALL.model_copy(update={"encoder_weights": str(path)}))


def test_refuses_an_ambiguous_folder(weights):
    (weights.parent / "resnet10t.other.safetensors").write_bytes(weights.read_bytes())
    with pytest.raises(DataError, match="2 files fit"):
        build_encoder(SMALL.model_copy(update={"encoder_weights": str(weights.parent)}))


def test_suggests_the_nearest_encoder():
    with pytest.raises(RecipeError, match="did you mean 'resnet50'"):
        build_encoder(SMALL.model_copy(update={"encoder_name": "resnett50"}))


def test_says_how_many_decoder_stages_are_needed():
    with pytest.raises(RecipeError, match="needs 5 decoder stages"):
        build_network(SMALL.model_copy(update={"decoder_channels": (8, 4)}))


def test_real_resnet50_weights_change_nothing_but_the_precision(shared):
    part = EncoderUNetPart(encoder_name="resnet50", encoder_weights=str(shared / "weights"))
    encoder = build_encoder(part)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 23_508_032  # torchvision's ResNet-50 without its classifier

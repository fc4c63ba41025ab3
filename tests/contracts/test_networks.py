"""The contract that every registered network keeps. Adding a network here buys it the whole battery."""

import numpy as np
import onnxruntime
import pytest
import torch

from limner.models import build_network
from limner.recipe.schema import EncoderUNetPart, UNetPart

NETWORKS = {
    "unet": UNetPart(filters=(4, 8, 16)),
    "unet nearest": UNetPart(filters=(4, 8), upsample="nearest"),
    "unet without normalisation": UNetPart(filters=(4, 8), norm="none"),
    "unet of two levels": UNetPart(filters=(4, 8)),
    "encoder_unet resnet": EncoderUNetPart(encoder_name="resnet10t", encoder_weights="none", decoder_channels=(16, 8, 8, 4, 4)),
    "encoder_unet nearest": EncoderUNetPart(
        encoder_name="resnet10t", encoder_weights="none", decoder_channels=(16, 8, 8, 4, 4), upsample="nearest"
    ),
    "encoder_unet without stride 2": EncoderUNetPart(
        encoder_name="convnext_atto", encoder_weights="none", decoder_channels=(16, 8, 8, 4, 4)
    ),
}


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS.keys())
def part(request):
    return request.param


@pytest.fixture
def network(part):
    torch.manual_seed(0)
    return build_network(part).eval()


@pytest.mark.parametrize("size", [(64, 64), (65, 33), (31, 100)])
@torch.no_grad()
def test_gives_logits_of_the_input_size(network, size):
    assert network(torch.rand(2, 3, *size)).shape == (2, 1, *size)


def test_gradients_reach_every_parameter(network):
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # some encoders begin with residual branches scaled by zero
            torch.nn.init.ones_(module.weight)
    network.train()(torch.rand(2, 3, 64, 64)).square().mean().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.abs().sum()] == []


def test_takes_a_batch_of_one_in_training(network):
    assert torch.isfinite(network.train()(torch.rand(1, 3, 64, 64))).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
@torch.no_grad()
def test_takes_any_number_of_channels(part, channels):
    network = build_network(part.model_copy(update={"in_channels": channels})).eval()
    assert network(torch.rand(1, channels, 64, 64)).shape == (1, 1, 64, 64)


@torch.no_grad()
def test_is_the_same_after_saving_and_loading(part, network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again = build_network(part, pretrained=False).eval()
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(again(images), network(images))


@torch.no_grad()
def test_agrees_with_itself_in_channels_last_and_bf16(network):
    images = torch.rand(2, 3, 64, 64)
    expected = network(images)
    network.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(network(images), expected, atol=1e-4, rtol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    assert (logits.float().sigmoid() - expected.sigmoid()).abs().max() < 0.03


@torch.no_grad()
def test_does_the_same_in_onnx_runtime(network, tmp_path):
    images = torch.rand(2, 3, 64, 64)
    path = tmp_path / "network.onnx"
    torch.onnx.export(network, (images,), path, dynamo=True, verbose=False, input_names=["images"], external_data=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"images": images.numpy()})
    np.testing.assert_allclose(logits, network(images).numpy(), atol=1e-4)

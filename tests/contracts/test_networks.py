"""The contract that every network keeps. Adding one here buys it the whole battery."""

from copy import deepcopy
from functools import cache
from typing import get_args

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import TypeAdapter

from limner.models import build_network
from limner.recipe.schema.network import NETWORK_PRESETS, NetworkPart, resolve_network
from limner.runtime.wire import find_foreign

UNTRAINED = {"encoder_weights": "none"}
ENCODER = {"encoder_name": "test_resnet", "decoder_channels": (16, 8, 8, 8, 8), **UNTRAINED}
FUSED = {"encoder_names": ("test_resnet", "test_resnet"), "decoder_channels": (16, 8, 8, 8, 8), **UNTRAINED}
SMP = {"encoder_name": "tu-test_resnet", **UNTRAINED}

NETWORKS = {
    "unet": {"filters": (4, 8, 16)},
    "unet of one level, nearest, instance": {"name": "unet", "filters": (4, 8), "upsample": "nearest", "norm": "instance"},
    "unet of six levels, bilinear, group": {
        "name": "unet", "filters": (4,) * 7, "upsample": "bilinear", "norm": "group", "convs": 1, "deep_supervision": True, "dropout": 0.2
    },
    "unet valid, deeply supervised": {
        "name": "unet", "filters": (4, 8, 8), "convs": 3, "padding": "valid", "deep_supervision": True, "upsample": "bilinear"
    },
    "unet-2015": {"base_filters": 3},
    "unet-vessel": {"filters": (8, 12, 12, 16, 24)},
    "encoder_unet": ENCODER,
    "encoder_unet with everything": ENCODER
    | {"name": "encoder_unet", "upsample": "bilinear", "neck": "conv", "attention": "scse", "deep_supervision": True, "dropout": 0.2},
    "encoder_unet channels last": ENCODER | {"name": "encoder_unet", "encoder_name": "test_mambaout"},
    "unet-resnet34": ENCODER,
    "unet-resnet50": ENCODER,
    "unet-resnet152": ENCODER | {"encoder_name": "test_convnext2"},  # has no stride 2
    "fusion_unet": FUSED,
    "fusion_unet of unequal strides": FUSED
    | {"name": "fusion_unet", "encoder_names": ("test_vit", "test_efficientnet"), "fusion": "sum", "deep_supervision": True},
    "resunet": {"filters": (4, 8, 16)},
    "resunet_plusplus": {"filters": (32, 32, 32, 32, 32)},
    "smp:Unet": SMP,
    "smp:FPN": SMP,
}  # fmt: skip
PARTS = {name: TypeAdapter(NetworkPart).validate_python(resolve_network({"name": name} | settings)) for name, settings in NETWORKS.items()}
ALL = list(PARTS.values())
DISTINCT = [name for place, (name, part) in enumerate(PARTS.items()) if part not in ALL[:place]]  # presets may differ in size alone
SUPERVISED = [name for name, part in PARTS.items() if getattr(part, "deep_supervision", False)]


@cache
def built(name, channels=3):
    torch.manual_seed(0)
    return build_network(PARTS[name], in_channels=channels)


@pytest.fixture(params=DISTINCT)
def name(request):
    return request.param


@pytest.fixture
def network(name):
    return deepcopy(built(name)).eval()


def outputs(network, images):
    logits = network(images)
    return logits if isinstance(logits, tuple) else (logits,)


def test_no_network_and_no_preset_is_left_out():
    kinds = {part.model_fields["name"].default for part in get_args(get_args(NetworkPart)[0])}
    assert {part.name for part in PARTS.values()} == kinds
    assert NETWORK_PRESETS.keys() <= NETWORKS.keys()


@pytest.mark.parametrize("size", [(64, 64), (65, 33), (31, 100), (3, 1)])
@torch.no_grad()
def test_gives_logits_of_the_input_size(network, size):
    logits = network(torch.rand(2, 3, *size))
    assert isinstance(logits, torch.Tensor)
    assert logits.shape == (2, 1, *size)
    assert torch.isfinite(logits).all()


def test_gradients_reach_every_parameter(network):
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # some encoders begin with residual branches scaled by zero
            torch.nn.init.ones_(module.weight)
    torch.manual_seed(1)
    sum(logits.square().mean() for logits in outputs(network.train(), torch.rand(2, 3, 64, 64))).backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.abs().sum()] == []


@pytest.mark.parametrize("size", [(64, 64), (16, 16)])
def test_takes_a_batch_of_one_in_training(network, size):
    for logits in outputs(network.train(), torch.rand(1, 3, *size)):
        assert torch.isfinite(logits).all()


@pytest.mark.parametrize("channels", [1, 4])
@torch.no_grad()
def test_takes_any_number_of_channels(name, channels):
    network = deepcopy(built(name, channels)).eval()
    assert network(torch.rand(1, channels, 64, 64)).shape == (1, 1, 64, 64)
    assert [parameter.shape for parameter in network.parameters()] != [parameter.shape for parameter in built(name).parameters()]


def test_is_made_and_trained_the_same_from_the_same_seed(name, network):
    torch.manual_seed(0)
    again = build_network(PARTS[name], pretrained=False)
    for key, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key
    found = []
    for one in (network, again):
        torch.manual_seed(3)
        found.append(outputs(one.train(), torch.ones(2, 3, 32, 48)))
    for first, second in zip(*found, strict=True):
        assert torch.equal(first, second)


@torch.no_grad()
def test_is_the_same_after_saving_and_loading(name, network, tmp_path):
    images = torch.rand(2, 3, 64, 64)
    network.train()(images)  # moves running statistics away from where a new network has them
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    again = deepcopy(built(name, 3))
    for parameter in again.parameters():
        torch.nn.init.zeros_(parameter)
    again.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(again.eval()(images), network.eval()(images))


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


@pytest.mark.parametrize("size", [(64, 96), (50, 37), (5, 6)])
def test_deep_supervision_gives_all_resolutions_in_training_alone(name, size):
    network = deepcopy(built(name)).train()
    logits = network(torch.rand(2, 3, *size))
    if name not in SUPERVISED:
        assert isinstance(logits, torch.Tensor)
        return
    height, width = size
    expected = [(2, 1, -(-height // 2**halvings), -(-width // 2**halvings)) for halvings in range(len(logits))]
    assert isinstance(logits, tuple)
    assert [tuple(one.shape) for one in logits] == expected
    assert len(logits) > 1
    assert network.eval()(torch.rand(2, 3, *size)).shape == (2, 1, *size)


@pytest.mark.parametrize("name", ["unet valid, deeply supervised", "encoder_unet with everything"])
def test_compiles_in_one_graph_in_training(name):
    network = deepcopy(built(name)).train()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    images = torch.rand(2, 3, 40, 56)
    results = []
    for one in (network, compiled):
        torch.manual_seed(0)
        results.append(one(images))
    for expected, logits in zip(*results, strict=True):
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_does_the_same_in_onnx_runtime(network, tmp_path):
    images = torch.rand(2, 3, 40, 56)
    path = tmp_path / "network.onnx"
    torch.onnx.export(
        network,
        (images,),
        path,
        dynamo=True,
        opset_version=18,
        dynamic_shapes=({0: torch.export.Dim("N")},),
        verbose=False,
        input_names=["images"],
        external_data=False,
    )
    assert find_foreign(memoryview(path.read_bytes())) is None, "limner would refuse the file that it has written"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for number in (2, 3):
        images = torch.rand(number, 3, 40, 56)
        (logits,) = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(logits, network(images).numpy(), atol=1e-4)

"""What every loss keeps to, whatever its formula; the values are checked in tests/references."""

import inspect
import math
import pickle
from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from limner.losses import LOSSES, build_loss, deep_supervision
from limner.recipe.schema import (
    BoundaryPart,
    CLDicePart,
    DicePart,
    FocalPart,
    FocalTverskyPart,
    LossPart,
    SkeletonRecallPart,
    StructurePart,
    TverskyPart,
)

PARTS = [part() for part in get_args(get_args(LossPart)[0])]
ODD_ONES = [
    FocalPart(gamma=0.5),
    FocalPart(gamma=0.0, alpha=1.0),
    TverskyPart(alpha=0.0),
    FocalTverskyPart(gamma=3.0),
    BoundaryPart(region="bce", weight=10.0),
    CLDicePart(alpha=1.0, iterations=50),
    SkeletonRecallPart(region="dice"),
]
# Their gradient passes through a sigmoid alone, which is flat where the network is sure.
FLAT_WHERE_SURE = {"dice", "iou", "tversky", "focal_tversky", "boundary", "cldice"}


def square(inner=3, size=8):
    target = torch.zeros(2, 1, size, size)
    target[0, :, 2 : 2 + inner, 2 : 2 + inner] = 1.0
    target[1, :, 1:-1, 3] = 1.0
    return target


def random_logits(*shape, dtype=torch.float32):
    return 2 * torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1))


TARGETS = {
    "both": square(),
    "empty": torch.zeros(2, 1, 8, 8),
    "full": torch.ones(2, 1, 8, 8),
    "mixed": square() * torch.eye(2)[0].view(2, 1, 1, 1),
}


@pytest.fixture(params=PARTS, ids=lambda part: part.name)
def part(request):
    return request.param


@pytest.fixture
def loss(part):
    return build_loss(part)


def gradient(loss, logits, target):
    logits = logits.clone().requires_grad_()
    loss(logits, target).backward()
    return logits.grad


def test_the_recipe_names_every_loss():
    assert [part.name for part in PARTS] == list(LOSSES)


def test_keyword_arguments_and_defaults_are_those_of_the_recipe(part):
    keywords = [p for p in inspect.signature(LOSSES[part.name]).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert {p.name: p.default for p in keywords} == part.model_dump(exclude={"name"})


def test_what_the_recipe_sets_is_used():
    logits, target = random_logits(2, 1, 8, 8), square()
    assert build_loss(TverskyPart(beta=0.9))(logits, target) == LOSSES["tversky"](logits, target, beta=0.9)
    assert build_loss(TverskyPart(beta=0.9))(logits, target) != LOSSES["tversky"](logits, target)


def test_its_docstring_says_what_empty_masks_do(part):
    assert "Empty masks: " in LOSSES[part.name].__doc__


@pytest.mark.parametrize("part", [*PARTS, *ODD_ONES], ids=repr)
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_gradients_are_right(part, target):
    logits = random_logits(2, 1, 8, 8, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: build_loss(part)(x, target.double()), logits, fast_mode=True)


def test_every_gradient_is_right(loss):
    logits = random_logits(2, 1, 5, 6, dtype=torch.float64).requires_grad_()
    target = square(inner=2, size=6)[:, :, :5].double()
    assert torch.autograd.gradcheck(lambda x: loss(x, target), logits)


@pytest.mark.parametrize("part", [*PARTS, *ODD_ONES], ids=repr)
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
@pytest.mark.parametrize("sure", [0.0, 50.0, 1e4])
def test_is_finite_and_never_negative(part, target, sure):
    right = torch.where(target > 0, sure, -sure)
    for logits in (right, -right, torch.full_like(target, sure), torch.full_like(target, -sure)):
        logits.requires_grad_()
        loss = build_loss(part)(logits, target)
        loss.backward()
        assert math.isfinite(loss.item())
        assert loss.item() >= -1e-6
        assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_a_sure_and_right_prediction_costs_nothing(loss, target):
    assert float(loss(torch.where(target > 0, 50.0, -50.0), target)) == pytest.approx(0.0, abs=1e-4)


def test_an_empty_target_pushes_logits_down(loss):
    logits, empty = (0.1 * random_logits(2, 1, 8, 8)).requires_grad_(), torch.zeros(2, 1, 8, 8)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(60):
        optimiser.zero_grad()
        result = loss(logits, empty)
        result.backward()
        assert logits.grad.sum() >= 0  # descending, the logits fall
        optimiser.step()
    assert logits.mean() < -0.4
    assert logits.max() < 0
    assert result < 0.75 * loss(torch.full_like(empty, 0.1), empty)


def test_a_missed_object_pulls_its_pixels_up(part, loss):
    target = square()
    pull = gradient(loss, torch.full_like(target, -20.0), target)[target > 0]
    assert (pull <= 0).all()
    if part.name in FLAT_WHERE_SURE:
        assert -1e-7 < pull.sum() < 0
    else:
        assert pull.sum() < -1e-2


def test_images_are_averaged(loss):
    logits, target = random_logits(2, 1, 8, 8), square()
    alone = [loss(logits[i : i + 1], target[i : i + 1]).item() for i in range(2)]
    assert loss(logits, target).item() == pytest.approx(sum(alone) / 2, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(loss, dtype):
    logits, target = random_logits(2, 1, 64, 64).to(dtype), square(40, 64)
    result = loss(logits, target)
    assert result.dtype == torch.float32
    assert result == loss(logits.float(), target)


def test_autocast_changes_nothing(loss):
    logits, target = random_logits(2, 1, 64, 64), square(40, 64)
    expected, slope = loss(logits, target), gradient(loss, logits, target)
    with torch.autocast("cpu", torch.bfloat16):
        logits.requires_grad_()
        result = loss(logits, target)
    result.backward()
    assert result.dtype == torch.float32
    assert result == expected
    assert torch.equal(logits.grad, slope)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float64])
def test_takes_targets_of_any_type(loss, dtype):
    logits, target = random_logits(2, 1, 8, 8), square()
    result = loss(logits, target.to(dtype))
    assert result.dtype == torch.float32
    assert result == loss(logits, target)


def test_memory_layout_does_not_matter(loss):
    logits, target = random_logits(2, 1, 8, 10), square(3, 10)[:, :, :8]
    turned = [x.transpose(2, 3).contiguous().transpose(2, 3) for x in (logits, target)]
    assert float(loss(*turned)) == pytest.approx(float(loss(logits, target)), rel=1e-6)


def test_leaves_its_arguments_alone(loss):
    logits, target = random_logits(2, 1, 8, 8), square()
    before = logits.clone(), target.clone()
    loss(logits, target)
    assert torch.equal(logits, before[0])
    assert torch.equal(target, before[1])


def test_a_target_of_another_shape_is_an_error(loss):
    with pytest.raises((ValueError, RuntimeError), match=r"shape|size"):
        loss(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 4, 4))


def test_a_loss_can_be_sent_to_another_process(loss):
    logits, target = random_logits(2, 1, 8, 8), square()
    sent = pickle.loads(pickle.dumps(deep_supervision(loss)))  # as strategies that spawn processes do
    assert sent((logits, logits[..., ::2, ::2]), target) == deep_supervision(loss)((logits, logits[..., ::2, ::2]), target)


def test_deep_supervision_computes_in_float32():
    target = square(40, 64)
    logits = (random_logits(2, 1, 64, 64).bfloat16(), random_logits(2, 1, 32, 32).bfloat16())
    supervised = deep_supervision(build_loss(DicePart()))
    with torch.autocast("cpu", torch.bfloat16):
        result = supervised(logits, target)
    assert result.dtype == torch.float32
    assert result == supervised(tuple(x.float() for x in logits), target)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_gpu_gives_what_the_processor_gives(loss, dtype):
    logits, target = random_logits(2, 1, 64, 64), square(40, 64)
    expected, slope = loss(logits, target), gradient(loss, logits, target)
    there = logits.cuda().requires_grad_()
    with torch.autocast("cuda", dtype):
        result = loss(there, target.cuda())
    result.backward()
    assert (result.dtype, result.device.type) == (torch.float32, "cuda")
    assert result.item() == pytest.approx(expected.item(), rel=1e-5)
    assert torch.allclose(there.grad.cpu(), slope, rtol=1e-4, atol=1e-8)


def test_a_kernel_without_a_middle_is_an_error():
    with pytest.raises(ValidationError, match="30 is even"):
        StructurePart(kernel=30)

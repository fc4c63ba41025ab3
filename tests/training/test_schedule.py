"""The schedules over whole courses, against PyTorch's own and by hand."""

import math

import pytest
import torch
from torch.optim import lr_scheduler

from limner.recipe.schema import ConstantPart, CosinePart, OneCyclePart, PlateauPart, PolyPart
from limner.training.schedule import Schedule, learning_rate_factor, momentum_at

STEPS = 40
PEAK = 0.5


def factors(part):
    return [learning_rate_factor(part, step / STEPS) for step in range(STEPS + 1)]


def optimiser(kind=torch.optim.SGD, **options):
    weight = torch.nn.Parameter(torch.zeros(1))
    return kind([{"params": [weight], "lr": PEAK, "peak_lr": PEAK}], **options)


def course(stepped, scheduler, read, steps=STEPS):
    """What a scheduler of PyTorch sets at each of its steps, as `read` takes it from the group."""
    values = []
    for _ in range(steps + 1):
        values.append(read(stepped.param_groups[0]))
        stepped.step()
        if len(values) <= steps:
            scheduler.step()
    return values


def torch_one_cycle(stepped, part, **momentum):
    """PyTorch's peak is one step before its share of the steps; ours is at its share of the progress."""
    return lr_scheduler.OneCycleLR(
        stepped,
        max_lr=PEAK,
        total_steps=STEPS + 1,
        pct_start=(part.warmup * STEPS + 1) / (STEPS + 1),
        div_factor=part.start_div,
        final_div_factor=part.end_div / part.start_div,
        **momentum,
    )


@pytest.mark.parametrize("part", [OneCyclePart(), OneCyclePart(warmup=0.6, start_div=10, end_div=100)])
def test_one_cycle_is_that_of_pytorch(part):
    stepped = optimiser()
    expected = course(stepped, torch_one_cycle(stepped, part, cycle_momentum=False), lambda group: group["lr"] / PEAK)
    assert factors(part) == pytest.approx(expected)
    assert max(factors(part)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("kind", "options", "read"),
    [(torch.optim.SGD, {"momentum": 0.9}, lambda group: group["momentum"]), (torch.optim.Adam, {}, lambda group: group["betas"][0])],
)
def test_one_cycle_of_the_momentum_is_that_of_pytorch(kind, options, read):
    part = OneCyclePart(momentum=(0.8, 0.95))
    theirs, ours = optimiser(kind, **options), optimiser(kind, **options)
    expected = course(theirs, torch_one_cycle(theirs, part, base_momentum=0.8, max_momentum=0.95), read)
    schedule, found = Schedule(part), []
    for step in range(STEPS + 1):
        schedule.apply(ours, step / STEPS)
        found.append(read(ours.param_groups[0]))
    assert found == pytest.approx(expected)
    assert kind is torch.optim.SGD or ours.param_groups[0]["betas"][1] == 0.999


def test_momentum_is_left_alone_unless_asked_for():
    stepped = optimiser(momentum=0.7)
    Schedule(OneCyclePart()).apply(stepped, 0.5)
    assert stepped.param_groups[0]["momentum"] == 0.7
    assert momentum_at(CosinePart(), 0.5) is None


def test_cosine_is_that_of_pytorch():
    stepped = optimiser()
    scheduler = lr_scheduler.CosineAnnealingLR(stepped, T_max=STEPS, eta_min=PEAK / 50)
    expected = course(stepped, scheduler, lambda group: group["lr"] / PEAK)
    assert factors(CosinePart(warmup=0.0, end_div=50)) == pytest.approx(expected)


@pytest.mark.parametrize("power", [0.9, 2.0])
def test_poly_is_that_of_pytorch(power):
    stepped = optimiser()
    expected = course(stepped, lr_scheduler.PolynomialLR(stepped, total_iters=STEPS, power=power), lambda group: group["lr"] / PEAK)
    assert factors(PolyPart(power=power)) == pytest.approx(expected)


@pytest.mark.parametrize("part", [CosinePart(warmup=0.25), PolyPart(warmup=0.25), ConstantPart(warmup=0.25)])
def test_a_warm_up_is_a_straight_line_to_the_peak(part):
    rising = factors(part)[: STEPS // 4 + 1]
    assert rising[0] == pytest.approx(1e-3)
    assert rising[-1] == pytest.approx(1.0)
    assert rising == pytest.approx(torch.linspace(rising[0], 1.0, len(rising)).tolist())


def test_by_hand():
    assert learning_rate_factor(CosinePart(warmup=0.2, end_div=10), 0.6) == pytest.approx(0.1 + 0.9 * 0.5)
    assert learning_rate_factor(PolyPart(power=0.9, warmup=0.2), 0.6) == pytest.approx(0.5**0.9)
    assert learning_rate_factor(OneCyclePart(warmup=0.5, start_div=4), 0.25) == pytest.approx(0.25 + 0.75 * 0.5)
    assert set(factors(ConstantPart())) == {1.0}


LOSSES = [1.0, 0.9, 0.95, 0.95, 0.9, 0.91, 0.8, 0.85, 0.85, 0.85, math.nan, 0.85, 0.85, 0.85, 0.85, 0.7, *[0.7] * 12]


@pytest.mark.parametrize("patience", [0, 2])
@pytest.mark.parametrize("monitor", ["val_loss", "val_dice"])
def test_plateau_is_that_of_pytorch(patience, monitor):
    part = PlateauPart(monitor=monitor, factor=0.3, patience=patience, end_div=200)
    sign = 1 if monitor == "val_loss" else -1
    theirs, ours = optimiser(), optimiser()
    scheduler = lr_scheduler.ReduceLROnPlateau(
        theirs, mode="min" if sign > 0 else "max", factor=0.3, patience=patience, threshold=0.0, threshold_mode="abs", min_lr=PEAK / 200
    )
    schedule = Schedule(part)
    for epoch, loss in enumerate(LOSSES, 1):
        scheduler.step(sign * loss)
        schedule.see({monitor: sign * loss}, epoch)
        schedule.apply(ours, epoch / len(LOSSES))
        assert ours.param_groups[0]["lr"] == pytest.approx(theirs.param_groups[0]["lr"]), epoch
    assert ours.param_groups[0]["lr"] == pytest.approx(PEAK / 200)


def test_plateau_goes_on_from_a_checkpoint():
    part = PlateauPart(factor=0.5, patience=1)
    whole, first, second = Schedule(part), Schedule(part), Schedule(part)
    losses = [1.0, 1.0, 1.0, 1.0, 1.0]
    for epoch, loss in enumerate(losses, 1):
        whole.see({"val_loss": loss}, epoch)
        (first if epoch <= 2 else second).see({"val_loss": loss}, epoch)
        if epoch == 2:
            second.load_state_dict(first.state_dict())
    assert whole.factor(0.0) == second.factor(0.0) == 0.25
    assert whole.state_dict() == second.state_dict()


def test_each_group_keeps_its_own_peak():
    stepped = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr, "peak_lr": lr} for lr in (0.1, 1.0)])
    Schedule(PolyPart(power=1.0)).apply(stepped, 0.75)
    assert [group["lr"] for group in stepped.param_groups] == pytest.approx([0.025, 0.25])

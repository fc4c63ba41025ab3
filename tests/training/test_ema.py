"""The moving average of the weights, by hand."""

import pytest
import torch
from tests.training.tiny import assert_equal, best, history, last, tiny_recipe, train
from torch import nn

from limner.models import build_network
from limner.training.averaging import AveragedNetwork
from limner.training.fit import load_best
from limner.training.module import SegmentationModule

EMA = "optimiser.ema_decay=0.6"


def test_by_hand():
    network = nn.BatchNorm1d(1)
    averaged = AveragedNetwork(network, decay=0.15)
    expected = 1.0
    for step, weight in enumerate((5.0, 2.0, -3.0)):
        with torch.no_grad():
            network.weight.fill_(weight)
            network.running_mean.fill_(10 * weight)
            network.num_batches_tracked += 1
        averaged.update(network)
        decay = (0.1, 0.15, 0.15)[step]  # the first is less than 0.15, 2/11 would be more
        expected = decay * expected + (1 - decay) * weight
    assert float(averaged.network.weight) == pytest.approx(expected)
    assert float(averaged.network.running_mean) == pytest.approx(0.85 * -30 + 0.15 * (0.85 * 20 + 0.15 * 0.9 * 50))
    assert int(averaged.network.num_batches_tracked) == 3


def test_the_first_updates_count_for_more():
    """(1 + n) / (10 + n): after 30 steps nothing is left of the initial weights, however near to 1 the decay is."""
    network, averaged = nn.Linear(1, 1), None
    nn.init.constant_(network.weight, 100.0)
    averaged = AveragedNetwork(network, decay=0.9999)
    nn.init.constant_(network.weight, 1.0)
    shares = []
    for _ in range(30):
        averaged.update(network)
        shares.append(float((averaged.network.weight - 1) / 99))
    assert shares[:3] == pytest.approx([1 / 10, 1 / 10 * 2 / 11, 1 / 10 * 2 / 11 * 3 / 12], rel=1e-3)
    assert abs(shares[-1]) < 1e-6


def test_the_average_is_not_trained_and_shares_nothing():
    network = nn.Linear(2, 2)
    averaged = AveragedNetwork(network, 0.9)
    assert not any(parameter.requires_grad for parameter in averaged.parameters())
    assert network.weight.requires_grad
    assert averaged.network.weight.data_ptr() != network.weight.data_ptr()


def test_it_goes_on_from_a_checkpoint():
    network = nn.Linear(2, 2)
    first, second = AveragedNetwork(network, 0.9), AveragedNetwork(nn.Linear(2, 2), 0.9)
    first.update(network)
    second.load_state_dict(first.state_dict())
    assert second.updates == 1
    assert_equal(second.network.state_dict(), first.network.state_dict())


@pytest.fixture
def steps(monkeypatch):
    """The network's state after each step of the optimiser."""
    states, step = [], SegmentationModule.optimizer_step

    def recorded(self, *arguments, **named):
        step(self, *arguments, **named)
        states.append({name: value.clone() for name, value in self.network.state_dict().items()})

    monkeypatch.setattr(SegmentationModule, "optimizer_step", recorded)
    return states


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_training_keeps_validates_and_exports_the_average(tmp_path, steps, accumulate):
    settings = [EMA, f"optimiser.accumulate={accumulate}"]
    run = train(tmp_path / "run", *settings)
    assert len(steps) == 9 // accumulate
    torch.manual_seed(0)
    average = build_network(tiny_recipe().network).state_dict()
    averages = []
    for number, state in enumerate(steps):
        decay = min(0.6, (1 + number) / (10 + number))
        average = {
            name: decay * average[name] + (1 - decay) * value if value.is_floating_point() else value for name, value in state.items()
        }
        averages.append(average)
    kept = best(run)
    for name, value in kept["network"].items():
        torch.testing.assert_close(value, averages[kept["epoch"] * 3 // accumulate - 1][name], rtol=1e-4, atol=1e-6)
    # What was validated is what is kept.
    plain = train(tmp_path / "plain", *settings[1:])
    assert [row["train_loss"] for row in history(plain)] == [row["train_loss"] for row in history(run)]
    assert [row["val_loss"] for row in history(plain)] != [row["val_loss"] for row in history(run)]
    assert_equal(load_best(tiny_recipe(), run).state_dict(), kept["network"])


def test_what_is_trained_and_its_average_are_both_in_the_last_checkpoint(tmp_path):
    with_average = last(train(tmp_path / "with", EMA, "epochs=1"))["state_dict"]
    without = last(train(tmp_path / "without", "epochs=1"))["state_dict"]
    averages = {name.replace("network.", "averaged.network.", 1) for name in without}
    assert with_average.keys() == {*without, *averages, "averaged._extra_state"}

"""A pretrained encoder that is left as it is for the first share of the training."""

import pytest
import torch
from tests.training.tiny import ENCODER, last, tiny_recipe, train

from limner.errors import RecipeError
from limner.models import build_network
from limner.training.checks import check_training
from limner.training.freezing import EncoderFreeze, needs_unused_search
from limner.training.module import SegmentationModule

HALF = [*ENCODER, "epochs=4", "optimiser.freeze_encoder=0.5", "optimiser.weight_decay=0.1"]


@pytest.fixture
def encoders(monkeypatch):
    """The encoder's state after each batch, and whether it is trained."""
    states, end = [], SegmentationModule.on_train_batch_end

    def recorded(self, *arguments):
        end(self, *arguments)
        encoder = self.network.encoder
        trained = {parameter.requires_grad for parameter in encoder.parameters()}, {module.training for module in encoder.modules()}
        states.append(({name: value.clone() for name, value in encoder.state_dict().items()}, trained))

    monkeypatch.setattr(SegmentationModule, "on_train_batch_end", recorded)
    return states


def test_nothing_of_the_encoder_changes_until_its_time_has_come(tmp_path, encoders):
    run = train(tmp_path / "run", *HALF)
    torch.manual_seed(0)
    before = build_network(tiny_recipe(*HALF).network)
    assert [trained for _, trained in encoders] == [({False}, {False})] * 6 + [({True}, {True})] * 6
    for name, value in before.encoder.state_dict().items():
        assert all(torch.equal(state[name], value) for state, _ in encoders[:6]), name
    weights = [name for name, _ in before.encoder.named_parameters()]
    assert all(not torch.equal(encoders[-1][0][name], before.encoder.state_dict()[name]) for name in weights)
    assert {int(value) for name, value in encoders[-1][0].items() if name.endswith("num_batches_tracked")} == {6}
    after = last(run)["state_dict"]
    assert all(not torch.equal(after[f"network.{name}"], weight) for name, weight in before.named_parameters())


def test_no_gradient_is_computed_for_it(tmp_path, monkeypatch):
    """That is what makes a step with a frozen encoder cheaper."""
    seen, clip = [], SegmentationModule.configure_gradient_clipping

    def looked(self, *arguments, **named):
        seen.append({parameter.grad is None for parameter in self.network.encoder.parameters()})
        clip(self, *arguments, **named)

    monkeypatch.setattr(SegmentationModule, "configure_gradient_clipping", looked)
    train(tmp_path / "run", *HALF)
    assert seen == [{True}] * 6 + [{False}] * 6


def test_it_is_thawed_between_two_steps_and_not_within_one(tmp_path, encoders):
    """Half of three epochs of three batches is in the middle of a step of three."""
    train(tmp_path / "run", *HALF, "epochs=3", "optimiser.accumulate=3")
    assert [trained == ({True}, {True}) for _, trained in encoders] == [False] * 6 + [True] * 3


def test_several_encoders_are_frozen_and_nothing_else():
    network = torch.nn.Module()
    network.encoders = torch.nn.ModuleList(torch.nn.BatchNorm2d(2) for _ in range(2))
    network.decoder = torch.nn.BatchNorm2d(2)
    freeze = EncoderFreeze(network, 0.5)
    freeze.apply(0.0)
    assert [module.training for module in (*network.encoders, network.decoder)] == [False, False, True]
    assert [parameter.requires_grad for parameter in network.parameters()] == [False] * 4 + [True] * 2
    network.train()  # as after a validation
    freeze.apply(0.49)
    assert not network.encoders[0].training
    freeze.apply(0.5)
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_without_a_share_nothing_is_touched():
    network = build_network(tiny_recipe(*ENCODER).network)
    network.encoder.eval()  # somebody's choice
    EncoderFreeze(network, 0.0).apply(0.0)
    assert not network.encoder.training


def test_a_network_without_an_encoder_has_nothing_to_freeze(tmp_path):
    recipe = tiny_recipe("optimiser.freeze_encoder=0.3")
    with pytest.raises(RecipeError, match="unet has no pretrained encoder") as caught:
        check_training(recipe)
    assert caught.match("freeze_encoder")
    with pytest.raises(RecipeError, match="UNet has no pretrained encoder"):
        EncoderFreeze(build_network(recipe.network), 0.3)
    check_training(tiny_recipe(*ENCODER, "optimiser.freeze_encoder=0.3"))


def test_ddp_is_told():
    assert needs_unused_search(tiny_recipe(*ENCODER, "optimiser.freeze_encoder=0.3"))
    assert not needs_unused_search(tiny_recipe(*ENCODER))

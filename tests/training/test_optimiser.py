import pytest
import torch
from tests.training.tiny import ENCODER, STILL, assert_equal, last, tiny_recipe, train
from torch import nn

from limner.errors import RecipeError
from limner.models import build_network
from limner.recipe import load_recipe
from limner.recipe.schema import OptimiserPart
from limner.training.checks import check_training
from limner.training.optimiser import build_optimiser, check_optimiser, current_rate

USABLE = sorted(
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type)
    and issubclass(kind, torch.optim.Optimizer)
    and kind not in {torch.optim.Optimizer, torch.optim.LBFGS, torch.optim.SparseAdam, torch.optim.Muon}
)


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))


def with_encoder(name):
    network = nn.Module()
    network.add_module(name, nn.ModuleList([nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)]))
    network.head = nn.Conv2d(4, 1, 1)
    return network


@pytest.mark.parametrize("name", USABLE)
def test_every_class_lowers_a_loss(name):
    network = small_network()
    decay = 0.0 if name == "Rprop" else 1e-4
    optimiser = build_optimiser(OptimiserPart(name=name.lower(), learning_rate=1e-2, weight_decay=decay), network)
    assert type(optimiser).__name__ == name
    torch.manual_seed(1)
    images, target = torch.rand(2, 3, 8, 8), torch.ones(2, 1, 6, 6)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(network(images), target)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["encoder", "encoders"])
def test_a_pretrained_encoder_learns_more_slowly_and_only_matrices_decay(name):
    network = with_encoder(name)
    part = OptimiserPart(name="adamw", learning_rate=1e-2, encoder_scale=0.1, weight_decay=0.5)
    optimiser = build_optimiser(part, network)
    found = {
        parameter: (group["lr"], group["peak_lr"], group["weight_decay"])
        for group in optimiser.param_groups
        for parameter in group["params"]
    }
    encoder = getattr(network, name)
    assert found[encoder[0].weight] == pytest.approx((1e-3, 1e-3, 0.5))
    assert found[encoder[0].bias] == found[encoder[1].weight] == pytest.approx((1e-3, 1e-3, 0.0))
    assert found[network.head.weight] == pytest.approx((1e-2, 1e-2, 0.5))
    assert found[network.head.bias] == pytest.approx((1e-2, 1e-2, 0.0))
    assert len(found) == len(list(network.parameters()))
    assert current_rate(optimiser) == 1e-2


def test_the_encoder_of_a_real_network_is_found():
    network = build_network(tiny_recipe(*ENCODER).network)
    slow = {parameter for group in build_optimiser(OptimiserPart(), network).param_groups[:2] for parameter in group["params"]}
    assert slow == set(network.encoder.parameters())


def test_what_each_has_by_default():
    sgd = check_optimiser(OptimiserPart(name="SGD", momentum=0.8))
    assert (sgd.defaults["momentum"], sgd.defaults["nesterov"]) == (0.8, True)
    assert not check_optimiser(OptimiserPart(name="sgd", momentum=0.0)).defaults["nesterov"]
    assert {check_optimiser(OptimiserPart(name=name)).defaults["eps"] for name in ("adam", "adamw", "nadam")} == {1e-5}
    assert check_optimiser(OptimiserPart(name="radam")).defaults["eps"] == 1e-8  # PyTorch's


def test_options_go_to_the_class():
    recipe = load_recipe(
        "phantom-unet", ["optimiser=adam", "optimiser.options={betas: [0.8, 0.9], eps: 1.0e-7, amsgrad: true, fused: false}"]
    )
    defaults = check_optimiser(recipe.optimiser).defaults
    assert (defaults["betas"], defaults["eps"], defaults["amsgrad"], defaults["fused"]) == ((0.8, 0.9), 1e-7, True, False)
    assert check_optimiser(OptimiserPart(name="rmsprop", options={"momentum": 0.5})).defaults["momentum"] == 0.5


@pytest.mark.parametrize(
    ("settings", "what", "fix"),
    [
        ({"name": "adm"}, "no optimiser named 'adm'", "did you mean 'adam'"),
        ({"name": "optimizer"}, "no optimiser named", "allowed: .*adamw"),
        ({"name": "lbfgs"}, "LBFGS cannot train here: it evaluates the loss several times", "adamw"),
        ({"name": "SparseAdam"}, "sparse gradients", "adamw"),
        ({"name": "muon"}, "matrices only", "adamw"),
        ({"name": "adam", "options": {"beta": 0.5}}, "'beta' is not an option of Adam", "did you mean 'betas'"),
        ({"name": "adam", "options": {"lr": 0.5}}, "'lr' is not an option", "set optimiser.learning_rate"),
        ({"name": "sgd", "options": {"momentum": 0.5}}, "'momentum' is not an option", "set optimiser.momentum"),
        ({"name": "adam", "options": {"betas": (1.5, 0.9)}}, "Adam does not take these settings: .*1.5", "torch.optim.Adam"),
        ({"name": "adam", "options": {"betas": 0.5}}, "Adam does not take these settings", "torch.optim.Adam"),
        ({"name": "sgd", "options": {"dampening": 0.5}}, "Nesterov", "torch.optim.SGD"),
        ({"name": "adam", "options": {"foreach": True}}, "fused", "torch.optim.Adam"),
        ({"name": "rprop", "weight_decay": 0.1}, "Rprop has no weight decay", "set it to 0"),
    ],
)
def test_what_cannot_be_is_told(settings, what, fix):
    with pytest.raises(RecipeError, match=what) as caught:
        check_optimiser(OptimiserPart(**settings))
    assert caught.match(fix)
    with pytest.raises(RecipeError, match=what):
        build_optimiser(OptimiserPart(**settings), small_network())


def test_a_schedule_of_the_momentum_needs_an_optimiser_with_momentum():
    settings = ["schedule.momentum=[0.85, 0.95]", "optimiser.weight_decay=0"]
    for name in ("adamw", "sgd", "rmsprop"):
        check_training(load_recipe("phantom-unet", [*settings, f"optimiser={name}"]))
    with pytest.raises(RecipeError, match="Adagrad has no momentum") as caught:
        check_training(load_recipe("phantom-unet", [*settings, "optimiser=adagrad"]))
    assert caught.match("schedule.momentum")


NO_BATCH_NORM = [
    *STILL,
    "network.norm=none",
    "loss=bce",
    "optimiser=sgd",
    "optimiser.weight_decay=0",
    "optimiser.learning_rate=0.5",
    "schedule=constant",
]


@pytest.mark.parametrize("clip", ["0", "0.05"])
def test_two_batches_of_four_added_up_are_one_of_eight(tmp_path, clip):
    """The learning rate is constant: within a schedule, the two halves are at two places."""
    settings = [*NO_BATCH_NORM, f"optimiser.clip_norm={clip}"]
    halves = train(tmp_path / "halves", *settings, "optimiser.accumulate=2", images=16)
    whole = train(tmp_path / "whole", *settings, "batch_size=8", images=16)
    each = train(tmp_path / "each", *settings, images=16)
    weights = [last(run)["state_dict"] for run in (halves, whole, each)]
    assert (last(halves)["global_step"], last(whole)["global_step"], last(each)["global_step"]) == (6, 6, 12)
    for name, value in weights[1].items():
        torch.testing.assert_close(weights[0][name], value, rtol=1e-5, atol=1e-6)
    assert not all(torch.allclose(weights[2][name], value, rtol=1e-2, atol=1e-3) for name, value in weights[1].items())


def test_what_is_clipped_is_the_sum(tmp_path):
    """Without momentum, a step is as long as the clipped gradient times the learning rate."""
    settings = [*NO_BATCH_NORM, "optimiser.momentum=0", "optimiser.clip_norm=1e-3", "epochs=1", "optimiser.accumulate=2"]
    run = train(tmp_path / "run", *settings, images=8)
    torch.manual_seed(0)
    before = build_network(tiny_recipe(*settings).network).state_dict()
    after = {name.removeprefix("network."): value for name, value in last(run)["state_dict"].items()}
    length = torch.stack([(after[name] - value).norm() for name, value in before.items()]).norm()
    assert float(length) == pytest.approx(0.5 * 1e-3, rel=1e-3)


def test_the_same_course_twice_is_the_same(tmp_path):
    first, second = (train(tmp_path / name) for name in "ab")
    assert_equal(last(first)["state_dict"], last(second)["state_dict"])

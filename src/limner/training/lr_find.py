"""The learning-rate range test: the real training step, at a learning rate that grows from step to step until the loss diverges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from limner.models import build_network
from limner.progress import show_progress
from limner.recipe.schema import ConstantPart
from limner.training.checks import check_training
from limner.training.devices import choose_devices
from limner.training.fit import make_loaders
from limner.training.hardware import choose_memory_format, choose_precision
from limner.training.lr_ramp import RangeTest, Watch
from limner.training.module import SegmentationModule
from limner.training.normalise import measured
from limner.training.pace import Pace
from limner.training.run import load_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from limner.data.items import Dataset
    from limner.data.splits import Split
    from limner.recipe import Recipe
    from limner.training.loader import Batch
    from limner.training.lr_ramp import Ramp


def run_ramp(dataset: Dataset, split: Split, recipe: Recipe, ramp: Ramp, *, progress: bool = True) -> RangeTest:
    """Train for the steps of a ramp on the training part, and note the loss of each.

    Network, weights, augmentation, normalisation, loss, precision and optimiser, with the encoder's share of the learning rate, are the
    recipe's. Not its schedule, moving average and freezing of the encoder, which would hide what is measured. The weights are not kept.

    Raises:
        LimnerError: A network, weights or images that cannot be had.
    """
    recipe = _plain(recipe)
    check_training(recipe)
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.network, in_channels=recipe.data.in_channels)
    train = load_part(dataset, split.train, recipe.data)
    recipe = measured(recipe, train)
    loader, _ = make_loaders(recipe, train, train)
    module = _Step(recipe, network, Pace(ramp.steps), choose_memory_format(recipe)).to(choose_devices(recipe).own).train()
    batches = _endless(loader)
    optimiser, watch = module.configure_optimizers(), Watch()
    losses: list[float] = []
    with show_progress("trying learning rates", enabled=progress) as tick:
        for step, rate in enumerate(ramp.rates):
            losses.append(_step(module, optimiser, batches, step, rate))
            tick(step + 1, ramp.steps)
            if watch.diverged(losses[-1]):
                break
    return RangeTest(ramp, tuple(losses))


class _Step(SegmentationModule):
    """The training step alone, without a trainer."""

    def log(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Lightning's signature
        """There is nobody to log to."""

    def log_dict(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Lightning's signature
        """Likewise."""


def _plain(recipe: Recipe) -> Recipe:
    """The recipe without what would hide the learning rate, on one device."""
    optimiser = recipe.optimiser.model_copy(update={"ema_decay": 0.0, "freeze_encoder": 0.0})
    trainer = recipe.trainer.model_copy(update={"devices": 1, "nodes": 1})
    return recipe.model_copy(update={"optimiser": optimiser, "schedule": ConstantPart(), "trainer": trainer})


def _endless(loader: Any) -> Iterator[Batch]:  # noqa: ANN401 - of whole images or of patches
    """Epoch after epoch, each in an order of its own."""
    epoch = 0
    loader.epoch = lambda: epoch
    while True:
        yield from loader
        epoch += 1


def _step(module: SegmentationModule, optimiser: torch.optim.Optimizer, batches: Iterator[Batch], step: int, rate: float) -> float:
    """One step of the optimiser at a learning rate; returns the loss before it, the mean over its batches."""
    part, loss = module.recipe.optimiser, 0.0
    for group in optimiser.param_groups:
        group["lr"] = rate * group["peak_lr"] / part.learning_rate
    optimiser.zero_grad()
    for turn in range(part.accumulate):
        batch = tuple(one.to(module.device) for one in next(batches))
        with torch.autocast(module.device.type, torch.bfloat16, enabled=choose_precision(module.recipe) == "bf16-mixed"):
            share = module.training_step(batch, step * part.accumulate + turn) / part.accumulate  # type: ignore[arg-type]
        share.backward()  # type: ignore[no-untyped-call]
        loss += float(share.detach())
    module.configure_gradient_clipping(optimiser)
    optimiser.step()
    return loss

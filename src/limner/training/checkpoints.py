"""The best weights, and the whole state to go on from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import lightning as L
import torch

from limner.files import atomic_path
from limner.training.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from limner.recipe.schema import StoppingPart
    from limner.training.module import SegmentationModule
    from limner.training.run_folder import RunFolder


class Checkpoints(L.Callback):
    """After each epoch: the best weights if they are the best so far, then the whole state.

    In this order, so that a kill between the two repeats an epoch and never loses its weights. Both are written whole or not at all.

    Attributes:
        choice: The best value so far of what the recipe chooses by, and its epoch.
    """

    def __init__(self, run: RunFolder, part: StoppingPart) -> None:
        self.run = run
        self.choice = Watch(part.choose_by)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save."""
        module: SegmentationModule = pl_module  # type: ignore[assignment]
        value, epoch = module.scores[self.choice.name], trainer.current_epoch + 1
        if self.choice.see(value, epoch) and trainer.is_global_zero:
            with atomic_path(self.run.best, durable=True) as temporary:
                torch.save({"network": module.validated_network.state_dict(), "epoch": epoch, self.choice.name: value}, temporary)
        with _written_by_the_first(trainer, self.run.last) as path:
            trainer.save_checkpoint(path)  # by all processes together; the first one writes

    def state_dict(self) -> dict[str, Any]:
        """The best so far goes into the checkpoint."""
        return self.choice.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best so far."""
        self.choice.load_state_dict(state_dict)


@contextmanager
def _written_by_the_first(trainer: L.Trainer, path: Path) -> Iterator[Path]:
    """Where to write a file; only in the first process there is anything to be moved into its place."""
    if not trainer.is_global_zero:
        yield path
        return
    with atomic_path(path, durable=True) as temporary:
        yield temporary

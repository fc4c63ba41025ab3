"""When training ends, and why it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightning as L

from limner.report.words import watched
from limner.training.watch import Watch

if TYPE_CHECKING:
    from limner.recipe.schema import StoppingPart
    from limner.training.module import SegmentationModule
    from limner.training.run_folder import RunFolder


class Stopping(L.Callback):
    """Ends a training whose validation does not become better any more; and notes in run.json why a training ended.

    Attributes:
        ended: Why, as a sentence; empty while it goes on.
        early: Whether it ended before its last epoch.
    """

    def __init__(self, run: RunFolder, part: StoppingPart) -> None:
        self.run = run
        self.patience = part.patience
        self.watch = Watch(part.stop_by or part.choose_by, part.min_delta)
        self.epochs = 0
        self.ended = ""
        self.early = False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """What was at its end before an interruption is not begun again."""
        self._stop_if_in_vain(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the epoch's validation, which is the same in all processes."""
        module: SegmentationModule = pl_module  # type: ignore[assignment]
        self.epochs = trainer.current_epoch + 1
        self.watch.see(module.scores[self.watch.name], self.epochs)
        self._stop_if_in_vain(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say why."""
        module: SegmentationModule = pl_module  # type: ignore[assignment]
        planned = module.recipe.epochs
        self.early = self.epochs < planned or module.pace.cut_short
        if module.pace.cut_short:
            self.ended = f"the budget was used up {self._how_far(module)}"
        elif self.early:
            waited = f"{self.patience} epoch{'s' if self.patience > 1 else ''}"
            self.ended = f"after epoch {self.watch.best_epoch} the {watched(self.watch.name)} did not become better for {waited}"
        else:
            self.ended = f"all {planned} epochs are done"
        if trainer.is_global_zero:
            self.run.add_facts(ended=self.ended)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Also where all epochs were done before an interruption: nothing is trained then, so no training ends."""
        if not self.ended:
            self.on_train_end(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """How long nothing was better goes into the checkpoint."""
        return {"epochs": self.epochs, **self.watch.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.epochs = state_dict["epochs"]
        self.watch.load_state_dict(state_dict)

    def _stop_if_in_vain(self, trainer: L.Trainer) -> None:
        if 0 < self.patience <= self.watch.waited:
            trainer.should_stop = True

    def _how_far(self, module: SegmentationModule) -> str:
        planned, steps = module.recipe.epochs, module.pace.total_steps // module.recipe.epochs
        if module.pace.step < steps:
            return f"after {module.pace.step} of the {steps} steps of the first epoch: the network is hardly trained"
        return f"in epoch {self.epochs} of {planned}"

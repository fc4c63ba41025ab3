"""How a training goes, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightning as L
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from limner.progress import error_console
from limner.report.words import watched

if TYPE_CHECKING:
    from limner.training.checkpoints import Checkpoints
    from limner.training.history import History
    from limner.training.module import SegmentationModule
    from limner.training.stopping import Stopping


class ProgressBars(L.Callback):
    """Two bars: the whole training and the epoch. Where there is no terminal, one line per epoch.

    Of several processes, the first shows them.
    """

    def __init__(self, history: History, stopping: Stopping, checkpoints: Checkpoints) -> None:
        self.history = history
        self.stopping = stopping
        self.checkpoints = checkpoints
        self.console = error_console()
        self.bars = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[unit]}"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the bars."""
        self.bars.disable |= not trainer.is_global_zero
        self.whole = self.bars.add_task("training", total=1000, unit="‰", note=self._best())
        self.epoch = self.bars.add_task("epoch", total=trainer.num_training_batches, unit="steps", note="")
        self.bars.start()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A fresh bar for the epoch."""
        self.bars.reset(self.epoch, description=f"epoch {trainer.current_epoch + 1}", total=trainer.num_training_batches)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ANN401
        """One step further."""
        if self.bars.disable:
            return
        module: SegmentationModule = pl_module  # type: ignore[assignment]
        self.bars.update(self.whole, completed=1000 * module.pace.progress)
        self.bars.update(self.epoch, completed=batch_idx + 1, note=f"loss {float(outputs['loss']):.3f}")

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say what the epoch brought."""
        self.bars.update(self.whole, note=self._best())
        row = self.history.rows[-1]
        if trainer.is_global_zero and not self.console.is_terminal:
            self._say(
                f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.4f}, validation loss {row['val_loss']:.4f}, "
                f"Dice {row['val_dice']:.4f}, {row['images_per_second']:.1f} images/s, {self._best()}"
            )

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the bars full: a training that ended early is complete too. Why it did is worth a line."""
        self.bars.update(self.whole, completed=1000)
        self.bars.stop()
        if trainer.is_global_zero and self.stopping.early:
            self._say(f"training has ended: {self.stopping.ended}")

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Give the terminal back, also on Ctrl-C."""
        self.bars.stop()

    def _say(self, line: str) -> None:
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _best(self) -> str:
        choice = self.checkpoints.choice
        return "" if choice.best is None else f"best {watched(choice.name)} {choice.best:.4f} (epoch {choice.best_epoch})"

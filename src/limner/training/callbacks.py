"""What happens beside the training step: history, checkpoints, progress bars."""

from __future__ import annotations

import csv
import io
import math
from time import monotonic
from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from limner.errors import RunError
from limner.files import atomic_path, write_text
from limner.progress import error_console

if TYPE_CHECKING:
    from limner.training.module import SegmentationModule
    from limner.training.run_folder import RunFolder

COLUMNS = ("epoch", "train_loss", "val_loss", "val_dice", "val_iou", "learning_rate", "images_per_second", "seconds")


class History(L.Callback):
    """One row per epoch, in metrics.csv and in each checkpoint; on resuming the file is made to agree with the checkpoint.

    Attributes:
        rows: The epochs so far; keys as in `COLUMNS`.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.rows: list[dict[str, float]] = []
        self._epoch_start = 0.0
        self._training_s = 0.0
        self._images = 0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._epoch_start = monotonic()
        self._images = 0

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ANN401
        """Count the images; the clock for images per second stops before validation."""
        self._images += len(batch[0])
        self._training_s = monotonic() - self._epoch_start

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the row. Lightning has validated before this hook."""
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        group = pl_module.optimizers().param_groups[-1]  # type: ignore[union-attr]
        own = {
            "epoch": float(trainer.current_epoch + 1),
            "learning_rate": float(group["lr"]),
            "images_per_second": self._images / self._training_s,
            "seconds": monotonic() - self._epoch_start,
        }
        row = {**measured, **own}
        if not math.isfinite(row["train_loss"]):
            raise RunError(
                f"the training has diverged: its loss is {row['train_loss']} in epoch {row['epoch']:.0f}",
                where=self.run.path,
                fix="lower optimiser.learning_rate, or set optimiser.clip_norm=1, and start again",
            )
        self.rows.append({name: row[name] for name in COLUMNS})
        self._write()
        if trainer.logger:  # the measured ones are there already
            trainer.logger.log_metrics(own, step=trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        """The rows go into the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows of epochs after the checkpoint are forgotten: they are trained again."""
        self.rows = state_dict["rows"]
        self._write()

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in self.rows)
        write_text(self.run.metrics_file, text.getvalue())


class Checkpoints(L.Callback):
    """After each epoch: the best weights if they are the best so far, then the whole state.

    In this order, so that a kill between the two repeats an epoch and never loses its weights. Both are written whole or not at all.

    Attributes:
        best_dice: The best validation Dice so far.
        best_epoch: Its epoch, from 1.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.best_dice = -1.0
        self.best_epoch = 0

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save."""
        dice = float(trainer.callback_metrics["val_dice"])
        if dice > self.best_dice:
            self.best_dice, self.best_epoch = dice, trainer.current_epoch + 1
            network: torch.nn.Module = pl_module.network  # type: ignore[assignment]
            with atomic_path(self.run.best, durable=True) as temporary:
                torch.save({"network": network.state_dict(), "epoch": self.best_epoch, "val_dice": dice}, temporary)
        with atomic_path(self.run.last, durable=True) as temporary:
            trainer.save_checkpoint(temporary)

    def state_dict(self) -> dict[str, Any]:
        """The best so far goes into the checkpoint."""
        return {"best_dice": self.best_dice, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best so far."""
        self.best_dice, self.best_epoch = state_dict["best_dice"], state_dict["best_epoch"]


class ProgressBars(L.Callback):
    """Two bars on standard error: the whole training and the epoch. Where there is no terminal, one line per epoch."""

    def __init__(self, history: History, checkpoints: Checkpoints) -> None:
        self.history = history
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
        self.whole = self.bars.add_task("training", total=1000, unit="‰", note=self._note())
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
        self.bars.update(self.whole, note=self._note())
        row = self.history.rows[-1]
        if not self.console.is_terminal:
            self.console.print(
                f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.4f}, validation loss {row['val_loss']:.4f}, "
                f"Dice {row['val_dice']:.4f}, "
                f"{row['images_per_second']:.1f} images/s",
                soft_wrap=True,
                highlight=False,
            )

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the bars full: a training that its budget ended is complete too."""
        self.bars.update(self.whole, completed=1000)
        self.bars.stop()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Give the terminal back, also on Ctrl-C."""
        self.bars.stop()

    def _note(self) -> str:
        if not self.checkpoints.best_epoch:
            return ""
        return f"best validation Dice {self.checkpoints.best_dice:.4f} (epoch {self.checkpoints.best_epoch})"

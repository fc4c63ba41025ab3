"""One row for each epoch."""

from __future__ import annotations

import csv
import io
import math
from time import monotonic
from typing import TYPE_CHECKING, Any

import lightning as L

from limner.errors import RunError
from limner.files import write_text
from limner.training.distributed import world_size
from limner.training.optimiser import current_rate

if TYPE_CHECKING:
    from limner.training.run_folder import RunFolder

COLUMNS = (
    "epoch",
    "train_loss",
    "train_dice",
    "train_iou",
    "val_loss",
    "val_dice",
    "val_iou",
    "val_precision",
    "val_recall",
    "learning_rate",
    "images_per_second",
    "seconds",
)


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

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """On resuming, the file is made to agree with the checkpoint."""
        if self.rows and trainer.is_global_zero:
            self._write()

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
        own = {
            "epoch": float(trainer.current_epoch + 1),
            "learning_rate": current_rate(pl_module.optimizers()),  # type: ignore[arg-type]
            "images_per_second": self._images * world_size() / self._training_s,
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
        if trainer.is_global_zero:
            self._write()
        if trainer.logger:  # the measured ones are there already
            trainer.logger.log_metrics(own, step=trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        """The rows go into the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Rows of epochs after the checkpoint are forgotten: they are trained again."""
        self.rows = state_dict["rows"]

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in self.rows)
        write_text(self.run.metrics_file, text.getvalue())

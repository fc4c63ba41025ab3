"""Predictions for TensorBoard: the same few validation images after each epoch, so that one can watch the network learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

    from limner.training.loader import Batch
    from limner.training.module import SegmentationModule

SHOWN = 4
_SIDE = 256  # pixels of the longer side; larger ones are shrunk, since event files keep every picture of every epoch
TAG = "predictions"


class Pictures(L.Callback):
    """At each validation, one picture for each of its first images: the image, its truth, the probability, the prediction."""

    def on_validation_batch_end(  # noqa: PLR0917 - Lightning's signature
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first batch's; only the process that writes the log does, and the others need not wait."""
        if batch_idx or trainer.logger is None or not trainer.is_global_zero:
            return
        module: SegmentationModule = pl_module  # type: ignore[assignment]
        images, masks = batch[0][:SHOWN], batch[1][:SHOWN]
        probs = module.validated_network(module.normalise(images.float())).sigmoid().nan_to_num()  # of one that has diverged
        pictures = side_by_side(images, masks, probs, module.recipe.threshold.value).cpu()
        for number, picture in enumerate(pictures):
            trainer.logger.experiment.add_image(f"{TAG}/{number}", picture, trainer.current_epoch + 1)  # type: ignore[attr-defined]


def side_by_side(images: Tensor, masks: Tensor, probs: Tensor, threshold: float) -> Tensor:
    """Pictures (N, 3, h, 4w) in [0, 1]: image, truth, probability, and prediction at a threshold, from left to right.

    Args:
        images: uint8, (N, 3, H, W).
        masks: 0 or 1, (N, 1, H, W).
        probs: In [0, 1], (N, 1, H, W).
        threshold: Probability from which on a pixel is foreground.
    """
    grey = torch.stack([masks.float(), probs, (probs >= threshold).float()])
    columns = [images.float() / 255, *grey.expand(-1, -1, 3, -1, -1)]
    picture = torch.cat([_shrunk(column) for column in columns], dim=3)
    return picture.clamp(0.0, 1.0)


def _shrunk(pictures: Tensor) -> Tensor:
    height, width = pictures.shape[-2:]
    scale = _SIDE / max(height, width)
    if scale >= 1:
        return pictures
    return F.interpolate(pictures, (round(height * scale), round(width * scale)), mode="bilinear", antialias=True)

"""The training step, as a LightningModule: augment, normalise, network, loss; and what each epoch says of the validation part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightning as L
import torch

from limner.losses import build_loss
from limner.recipe.normalisation import MEAN_STD
from limner.training.augment import augment
from limner.training.hardware import keep_freed_memory
from limner.training.loader import generator
from limner.training.optimiser import build_optimiser
from limner.training.schedule import learning_rate_factor

if TYPE_CHECKING:
    from torch import Tensor, nn

    from limner.recipe import Recipe
    from limner.training.loader import Batch
    from limner.training.pace import Pace


class SegmentationModule(L.LightningModule):
    """A network in training.

    Args:
        recipe: Decides loss, optimiser, schedule, augmentation, normalisation.
        network: From images (N, C, H, W) to logits (N, 1, H, W).
        pace: Where training is; it drives the schedule and ends the training.
        memory_format: The network's and the images' memory layout.
    """

    def __init__(
        self, recipe: Recipe, network: nn.Module, pace: Pace, memory_format: torch.memory_format = torch.contiguous_format
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.network = network.to(memory_format=memory_format)
        self.pace = pace
        self.memory_format = memory_format
        self.loss = build_loss(recipe.loss)
        self.found: list[Tensor] = []  # of the validation: number of the image, overlap, sum of both areas
        mean, std = MEAN_STD[recipe.data.normalisation]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """From grey levels 0 to 255, (N, 3, H, W) float, to what the network is fed."""
        return ((images - self.mean) / self.std).contiguous(memory_format=self.memory_format)  # type: ignore[operator]

    def on_fit_start(self) -> None:
        """Prepare the process."""
        if self.device.type == "cpu":
            keep_freed_memory()

    def on_train_start(self) -> None:
        """A budget that was used up before an interruption is not begun again."""
        self.trainer.should_stop = self.pace.done

    def on_train_epoch_start(self) -> None:
        """What a network draws itself, for dropout, depends on the seed and the epoch alone too."""
        torch.manual_seed(generator(self.recipe.seed, self.current_epoch).initial_seed())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate."""
        factor = learning_rate_factor(self.recipe.schedule, self.pace.progress)
        for group in self.optimizers().param_groups:  # type: ignore[union-attr]
            group["lr"] = group["peak_lr"] * factor

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch, augmented by numbers that depend on the seed, the epoch and the step alone."""
        images, masks = batch[0].float(), batch[1].float()
        images, masks = augment(images, masks, self.recipe.augmentation, generator(self.recipe.seed, self.current_epoch, batch_idx))
        loss = self.loss(self.network(self.normalise(images)), masks)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(images))
        return loss

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip here: Lightning refuses to do so for a fused optimiser in mixed precision, out of regard for a scaler that bf16 has not."""
        if self.recipe.optimiser.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.optimiser.clip_norm)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:  # noqa: ANN401 - Lightning's signature
        """One step further. At the end of a budget the epoch ends here, with its validation."""
        self.pace.step += 1
        if self.pace.done:
            self.trainer.should_stop = True

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Loss, and what of each image was found at the recipe's fixed threshold, at the network's resolution."""
        images, masks = batch[0].float(), batch[1].float()
        logits = self.network(self.normalise(images)).float()
        preds = (logits.sigmoid() >= self.recipe.threshold.value).flatten(1)
        target = masks.bool().flatten(1)
        self.found.append(torch.stack([batch[2], (preds & target).sum(1), preds.sum(1) + target.sum(1)]))
        self.log("val_loss", self.loss(logits, masks), batch_size=len(images))

    def on_validation_epoch_end(self) -> None:
        """Per-image Dice and IoU, of images in one piece and of those in tiles alike."""
        case, overlap, total = torch.cat(self.found, dim=1)
        self.found.clear()
        overlap, total = (torch.bincount(case, weights=pixels.double()) for pixels in (overlap, total))
        empty = total == 0  # both empty: the network was right
        dice = torch.where(empty, 1.0, 2.0 * overlap / total.clamp_min(1))
        iou = torch.where(empty, 1.0, overlap / (total - overlap).clamp_min(1))
        self.log_dict({"val_dice": dice.mean().float(), "val_iou": iou.mean().float()})

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser; the schedule is applied step by step above."""
        return build_optimiser(self.recipe.optimiser, self.network)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The pace goes into the checkpoint."""
        checkpoint["pace"] = self.pace.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on at the checkpoint's pace."""
        self.pace.load_state_dict(checkpoint["pace"])

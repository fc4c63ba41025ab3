"""The training step, as a LightningModule: augment, normalise, network, loss; and what each epoch says of the validation part."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

import lightning as L
import torch

from limner.losses import build_loss, deep_supervision
from limner.training.augment import augment
from limner.training.averaging import AveragedNetwork
from limner.training.distributed import gathered
from limner.training.freezing import EncoderFreeze
from limner.training.hardware import keep_freed_memory
from limner.training.loader import generator
from limner.training.normalise import Normaliser
from limner.training.optimiser import build_optimiser
from limner.training.schedule import Schedule
from limner.training.scores import count_pixels, score_images, sum_by_image

if TYPE_CHECKING:
    from torch import Tensor, nn

    from limner.recipe import Recipe
    from limner.training.loader import Batch
    from limner.training.pace import Pace


class SegmentationModule(L.LightningModule):
    """A network in training.

    Attributes:
        network: What is trained.
        scores: What the last validation gave: `val_loss`, `val_dice`, `val_iou`, `val_precision`, `val_recall`. The same in all processes.

    Args:
        recipe: Decides loss, optimiser, schedule, augmentation, normalisation.
        network: From images (N, C, H, W) to logits (N, 1, H, W); in training mode maybe to a tuple, these logits first.
        pace: Where training is; it drives the schedule and ends the training.
        memory_format: The network's and the images' memory layout.

    Raises:
        RecipeError: The encoder is to be frozen, and the network has none.
    """

    def __init__(
        self, recipe: Recipe, network: nn.Module, pace: Pace, memory_format: torch.memory_format = torch.contiguous_format
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.network = network.to(memory_format=memory_format)
        self.averaged = AveragedNetwork(self.network, recipe.optimiser.ema_decay) if recipe.optimiser.ema_decay else None
        self.pace = pace
        self.memory_format = memory_format
        self.loss = deep_supervision(build_loss(recipe.loss))
        self.schedule = Schedule(recipe.schedule)
        self.encoder_freeze = EncoderFreeze(self.network, recipe.optimiser.freeze_encoder)
        self.normaliser = Normaliser(recipe.data)
        self.scores: dict[str, float] = {}
        self.found: list[Tensor] = []  # of the validation: number of the image, and its pixels as counted
        self.losses: list[Tensor] = []  # of the validation: a batch's loss times its images, and its images
        self.validation_start = 0.0

    @property
    def validated_network(self) -> nn.Module:
        """What is validated, kept and exported: the moving average where there is one."""
        return self.averaged.network if self.averaged else self.network

    def normalise(self, images: Tensor) -> Tensor:
        """From grey levels 0 to 255, (N, 3, H, W) float, to what the network is fed."""
        normalised: Tensor = self.normaliser(images)
        return normalised.contiguous(memory_format=self.memory_format)

    def on_fit_start(self) -> None:
        """Prepare the process."""
        if self.device.type == "cpu":
            keep_freed_memory()

    def on_train_start(self) -> None:
        """A budget that was used up before an interruption is not begun again."""
        self._look_at_the_clock()

    def on_train_epoch_start(self) -> None:
        """What a network draws itself, for dropout, depends on the seed and the epoch alone too."""
        torch.manual_seed(generator(self.recipe.seed, self.current_epoch).initial_seed())

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate; freeze the encoder or thaw it, but never between two batches of one step."""
        self.schedule.apply(self.optimizers(), self.pace.progress)  # type: ignore[arg-type]
        if batch_idx % self.recipe.optimiser.accumulate == 0:
            self.encoder_freeze.apply(self.pace.progress)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch, augmented by numbers that depend on the seed, the epoch and the step alone."""
        images, masks = batch[0].float(), batch[1].float()
        images, masks = augment(images, masks, self.recipe.augmentation, generator(self.recipe.seed, self.current_epoch, batch_idx))
        outputs = self.network(self.normalise(images))
        loss = self.loss(outputs, masks)
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        found = score_images(count_pixels(logits, masks, self.recipe.threshold.value))
        seen = {"train_loss": loss, "train_dice": found["dice"].mean(), "train_iou": found["iou"].mean()}
        self.log_dict(seen, on_step=False, on_epoch=True, batch_size=len(images), sync_dist=True)
        return loss

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip here: Lightning refuses to do so for a fused optimiser in mixed precision, out of regard for a scaler that bf16 has not."""
        if self.recipe.optimiser.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.optimiser.clip_norm)

    def optimizer_step(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Lightning's signature
        """Step, and take the new weights into the average."""
        super().optimizer_step(*arguments, **named)
        if self.averaged:
            self.averaged.update(self.network)

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:  # noqa: ANN401 - Lightning's signature
        """One step further. At the end of a budget the epoch ends here, with its validation."""
        self.pace.step += 1
        self._look_at_the_clock()

    def on_validation_epoch_start(self) -> None:
        """Start the clock of the validation."""
        self.validation_start = monotonic()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Loss, and what of each image was found at the recipe's fixed threshold, at the network's resolution."""
        images, masks = batch[0].float(), batch[1].float()
        logits = self.validated_network(self.normalise(images)).float()
        self.found.append(torch.cat([batch[2][None], count_pixels(logits, masks, self.recipe.threshold.value)]))
        self.losses.append(torch.stack([self.loss(logits, masks) * len(images), torch.tensor(len(images), device=logits.device)]))

    def on_validation_epoch_end(self) -> None:
        """The schedule may follow the scores, and the budget goes on."""
        # As the history writes them: of epochs that are the same there, choice and report both take the first.
        self.scores = {name: float(f"{value:.6g}") for name, value in self._validation_scores().items()}
        self.log_dict(self.scores, sync_dist=True)
        self.schedule.see(self.scores, self.current_epoch + 1)
        self.pace.validation_s = max(self.pace.validation_s, monotonic() - self.validation_start)
        self._look_at_the_clock()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimiser; the schedule is applied step by step above."""
        return build_optimiser(self.recipe.optimiser, self.network)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The pace and the schedule go into the checkpoint."""
        checkpoint.update(pace=self.pace.state_dict(), schedule=self.schedule.state_dict())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on at the checkpoint's pace."""
        self.pace.load_state_dict(checkpoint["pace"])
        self.schedule.load_state_dict(checkpoint["schedule"])

    def _validation_scores(self) -> dict[str, float]:
        """The loss, and the per-image scores averaged, of images in one piece and of those in tiles alike."""
        found = gathered(torch.cat(self.found, dim=1)).cpu()
        loss, images = gathered(torch.stack(self.losses, dim=1)).cpu().double().sum(dim=1)
        self.found.clear()
        self.losses.clear()
        scores = score_images(sum_by_image(found[0], found[1:]))
        return {"val_loss": float(loss / images), **{f"val_{name}": float(value.double().mean()) for name, value in scores.items()}}

    def _look_at_the_clock(self) -> None:
        self.pace.look()
        if self.pace.done and self.pace.step:  # a network that was trained for one step is something that can be exported
            self.trainer.should_stop = True

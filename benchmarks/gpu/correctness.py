"""Is training on the GPU right? The same batch gives the same loss and gradients as on the CPU, a short training learns, and no step waits.

Prints one JSON object; ends with exit code 1 if something is wrong.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

import lightning as L
import numpy as np
import torch

from limner.data.phantoms import write_phantoms
from limner.data.resident import ResidentSet
from limner.models import build_network
from limner.recipe import load_recipe
from limner.report import read_history
from limner.runtime import load
from limner.training.augment import augment
from limner.training.hardware import choose_precision, describe_machine
from limner.training.loader import ResidentLoader, generator
from limner.training.module import SegmentationModule
from limner.training.pace import Pace
from limner.training.run import train_run


def loss_and_gradient(device: str) -> tuple[float, float]:
    """Loss of one augmented batch, and the norm of its gradient, in float32."""
    recipe = load_recipe("polyp-unet-resnet50", ["network.encoder_weights=none"])
    torch.manual_seed(0)
    module = SegmentationModule(recipe, build_network(recipe.network), Pace(1)).to(device).train()
    draw = generator(0)
    images = torch.randint(0, 256, (4, 3, 256, 256), generator=draw).float().to(device)
    masks = (images[:, :1] > 128).float()
    images, masks = augment(images, masks, recipe.augmentation, generator(1))
    loss = module.loss(module.network(module.normalise(images)), masks)
    loss.backward()
    norm = torch.stack([p.grad.norm() for p in module.parameters() if p.grad is not None]).norm()
    return loss.item(), norm.item()


class WaitsCounted(L.Callback):
    """Has PyTorch warn of whatever makes the processor wait for the GPU, from the fifth step on."""

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, batch: object, batch_idx: int) -> None:
        """Begin with a step."""
        torch.cuda.set_sync_debug_mode("warn" if batch_idx >= 4 else "default")

    def on_train_batch_end(self, *_: object) -> None:
        """End with it: what an epoch does at its end does not count."""
        torch.cuda.set_sync_debug_mode("default")


def waits_per_step() -> float:
    """How often a training step makes the processor wait for the GPU; each wait leaves the GPU without work for a moment."""
    recipe, counted = load_recipe("polyp-unet-resnet50", ["network.encoder_weights=none", "batch_size=4"]), 16
    images = np.random.default_rng(0).integers(0, 256, (4 * (counted + 4), 128, 128, 3), dtype=np.uint8)
    part = ResidentSet(tuple(map(str, range(len(images)))), images, (images[..., 0] > 128).astype(np.uint8))
    module = SegmentationModule(recipe, build_network(recipe.network), Pace(counted + 4))
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(
        accelerator="cuda", devices=1, max_epochs=1, precision=choose_precision(recipe), callbacks=[WaitsCounted()], **quiet
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(module, ResidentLoader(part, 4, seed=0, device=torch.device("cuda", 0)))
    return sum("synchronizing" in str(warning.message) for warning in caught) / counted


def main() -> None:
    """Check and print."""
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device here")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    cpu, gpu = loss_and_gradient("cpu"), loss_and_gradient("cuda")
    with tempfile.TemporaryDirectory() as folder:
        source = write_phantoms(Path(folder) / "phantoms", count=160)
        run = train_run(source, load_recipe("phantom-unet"), Path(folder) / "run", progress=False)
        dice = max(row["val_dice"] for row in read_history(run / "metrics.csv"))
        parity = load(run).metadata.parity
    report = {
        "machine": describe_machine(),
        "torch": torch.__version__,
        "loss": {"cpu": cpu[0], "cuda": gpu[0]},
        "gradient_norm": {"cpu": cpu[1], "cuda": gpu[1]},
        "phantom_validation_dice": dice,
        "waits_per_step": waits_per_step(),
        "parity": parity,
    }
    print(json.dumps(report, indent=2))
    right = abs(cpu[0] - gpu[0]) < 1e-3 and abs(cpu[1] / gpu[1] - 1) < 1e-2 and dice > 0.8
    sys.exit(0 if right else "the GPU does not agree with the CPU, or the short training did not learn")


if __name__ == "__main__":
    main()

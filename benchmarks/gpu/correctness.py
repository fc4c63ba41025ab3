"""Is training on the GPU right? The same batch gives the same loss and gradients as on the CPU, and a short training learns.

Prints one JSON object; ends with exit code 1 if something is wrong.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch

from limner.data.phantoms import write_phantoms
from limner.models import build_network
from limner.recipe import load_recipe
from limner.runtime import load
from limner.training.augment import augment
from limner.training.hardware import describe_machine
from limner.training.loader import generator
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


def main() -> None:
    """Check and print."""
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device here")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    cpu, gpu = loss_and_gradient("cpu"), loss_and_gradient("cuda")
    with tempfile.TemporaryDirectory() as folder:
        source = write_phantoms(Path(folder) / "phantoms", count=160)
        run = train_run(source, load_recipe("phantom-unet"), Path(folder) / "run", progress=False)
        dice = max(float(line.split(",")[3]) for line in (run / "metrics.csv").read_text().splitlines()[1:])
        parity = load(run).metadata.parity
    report = {
        "machine": describe_machine(),
        "torch": torch.__version__,
        "loss": {"cpu": cpu[0], "cuda": gpu[0]},
        "gradient_norm": {"cpu": cpu[1], "cuda": gpu[1]},
        "phantom_validation_dice": dice,
        "parity": parity,
    }
    print(json.dumps(report, indent=2))
    right = abs(cpu[0] - gpu[0]) < 1e-3 and abs(cpu[1] / gpu[1] - 1) < 1e-2 and dice > 0.8
    sys.exit(0 if right else "the GPU does not agree with the CPU, or the short training did not learn")


if __name__ == "__main__":
    main()

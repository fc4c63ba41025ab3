"""What augmentation costs: each change alone and all together, beside the training step that it comes before, in one run.

Every change happens to every image of the batch (probability 1), which is the most that it can cost; as recipes have it, a quarter of the
images is passed over. The step is forward, backward and optimiser of a network in limner's own trainer, without any augmentation.
The smallest time of the rounds counts: whatever else the machine does can only add to it.

    python benchmarks/augmentation.py [--recipe polyp-unet-resnet50] [--size 256] [--batch-size 8] [--rounds 15] [--json]

On a machine with CUDA both are measured there.
"""

from __future__ import annotations

import argparse
import json
from time import perf_counter
from typing import TYPE_CHECKING

import lightning as L
import torch
from torch.utils.data import DataLoader

from limner.data.phantoms import phantom
from limner.models import build_network
from limner.recipe import Recipe, load_recipe
from limner.recipe.schema import AugmentationPart
from limner.training.augment import augment
from limner.training.augment.draws import KINDS
from limner.training.hardware import choose_memory_format, choose_precision, describe_machine
from limner.training.loader import generator
from limner.training.module import SegmentationModule
from limner.training.pace import Pace

if TYPE_CHECKING:
    from torch import Tensor

WARM_UP = 3
NOTHING = AugmentationPart(**dict.fromkeys(("probability", *KINDS), 0.0))
EVERYTHING = AugmentationPart(
    probability=1.0,
    horizontal_flip=0.5,
    vertical_flip=0.5,
    rotate=30,
    zoom=0.25,
    shift=0.1,
    shear=10,
    warp=0.1,
    elastic=0.05,
    brightness=0.2,
    contrast=0.3,
    saturation=0.3,
    hue=20,
    gamma=0.3,
    blur=2,
    noise=0.1,
    jpeg=60,
    dropout=0.2,
    cutmix=0.5,
)


def batch_of(size: int, count: int) -> tuple[Tensor, Tensor]:
    """Phantoms as the loaders give them: uint8, channels-last."""
    samples = [phantom("polyp", seed, (size, size)) for seed in range(count)]
    images = torch.stack([torch.from_numpy(sample.image) for sample in samples]).permute(0, 3, 1, 2)
    masks = torch.stack([torch.from_numpy(sample.mask) for sample in samples]).byte()[:, None]
    return images, masks


def shortest(images: Tensor, masks: Tensor, part: AugmentationPart, rounds: int) -> float:
    """Milliseconds that a batch takes, at best."""
    times = []
    for step in range(rounds + WARM_UP):
        _wait()
        start = perf_counter()
        augment(images, masks, part, generator(0, 0, step))
        _wait()
        times.append(perf_counter() - start)
    return 1000.0 * min(times[WARM_UP:])


class Clock(L.Callback):
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = perf_counter()

    def on_train_batch_start(self, *_: object) -> None:
        """A step begins."""
        _wait()
        self._start = perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """It is done."""
        _wait()
        self.seconds.append(perf_counter() - self._start)


def step_time(recipe: Recipe, images: Tensor, masks: Tensor, rounds: int) -> float:
    """Milliseconds that a training step without augmentation takes, at best."""
    recipe = recipe.model_copy(update={"augmentation": NOTHING})
    batches = [(images, masks, torch.arange(len(images)))] * (rounds + WARM_UP)
    network = build_network(recipe.network, in_channels=recipe.data.in_channels, pretrained=False)
    module = SegmentationModule(recipe, network, Pace(len(batches) + 1), choose_memory_format(recipe))
    clock = Clock()
    trainer = L.Trainer(
        max_epochs=1,
        precision=choose_precision(recipe),
        devices=1,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, DataLoader(batches, batch_size=None))
    return 1000.0 * min(clock.seconds[WARM_UP:])


def alone(kind: str) -> AugmentationPart:
    """One change, at the strength that it has among the others, for every image."""
    value = 1.0 if kind in {"horizontal_flip", "vertical_flip", "cutmix"} else getattr(EVERYTHING, kind)
    return NOTHING.model_copy(update={"probability": 1.0, kind: value})


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="polyp-unet-resnet50")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    images, masks = batch_of(options.size, options.batch_size)
    recipe = load_recipe(options.recipe, [f"data.input_size={options.size}", f"batch_size={options.batch_size}"])
    step = step_time(recipe, images, masks, options.rounds)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    images, masks = images.to(device).float(), masks.to(device).float()
    parts = {"nothing": NOTHING, **{kind: alone(kind) for kind in KINDS}, "everything": EVERYTHING}
    times = {name: shortest(images, masks, part, options.rounds) for name, part in parts.items()}
    if options.json:
        print(json.dumps({"machine": describe_machine(), "torch": torch.__version__, "step_ms": step, "augmentation_ms": times}, indent=2))
        return
    print(f"{describe_machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"batch {options.batch_size} x 3 x {options.size} x {options.size}; training step of {options.recipe}: {step:.1f} ms\n")
    print("| change | ms per batch | of the step |\n| --- | --- | --- |")
    for name, time in times.items():
        print(f"| {name} | {time:.2f} | {100 * time / step:.2f} % |")


if __name__ == "__main__":
    main()

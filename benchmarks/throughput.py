"""Training throughput: the usual script against limner, the same network on the same images, in one run.

(a) is what most users would write today: segmentation_models.pytorch, a Dataset that decodes and augments one image at a time in
DataLoader workers, float32. (b) is limner: images resident in memory, batches augmented as batches, bf16 and channels-last where the
hardware has them. Both train the very same `smp.Unet` with Adam on binary cross-entropy. A third row is limner's own recipe, as it comes.

    python benchmarks/throughput.py [--source kvasir-seg.zip] [--steps 12] [--batch-size 8] [--size 256]

Without a source it trains on phantoms. On a machine with CUDA it runs there.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import lightning as L
import segmentation_models_pytorch as smp
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from limner.data.phantoms import write_phantoms
from limner.data.resident import load_resident
from limner.data.source import Dataset, open_source
from limner.models import build_network
from limner.recipe import Recipe, load_recipe
from limner.training.hardware import choose_memory_format, choose_precision, describe_machine
from limner.training.loader import ResidentLoader
from limner.training.module import SegmentationModule
from limner.training.pace import Pace

if TYPE_CHECKING:
    from torch import Tensor, nn

WARM_UP = 2  # steps that are not counted


class OneByOne(TorchDataset[tuple["Tensor", "Tensor"]]):
    """Decodes, resizes and augments image by image, as the usual script does."""

    def __init__(self, dataset: Dataset, size: int) -> None:
        self.dataset = dataset
        self.transform = v2.Compose(
            [
                v2.Resize((size, size)),
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                v2.RandomAffine(degrees=30, scale=(0.8, 1.25)),
                v2.RandomPerspective(distortion_scale=0.2),
                v2.ColorJitter(brightness=0.15, contrast=0.2),
                v2.ToDtype({tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.float32}, scale=True),
                v2.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.dataset.items[index].load()
        image = tv_tensors.Image(torch.from_numpy(sample.image.copy()).permute(2, 0, 1))
        mask = tv_tensors.Mask(torch.from_numpy(sample.mask.copy())[None].to(torch.uint8))
        image, mask = self.transform(image, mask)
        return image, mask.float()


def usual_script(network: nn.Module, dataset: Dataset, *, size: int, batch_size: int, steps: int) -> float:
    """Images per second of the usual script."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)
    loader = DataLoader(OneByOne(dataset, size), batch_size, shuffle=True, drop_last=True, num_workers=min(4, os.cpu_count() or 1))
    seconds, done = [], 0
    while done < steps + WARM_UP:
        start = perf_counter()
        for images, masks in loader:
            loss = F.binary_cross_entropy_with_logits(network(images.to(device)), masks.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()  # printed by the usual script; also waits for the GPU
            seconds.append(perf_counter() - start)
            start = perf_counter()
            done += 1
            if done >= steps + WARM_UP:
                break
    return batch_size * steps / sum(seconds[WARM_UP:])


class Clock(L.Callback):
    """Seconds of each step, the loader's share included."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = perf_counter()

    def on_train_batch_end(self, *_: object) -> None:
        """One step is done."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds.append(perf_counter() - self._start)
        self._start = perf_counter()


def limner(network: nn.Module, recipe: Recipe, dataset: Dataset, *, steps: int) -> float:
    """Images per second of limner's training step in its trainer."""
    loader = ResidentLoader(load_resident(dataset, dataset.keys(), recipe.data.input_size), recipe.batch_size, seed=0)
    module = SegmentationModule(recipe, network, Pace(steps + WARM_UP), choose_memory_format(recipe))
    clock = Clock()
    trainer = L.Trainer(
        max_steps=steps + WARM_UP,
        max_epochs=-1,
        precision=choose_precision(recipe),
        devices=1,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader)
    return recipe.batch_size * steps / sum(clock.seconds[WARM_UP:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help="folder or archive of images and masks; phantoms if not given")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = options.source or write_phantoms(Path(folder) / "phantoms", count=64, size=(options.size, options.size))
        dataset = open_source(source)
        dataset = dataset.subset(dataset.keys()[:256])
        settings = [f"data.input_size={options.size}", f"batch_size={options.batch_size}", "network.encoder_weights=none"]
        recipe = load_recipe("polyp-unet-resnet50", settings)
        usual = usual_script(
            smp.Unet("resnet50", encoder_weights=None), dataset, size=options.size, batch_size=options.batch_size, steps=options.steps
        )
        same = limner(smp.Unet("resnet50", encoder_weights=None), recipe, dataset, steps=options.steps)
        own = limner(build_network(recipe.network), recipe, dataset, steps=options.steps)
    rows = {
        "usual script (smp.Unet resnet50, DataLoader, float32)": usual,
        "limner (the same smp.Unet)": same,
        "limner (polyp-unet-resnet50 as it comes)": own,
    }
    report = {
        "machine": describe_machine(),
        "torch": torch.__version__,
        "batch_size": options.batch_size,
        "size": options.size,
        "images_per_second": {name: round(value, 2) for name, value in rows.items()},
        "ratio_same_network": round(same / usual, 2),
    }
    if options.json:
        print(json.dumps(report, indent=2))
        return
    print(report["machine"])
    for name, value in rows.items():
        print(f"{name:58s} {value:8.2f} images/s   {value / usual:5.2f} x")


if __name__ == "__main__":
    main()

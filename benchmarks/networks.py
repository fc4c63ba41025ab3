"""Speed, size and memory of every network that the recipes name, as a Markdown table.

    python benchmarks/networks.py [--size 256] [--batch 4] [--steps 8] [--seconds 12] [--networks unet resunet smp:FPN ...]

Each network runs in a process of its own, on random images, in the precision and memory layout that limner's training chooses here: on
CUDA where there is a GPU, else on the CPU. Training is a step with forward pass, loss, backward pass and optimiser; inference is PyTorch
at a batch of one. A rate is that of the median step, after one that is not counted. Rows appear as they are measured; the whole takes
about a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from limner.losses import build_loss, deep_supervision
from limner.models import build_network
from limner.recipe import Recipe, change_recipe
from limner.training.devices import choose_devices
from limner.training.hardware import choose_memory_format, choose_precision, describe_machine, keep_freed_memory, peak_memory_gib
from limner.training.optimiser import build_optimiser

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

# Other names than these are what a recipe's `network` may be set to.
NETWORKS = {
    "unet-vessel-2": ["network=unet-vessel", "network.levels=2"],
    "unet-vessel-3": ["network=unet-vessel", "network.levels=3"],
    "unet-vessel-4": ["network=unet-vessel", "network.levels=4"],
    "mobilenetv2": ["network=encoder_unet", "network.encoder_name=mobilenetv2_100"],
    "efficientnet-lite0": ["network=encoder_unet", "network.encoder_name=tf_efficientnet_lite0"],
    "efficientnet-lite2": ["network=encoder_unet", "network.encoder_name=tf_efficientnet_lite2"],
}
DEFAULT = [
    "unet",
    "unet-2015",
    "unet-vessel-2",
    "unet-vessel-3",
    "unet-vessel-4",
    "resunet",
    "resunet_plusplus",
    "unet-resnet34",
    "unet-resnet50",
    "unet-resnet152",
    "mobilenetv2",
    "efficientnet-lite0",
    "efficientnet-lite2",
    "fusion_unet",
    "smp:UnetPlusPlus",
    "smp:FPN",
    "smp:DeepLabV3Plus",
    "smp:Segformer",
]
HEAD = """\
| network | parameters, M | GFLOPs per image | training, images/s | inference, images/s | peak memory, GiB |
| --- | --- | --- | --- | --- | --- |"""


@dataclass(frozen=True)
class Row:
    """What was measured of a network.

    Attributes:
        parameters: In all.
        gflops: Of the forward pass for one image; a multiplication with its addition is two.
        training: Images per second in training.
        inference: Images per second in inference, one at a time.
        memory: The most held at once in training, in GiB: by the process, or on the GPU.
    """

    parameters: int
    gflops: float
    training: float
    inference: float
    memory: float

    def line(self, name: str) -> str:
        """The row in Markdown."""
        numbers = f"{self.parameters / 1e6:.2f} | {self.gflops:.1f} | {self.training:.2f} | {self.inference:.2f} | {self.memory:.2f}"
        return f"| {name} | {numbers} |"


class Bench:
    """One network, ready to be timed.

    Args:
        recipe: Names the network.
        options: The command line's.
    """

    def __init__(self, recipe: Recipe, options: argparse.Namespace) -> None:
        self.recipe, self.options = recipe, options
        self.kind = choose_devices(recipe).kind
        self.layout = choose_memory_format(recipe)
        self.bf16 = choose_precision(recipe) == "bf16-mixed"
        torch.manual_seed(0)
        self.network: nn.Module = build_network(recipe.network, pretrained=False).to(self.kind, memory_format=self.layout)

    def images(self, number: int) -> Tensor:
        """Random images on the device."""
        return torch.rand(number, 3, *[self.options.size] * 2, device=self.kind).contiguous(memory_format=self.layout)

    def autocast(self) -> torch.autocast:
        """The precision that training runs in."""
        return torch.autocast(self.kind, torch.bfloat16, enabled=self.bf16)

    def gflops(self) -> float:
        """Of a forward pass for one image."""
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            self.network.eval()(self.images(1))
        return counter.get_total_flops() / 1e9

    def inference(self) -> float:
        """Images per second, one at a time."""
        self.network.eval()
        image = self.images(1)

        def step() -> None:
            with torch.inference_mode(), self.autocast():
                self.network(image)

        return 1 / self.seconds(step)

    def training(self) -> float:
        """Images per second of whole steps."""
        self.network.train()
        loss = deep_supervision(build_loss(self.recipe.loss))
        optimiser = build_optimiser(self.recipe.optimiser, self.network)
        images = self.images(self.options.batch)
        masks = (images[:, :1] > 0.5).float()

        def step() -> None:
            with self.autocast():
                value = loss(self.network(images), masks)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()

        return self.options.batch / self.seconds(step)

    def seconds(self, step: Callable[[], None]) -> float:
        """The median time of a step: of as many as asked for, or of two and what fits in the time."""
        times: list[float] = []
        while len(times) < 3 or (len(times) <= self.options.steps and sum(times) < self.options.seconds):
            start = perf_counter()
            step()
            if self.kind == "cuda":
                torch.cuda.synchronize()
            times.append(perf_counter() - start)
        return median(times[1:])

    def memory(self) -> float:
        """The most that was held at once, in GiB."""
        return torch.cuda.max_memory_allocated() / 2**30 if self.kind == "cuda" else peak_memory_gib()

    def row(self) -> Row:
        """Measure everything."""
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        return Row(parameters, self.gflops(), self.training(), self.inference(), self.memory())


def recipe_of(name: str) -> Recipe:
    """A recipe with the network of that name, all else by default."""
    return change_recipe(Recipe(name="benchmark"), NETWORKS.get(name, [f"network={name}"]))


def measure_apart(name: str, options: argparse.Namespace) -> Row | str:
    """Measure a network in a process of its own; the last line of its error if that fails."""
    settings = [f"--{key}={getattr(options, key)}" for key in ("size", "batch", "steps", "seconds")]
    done = subprocess.run([sys.executable, __file__, "--only", name, *settings], capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1]
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def print_table(options: argparse.Namespace) -> None:
    """Measure and print, row by row."""
    recipe = Recipe(name="benchmark")
    machine = ", ".join(f"{key} {value}" for key, value in describe_machine().items())
    kind, precision = choose_devices(recipe).kind, choose_precision(recipe)
    print(f"{machine}; PyTorch {torch.__version__} on {kind}, {precision}, {torch.get_num_threads()} threads.")
    print(f"{options.size}x{options.size}, training at a batch of {options.batch}.\n\n{HEAD}", flush=True)
    for name in options.networks:
        row = measure_apart(name, options)
        print(f"| {name} | {row} | | | | |" if isinstance(row, str) else row.line(name), flush=True)


def main() -> None:
    """Read the options; measure one network, or print the table of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="height and width of the images")
    parser.add_argument("--batch", type=int, default=4, help="images in a training step")
    parser.add_argument("--steps", type=int, default=8, help="steps to time, of training and of inference each")
    parser.add_argument("--seconds", type=float, default=12, help="stop earlier after this time, but not before two steps")
    parser.add_argument("--networks", nargs="+", default=DEFAULT, metavar="NAME", help=f"by default {' '.join(DEFAULT)}")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is None:
        print_table(options)
        return
    keep_freed_memory()
    print(json.dumps(asdict(Bench(recipe_of(options.only), options).row())))


if __name__ == "__main__":
    main()

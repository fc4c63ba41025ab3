"""What each loss costs: milliseconds for one batch, forward and backward, on one thread of the processor.

    python benchmarks/losses.py [--batch-size 8] [--size 256] [--rounds 20]

The targets are phantoms of vessels, with long skeletons; logits are random. The least processor time of all rounds is told, since whatever
else the machine does only adds to it. What depends on the target alone (distances, skeletons) is part of it.
"""

from __future__ import annotations

import argparse
from time import process_time
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from limner.data.phantoms import phantom
from limner.losses import LOSSES, deep_supervision, dice_bce

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def batch(batch_size: int, size: int) -> tuple[Tensor, Tensor]:
    """Random logits and the masks of vessels, both (N, 1, size, size)."""
    masks = np.stack([phantom("vessel", seed, (size, size)).mask for seed in range(batch_size)])
    logits = torch.randn(batch_size, 1, size, size, generator=torch.Generator().manual_seed(0))
    return logits, torch.from_numpy(masks)[:, None].float()


def least_ms(call: Callable[[], object], rounds: int) -> float:
    """The least time of a call in milliseconds, after one that is not counted."""
    times = []
    for _ in range(rounds + 1):
        start = process_time()
        call()
        times.append(process_time() - start)
    return 1000.0 * min(times[1:])


def train_step(loss: Callable[..., Tensor], logits: Tensor | tuple[Tensor, ...], target: Tensor) -> None:
    """Forward and backward."""
    logits = tuple(x.requires_grad_() for x in logits) if isinstance(logits, tuple) else logits.requires_grad_()
    loss(logits, target).backward()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    logits, target = batch(options.batch_size, options.size)
    pyramid = tuple(logits[..., :: 2**level, :: 2**level].clone() for level in range(4))
    print(f"{options.batch_size} x 1 x {options.size} x {options.size}, one thread, milliseconds\n")
    print("| loss | forward | forward + backward |\n| --- | ---: | ---: |")
    supervised = deep_supervision(dice_bce)
    rows = [*((name, loss, logits) for name, loss in LOSSES.items()), ("dice_bce, 4 resolutions", supervised, pyramid)]
    for name, loss, given in rows:
        with torch.no_grad():
            forward = least_ms(lambda loss=loss, given=given: loss(given, target), options.rounds)
        both = least_ms(lambda loss=loss, given=given: train_step(loss, given, target), options.rounds)
        print(f"| `{name}` | {forward:.1f} | {both:.1f} |")


if __name__ == "__main__":
    main()

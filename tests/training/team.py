"""What the processes of test_processes.py and test_distributed.py do. Spawned processes import it, so it imports little."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import torch
from torch import distributed

from limner.data.resident import ResidentSet
from limner.errors import RunError
from limner.training.distributed import agreed, average, gathered, rank, world_size
from limner.training.loader import ResidentLoader
from limner.training.patches import PatchLoader, TileLoader


def connect():
    distributed.init_process_group("gloo", rank=int(os.environ["LOCAL_RANK"]), world_size=2)


def talk(folder):
    """Say what each process finds out."""
    connect()
    mine = torch.arange(3 + 2 * rank()).repeat(2, 1) + 10 * rank()
    statistics = [torch.tensor([1.0, 2.0]) * (1 + rank()), torch.tensor(7 + rank())]
    average(statistics)
    found = {
        "rank": rank(),
        "world_size": world_size(),
        "gathered": gathered(mine).tolist(),
        "gathered_of_nothing": gathered(torch.arange(2.0)[: 2 * rank()]).tolist(),
        "agreed": agreed(0.1 + rank()),
        "averaged": [value.tolist() for value in statistics],
        **{name: [[batch[2].tolist(), batch[0].sum().item()] for batch in loader] for name, loader in loaders().items()},
    }
    Path(folder, f"{rank()}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


def loaders():
    """Loaders whose batches can be told apart; batches of 4 in all processes together."""
    images = np.random.default_rng(0).integers(0, 256, (11, 24, 24, 3), dtype=np.uint8)
    masks = (images[..., 0] > 200).astype(np.uint8)
    part = ResidentSet(tuple(map(str, range(11))), images, masks)
    return {
        "training": ResidentLoader(part, 4, seed=3),
        "validation": ResidentLoader(part, 4),
        "patches": PatchLoader(part, (16, 16), 4, foreground=0.5, seed=3),
        "tiles": TileLoader(part, (16, 16), 4),
    }


def fail(_folder):
    """The second process meets a mistake of the user, while the first waits for it."""
    connect()
    if rank() == 1:
        raise RunError("it has diverged", where="here", fix="go slower")
    distributed.barrier()


def die(_folder):
    """The second process is killed, while the first waits for it."""
    connect()
    if rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    distributed.barrier()


def interrupt(folder):
    """Ctrl-C, of which the terminal has told the parent alone."""
    connect()
    Path(folder, str(os.getpid())).touch()
    distributed.barrier()
    if rank() == 1:
        os.kill(os.getppid(), signal.SIGINT)
        signal.pause()
    distributed.barrier()

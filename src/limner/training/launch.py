"""Processes that torchrun or SLURM has started alike: which one this is, and what the first tells the others before they train.

All run the same command. Process 0 alone plans, splits, writes the run folder, exports and evaluates; the others wait until it hands out
what is to be trained, and end when that is done. PyTorch is imported only where there are several.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
    from torch._C._distributed_c10d import Store

_PATIENCE = timedelta(days=1)  # for planning and reading the data; whoever started the processes ends them when one fails
_JOB = "limner/job"


def launched() -> int:
    """How many processes were started together, on all machines; 0 when nobody but limner itself starts any.

    Of SLURM's variables those of a job step are read, so that a batch script that calls limner without srun is no process of many.
    """
    processes = int(os.environ.get("WORLD_SIZE" if _by_torchrun() else "SLURM_STEP_NUM_TASKS", "1"))
    return processes if processes > 1 else 0


def launched_here() -> int:
    """How many of them are on each machine."""
    if _by_torchrun():
        return int(os.environ.get("LOCAL_WORLD_SIZE", launched()))
    return launched() // int(os.environ.get("SLURM_STEP_NUM_NODES", "1"))


def is_follower() -> bool:
    """Whether this process was started beside a first one, which says what to do."""
    return launched() > 0 and _environment().global_rank() > 0


def local_rank() -> int:
    """The number of this process on its machine, and so of its GPU."""
    return _environment().local_rank() if launched() else int(os.environ.get("LOCAL_RANK", "0"))


def cluster_environment() -> ClusterEnvironment:
    """How Lightning finds the other processes. It is told, since it would take a SLURM job without srun for several processes."""
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment

    return _environment() if launched() else LightningEnvironment()


def hand_out(job: dict[str, Any] | None) -> None:
    """Tell the processes that wait what to train; None when there is nothing. Without any, nothing is done."""
    if launched():
        _store().set(_JOB, json.dumps(job))


def awaited() -> dict[str, Any] | None:
    """What process 0 hands out."""
    store = _store()
    store.wait([_JOB], _PATIENCE)
    job: dict[str, Any] | None = json.loads(store.get(_JOB))
    return job


def _by_torchrun() -> bool:
    """Also by whatever else sets torchrun's variables."""
    return {"RANK", "LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys()


def _environment() -> ClusterEnvironment:
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
    from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment

    if _by_torchrun():
        return TorchElasticEnvironment()
    os.environ.setdefault(
        "SLURM_NTASKS_PER_NODE", str(launched_here())
    )  # Lightning insists on it, srun sets it only where it was asked for
    return SLURMEnvironment(auto_requeue=False)


@cache  # it serves the others as long as it is held
def _store() -> Store:
    """The table of texts that all processes see, at the address where they meet for training too."""
    from torch.distributed.rendezvous import rendezvous

    at = _environment()
    url = f"tcp://{at.main_address}:{at.main_port}?rank={at.global_rank()}&world_size={at.world_size()}"
    store: Store = next(rendezvous(url, timeout=_PATIENCE))[0]
    return store

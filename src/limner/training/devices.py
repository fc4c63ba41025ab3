"""On what a training runs: the choice, and whatever is wrong with it, told before any data is read."""

from __future__ import annotations

import os
import shutil
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from limner.errors import DataError, RecipeError
from limner.training.launch import launched, launched_here, local_rank

if TYPE_CHECKING:
    from limner.recipe import Recipe

Kind = Literal["cpu", "cuda", "mps"]
_COMPILERS = ("c++", "g++", "clang++", "cl")
# Those of Lightning's strategies under which each process holds the whole network, which checkpoints and the model file need.
STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true")


@dataclass(frozen=True)
class Devices:
    """On what a training runs.

    Attributes:
        kind: `cpu`, `cuda` or `mps`.
        count: How many of them on each machine, and so how many processes; on the CPU, processes that share its cores.
        nodes: How many machines.
    """

    kind: Kind
    count: int = 1
    nodes: int = 1

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return self.count * self.nodes

    @property
    def own(self) -> torch.device:
        """The device of this process."""
        return torch.device(self.kind, local_rank()) if self.kind == "cuda" else torch.device(self.kind)

    def __str__(self) -> str:
        machines = f" on each of {self.nodes} machines" if self.nodes > 1 else ""
        return f"{self.count} x {self.kind}{machines}"


def choose_devices(recipe: Recipe) -> Devices:
    """What of this machine the recipe asks for; here alone it is decided.

    `auto` is a CUDA device if there is one, and else the CPU. MPS has to be asked for: some operations it lacks, others it does on the CPU
    or in lower precision, and none of it is tested where limner is made.

    Raises:
        RecipeError: There is no such device, or there are fewer.
    """
    part = recipe.trainer
    kind: Kind = _best_kind() if part.accelerator == "auto" else part.accelerator
    there = _count(kind)
    if there == 0:
        raise RecipeError(
            f"this machine has no {kind} device that PyTorch {torch.__version__} can use",
            where="trainer.accelerator",
            fix=f"trainer.accelerator=auto takes what there is, here {_best_kind()}",
        )
    count = (launched_here() or there or 1) if part.devices == "auto" else part.devices
    if there is not None and count > there:
        raise RecipeError(
            f"{count} {kind} devices are asked for, and this process sees {there}",
            where="trainer.devices",
            fix=f"set trainer.devices={there}, or look at CUDA_VISIBLE_DEVICES; of SLURM ask for GPUs per node, not per task",
        )
    return Devices(kind, count, part.nodes)


def check_trainer(recipe: Recipe) -> None:
    """Make sure that what the recipe's trainer part asks for can be had here.

    Raises:
        RecipeError: It cannot.
    """
    devices = choose_devices(recipe)
    _check_processes(devices)
    _check_batch(recipe.batch_size, devices)
    _check_strategy(recipe.trainer.strategy)
    if recipe.trainer.compile:
        _check_compiler(devices)


def check_enough(train: int, val: int, devices: Devices) -> None:
    """Make sure that each process has something to do.

    Raises:
        DataError: There are fewer images than processes.
    """
    for part, count in (("training", train), ("validation", val)):
        if count < devices.processes:
            raise DataError(
                f"the {part} part has {count} images or patches, too few for {devices.processes} processes",
                fix=f"set trainer.devices={max(1, count // devices.nodes)}, or make the part larger",
            )


def _best_kind() -> Kind:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _count(kind: Kind) -> int | None:
    """How many devices there are; of processes on the CPU there may be any number."""
    if kind == "cpu":
        return None
    return torch.cuda.device_count() if kind == "cuda" else int(torch.backends.mps.is_available())


def _check_processes(devices: Devices) -> None:
    started, here = launched(), launched_here()
    if started and started != devices.processes:
        raise RecipeError(
            f"{started} processes were started together, {here} on each machine, and the recipe asks for {devices}",
            where="trainer.devices",
            fix=f"add --set trainer.devices={here} --set trainer.nodes={started // here}",
        )
    if devices.nodes > 1 and not started:
        raise RecipeError(
            f"the recipe asks for {devices.nodes} machines, and this process was started alone",
            where="trainer.nodes",
            fix="start the same command on each machine with torchrun, or with srun in a SLURM job; docs/devices.md has the lines",
        )


def _check_batch(batch_size: int, devices: Devices) -> None:
    """Gradients are averaged over the processes as if each had as many images, so each must have."""
    if batch_size % devices.processes:
        below = batch_size - batch_size % devices.processes
        sizes = " or ".join(str(size) for size in (below, below + devices.processes) if size)
        raise RecipeError(
            f"a batch of {batch_size} cannot be divided evenly among {devices.processes} processes",
            where="batch_size",
            fix=f"set it to {sizes}",
        )


def _check_strategy(strategy: str) -> None:
    if strategy not in STRATEGIES:
        raise RecipeError(
            f"limner does not train with the strategy '{strategy}'",
            where="trainer.strategy",
            fix=f"choose one of {', '.join(STRATEGIES)}: with these each process holds the whole network, and limner starts the processes",
        )


def _check_compiler(devices: Devices) -> None:
    """What PyTorch's compiler calls in its turn; it would say so in the middle of a traceback."""
    if devices.kind == "cuda" and find_spec("triton") is None:
        raise RecipeError("compiling for CUDA needs Triton, which is not installed", where="trainer.compile", fix="pip install triton")
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ([named] if named else _COMPILERS)):
        raise RecipeError(
            f"compiling needs a C++ compiler, and there is none ({named or ', '.join(_COMPILERS)})",
            where="trainer.compile",
            fix="install one (Debian and Ubuntu: apt install g++), name it in CXX, or set trainer.compile=false",
        )
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        raise RecipeError(
            "compiling needs Python's header files, and they are not installed",
            where="trainer.compile",
            fix="install them (Debian and Ubuntu: apt install python3-dev), or set trainer.compile=false",
        )

"""What the machine has, as far as a plan depends on it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shutil import which

import psutil

from limner.cores import cores
from limner.planner.fingerprint import Facts

ENCODERS = ("resnet50", "resnet34", "resnet18")
_WEIGHTS = "a1_in1k"  # timm's default for each of them
_PATIENCE_S = 10.0


class Machine(Facts):
    """What the machine has.

    Attributes:
        cores: Processor cores that limner may use.
        memory_gib: Memory that is free now.
        gpu: Name of the first graphics processor for PyTorch's CUDA; None where there is none.
        gpu_memory_gib: Its memory.
        encoders: timm encoders whose ImageNet weights are on this machine, so that training with them needs no net.
    """

    cores: int
    memory_gib: float
    gpu: str | None = None
    gpu_memory_gib: float = 0.0
    encoders: tuple[str, ...] = ()

    @property
    def training_memory(self) -> float:
        """Bytes that a training may take: most of the graphics processor's, or half of what is free."""
        return (0.7 * self.gpu_memory_gib if self.gpu else 0.5 * self.memory_gib) * 2**30

    @property
    def words(self) -> str:
        """Where the training will run, in a phrase."""
        return f"{self.gpu} with {self.gpu_memory_gib:.0f} GiB" if self.gpu else f"{self.cores} processor cores"


def this_machine() -> Machine:
    """The machine that this runs on; PyTorch is not imported for it."""
    gpu, memory = _nvidia()
    free = psutil.virtual_memory().available / 2**30
    return Machine(cores=cores(), memory_gib=round(free, 1), gpu=gpu, gpu_memory_gib=memory, encoders=encoders_at_hand())


def encoders_at_hand() -> tuple[str, ...]:
    """Encoders whose weights lie in the cache of the Hugging Face hub, from which timm takes them."""
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    return tuple(name for name in ENCODERS if any(hub.glob(f"models--timm--{name}.{_WEIGHTS}/snapshots/*/*.safetensors")))


def encoders_in(weights: str) -> tuple[str, ...]:
    """Encoders of the weights files at a path, which are named like their encoder up to the first dot; none for a word as `imagenet`.

    Example:
        >>> encoders_in("weights/resnet50.a1_in1k.safetensors")
        ('resnet50',)
    """
    place = Path(weights)
    files = sorted(place.glob("*.safetensors")) if place.is_dir() else [place] if place.suffix == ".safetensors" else []
    return tuple(file.name.partition(".")[0] for file in files)


def _nvidia() -> tuple[str | None, float]:
    """Name and GiB of the first NVIDIA graphics processor."""
    program = which("nvidia-smi")
    if program is None:
        return None, 0.0
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        printed = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=True).stdout
        name, _, memory = printed.splitlines()[0].rpartition(",")
        return name.strip(), round(float(memory) / 1024, 1)
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None, 0.0

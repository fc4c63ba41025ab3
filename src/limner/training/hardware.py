"""What the machine can do, and the choices that follow from it."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import TYPE_CHECKING, Literal

import psutil
import torch

from limner.timing import machine
from limner.training.devices import choose_devices

if TYPE_CHECKING:
    from limner.recipe import Recipe
    from limner.training.devices import Kind

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # from glibc's malloc.h
Precision = Literal["bf16-mixed", "32-true"]


def has_fast_bf16(kind: Kind) -> bool:
    """Whether bf16 arithmetic is in hardware: an Ampere or newer GPU, or a CPU with AVX-512 BF16, AMX or Arm's BF16.

    Not on MPS, where it depends on chip and system, and float32 is right everywhere.
    """
    if kind == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    return kind == "cpu" and bool({"avx512_bf16", "amx_bf16", "bf16"} & _cpu_flags())


def choose_precision(recipe: Recipe) -> Precision:
    """Lightning's name for the precision that the recipe asks for."""
    if recipe.trainer.precision == "auto":
        return "bf16-mixed" if has_fast_bf16(choose_devices(recipe).kind) else "32-true"
    return "bf16-mixed" if recipe.trainer.precision == "bf16" else "32-true"


def choose_memory_format(recipe: Recipe) -> torch.memory_format:
    """Channels-last where the recipe says so; `auto` is where bf16 is fast, since the kernels there are made for it."""
    part = recipe.trainer
    wanted = has_fast_bf16(choose_devices(recipe).kind) if part.channels_last == "auto" else part.channels_last == "on"
    return torch.channels_last if wanted else torch.contiguous_format


def describe_machine() -> dict[str, str | int | float]:
    """The machine in words and numbers, for run.json and the report."""
    facts = machine.describe_machine()
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, instead of giving it back to the system.

    Each training step on the CPU frees and takes again hundreds of MB; with glibc's defaults the system zeroes these pages anew in every
    step, which takes 5 to 8 % of it. Elsewhere than on glibc nothing is done.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def peak_memory_gib() -> float:
    """The most memory that this process, or one that it has started, has held at once, in GiB."""
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 2**30, 2)
    import resource

    unit = 1 if sys.platform == "darwin" else 2**10
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(most * unit / 2**30, 2)


def _cpu_flags() -> set[str]:
    info = machine.processor_facts()
    return set(info.get("flags", info.get("Features", "")).split())

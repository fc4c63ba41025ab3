"""The machine in words and numbers, and how much memory a process has held."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import psutil


def describe_machine() -> dict[str, str | int | float]:
    """Processor, physical cores, memory and system.

    Example:
        >>> sorted(describe_machine())
        ['cores', 'memory_gib', 'processor', 'system']
    """
    return {
        "processor": processor_facts().get("model name") or platform.processor() or platform.machine(),
        "cores": psutil.cpu_count(logical=False) or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def processor_facts() -> dict[str, str]:
    """The first processor of /proc/cpuinfo; empty where there is none (macOS, Windows)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return {}
    rows = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in rows}


def busy_share(seconds: float = 0.3) -> float:
    """Share of all processor time that is being used, in [0, 1]; this process itself waits meanwhile."""
    return float(psutil.cpu_percent(interval=seconds)) / 100


def own_peak_memory() -> int:
    """The most memory that this process has held at once, in bytes.

    On Linux `ru_maxrss` of a new process begins with what its parent held (a process keeps the figure when it becomes another program), so
    that a small worker of a large program would seem large; the kernel's own high-water mark begins anew.
    """
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    marks = [line.split() for line in _own_status() if line.startswith("VmHWM:")]
    if marks:
        return int(marks[0][1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _own_status() -> list[str]:
    try:
        return Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []

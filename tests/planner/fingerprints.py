"""Data sets in numbers, made up, and machines to plan for."""

from __future__ import annotations

from typing import Any

from limner.planner import Fingerprint, Machine, Spread, Survival

LAPTOP = Machine(cores=4, memory_gib=16)
SERVER = Machine(cores=16, memory_gib=64, gpu="H100", gpu_memory_gib=80, encoders=("resnet50",))


def spread(low: float, middle: float | None = None, high: float | None = None) -> Spread:
    return Spread(low=low, middle=low if middle is None else middle, high=low if high is None else high)


def survival(*rows: tuple[int, int, float, float, float]) -> tuple[Survival, ...]:
    return tuple(Survival(size=(height, width), dice=dice, lines=lines, objects=objects) for height, width, dice, lines, objects in rows)


def fingerprint(**changes: Any) -> Fingerprint:
    """Polyps, 352x352, that survive any size."""
    values = {
        "name": "polyps",
        "task": "polyp",
        "images": 500,
        "measured": 200,
        "unreadable": 0,
        "groups": 0,
        "height": spread(352),
        "width": spread(352),
        "long_side": spread(352),
        "sizes": 1,
        "spacing_um": None,
        "mean": (140.0, 85.0, 60.0),
        "std": (80.0, 57.0, 48.0),
        "grey": 0.0,
        "dark": 0.0,
        "layout": 36.0,
        "upside_down": 0.8,
        "foreground": spread(0.03, 0.12, 0.33),
        "empty": 0.0,
        "objects": spread(1),
        "diameter": spread(60, 130, 220),
        "thickness": spread(43, 93, 165),
        "slenderness": 1.3,
        "survival": survival((128, 128, 0.99, 0.98, 1.0), (256, 256, 0.996, 0.98, 1.0), (352, 352, 1.0, 1.0, 1.0)),
    }
    return Fingerprint(**{**values, **changes})


def vessels(**changes: Any) -> Fingerprint:
    """Vessels in fundus photographs, of which only nearly the full size keeps enough."""
    left = survival((256, 256, 0.83, 0.57, 0.61), (384, 384, 0.90, 0.78, 0.86), (512, 480, 0.95, 0.89, 0.99), (576, 544, 0.987, 0.96, 1.0))
    values = {"name": "fundus", "task": "vessel", "images": 40, "height": spread(584), "width": spread(565), "long_side": spread(584)}
    shape = {"thickness": spread(1.5, 1.5, 2.5), "slenderness": 120.0, "diameter": spread(5, 10, 195), "objects": spread(1, 3, 5)}
    return fingerprint(**{**values, **shape, "foreground": spread(0.07, 0.09, 0.1), "survival": left, **changes})


def nuclei(**changes: Any) -> Fingerprint:
    """Nuclei in micrographs of several sizes, most without colour."""
    left = survival((128, 128, 0.94, 0.98, 0.98), (224, 256, 0.981, 0.99, 1.0))
    size = {"height": spread(256, 256, 520), "width": spread(256, 256, 696), "long_side": spread(256, 256, 696)}
    look = {"mean": (46.0, 42.0, 52.0), "std": (69.0, 64.0, 78.0), "grey": 0.83, "dark": 0.8, "layout": 1.1, "upside_down": 0.0}
    shape = {"objects": spread(9, 26, 99), "diameter": spread(9, 20, 36), "thickness": spread(7, 11, 28), "slenderness": 2.1}
    return fingerprint(**{"name": "nuclei", "task": "nucleus", **size, **look, **shape, "survival": left, **changes})

"""The vessels of a retina: trees that grow out of the optic disc, bend around the macula, fork and taper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 0.012  # length of a segment, in short sides
THINNEST = 0.0045  # width at which growth ends, in short sides
MOST_STEPS = 120
GREAT = 0.012  # width from which a vessel counts as one of the great ones, in short sides
FOVEA_FREE = 0.055  # radius around the fovea that small vessels do not enter, in short sides

Kind: TypeAlias = Literal["artery", "vein"]
ARTERY: Kind = "artery"
VEIN: Kind = "vein"
WIDTH = {ARTERY: 0.0145, VEIN: 0.020}  # of a great vessel at the optic disc, in short sides


@dataclass(frozen=True, slots=True)
class Eye:
    """Where things are in one fundus picture; points are (y, x), lengths in short sides.

    Attributes:
        centre: Centre of the field of view.
        radius: Radius of the field of view.
        disc: Centre of the optic disc.
        disc_radius: Radius of the optic disc.
        fovea: Centre of the macula.
        temporal: Direction from the optic disc to the fovea along the columns: 1 right, -1 left.
    """

    centre: tuple[float, float]
    radius: float
    disc: tuple[float, float]
    disc_radius: float
    fovea: tuple[float, float]
    temporal: int

    def sees(self, y: float, x: float) -> bool:
        """Whether a point lies in the field of view, give or take a step."""
        return math.hypot(y - self.centre[0], x - self.centre[1]) < self.radius + STEP

    def near_fovea(self, y: float, x: float) -> bool:
        """Whether a point lies in the part of the macula that has no vessels."""
        return math.hypot(y - self.fovea[0], x - self.fovea[1]) < FOVEA_FREE


@dataclass(frozen=True, slots=True)
class Vessel:
    """One unbranched stretch: `points` (N, 2) of (y, x), and the `widths` (N,) along it, in short sides."""

    kind: Kind
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    widths: np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class _Tip:
    """A growing end: its place, width, and the course it takes.

    The course starts at angle `near` and bends to angle `far` (radians, rows downwards) over a length of about `bend`.
    """

    kind: Kind
    y: float
    x: float
    width: float
    near: float
    far: float
    bend: float
    forks: int = 0

    def course(self, travelled: float) -> float:
        return self.far + (self.near - self.far) * math.exp(-travelled / self.bend)


def grow_vessels(rng: np.random.Generator, eye: Eye) -> list[Vessel]:
    """The vessels of an eye: an artery and a vein in each of the four quadrants, with all their branches."""
    waviness = rng.uniform(0.6, 1.4)
    tips = list(_roots(rng, eye))
    vessels = []
    while tips:
        vessel, branches = _extend(rng, eye, tips.pop(0), waviness)
        tips.extend(branches)
        if len(vessel.points) > 3:
            vessels.append(vessel)
    return vessels


def _roots(rng: np.random.Generator, eye: Eye) -> Iterator[_Tip]:
    """The great vessels at the optic disc: two arcs around the macula, small ones straight towards it, others to the nose."""
    calibre = rng.uniform(0.85, 1.15)
    for up in (-1, 1):
        side = rng.choice([-1, 1])
        lead, bend = rng.uniform(-0.1, 0.15), rng.uniform(0.17, 0.24)
        nasal = rng.uniform(2.3, 2.7)
        for kind, offset in ((VEIN, side), (ARTERY, -side)):
            width = WIDTH[kind]
            arc = 1.55 + lead + offset * rng.uniform(0.06, 0.14)
            course = (arc, rng.uniform(-0.15, 0.15), bend * rng.uniform(0.9, 1.1))
            yield _root(rng, eye, course, kind=kind, width=width * calibre, up=up)
            course = (1.9, nasal + offset * rng.uniform(0.1, 0.25), 0.05)
            yield _root(rng, eye, course, kind=kind, width=0.7 * width * calibre, up=up)
            if rng.random() < 0.7:
                course = (rng.uniform(0.5, 1.0), rng.uniform(0.1, 0.3), 0.1)
                yield _root(rng, eye, course, kind=kind, width=0.38 * width * calibre, up=up)


def _root(rng: np.random.Generator, eye: Eye, course: tuple[float, float, float], *, kind: Kind, width: float, up: int) -> _Tip:
    """A vessel at the disc; its course is given with angle 0 towards the fovea and positive angles away from the midline."""
    near, far = (math.atan2(up * math.sin(angle), eye.temporal * math.cos(angle)) for angle in course[:2])
    # The way from one angle to the other leads over the short side, not once around.
    near = far + _wrap(near - far)
    dy, dx = rng.normal(0, 0.15 * eye.disc_radius, 2)
    return _Tip(kind, eye.disc[0] + dy, eye.disc[1] - 0.25 * eye.disc_radius * eye.temporal + dx, width, near, far, course[2])


def _wrap(angle: float) -> float:
    """`angle` brought into [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


def _extend(rng: np.random.Generator, eye: Eye, tip: _Tip, waviness: float) -> tuple[Vessel, list[_Tip]]:
    """Follow one vessel until it is too thin, out of sight or at the fovea, and collect the branches it gives off."""
    y, x, width = tip.y, tip.x, tip.width
    points, widths, branches = [(y, x)], [width], []
    sway, kick, side = 0.0, 0.0, int(rng.choice([-1, 1]))
    until_fork = rng.uniform(0.10, 0.18) if tip.forks == 0 else rng.uniform(0.05, 0.13)
    while width > THINNEST and eye.sees(y, x) and len(points) < MOST_STEPS:
        sway = 0.88 * sway + rng.normal(0, 0.1) * waviness
        heading = tip.course(len(points) * STEP) + sway + kick
        y, x = y + STEP * math.sin(heading), x + STEP * math.cos(heading)
        width *= 1.0 - rng.uniform(0.1, 0.5) * STEP / (0.25 + 12 * width)
        points.append((y, x))
        widths.append(width)
        until_fork -= STEP
        if until_fork < 0:
            branch, width = _fork(rng, replace(tip, y=y, x=x, width=width, near=heading), side)
            branches.append(branch)
            kick -= side * rng.uniform(0.0, 0.12)
            side, until_fork = -side if rng.random() < 0.75 else side, rng.uniform(0.05, 0.14)
        if tip.width < GREAT and eye.near_fovea(y, x):
            break
    return Vessel(tip.kind, np.array(points), np.array(widths)), branches


def _fork(rng: np.random.Generator, stem: _Tip, side: int) -> tuple[_Tip, float]:
    """A branch to one side, and the width that the stem keeps: cubes of widths add up (Murray, PNAS 12:207-214, 1926)."""
    share = rng.uniform(0.36, 0.62) if rng.random() < 0.8 else rng.uniform(0.65, 0.8)
    near, far = stem.near + side * rng.uniform(0.7, 1.2), stem.near + side * rng.uniform(0.15, 0.8)
    branch = replace(stem, width=stem.width * share, near=near, far=far, bend=rng.uniform(0.04, 0.15), forks=stem.forks + 1)
    return branch, stem.width * float(1.0 - share**3) ** (1 / 3)

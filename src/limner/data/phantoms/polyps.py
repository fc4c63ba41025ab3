"""Polyps in colonoscopy: bumps on the bowel wall, shaded as reliefs under the endoscope's lamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from limner.data.phantoms.canvas import Canvas, as_field, blur, cover, develop
from limner.data.phantoms.mucosa import Wall, draw_wall, expose, frame
from limner.data.phantoms.texture import fractal_noise, mix, shade, smooth_noise, soft_step, tint

if TYPE_CHECKING:
    from limner.data.phantoms.canvas import Colour, Field
    from limner.types import ImageArray, MaskArray

SHARE = (0.025, 0.45)  # of the picture, all polyps together
ATTEMPTS = 40


@dataclass(frozen=True, slots=True)
class Lobe:
    """One dome of a polyp, placed in short sides.

    Attributes:
        y: Row of the centre.
        x: Column of the centre.
        long: Half of the longer axis.
        short: Half of the shorter axis.
        angle: Direction of the longer axis, in radians from the row of columns.
        height: Height of the dome.
        steepness: Power of the profile; 0.5 is a hemisphere, less is a plateau with steep sides.
    """

    y: float
    x: float
    long: float
    short: float
    angle: float
    height: float
    steepness: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """The polyps of one picture: `shape` is bool, `height` in short sides, `size` the radius of the largest; all (H, W)."""

    shape: Field
    height: Field
    size: float


def draw_polyps(rng: np.random.Generator, size: tuple[int, int]) -> tuple[ImageArray, MaskArray]:
    """One colonoscopy picture of `size` (height, width) with one to three polyps, and their mask."""
    canvas = Canvas.of(size)
    wall, view = draw_wall(rng, canvas), frame(rng, canvas)
    relief = _place(rng, canvas, view * wall.light)
    colour = _render(rng, canvas, wall, relief)
    picture = blur(as_field(colour * view[..., None]), rng.uniform(0.0005, 0.003), canvas)
    image = develop(rng, as_field(picture + 0.01), grain=rng.uniform(0.008, 0.022))
    return image, cover(relief.shape * (view > 0.5))


def _place(rng: np.random.Generator, canvas: Canvas, lit: Field) -> Relief:
    """Polyps on the lit part of the wall, drawn anew until they take up a fair share of what can be seen."""
    visible = lit > 0.15
    best = _grow(rng, canvas, lit)
    for _ in range(ATTEMPTS):
        share = float((best.shape * visible).mean())
        if SHARE[0] <= share <= SHARE[1] and share > 0.75 * float(best.shape.mean()):
            break
        best = _grow(rng, canvas, lit)
    return best


def _grow(rng: np.random.Generator, canvas: Canvas, lit: Field) -> Relief:
    """One, sometimes two, rarely three polyps, of which the later ones are smaller."""
    count = int(rng.choice([1, 2, 3], p=[0.8, 0.16, 0.04]))
    radius = float(np.sqrt(np.exp(rng.uniform(np.log(0.03), np.log(0.26))) / np.pi))
    level, height = np.full(canvas.shape, -1.0, np.float32), np.zeros(canvas.shape, np.float32)
    for number in range(count):
        lobes = _polyp(rng, _site(rng, canvas, lit), radius * rng.uniform(0.5, 0.8) ** number)
        wobble = [rng.uniform(0.03, 0.09) * radius * fractal_noise(rng, canvas, 0.8 / radius) for _ in "yx"]
        for lobe in lobes:
            dome = _level(canvas, lobe, as_field(wobble[0]), as_field(wobble[1]))
            level = np.maximum(level, dome)
            height = np.maximum(height, lobe.height * np.clip(dome, 0.0, 1.0) ** lobe.steepness)
    return Relief(as_field(level > 0), as_field(height), radius)


def _site(rng: np.random.Generator, canvas: Canvas, lit: Field) -> tuple[float, float]:
    """A point (y, x) well inside the picture, on lit wall if one is found soon."""
    height, width = canvas.extent
    for _ in range(ATTEMPTS):
        site = (height * rng.uniform(0.18, 0.82), width * rng.uniform(0.18, 0.82))
        if lit[canvas.index(site)] > 0.4:
            break
    return site


def _polyp(rng: np.random.Generator, site: tuple[float, float], radius: float) -> list[Lobe]:
    """The lobes of a sessile, flat, lobulated or pedunculated polyp of about `radius`."""
    kind = str(rng.choice(["sessile", "flat", "lobulated", "pedunculated"], p=[0.47, 0.16, 0.25, 0.12]))
    aspect, angle = rng.uniform(0.62, 1.0), rng.uniform(0, np.pi)
    long, short = radius / np.sqrt(aspect), radius * np.sqrt(aspect)
    if kind == "flat":
        return [Lobe(*site, long, short, angle, radius * rng.uniform(0.2, 0.3), 0.4)]
    head = Lobe(*site, long, short, angle, radius * rng.uniform(0.5, 0.8), rng.uniform(0.5, 0.8))
    extra = {"sessile": _bulges(rng, head, 1), "lobulated": _bulges(rng, head, 5), "pedunculated": [_stalk(rng, head)]}
    return [head, *extra[kind]]


def _bulges(rng: np.random.Generator, head: Lobe, most: int) -> list[Lobe]:
    """Up to `most` smaller domes around the rim of `head`."""
    bulges = []
    for angle in rng.uniform(0, 2 * np.pi) + np.arange(rng.integers(most // 2, most + 1)) * 2.4:
        out, scale = head.short * rng.uniform(0.45, 0.7), rng.uniform(0.45, 0.65)
        y, x = head.y + out * np.sin(angle), head.x + out * np.cos(angle)
        bulges.append(Lobe(float(y), float(x), head.short * scale, head.short * scale * 0.9, angle, head.height * rng.uniform(0.8, 1.1)))
    return bulges


def _stalk(rng: np.random.Generator, head: Lobe) -> Lobe:
    """A short stalk that leaves `head` at one end."""
    angle, length = rng.uniform(0, 2 * np.pi), head.long * rng.uniform(0.55, 0.8)
    y, x = head.y + 1.05 * head.short * np.sin(angle), head.x + 1.05 * head.short * np.cos(angle)
    return Lobe(float(y), float(x), length, head.short * rng.uniform(0.32, 0.45), angle, head.height * 0.4, 0.8)


def _level(canvas: Canvas, lobe: Lobe, wobble_y: Field, wobble_x: Field) -> Field:
    """1 at the lobe's centre, 0 on its outline, negative outside; the wobble makes the outline uneven."""
    dy, dx = canvas.y - np.float32(lobe.y) + wobble_y, canvas.x - np.float32(lobe.x) + wobble_x
    cosine, sine = np.float32(np.cos(lobe.angle)), np.float32(np.sin(lobe.angle))
    along, across = (dx * cosine + dy * sine) / lobe.long, (dy * cosine - dx * sine) / lobe.short
    return as_field(1.0 - along**2 - across**2)


def _render(rng: np.random.Generator, canvas: Canvas, wall: Wall, relief: Relief) -> Colour:
    """Light the wall and its polyps, and add what glistens."""
    edge = blur(relief.shape, rng.uniform(0.003, 0.007), canvas)
    light = mix(wall.light, _own_light(rng, canvas, wall, relief), edge) * _shadow(rng, canvas, wall, relief, edge)
    grain = 0.0012 * rng.uniform(0.3, 1.5) * smooth_noise(rng, canvas, 30.0)
    height = wall.relief + blur(relief.height, 0.004, canvas) + edge * grain
    facing, glancing = shade(as_field(height), canvas, wall.lamp)
    albedo = mix(wall.albedo, _skin(rng, canvas, wall), edge[..., None])
    lit = light * expose(rng, canvas, wall) * (0.35 + 0.75 * facing)
    gloss = _gloss(rng, canvas, glancing) * soft_step(lit, 0.25, 0.7)
    return mix(_film(albedo, as_field(lit)), as_field([1.0, 0.98, 0.95]), gloss[..., None])


def _own_light(rng: np.random.Generator, canvas: Canvas, wall: Wall, relief: Relief) -> Field:
    """A polyp stands out of the wall, so it has the light of its surroundings, evened out, and a little more."""
    around = blur(np.clip(wall.light, 0.35, 1.3), relief.size * 0.8, canvas)
    return as_field(np.maximum(around, 0.5) * np.float32(rng.uniform(0.95, 1.2)))


def _shadow(rng: np.random.Generator, canvas: Canvas, wall: Wall, relief: Relief, edge: Field) -> Field:
    """Contact shadow around the polyps and, weaker, the shadow they cast away from the lamp."""
    contact = blur(relief.shape, relief.size * rng.uniform(0.08, 0.18), canvas)
    shift = relief.size * rng.uniform(0.1, 0.3)
    rows, columns = np.nonzero(relief.shape)
    away = np.array([rows.mean() / canvas.unit - wall.lamp[0], columns.mean() / canvas.unit - wall.lamp[1]])
    step = away / (np.hypot(*away) + 1e-6) * shift * canvas.unit
    move = np.array([[1, 0, np.rint(step[1])], [0, 1, np.rint(step[0])]], np.float32)
    cast = cv2.warpAffine(contact, move, canvas.shape[::-1], flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    depth = rng.uniform(0.25, 0.6) * (1.0 - edge)
    return as_field(1.0 - depth * np.clip(0.6 * contact + 0.7 * cast, 0.0, 1.0))


def _skin(rng: np.random.Generator, canvas: Canvas, wall: Wall) -> Colour:
    """The polyp's own surface: a shade redder or paler than the mucosa, mottled, dotted with pits."""
    shift = np.array([[1.03, 0.80, 0.80], [1.06, 1.05, 1.02], [1.05, 0.92, 0.90], [0.98, 0.88, 0.95]])[rng.integers(4)]
    colour = np.array(wall.plain) * (1.0 + (shift - 1.0) * rng.uniform(0.7, 1.3))
    mottled = 1.0 + 0.05 * fractal_noise(rng, canvas, 9.0)
    pits = soft_step(smooth_noise(rng, canvas, 26.0), 0.4, 1.6) * rng.uniform(0.0, 0.4)
    red, green, blue = (float(c) for c in colour)
    return as_field(tint(as_field(mottled), (red, green, blue)) * (1.0 - pits[..., None] * np.array([0.10, 0.35, 0.30])))


def _gloss(rng: np.random.Generator, canvas: Canvas, glancing: Field) -> Field:
    """Wet highlights in [0, 1]: where the surface mirrors the lamp, broken up by the film of mucus."""
    film = 0.010 * fractal_noise(rng, canvas, 18.0, octaves=3, gain=0.8)
    wet = 0.012 * smooth_noise(rng, canvas, 3.0) - rng.uniform(0.005, 0.018)
    broad = soft_step(as_field(glancing + film + wet), 1.0, 1.010)
    return as_field(np.clip(broad * rng.uniform(0.7, 1.0), 0.0, 1.0))


def _film(albedo: Colour, lit: Field) -> Colour:
    """What the camera makes of it: dark tissue turns redder, bright tissue saturates softly."""
    exposure = np.clip(lit, 0.0, None)[..., None] ** np.array([0.85, 1.15, 1.2], np.float32)
    return as_field(1.0 - np.exp(-1.9 * albedo * exposure))

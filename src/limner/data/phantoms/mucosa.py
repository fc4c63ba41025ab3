"""The wall of the bowel as an endoscope sees it: a tube with folds, fine vessels, a lamp at the tip and a black frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.data.phantoms.canvas import as_field, blur
from limner.data.phantoms.texture import fractal_noise, glow, mix, smooth_noise, soft_step, tint, web

if TYPE_CHECKING:
    from limner.data.phantoms.canvas import Canvas, Colour, Field

# Reflectance of the mucosa under white light: salmon, pink, orange, tan, deep red.
PALETTE = np.array([[0.92, 0.42, 0.31], [0.90, 0.48, 0.42], [0.92, 0.44, 0.20], [0.80, 0.50, 0.26], [0.88, 0.31, 0.23]], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """The bare bowel wall.

    Attributes:
        albedo: Reflectance, (H, W, 3) in [0, 1], vessels included.
        plain: The mean reflectance, without vessels and stains.
        light: Light that reaches each point: less in the depth of the tube and behind folds, (H, W).
        relief: Height of the fine unevenness, in short sides, (H, W).
        lamp: Position (y, x, z) of the lamp, in short sides.
    """

    albedo: Colour
    plain: tuple[float, float, float]
    light: Field
    relief: Field
    lamp: tuple[float, float, float]


def draw_wall(rng: np.random.Generator, canvas: Canvas) -> Wall:
    """A random stretch of bowel: in some the dark lumen is in view, in others the wall is seen from the side."""
    lumen = _lumen(rng, canvas)
    light = _folds(rng, canvas, lumen) * _depth(rng, lumen)
    plain = _reflectance(rng)
    relief = 0.003 * fractal_noise(rng, canvas, 7.0) + 0.0009 * smooth_noise(rng, canvas, 38.0)
    height, width = canvas.extent
    lamp = (height * rng.uniform(0.35, 0.65), width * rng.uniform(0.35, 0.65), rng.uniform(0.45, 0.8))
    return Wall(_albedo(rng, canvas, plain), plain, light, as_field(relief), lamp)


def _lumen(rng: np.random.Generator, canvas: Canvas) -> Field:
    """Distance of each point from the far end of the tube, in short sides, on an uneven, slightly oval metric."""
    height, width = canvas.extent
    in_view = rng.random() < 0.4
    reach = rng.uniform(0.05, 0.42) if in_view else rng.uniform(0.7, 1.5)
    angle, squeeze = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 1.3)
    dy = canvas.y - (height / 2 + reach * np.sin(angle)) + 0.03 * fractal_noise(rng, canvas, 2.5)
    dx = canvas.x - (width / 2 + reach * np.cos(angle)) + 0.03 * fractal_noise(rng, canvas, 2.5)
    return as_field(np.hypot(dy * squeeze, dx / squeeze) + 0.02)


def _depth(rng: np.random.Generator, lumen: Field) -> Field:
    """Light lost with depth: the tube's end is dark, the wall beside the lamp bright."""
    half = rng.uniform(0.08, 0.16)
    return as_field(np.square(lumen / (lumen + half)) * (1.0 + half) ** 2)


def _folds(rng: np.random.Generator, canvas: Canvas, lumen: Field) -> Field:
    """Haustral folds: ring after ring a slope that brightens towards its crest and drops into shadow behind it."""
    depth = rng.uniform(1.4, 3.2) * np.log(lumen) + 0.22 * smooth_noise(rng, canvas, 2.5)
    phase = as_field(depth + rng.random() + 0.02 * smooth_noise(rng, canvas, 9.0))
    rise = 1.0 - (phase - np.floor(phase))
    saw = as_field(rise**1.6) * soft_step(1.0 - rise, 0.0, 0.10)
    present = soft_step(smooth_noise(rng, canvas, 2.0), -1.3, 0.3)
    strength = rng.uniform(0.5, 1.1)
    return as_field(1.0 + strength * present * (blur(saw, 0.006, canvas) - 0.45))


def _reflectance(rng: np.random.Generator) -> tuple[float, float, float]:
    weights = rng.dirichlet(np.full(len(PALETTE), 0.5)).astype(np.float32)
    red, green, blue = (float(c) for c in weights @ PALETTE)
    return red, green, blue


def _albedo(rng: np.random.Generator, canvas: Canvas, plain: tuple[float, float, float]) -> Colour:
    """Mucosa with blotches, two nets of vessels that fade in and out, and now and then a stain of bile."""
    blotches = 1.0 + 0.05 * fractal_noise(rng, canvas, 5.0, octaves=4)
    visible = soft_step(smooth_noise(rng, canvas, 2.5), -1.0, 0.8) * rng.uniform(0.2, 1.2)
    coarse = web(rng, canvas, 4.0, width=0.05) * visible
    fine = web(rng, canvas, 9.0, width=0.10) * visible
    blood = as_field(0.55 * coarse + 0.40 * fine)[..., None]
    colour = tint(as_field(blotches), plain) * (1.0 - blood * np.array([0.20, 0.50, 0.45], np.float32))
    return _stain(rng, canvas, as_field(colour))


def _stain(rng: np.random.Generator, canvas: Canvas, albedo: Colour) -> Colour:
    """Patches of bile or stool on one wall in five."""
    patches = soft_step(fractal_noise(rng, canvas, 3.0, octaves=4), 1.2, 1.9)
    amount = rng.uniform(0.3, 0.7) * (rng.random() < 0.2)
    return mix(albedo, as_field([0.70, 0.55, 0.20]), (patches * np.float32(amount))[..., None])


def expose(rng: np.random.Generator, canvas: Canvas, wall: Wall) -> Field:
    """How strongly the lamp lights each part of the picture: a bright spot near the tip, falling off to the rim."""
    height, width = canvas.extent
    centre = (wall.lamp[0] + rng.normal(0, 0.12), wall.lamp[1] + rng.normal(0, 0.12))
    spot = 0.35 * glow(canvas, (centre[0], centre[1]), rng.uniform(0.18, 0.35))
    flare_at = (height * rng.uniform(0, 1), width * rng.choice([-0.05, 1.05]))
    flare = rng.uniform(0.0, 1.2) * (rng.random() < 0.3) * glow(canvas, flare_at, rng.uniform(0.15, 0.3))
    vignette = np.square((canvas.y - height / 2) / height) + np.square((canvas.x - width / 2) / width)
    return as_field(rng.uniform(0.80, 1.15) * (1.0 - 0.9 * vignette) * (0.85 + spot + flare))


def frame(rng: np.random.Generator, canvas: Canvas) -> Field:
    """What the endoscope shows, in [0, 1]: an octagon, a rounded square, or the whole picture."""
    height, width = canvas.extent
    dy, dx = np.abs(canvas.y / height - 0.5) * 2, np.abs(canvas.x / width - 0.5) * 2
    cut = rng.uniform(1.42, 1.65)
    shapes = {
        "octagon": cut - (dy + dx),
        "rounded": rng.uniform(1.05, 1.25) - (dy**4 + dx**4) ** 0.25 * 1.02,
        "whole": np.ones(canvas.shape, np.float32),
    }
    kind = rng.choice(list(shapes), p=[0.5, 0.2, 0.3])
    return soft_step(as_field(shapes[str(kind)]), -0.006, 0.006)

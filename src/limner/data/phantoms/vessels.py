"""Fundus photographs: a round orange-red retina on black, with optic disc, macula and a tree of arteries and veins."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from limner.data.phantoms.canvas import SUPERSAMPLE, Canvas, as_field, blur, cover, develop
from limner.data.phantoms.texture import fractal_noise, glow, mix, smooth_noise, soft_step, tint
from limner.data.phantoms.vessel_tree import Eye, Vessel, grow_vessels

if TYPE_CHECKING:
    from limner.data.phantoms.canvas import Colour, Field
    from limner.types import ImageArray, MaskArray

# Colours of the retina, from ochre by orange to deep red.
PALETTE = np.array([[0.78, 0.50, 0.28], [0.80, 0.44, 0.22], [0.74, 0.33, 0.17], [0.62, 0.22, 0.10]], np.float32)
# Light that each kind of vessel, at its thickest, takes from red, green and blue.
ABSORBED = {"artery": (0.16, 0.50, 0.46), "vein": (0.34, 0.64, 0.52)}
FINE = 2  # the vessels are drawn finer than the canvas by this factor, for exact thin lines
LEAST_WIDTH = 1.15  # in pixels of the image: thinner lines would fall apart in the mask
SHIFT = 4  # OpenCV's fixed-point coordinates: 1/16 of a pixel


def draw_vessels(rng: np.random.Generator, size: tuple[int, int]) -> tuple[ImageArray, MaskArray]:
    """One fundus photograph of `size` (height, width) and the mask of its vessels."""
    canvas = Canvas.of(size)
    eye = _eye(rng, canvas)
    vessels = [vessel for vessel in grow_vessels(rng, eye) if vessel.widths[0] * _pixels(canvas) > 0.55 * LEAST_WIDTH]
    view = _field_of_view(canvas, eye)
    retina = _bleed(rng, canvas, _retina(rng, canvas, eye), vessels)
    colour = retina * _light(rng, canvas, eye)[..., None] * view[..., None] + 0.012
    image = develop(rng, as_field(colour), grain=rng.uniform(0.006, 0.016))
    return image, cover(_trace(canvas, vessels) * (view > 0.5))


def _pixels(canvas: Canvas) -> float:
    """Pixels of the image per short side."""
    return canvas.unit / SUPERSAMPLE


def _eye(rng: np.random.Generator, canvas: Canvas) -> Eye:
    """A left or right eye, the macula near the middle and the optic disc towards the nose."""
    height, width = canvas.extent
    temporal = int(rng.choice([-1, 1]))
    radius = rng.uniform(0.465, 0.495)
    centre = (height / 2 + rng.normal(0, 0.004), width / 2 + rng.normal(0, 0.004))
    disc = (centre[0] + rng.uniform(-0.07, 0.05), centre[1] - temporal * radius * rng.uniform(0.42, 0.72))
    disc_radius = rng.uniform(0.06, 0.078)
    fovea = (disc[0] + rng.uniform(0.0, 0.05), disc[1] + temporal * rng.uniform(4.4, 5.2) * disc_radius)
    return Eye(centre, radius, disc, disc_radius, fovea, temporal)


def _field_of_view(canvas: Canvas, eye: Eye) -> Field:
    away = np.hypot(canvas.y - eye.centre[0], canvas.x - eye.centre[1])
    return soft_step(as_field(eye.radius - away), -0.002, 0.004)


def _retina(rng: np.random.Generator, canvas: Canvas, eye: Eye) -> Colour:
    """The ground: mottled pigment, the choroid shining through, the dark macula and the bright optic disc."""
    plain = rng.dirichlet(np.full(len(PALETTE), 0.6)).astype(np.float32) @ PALETTE
    choroid = fractal_noise(rng, canvas, 14.0, octaves=3, gain=0.7) * rng.uniform(0.01, 0.045)
    mottled = 1.0 + 0.03 * fractal_noise(rng, canvas, 3.0, octaves=4) + choroid
    colour = as_field(mottled[..., None] ** np.array([0.8, 1.4, 1.2]) * plain)
    macula = rng.uniform(0.25, 0.5) * glow(canvas, eye.fovea, rng.uniform(0.045, 0.065))
    macula += 0.12 * glow(canvas, eye.fovea, 0.016)
    colour = as_field(colour * (1.0 - macula[..., None] * np.array([0.7, 1.0, 0.8], np.float32)))
    return _optic_disc(rng, canvas, eye, colour)


def _optic_disc(rng: np.random.Generator, canvas: Canvas, eye: Eye, colour: Colour) -> Colour:
    """A pale yellow, slightly upright oval with a brighter cup towards the macula and a haze around it."""
    upright = rng.uniform(0.85, 0.98)
    uneven = 0.03 * smooth_noise(rng, canvas, 9.0)
    away = np.hypot((canvas.y - eye.disc[0]) * upright, canvas.x - eye.disc[1]) / eye.disc_radius + uneven
    rim = 1.0 - soft_step(as_field(away), 0.88, rng.uniform(1.05, 1.2))
    cup = glow(canvas, (eye.disc[0], eye.disc[1] + 0.2 * eye.disc_radius * eye.temporal), 0.42 * eye.disc_radius)
    haze = 0.15 * glow(canvas, eye.disc, 1.7 * eye.disc_radius)
    pale = rng.uniform(0.75, 0.95)
    colour = mix(colour, as_field([0.98, 0.78, 0.50]), haze[..., None])
    colour = mix(colour, as_field([0.98, 0.72, 0.40]), (rim * pale)[..., None])
    return mix(colour, as_field([1.0, 0.93, 0.70]), as_field(rim * cup * pale)[..., None])


def _light(rng: np.random.Generator, canvas: Canvas, eye: Eye) -> Field:
    """Flash light that falls off towards the rim, unevenly, and in some pictures a bright crescent at it."""
    away = np.hypot(canvas.y - eye.centre[0], canvas.x - eye.centre[1]) / eye.radius
    angle, out = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.25)
    spot = (eye.centre[0] + out * np.sin(angle), eye.centre[1] + out * np.cos(angle))
    pool = 0.3 * glow(canvas, (spot[0], spot[1]), 0.3)
    rim = rng.uniform(0.2, 0.5) * soft_step(as_field(away), 0.55, 1.15)
    side = np.cos(np.arctan2(canvas.y - eye.centre[0], canvas.x - eye.centre[1]) - angle)
    leak = rng.uniform(0.0, 0.6) * (rng.random() < 0.35) * soft_step(as_field(away), 0.82, 1.0) * np.clip(side, 0.0, 1.0) ** 2
    return as_field(rng.uniform(0.85, 1.1) * (0.88 + pool - rim + leak) * (1.0 + 0.06 * smooth_noise(rng, canvas, 1.5)))


def _trace(canvas: Canvas, vessels: list[Vessel], *, scale: float = 1.0, least: float = LEAST_WIDTH) -> Field:
    """Share of each canvas pixel that the vessels cover, their widths scaled by `scale` but at least `least` image pixels."""
    fine = np.zeros((canvas.shape[0] * FINE, canvas.shape[1] * FINE), np.uint8)
    unit = canvas.unit * FINE
    for vessel in vessels:
        # OpenCV puts the centre of the first pixel at 0, the canvas puts it at half a pixel.
        points = np.rint((vessel.points[:, ::-1] * unit - 0.5) * (1 << SHIFT)).astype(np.int32)
        widths = np.maximum(vessel.widths * scale * unit, least * SUPERSAMPLE * FINE)
        for start, end, width in zip(points[:-1], points[1:], np.rint(widths).astype(int), strict=False):
            cv2.line(fine, start.tolist(), end.tolist(), 255, max(1, int(width)), cv2.LINE_8, SHIFT)
    return as_field(cv2.resize(fine, canvas.shape[::-1], interpolation=cv2.INTER_AREA)) / np.float32(255.0)


def _bleed(rng: np.random.Generator, canvas: Canvas, retina: Colour, vessels: list[Vessel]) -> Colour:
    """Draw the vessels into the retina: thin ones faint, thick ones dark, with the bright reflex along the arteries."""
    strength, softness = rng.uniform(0.75, 1.1), rng.uniform(0.0012, 0.0022)
    for kind in ("artery", "vein"):
        own = [vessel for vessel in vessels if vessel.kind == kind]
        thick = [vessel for vessel in own if vessel.widths[0] > 0.009]
        depth = 0.62 * blur(_trace(canvas, own), softness, canvas) + 0.38 * blur(_trace(canvas, thick), softness, canvas)
        absorbed = np.array(ABSORBED[kind], np.float32) * np.float32(strength)
        retina = as_field(retina * (1.0 - depth[..., None] * absorbed))
    return _reflex(rng, canvas, retina, vessels)


def _reflex(rng: np.random.Generator, canvas: Canvas, retina: Colour, vessels: list[Vessel]) -> Colour:
    arteries = [vessel for vessel in vessels if vessel.kind == "artery" and vessel.widths[0] > 0.009]
    line = blur(_trace(canvas, arteries, scale=0.28, least=0.3), 0.001, canvas)
    return cast("Colour", retina + tint(line * np.float32(rng.uniform(0.06, 0.15)), (1.0, 0.7, 0.45)))

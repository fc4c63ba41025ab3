"""Cell nuclei: fluorescence (bright on dark), stained tissue (purple on pink or violet) and unstained bright field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from limner.data.phantoms.canvas import SUPERSAMPLE, Canvas, as_field, blur, cover, develop, to_bytes
from limner.data.phantoms.texture import fractal_noise, glow, smooth_noise, soft_step, tint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from limner.data.phantoms.canvas import Colour, Field
    from limner.types import ImageArray, MaskArray

# Absorption of red, green and blue per unit of stain; the first two are haematoxylin and eosin, after Ruifrok and Johnston,
# Anal Quant Cytol Histol 23:291-299, 2001, the eosin a little less pure, as on a real slide.
HAEMATOXYLIN, EOSIN, GREY = (0.65, 0.70, 0.29), (0.09, 0.92, 0.30), (0.55, 0.60, 0.66)
LEAST_RADIUS = 2.5  # in pixels of the image; below that a nucleus is a dot


@dataclass(frozen=True, slots=True)
class Nucleus:
    """One nucleus: an ellipse with a dented outline, placed in short sides.

    Attributes:
        y: Row of the centre.
        x: Column of the centre.
        radius: Geometric mean of the half axes.
        aspect: Long over short axis.
        angle: Direction of the long axis, in radians.
        dents: Amplitude and phase of the outline's second, third and fourth harmonic.
        brightness: Relative amount of stain.
        focus: 0 in focus, 1 or 2 ever farther out of it.
    """

    y: float
    x: float
    radius: float
    aspect: float
    angle: float
    dents: tuple[tuple[float, float], ...]
    brightness: float
    focus: int


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What is drawn of the nuclei, on the canvas.

    Attributes:
        labels: Number of the nucleus at each point, from 1; 0 is background. (H, W)
        stain: Amount of stain, one plane per degree of focus, (3, H, W).
        body: 1 in the middle of a nucleus, 0 at its rim and outside, (H, W).
        radius: Mean radius of the nuclei, in short sides.
    """

    labels: NDArray[np.int32]
    stain: Field
    body: Field
    radius: float


def draw_nuclei(rng: np.random.Generator, size: tuple[int, int]) -> tuple[ImageArray, MaskArray, NDArray[np.int32]]:
    """One micrograph of `size` (height, width), the mask of its nuclei, and their instance labels (0 is background)."""
    canvas = Canvas.of(size)
    layer = _paint(canvas, _scatter(rng, canvas))
    render = (_fluorescence, _stained, _unstained)[rng.choice(3, p=[0.65, 0.27, 0.08])]
    image = render(rng, canvas, layer)
    mask = cover(layer.labels > 0)
    return image, mask, np.where(mask, _shrink_labels(layer.labels), 0).astype(np.int32)


def _scatter(rng: np.random.Generator, canvas: Canvas) -> list[Nucleus]:
    """Nuclei thrown one by one: some beside an earlier one so that they touch, none more than a little on top of another."""
    height, width = canvas.extent
    typical = max(float(np.exp(rng.uniform(np.log(0.028), np.log(0.085)))), LEAST_RADIUS * SUPERSAMPLE / canvas.unit)
    wanted = height * width * float(np.exp(rng.uniform(np.log(0.05), np.log(0.38)))) / (np.pi * typical**2)
    clustered, crowd = rng.uniform(0.1, 0.6), rng.uniform(0.82, 1.0)
    elongation, direction = rng.uniform(1.05, 1.8), rng.uniform(0, np.pi)
    nuclei: list[Nucleus] = []
    for _ in range(int(np.clip(wanted, 4, 220)) * 4):
        radius = typical * float(np.clip(np.exp(rng.normal(0, 0.2)), 0.6, 1.6))
        near = nuclei[rng.integers(len(nuclei))] if nuclei and rng.random() < clustered else None
        spot = _beside(rng, near, radius) if near else (rng.uniform(0, height), rng.uniform(0, width))
        if all(np.hypot(n.y - spot[0], n.x - spot[1]) > crowd * (n.radius + radius) for n in nuclei):
            nuclei.append(_nucleus(rng, spot, radius, elongation, direction))
        if len(nuclei) >= wanted and len(nuclei) >= 4:
            break
    return nuclei


def _beside(rng: np.random.Generator, near: Nucleus, radius: float) -> tuple[float, float]:
    angle, distance = rng.uniform(0, 2 * np.pi), (near.radius + radius) * rng.uniform(0.9, 1.15)
    return near.y + distance * float(np.sin(angle)), near.x + distance * float(np.cos(angle))


def _nucleus(rng: np.random.Generator, spot: tuple[float, float], radius: float, elongation: float, direction: float) -> Nucleus:
    aspect = max(1.0, elongation * float(np.exp(rng.normal(0, 0.12))))
    dents = tuple((float(rng.uniform(0, 0.16 / k)), float(rng.uniform(0, 2 * np.pi))) for k in (2, 3, 4))
    brightness = float(np.clip(np.exp(rng.normal(-0.25, 0.35)), 0.35, 1.5))
    focus = int(rng.choice(3, p=[0.7, 0.2, 0.1]))
    return Nucleus(*spot, radius, aspect, direction + rng.normal(0, 0.6), dents, brightness, focus)


def _paint(canvas: Canvas, nuclei: list[Nucleus]) -> Layer:
    """Draw every nucleus in a window around it; of two that overlap the later one is on top."""
    radius = float(np.mean([nucleus.radius for nucleus in nuclei]))
    stain, body = np.zeros((3, *canvas.shape), np.float32), np.zeros(canvas.shape, np.float32)
    layer = Layer(np.zeros(canvas.shape, np.int32), stain, body, radius)
    for label, nucleus in enumerate(nuclei, start=1):
        window = _window(canvas, nucleus)
        level = _level(canvas.y[window], canvas.x[window], nucleus)
        inside = level > 0
        layer.labels[window][inside] = label
        layer.body[window][inside] = np.sqrt(level[inside])
        layer.stain[:, *window][:, inside] = 0.0
        layer.stain[nucleus.focus, *window][inside] = nucleus.brightness
    return layer


def _window(canvas: Canvas, nucleus: Nucleus) -> tuple[slice, slice]:
    reach = nucleus.radius * nucleus.aspect**0.5 * 1.3
    top, left = canvas.index((nucleus.y - reach, nucleus.x - reach))
    bottom, right = canvas.index((nucleus.y + reach, nucleus.x + reach))
    return slice(top, bottom + 1), slice(left, right + 1)


def _level(y: Field, x: Field, nucleus: Nucleus) -> Field:
    """1 at the nucleus's centre, 0 on its outline, negative outside."""
    dy, dx = y - np.float32(nucleus.y), x - np.float32(nucleus.x)
    cosine, sine = np.float32(np.cos(nucleus.angle)), np.float32(np.sin(nucleus.angle))
    along = (dx * cosine + dy * sine) / nucleus.aspect**0.5
    across = (dy * cosine - dx * sine) * nucleus.aspect**0.5
    theta = np.arctan2(across, along)
    outline = 1.0 + sum(size * np.cos(k * theta + phase) for k, (size, phase) in zip((2, 3, 4), nucleus.dents, strict=True))
    return as_field(1.0 - (along**2 + across**2) / np.square(nucleus.radius * outline))


def _chromatin(rng: np.random.Generator, canvas: Canvas, layer: Layer, strength: float) -> Field:
    """Texture inside the nuclei, about 1: clumps about a fifth of a nucleus wide."""
    clumps = fractal_noise(rng, canvas, 1.6 / layer.radius, octaves=2, gain=0.7)
    return as_field(np.clip(1.0 + strength * clumps, 0.2, 2.0))


def _defocus(canvas: Canvas, layer: Layer, texture: Field, sharpest: float, spread: float = 2.2) -> Field:
    """The stain as the lens shows it: each focus layer blurred more than the one before."""
    blurred = (blur(as_field(s * texture), sharpest * (1 + spread * k), canvas) for k, s in enumerate(layer.stain))
    return as_field(sum(blurred))


def _fluorescence(rng: np.random.Generator, canvas: Canvas, layer: Layer) -> ImageArray:
    """Bright nuclei on a dark, hazy ground; grey as the camera gives it, now and then in the dye's blue."""
    texture = _chromatin(rng, canvas, layer, rng.uniform(0.05, 0.3)) * (0.45 + 0.55 * layer.body)
    signal = _defocus(canvas, layer, as_field(texture), rng.uniform(0.002, 0.005))
    haze = rng.uniform(0.05, 0.3) * blur(signal, rng.uniform(0.04, 0.1), canvas)
    uneven = 1.0 + 0.15 * smooth_noise(rng, canvas, 1.5)
    ground = rng.uniform(0.01, 0.07) * (1.0 + 0.25 * fractal_noise(rng, canvas, 3.0))
    light = rng.uniform(0.3, 0.85) * (signal + haze) * uneven + ground + _debris(rng, canvas)
    dye = (0.25, 0.4, 1.25) if rng.random() < 0.15 else (1.0, 1.0, 1.0)
    # One photosite, one value: the noise is the same in all three channels, as in a grey camera's picture saved as RGB.
    grey = develop(rng, as_field(light)[..., None], grain=rng.uniform(0.008, 0.035))
    return to_bytes(tint(as_field(grey[..., 0]), dye))


def _debris(rng: np.random.Generator, canvas: Canvas) -> Field:
    """A few bright specks far smaller than a nucleus, which are not nuclei."""
    height, width = canvas.extent
    specks = np.zeros(canvas.shape, np.float32)
    for _ in range(rng.poisson(1.5)):
        spot = (height * rng.uniform(0, 1), width * rng.uniform(0, 1))
        specks += rng.uniform(0.2, 0.8) * glow(canvas, spot, rng.uniform(0.003, 0.006))
    return specks


def _stained(rng: np.random.Generator, canvas: Canvas, layer: Layer) -> ImageArray:
    """Haematoxylin on the nuclei, eosin between them (or, on some slides, next to none): light is absorbed by Beer and Lambert."""
    eosin = rng.uniform(0.25, 0.6) if rng.random() < 0.7 else 0.03
    fibres = fractal_noise(rng, canvas, 12.0, octaves=3, gain=0.6, stretch=float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.2, 1.2))))
    gaps = soft_step(fractal_noise(rng, canvas, 2.5, octaves=3), 0.5, 1.1) * rng.uniform(0.0, 0.9)
    between = np.clip((1.0 - gaps) * (1.0 + 0.35 * fibres), 0.05, None)
    stain = _defocus(canvas, layer, _rimmed(rng, canvas, layer), rng.uniform(0.002, 0.004), 1.2)
    cytoplasm = rng.uniform(0.1, 0.22) * between
    absorbed = tint(as_field(rng.uniform(0.75, 1.25) * stain + cytoplasm), HAEMATOXYLIN) + tint(as_field(eosin * between), EOSIN)
    return develop(rng, _transmit(rng, absorbed), grain=rng.uniform(0.008, 0.02))


def _rimmed(rng: np.random.Generator, canvas: Canvas, layer: Layer) -> Field:
    """Chromatin that is denser along the nuclear membrane."""
    rim = 1.0 - soft_step(layer.body, 0.25, 0.7)
    return as_field(_chromatin(rng, canvas, layer, rng.uniform(0.15, 0.35)) * (0.85 + 0.4 * rim))


def _unstained(rng: np.random.Generator, canvas: Canvas, layer: Layer) -> ImageArray:
    """Grey on grey: faint bodies, dark rims with a bright halo around them."""
    rim = (1.0 - soft_step(layer.body, 0.3, 0.75)) * (layer.labels > 0)
    faint = _defocus(canvas, layer, as_field(0.35 * _chromatin(rng, canvas, layer, 0.3) + 0.6 * rim), 0.003)
    halo = np.clip(blur(faint, 0.015, canvas) - faint, 0.0, None) * (layer.labels == 0)
    ground = 0.25 + 0.04 * fractal_noise(rng, canvas, 8.0)
    absorbed = tint(as_field(ground + rng.uniform(0.7, 1.1) * faint - 0.8 * halo), GREY)
    return develop(rng, _transmit(rng, absorbed), grain=rng.uniform(0.01, 0.02))


def _transmit(rng: np.random.Generator, absorbed: Colour) -> Colour:
    lamp = np.array([0.97, 0.95, 0.98]) * rng.uniform(0.92, 1.0)
    return as_field(lamp * np.exp(-absorbed))


def _shrink_labels(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """The most frequent label among each pixel's subpixels, background not counted."""
    height, width = (n // SUPERSAMPLE for n in labels.shape)
    parts = labels.reshape(height, SUPERSAMPLE, width, SUPERSAMPLE).transpose(0, 2, 1, 3).reshape(height, width, -1)
    votes = (parts[..., :, None] == parts[..., None, :]).sum(axis=-1) * (parts > 0)
    chosen = np.take_along_axis(parts, votes.argmax(axis=-1)[..., None], axis=-1)
    return chosen[..., 0].astype(np.int32)

"""Random changes of training images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from limner.recipe.schema.base import Part, Probability


class AugmentationPart(Part):
    """Random changes of each training image; geometric ones are composed into one resampling. 0 switches a change off.

    Attributes:
        probability: Chance that an image is changed by the geometric group, by the colour group, and by each of `blur`, `noise`, `jpeg` and
            `dropout`; flips and `cutmix` are not counted in.
        horizontal_flip: Chance of a flip left to right.
        vertical_flip: Chance of a flip top to bottom.
        rotate: Largest rotation, in degrees, to either side.
        zoom: Largest change of scale: 0.2 means between 1/1.2 and 1.2 times.
        shift: Largest shift in either direction, as a share of that side.
        shear: Largest shear, in degrees, in either direction.
        warp: Largest perspective warp: how much nearer one edge comes than the middle, as a share of its distance.
        elastic: Largest displacement of a smooth random deformation, as a share of the height.
        elastic_grid: Points of that deformation's grid in either direction; more are a finer deformation.
        brightness: Largest change of brightness, as a share of the full range.
        contrast: Largest change of contrast: 0.2 means a factor between 1/1.2 and 1.2.
        saturation: Largest change of saturation, likewise.
        hue: Largest rotation of the hue, in degrees.
        gamma: Largest change of gamma: 0.2 means a power between 1/1.2 and 1.2.
        blur: Largest Gaussian blur, as its standard deviation in pixels.
        noise: Largest Gaussian noise, as its standard deviation as a share of the full range.
        jpeg: Largest loss of JPEG quality: 60 means qualities from 40 to 100.
        dropout: Largest share of the image that grey rectangles cover (coarse dropout).
        cutmix: Chance that a rectangle of an image and its mask is replaced by that of another of the batch (Yun et al. 2019).
    """

    probability: Probability = 0.75
    horizontal_flip: Probability = 0.5
    vertical_flip: Probability = 0.0
    rotate: Annotated[float, Field(ge=0.0, le=180.0)] = 10.0
    zoom: Annotated[float, Field(ge=0.0, le=4.0)] = 0.1
    shift: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    shear: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    warp: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    elastic: Annotated[float, Field(ge=0.0, le=0.25)] = 0.0
    elastic_grid: Annotated[int, Field(ge=2, le=64)] = 5
    brightness: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    contrast: Annotated[float, Field(ge=0.0, le=4.0)] = 0.0
    saturation: Annotated[float, Field(ge=0.0, le=4.0)] = 0.0
    hue: Annotated[float, Field(ge=0.0, le=180.0)] = 0.0
    gamma: Annotated[float, Field(ge=0.0, le=4.0)] = 0.0
    blur: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    noise: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    jpeg: Annotated[float, Field(ge=0.0, le=95.0)] = 0.0
    dropout: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    cutmix: Probability = 0.0

"""Masks on which objects are hard to find by bands of rows, and the bands."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SIDE = 40


def spiral(size):
    """Arms of a spiral, which meet only at the end."""
    rows, columns = np.indices((size, size)) - size / 2
    return np.sin(np.hypot(rows, columns) * 1.2 + np.arctan2(rows, columns)) > 0


def rings(size, thickness=2, gap=2):
    """Squares within squares, none touching the next."""
    rows, columns = np.indices((size, size))
    inwards = np.minimum.reduce([rows, columns, size - 1 - rows, size - 1 - columns])
    return inwards % (thickness + gap) < thickness


def comb(size):
    """Teeth that are one object only by the last row; islands between them."""
    mask = np.zeros((size, size), bool)
    mask[:, ::4] = mask[-2:] = True
    mask[3:-5:6, 2::4] = True
    return mask


def stripes(size):
    """Slanted lines of a pixel, connected over corners alone."""
    rows, columns = np.indices((size, size))
    return (rows + columns) % 5 == 0


def rough(seed, size, share):
    """Blobs and specks, some with holes."""
    noise = np.random.default_rng(seed).random(size)
    smooth = sum(np.roll(noise, (down, across), (0, 1)) for down in range(3) for across in range(3)) / 9
    return (smooth > np.quantile(smooth, 1 - share)) & (noise > 0.05)


DRAWN = (spiral(SIDE), rings(SIDE), rings(SIDE, 1, 3), comb(SIDE), stripes(SIDE), ~stripes(SIDE), np.ones((SIDE, SIDE), bool))


@st.composite
def masks(draw):
    """Any mask: drawn ones, turned; rough ones; pixels one by one."""
    kind = draw(st.integers(0, 2))
    if kind == 0:
        mask = np.rot90(draw(st.sampled_from(DRAWN)), draw(st.integers(0, 3)))[: draw(st.integers(1, SIDE)), draw(st.integers(0, 20)) :]
        return mask ^ rough(draw(st.integers(0, 9)), mask.shape, draw(st.sampled_from([0.0, 0.02, 0.1])))
    size = draw(st.tuples(st.integers(1, SIDE), st.integers(1, SIDE)))
    if kind == 1:
        return rough(draw(st.integers(0, 999)), size, draw(st.floats(0.02, 0.95)))
    return draw(hnp.arrays(np.bool_, (min(size[0], 12), min(size[1], 12))))


@st.composite
def cut_masks(draw):
    """A mask, and the rows at which it is cut into bands, 0 and its height among them."""
    mask = draw(masks())
    cuts = draw(st.lists(st.integers(0, len(mask)), max_size=12))
    return mask, sorted({0, len(mask), *cuts})


def bands(array, cuts):
    """The bands of an array."""
    return [array[top:bottom] for top, bottom in pairwise(cuts)]

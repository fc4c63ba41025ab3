"""Patches at an image's own resolution."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from limner.data import load_native, open_source
from limner.data.phantoms import write_phantoms
from limner.data.resident import NativeSet
from limner.recipe import load_recipe
from limner.runtime import load
from limner.training.patches import PatchLoader, TileLoader
from limner.training.run import train_run


def native(*sizes):
    """Images whose red channel counts rows and whose green channel counts columns; the foreground is one corner pixel."""
    images, masks = [], []
    for height, width in sizes:
        rows, columns = np.mgrid[:height, :width].astype(np.uint8)
        images.append(np.dstack([rows, columns, rows]))
        mask = np.zeros((height, width), np.uint8)
        mask[-1, -1] = 1
        masks.append(mask)
    return NativeSet(tuple(map(str, range(len(sizes)))), tuple(images), tuple(masks))


def test_patches_are_cut_where_they_say_and_masks_with_them():
    for images, masks, cases in PatchLoader(native((40, 60), (50, 30)), (16, 24), 4, foreground=0.5, seed=0):
        assert images.shape == (len(cases), 3, 16, 24)
        assert masks.shape == (len(cases), 1, 16, 24)
        assert (images[:, 0].diff(dim=1) == 1).all()
        assert (images[:, 1].diff(dim=2) == 1).all()
        corner = (images[:, 0, -1, -1] == torch.tensor([39, 49])[cases]) & (images[:, 1, -1, -1] == torch.tensor([59, 29])[cases])
        assert (masks[:, 0, -1, -1].bool() == corner).all()
        assert masks.sum() == corner.sum()


def test_a_large_image_gives_more_patches_than_a_small_one():
    loader = PatchLoader(native((64, 64), (16, 16)), (16, 16), 1, foreground=0.0, seed=0)
    counts = np.bincount([int(cases[0]) for _, _, cases in loader])
    assert counts.tolist() == [16, 1]


@pytest.mark.parametrize(("share", "least", "most"), [(1.0, 400, 400), (0.0, 0, 20), (0.5, 150, 250)])
def test_as_many_patches_hold_foreground_as_were_asked_for(share, least, most):
    loader = PatchLoader(native(*[(160, 160)] * 4), (16, 16), 8, foreground=share, seed=3)
    assert least <= sum(int(masks.flatten(1).any(1).sum()) for _, masks, _ in loader) <= most


def test_each_epoch_draws_anew_and_the_same_again():
    loader = PatchLoader(native((64, 80), (70, 40)), (16, 16), 4, foreground=0.5, seed=7)

    def epoch(number):
        loader.epoch = lambda: number
        return [images.tolist() for images, _, _ in loader]

    first = epoch(0)
    assert epoch(1) != first
    assert epoch(0) == first


def test_tiles_cover_every_pixel_of_every_image():
    sizes = [(40, 60), (16, 24), (17, 100)]
    seen = [np.zeros(size, bool) for size in sizes]
    for images, _, cases in TileLoader(native(*sizes), (16, 24), 5):
        for image, case in zip(images, cases, strict=True):
            seen[case][image[0].long(), image[1].long()] = True
    assert all(area.all() for area in seen)


def test_what_is_smaller_than_a_patch_is_mirrored(tmp_path):
    data = open_source(write_phantoms(tmp_path / "p", count=2, size=(40, 50)))
    found = load_native(data, data.keys(), (64, 32))
    assert [image.shape for image in found.images] == [(64, 50, 3)] * 2
    assert np.array_equal(found.images[0][40:], found.images[0][39:15:-1])
    assert found.masks[0].shape == (64, 50)


def test_a_run_on_patches_ends_in_a_model_that_sees_patches(tmp_path):
    source = write_phantoms(tmp_path / "vessels", "vessel", count=12, size=(72, 90))
    settings = ["epochs=4", "batch_size=4", "data.sampling=patches", "data.input_size=32", "network.filters=[8,16]"]
    run = train_run(source, load_recipe("phantom-unet", settings), tmp_path / "run", progress=False)
    predictor = load(run)
    assert predictor.metadata.sampling == "patches"
    assert predictor.metadata.parity["max_prob_difference"] < 1e-4
    losses = np.loadtxt(run / "metrics.csv", delimiter=",", skiprows=1)[:, 1]
    assert losses[-1] < losses[0]
    assert json.loads((run / "run.json").read_text())["state"] == "finished"
    image = open_source(source).items[0].load().image
    assert predictor.predict(image).mask.shape == image.shape[:2]

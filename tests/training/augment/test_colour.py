import colorsys

import pytest
import torch

from limner.training.augment import augment, augment_fully
from limner.training.augment.colour import mix, raise_to
from limner.training.loader import generator

LUMA = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)


def luma_mean(images):
    return (images * LUMA).sum(1).mean((1, 2))


def test_contrast_keeps_the_mean_and_brightness_moves_it():
    images = torch.rand(2, 3, 16, 16, generator=generator(0)) * 100 + 70
    changed = mix(images, torch.eye(3).repeat(2, 1, 1), torch.tensor([1.2, 1.0]), torch.tensor([0.0, 10.0]))
    torch.testing.assert_close(luma_mean(changed) - luma_mean(images), torch.tensor([0.0, 10.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(changed[0].std() / images[0].std(), torch.tensor(1.2), atol=0.01, rtol=0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_colour_matrix_is_applied_to_each_pixel(layout):
    images = (torch.rand(2, 3, 5, 7, generator=generator(0)) * 255).contiguous(memory_format=layout)
    matrices = torch.rand(2, 3, 3, generator=generator(1)) / 3
    changed = mix(images, matrices, torch.ones(2), torch.zeros(2))
    expected = matrices[1].numpy() @ images[1, :, 3, 4].numpy()
    torch.testing.assert_close(changed[1, :, 3, 4], torch.from_numpy(expected))


def test_hue_and_saturation_leave_grey_alone(only):
    grey = torch.full((8, 3, 4, 4), 120.0)
    images, _ = augment(grey, torch.zeros(8, 1, 4, 4), only(saturation=0.5, hue=90.0), generator(0))
    torch.testing.assert_close(images, grey, atol=1e-2, rtol=0)


def test_a_turn_of_the_hue_by_a_third_permutes_the_channels(only):
    images = torch.rand(4, 3, 4, 4, generator=generator(0)) * 255
    turned, _ = augment_fully(images, images[:, :1], only(hue=120), generator(0))
    for before, after in zip(images, turned, strict=True):
        shift = 1 if (after - before.roll(1, 0)).abs().max() < 0.1 else -1
        torch.testing.assert_close(after, before.roll(shift, 0), atol=0.01, rtol=0)


def test_saturation_changes_how_far_colours_are_from_grey(only):
    colour = torch.tensor([140.0, 110.0, 100.0]).view(1, 3, 1, 1).repeat(4, 1, 2, 2)
    changed, _ = augment_fully(colour, colour[:, :1], only(saturation=0.5), generator(0))
    torch.testing.assert_close(luma_mean(changed), luma_mean(colour), atol=1e-3, rtol=0)
    spread = lambda images: images.amax(1) - images.amin(1)  # noqa: E731
    assert {round(float(value), 3) for value in (spread(changed) / spread(colour)).unique()} <= {1.5, 0.667}
    hue = lambda pixel: colorsys.rgb_to_hsv(*(pixel / 255).tolist())[0]  # noqa: E731
    assert hue(changed[0, :, 0, 0]) == pytest.approx(hue(colour[0, :, 0, 0]), abs=1e-3)


def test_gamma_is_a_power_of_the_share_of_full_range(only):
    images = torch.arange(256.0).view(1, 1, 16, 16).repeat(2, 3, 1, 1)
    changed = raise_to(images, torch.tensor([2.0, 0.5]))
    torch.testing.assert_close(changed[0], images[0] ** 2 / 255)
    torch.testing.assert_close(changed[1], (images[1] * 255).sqrt())
    limits, _ = augment_fully(images.repeat(4, 1, 1, 1), images[:1, :1].repeat(8, 1, 1, 1), only(gamma=1.0), generator(0))
    middle = {round(float(value), 1) for value in limits[:, 0, 8, 0]}
    assert middle == {round(128**2 / 255, 1), round((128 * 255) ** 0.5, 1)}


def test_colour_is_one_group(only):
    """Brightness and gamma happen to the same images."""
    images = torch.full((64, 3, 4, 4), 100.0)
    masks = images[:, :1]
    changed = [
        (augment(images, masks, only(probability=0.5, **{kind: 0.3}), generator(0))[0] != images).any(3).any(2).any(1)
        for kind in ("gamma", "brightness")
    ]
    assert torch.equal(*changed)
    assert 10 < changed[0].sum() < 54

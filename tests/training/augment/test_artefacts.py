import cv2
import numpy as np
import pytest
import torch

from limner.training.augment import augment, augment_fully
from limner.training.augment.artefacts import smooth
from limner.training.loader import generator


@pytest.mark.parametrize("sigmas", [(0.5, 1.0, 2.0), (4.0, 0.01, 3.0)])
def test_blur_is_opencvs(sigmas):
    images = torch.rand(3, 3, 33, 50, generator=generator(0)) * 255
    radius = 12
    smoothed = smooth(images, torch.tensor(sigmas), radius)
    for image, after, sigma in zip(images, smoothed, sigmas, strict=True):
        side = 2 * radius + 1
        expected = cv2.GaussianBlur(image.permute(1, 2, 0).contiguous().numpy(), (side, side), sigma, borderType=cv2.BORDER_REFLECT_101)
        np.testing.assert_allclose(after.permute(1, 2, 0).numpy(), expected, atol=0.01)


def test_blur_is_wider_than_a_small_image():
    """Mirrored again and again; what is equal everywhere stays so."""
    flat = torch.full((1, 3, 16, 16), 77.0)
    torch.testing.assert_close(smooth(flat, torch.tensor([10.0]), 30), flat)


def test_each_image_has_its_own_blur_up_to_the_limit(only):
    point = torch.zeros(6, 3, 31, 31)
    point[:, :, 15, 15] = 255
    blurred, _ = augment(point, point[:, :1], only(blur=2.0), generator(0))
    peaks = blurred[:, 0, 15, 15] / 255
    assert len(set(peaks.tolist())) == 6
    assert peaks.min() >= 1 / (2 * np.pi * 2.0**2) - 1e-3
    torch.testing.assert_close(blurred.sum((2, 3)), torch.full((6, 3), 255.0))


def test_noise_has_its_deviation_in_every_image_and_no_pattern(only):
    grey = torch.full((4, 3, 96, 96), 128.0)
    noisy, _ = augment_fully(grey, grey[:, :1], only(noise=0.1), generator(0))
    noise = (noisy - grey) / 25.5
    for image in noise:
        assert float(image.std()) == pytest.approx(1.0, abs=0.02)
        assert abs(float(image.mean())) < 0.02
        neighbours = torch.stack([(image * image.roll(shift, (1, 2))).mean() for shift in ((0, 1), (1, 0), (1, 1))])
        assert neighbours.abs().max() < 0.03
        assert torch.corrcoef(image.flatten(1)).fill_diagonal_(0).abs().max() < 0.05
    images = torch.corrcoef(noise.flatten(1)).fill_diagonal_(0)
    assert images.abs().max() < 0.03


def test_noise_is_of_every_strength_up_to_the_limit(only):
    grey = torch.full((32, 3, 24, 24), 128.0)
    deviations = (augment(grey, grey[:, :1], only(noise=0.1), generator(0))[0] - grey).std((1, 2, 3)) / 25.5
    assert deviations.min() < 0.2
    assert 0.8 < deviations.max() < 1.05

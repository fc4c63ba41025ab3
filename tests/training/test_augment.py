import pytest
import torch

from limner.recipe.schema import AugmentationPart
from limner.training.augment import augment, draw_homographies, recolour, warp
from limner.training.loader import generator

NOTHING = AugmentationPart(probability=0.0, horizontal_flip=0.0)
EVERYTHING = AugmentationPart(
    probability=1.0, vertical_flip=0.5, rotate=45, zoom=0.3, shift=0.1, warp=0.1, brightness=0.2, contrast=0.3, saturation=0.3, hue=20
)


@pytest.fixture
def batch():
    """Images whose red channel is the mask times 255, smooth enough for resampling, of a size that is not square."""
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    discs = torch.stack([((y - cy).hypot(x - cx) < 12).float() for cy, cx in ((20, 25), (30, 40), (23.5, 31.5))])[:, None]
    return discs.repeat(1, 3, 1, 1) * 255, discs


def test_nothing_changes_nothing(batch):
    images, masks = augment(*batch, NOTHING, generator(0))
    torch.testing.assert_close(images, batch[0], atol=1e-2, rtol=0)
    assert torch.equal(masks, batch[1])


def test_a_certain_flip_is_a_flip(batch):
    part = AugmentationPart(probability=0.0, horizontal_flip=1.0, vertical_flip=1.0)
    images, masks = augment(*batch, part, generator(0))
    torch.testing.assert_close(images, batch[0].flip(2, 3), atol=1e-2, rtol=0)
    assert torch.equal(masks, batch[1].flip(2, 3))


def test_the_mask_goes_with_the_image(batch):
    geometric = EVERYTHING.model_copy(update=dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0))
    images, masks = augment(*batch, geometric, generator(3))
    disagree = ((images[:, :1] > 127) != masks.bool()).float().mean()
    assert disagree < 0.01
    assert 0.02 < masks.mean() < 0.9
    assert not torch.equal(masks, batch[1])


def test_a_turn_keeps_a_disc_round(batch):
    part = AugmentationPart(probability=1.0, horizontal_flip=0.0, rotate=90, zoom=0.0)
    _, masks = augment(*batch, part, generator(0))
    torch.testing.assert_close(masks[2].sum(), batch[1][2].sum(), atol=12, rtol=0)
    assert (masks[2] != batch[1][2]).float().mean() < 0.01  # the third disc is in the middle


def test_values_stay_what_they_are(batch):
    images, masks = augment(*batch, EVERYTHING, generator(1))
    assert images.shape == batch[0].shape
    assert images.min() >= 0
    assert images.max() <= 255
    assert set(masks.unique().tolist()) <= {0.0, 1.0}


def test_the_same_seed_gives_the_same_and_another_does_not(batch):
    first = augment(*batch, EVERYTHING, generator(0, 1, 2))[0]
    assert torch.equal(first, augment(*batch, EVERYTHING, generator(0, 1, 2))[0])
    assert not torch.equal(first, augment(*batch, EVERYTHING, generator(0, 2, 1))[0])


def test_autocast_does_not_round_places_and_colours(batch):
    expected = augment(*batch, EVERYTHING, generator(0))
    with torch.autocast("cpu", torch.bfloat16):
        images, masks = augment(*batch, EVERYTHING, generator(0))
    assert torch.equal(images, expected[0])
    assert torch.equal(masks, expected[1])


def test_each_image_draws_its_own():
    homographies = draw_homographies(EVERYTHING, 4, generator(0))
    assert len({tuple(matrix.flatten().tolist()) for matrix in homographies}) == 4


def test_identity_is_exact_for_the_mask():
    mask = (torch.rand(1, 1, 37, 53, generator=generator(0)) > 0.5).float()
    _, warped = warp(mask.repeat(1, 3, 1, 1), mask, torch.eye(3)[None])
    assert torch.equal(warped, mask)


def test_contrast_keeps_the_mean_and_brightness_moves_it():
    images = torch.rand(2, 3, 16, 16, generator=generator(0)) * 100 + 70
    same = torch.eye(3).repeat(2, 1, 1)
    changed = recolour(images, same, torch.tensor([0.0, 10.0]), torch.tensor([1.2, 1.0]))
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    means = lambda x: (x * luma).sum(1).mean((1, 2))  # noqa: E731
    torch.testing.assert_close(means(changed) - means(images), torch.tensor([0.0, 10.0]), atol=1e-3, rtol=0)
    assert changed[0].std() > images[0].std()


def test_hue_and_saturation_leave_grey_alone():
    grey = torch.full((8, 3, 4, 4), 120.0)
    part = NOTHING.model_copy(update={"probability": 1.0, "rotate": 0.0, "zoom": 0.0, "saturation": 0.5, "hue": 90.0})
    images, _ = augment(grey, torch.zeros(8, 1, 4, 4), part, generator(0))
    torch.testing.assert_close(images, grey, atol=1e-2, rtol=0)

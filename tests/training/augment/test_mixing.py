import torch

from limner.training.augment import augment, augment_fully
from limner.training.loader import generator


def flat(levels, size=(30, 50)):
    """An image of one grey level for each; the mask of the odd ones is full."""
    images = torch.tensor([float(level) for level in levels]).view(-1, 1, 1, 1).repeat(1, 3, *size)
    masks = (torch.arange(len(levels)) % 2).view(-1, 1, 1, 1).repeat(1, 1, *size).float()
    return images, masks


def is_a_box(where):
    """One rectangle, or none."""
    rows, columns = where.any(1), where.any(0)
    starts = [int((side.int().diff(prepend=torch.zeros(1, dtype=torch.int)) == 1).sum()) for side in (rows, columns)]
    return torch.equal(where, rows[:, None] & columns[None]) and max(starts) <= 1


def test_cutmix_takes_a_box_of_image_and_mask_from_one_other(only):
    images, masks = flat(range(10, 90, 10))
    mixed, mixed_masks = augment(images, masks, only(cutmix=1.0), generator(0))
    shares, partners = [], set()
    for place, (image, mask) in enumerate(zip(mixed, mixed_masks, strict=True)):
        foreign = image[0] != images[place, 0]
        levels = image[:, foreign].unique().tolist()
        assert is_a_box(foreign)
        assert len(levels) <= 1
        partner = int(levels[0] / 10) - 1 if levels else place
        assert torch.equal(mask[0], torch.where(foreign, masks[partner, 0], masks[place, 0]))
        shares.append(float(foreign.float().mean()))
        partners.add((partner - place) % 8)
    assert len(partners) > 2
    assert min(shares) < 0.2
    assert max(shares) > 0.4


def test_cutmix_happens_as_often_as_it_says_whatever_the_probability(only):
    images, masks = flat(range(200), size=(16, 16))
    mixed, _ = augment(images, masks, only(cutmix=0.3, probability=0.0), generator(0))
    changed = (mixed != images).flatten(1).any(1)
    assert 35 <= changed.sum() <= 85


def test_cutmix_of_a_single_image_does_nothing(only):
    images, masks = flat([50])
    mixed, _ = augment(images, masks, only(cutmix=1.0), generator(0))
    assert mixed is images


def test_cutmix_takes_places_from_the_same_place(only):
    ramp = torch.arange(40.0).view(1, 1, 1, 40).repeat(2, 3, 40, 1) + torch.tensor([0.0, 100.0]).view(2, 1, 1, 1)
    mixed, _ = augment(ramp, ramp[:, :1] * 0, only(cutmix=1.0), generator(0))
    assert torch.equal(mixed % 100, ramp % 100)
    assert not torch.equal(mixed, ramp)


def test_dropout_covers_at_most_its_limit_and_leaves_the_mask(only):
    images, masks = flat([10] * 200)
    covered, same = augment(images, masks, only(dropout=0.3), generator(0))
    shares = (covered[:, 0] == 127.5).float().mean((1, 2))
    assert shares.max() <= 0.3
    assert shares.max() > 0.2
    assert shares.min() < 0.05
    assert torch.equal(same, masks)
    assert set(covered.unique().tolist()) == {10.0, 127.5}


def test_dropout_is_of_one_to_eight_boxes_anywhere(only):
    images, masks = flat([10] * 100, size=(64, 64))
    covered, _ = augment_fully(images, masks, only(dropout=0.2), generator(0))
    where = covered[:, 0] == 127.5
    assert 5 < sum(is_a_box(image) for image in where) < 40
    anywhere = where.any(0)
    assert anywhere.float().mean() > 0.95
    assert all(edge.any() for edge in (anywhere[0], anywhere[-1], anywhere[:, 0], anywhere[:, -1]))
    assert where.float().mean() > 0.15

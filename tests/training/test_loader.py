from types import SimpleNamespace

import numpy as np
import torch

from limner.training.loader import ResidentLoader, generator


def resident(n):
    images = np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(3, 2).repeat(3, 3)
    return SimpleNamespace(images=images, masks=images[..., 0] % 2, keys=tuple(map(str, range(n))))


def numbers(loader):
    return [batch[0][:, 0, 0, 0].tolist() for batch in loader]


def test_without_a_seed_everything_comes_once_in_order():
    assert numbers(ResidentLoader(resident(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_with_a_seed_batches_are_full_and_shuffled():
    loader = ResidentLoader(resident(50), 8, seed=0)
    batches = numbers(loader)
    assert len(loader) == len(batches) == 6
    assert all(len(batch) == 8 for batch in batches)
    flat = [number for batch in batches for number in batch]
    assert len(set(flat)) == 48
    assert flat != sorted(flat)


def test_each_epoch_has_its_own_order_and_the_same_one_again():
    loader = ResidentLoader(resident(50), 8, seed=0)
    first = numbers(loader)
    loader.epoch = lambda: 1
    assert numbers(loader) != first
    loader.epoch = lambda: 0
    assert numbers(loader) == first


def test_fewer_images_than_a_batch_still_train():
    assert len(ResidentLoader(resident(3), 8, seed=0)) == 1


def test_shapes_types_and_layout():
    images, masks, cases = next(iter(ResidentLoader(resident(4), 4, seed=1)))
    assert images.shape == (4, 3, 2, 3)
    assert masks.shape == (4, 1, 2, 3)
    assert images.dtype == masks.dtype == torch.uint8
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images[:, 0] % 2, masks[:, 0])
    assert torch.equal(images[:, 0, 0, 0].long(), cases)


def test_generators_of_different_places_differ():
    draws = {torch.rand(1, generator=generator(seed, epoch, step)).item() for seed in range(3) for epoch in range(5) for step in range(5)}
    assert len(draws) == 75

"""The scores of each epoch against `limner.metrics`, by which everything after the training goes."""

import numpy as np
import pytest
import torch

from limner import metrics
from limner.training.scores import count_pixels, score_images, sum_by_image


def masks(seed, count=6, size=12):
    """Random ones; the first pair is empty, and so is one of the second and the other of the third."""
    preds, target = np.random.default_rng(seed).random((2, count, size, size)) < 0.3
    preds[:2] = False
    target[:3:2] = False
    return preds, target


def counted(preds, target):
    logits = torch.where(torch.as_tensor(preds), 2.0, -2.0)[:, None]
    return count_pixels(logits, torch.as_tensor(target, dtype=torch.float32)[:, None], 0.5)


@pytest.mark.parametrize("name", ["dice", "iou", "precision", "recall"])
def test_they_are_those_of_the_evaluation(name):
    preds, target = masks(0)
    expected = [getattr(metrics, name)(metrics.count(*pair)) for pair in zip(preds, target, strict=True)]
    assert score_images(counted(preds, target))[name].tolist() == pytest.approx(expected)
    assert expected[:3] == [1.0, 0.0, 0.0]


def test_the_threshold_is_of_the_probability():
    logits = torch.logit(torch.tensor([0.29, 0.31, 0.9])).view(1, 1, 1, 3)
    assert count_pixels(logits, torch.ones(1, 1, 1, 3), 0.3).tolist() == [[2], [2], [3]]


def test_an_image_in_pieces_is_scored_as_one():
    preds, target = masks(1, count=2, size=16)
    pieces = [mask.reshape(2, 4, 4, 16).transpose(1, 0, 2, 3).reshape(8, 4, 16) for mask in (preds, target)]  # a quarter of each in turn
    image = torch.tensor([7, 3] * 4)
    together = score_images(sum_by_image(image, counted(*pieces)))
    whole = score_images(counted(preds[::-1].copy(), target[::-1].copy()))  # image 3 before image 7
    for name, values in whole.items():
        assert torch.equal(together[name], values)

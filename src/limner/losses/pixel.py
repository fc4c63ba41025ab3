"""Losses that look at each pixel by itself, averaged over all pixels of the batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from limner.losses.working import working


def bce(logits: Tensor, target: Tensor, *, label_smoothing: float = 0.0, pos_weight: float = 1.0) -> Tensor:
    """Binary cross-entropy.

    Empty masks: as any other. Without smoothing, a confident and right empty prediction has a loss of 0. With it, the best logit of
    the background is finite, log(s / (2 - s)), and so is the least loss above 0.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        label_smoothing: s in [0, 1): the target becomes s/2 and 1 - s/2.
        pos_weight: Weight of the foreground's pixels; the background's have 1.

    Example:
        >>> round(bce(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item(), 4)  # log 2
        0.6931
    """
    logits, target = working(logits, target)
    smoothed = target * (1.0 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(logits, smoothed, pos_weight=logits.new_tensor(pos_weight))


def cross_entropy(logits: Tensor, target: Tensor, *, weights: tuple[float, float] = (1.0, 1.0), label_smoothing: float = 0.0) -> Tensor:
    """Cross-entropy on the two classes background and foreground.

    With one channel and equal weights this is `bce`. With others it differs from `bce` with a `pos_weight` by the mean, which is
    weighted here, as in `torch.nn.CrossEntropyLoss`: the sum is divided by the weights of all pixels, not by their number.

    Empty masks: as for `bce`. Weights have no effect on a batch whose masks are all empty.

    Args:
        logits: (N, 1, H, W), the foreground's logit minus the background's; or (N, 2, H, W), one channel for each class.
        target: (N, 1, H, W), 0 or 1.
        weights: Of background and foreground.
        label_smoothing: As in `bce`.

    Example:
        >>> logits, target = torch.randn(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
        >>> torch.allclose(cross_entropy(logits, target), bce(logits, target))
        True
    """
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    logits, target = working(logits, target.expand(-1, 2, -1, -1))
    return F.cross_entropy(logits, target[:, 0].long(), weight=logits.new_tensor(weights), label_smoothing=label_smoothing)


def focal(logits: Tensor, target: Tensor, *, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Focal loss: cross-entropy times a (1 - p)^gamma, with p the probability that was given to the right class.

    Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5, averaged over pixels (they divide by the number of
    objects). With gamma = 0 and alpha = 0.5 it is half of `bce`.

    Empty masks: as any other; a confident and right empty prediction has a loss of 0.

    Args:
        logits: (N, 1, H, W), any float type.
        target: (N, 1, H, W), 0 or 1.
        alpha: a of the foreground, in [0, 1]; the background's is 1 - alpha.
        gamma: How strongly pixels that are nearly right are played down, 0 or more.
    """
    logits, target = working(logits, target)
    towards = logits * (2.0 * target - 1.0)  # the logit of the right class
    balance = alpha * target + (1.0 - alpha) * (1.0 - target)
    # As an exponential of a logarithm, the power has a finite gradient for any gamma, however sure the network is.
    easiness = torch.exp(gamma * F.logsigmoid(-towards))
    return -(balance * easiness * F.logsigmoid(towards)).mean()

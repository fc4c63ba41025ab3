"""Augmentation of whole batches, on the device where the batch is.

Each image draws its own numbers. All that moves pixels is composed into one grid and sampled once, all colour changes that are linear
into one matrix. What is switched off is skipped, and an image that does not draw a change is not touched by it.
"""

from limner.training.augment.pipeline import augment, augment_fully

__all__ = ["augment", "augment_fully"]

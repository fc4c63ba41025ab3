"""Words that several messages about data share."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the singular where it is one.

    Example:
        >>> counted(1, "image"), counted(0, "mask")
        ('1 image', '0 masks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""What a model says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def card(model: str | Path) -> str:
    """The model card of a model, in Markdown: what it is, what it was made of, how good it was found to be, and how to run it.

    It is the one that stands in the file; of a file of an older limner, which has none, it is written anew from what the file says.

    Args:
        model: A run folder, an .onnx file, or a shipped model's name.

    Raises:
        ModelFileError: There is no such model, or it is damaged.
    """
    from limner.runtime.card import read_card
    from limner.runtime.model_file import find_model

    return read_card(find_model(model))

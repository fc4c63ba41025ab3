"""limner: 2-D medical image segmentation, from a first look at the data to one deployable file.

The verbs are the same as on the command line, and each is imported when it is first used, so `import limner` costs next to nothing:

    run = limner.train("polyps/", recipe="polyp-unet-resnet50", budget="10m")
    limner.evaluate(run.folder, "polyps/", out="evaluation")
    limner.compare(["evaluation", "another-evaluation"], out="compared")
    limner.load(run.folder).predict(image)
    limner.predict(run.folder, ["new-images/"], out="predictions")
    limner.export_model(run.folder, "polyp.onnx")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limner.api import (
        bench,
        card,
        compare,
        cross_validate,
        evaluate,
        export_model,
        find_learning_rate,
        load,
        predict,
        preview_augmentation,
        sweep,
        train,
    )

    __version__: str

__all__ = [
    "__version__",
    "bench",
    "card",
    "compare",
    "cross_validate",
    "evaluate",
    "export_model",
    "find_learning_rate",
    "load",
    "predict",
    "preview_augmentation",
    "sweep",
    "train",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("limner")
    if name in __all__:
        from limner import api

        return getattr(api, name)
    raise AttributeError(f"module 'limner' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)

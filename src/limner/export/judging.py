"""What is lost by changing a model's numbers? Every candidate is run on the same images as the float32 file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from limner.errors import ModelFileError
from limner.export.parity import Parity, Tally
from limner.export.sessions import open_session
from limner.runtime.tiled import predict_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import onnx

    from limner.progress import Progress
    from limner.runtime.format import ModelMetadata
    from limner.types import ImageArray, MaskArray, ProbArray, Sample

FLOAT32 = "the float32 file"


class Judge:
    """Compares graphs with the one that they were made of.

    Args:
        model: The graph in float32.
        metadata: Of its file.
        samples: What to compare on, one at least; its predictions of them are kept.
        tick: Is told how far that is.
    """

    def __init__(self, model: onnx.ModelProto, metadata: ModelMetadata, samples: Sequence[Sample], tick: Progress) -> None:
        self._metadata, self._samples = metadata, samples
        self._reference = [probs for probs, _ in self._predict(model, tick)]

    def __len__(self) -> int:
        return len(self._samples)

    def parity(self, model: onnx.ModelProto, tick: Progress = lambda _done, _total: None) -> Parity:
        """How a graph agrees with the float32 one.

        Raises:
            ModelFileError: It predicts what is no number.
        """
        tally = Tally(self._metadata.threshold, FLOAT32)
        for sample, reference, (probs, mask) in zip(self._samples, self._reference, self._predict(model, tick), strict=True):
            if not np.isfinite(probs).all():
                raise ModelFileError("the network predicts NaN at this precision", fix="nothing was written; export it in float32")
            tally.add(reference, probs, mask, sample.mask)
        return tally.parity()

    def _predict(self, model: onnx.ModelProto, tick: Progress) -> list[tuple[ProbArray, MaskArray]]:
        session = open_session(model.SerializeToString())

        def run(images: ImageArray) -> ProbArray:
            probs: ProbArray = session.run(["probs"], {"image": images})[0]
            return probs

        found = []
        for done, sample in enumerate(self._samples, start=1):
            probs = self._whole(run, sample.image)
            found.append((probs, probs >= np.float32(self._metadata.threshold)))
            tick(done, len(self._samples))
        return found

    def _whole(self, run: Callable[[ImageArray], ProbArray], image: ImageArray) -> ProbArray:
        if self._metadata.sampling == "patches":
            return predict_tiles(run, image, self._metadata.input_size)
        whole: ProbArray = run(image[None])[0]
        return whole

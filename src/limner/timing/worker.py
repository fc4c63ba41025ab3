"""One configuration in a process of its own, so that its memory is its own: reads a request from a line, writes the answer to a line.

Started by `limner.timing.process` as `python -m limner.timing.worker`. Requests and answers are JSON: `{"do": NAME, ...}`, and
`{"answer": ...}` or `{"error": {...}}`. It ends with its standard input.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from limner.errors import LimnerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from limner.data import FileRef
    from limner.runtime import Predictor
    from limner.types import ImageArray

_MOST_BYTES = 64 * 2**20  # of decoded images that are held for the network clock
_WARM_UP_S = 0.3


class Worker:
    """What a process can be asked for, by the names of its public methods. Importing is part of it: `peak` needs NumPy alone."""

    predictor: Predictor
    folder: Path

    def peak(self, *, seconds: float) -> float:
        """GFLOP/s of a matrix product."""
        from limner.timing.peak import measure_peak

        return measure_peak(seconds)

    def open(self, *, model: str, provider: str, threads: int, images: str) -> dict[str, Any]:
        """Load a model, and say what really runs it."""
        from limner.runtime import load

        self.predictor, self.folder = load(model, provider=provider, threads=threads), Path(images)
        return {"provider": self.predictor.provider, "metadata": self.predictor.metadata.model_dump(mode="json", exclude={"recipe"})}

    def warm_up(self, *, batch: int) -> float:
        """What is slow the first time only is done once: each size of image, the code of both clocks. Returns files per second, about."""
        from limner.timing.clocks import LEAST, time_network

        for image in {image.shape: image for image in self._images}.values():
            self.predictor.predict(image)
        time_network(self.predictor, self._images, seconds=_WARM_UP_S, batch=batch)
        self.files(count=1)
        return LEAST / self.files(count=LEAST)

    def network(self, *, seconds: float, batch: int) -> list[float]:
        """Seconds of each prediction by the network clock."""
        from limner.timing.clocks import time_network

        return time_network(self.predictor, self._images, seconds=seconds, batch=batch)

    def files(self, *, count: int) -> float:
        """Seconds of so many images by the file clock."""
        from limner.timing.clocks import time_files

        with TemporaryDirectory(prefix="limner-bench-") as out:
            return time_files(self.predictor, self._files, Path(out), count=count)

    def memory(self) -> int:
        """Bytes that this process has held at most."""
        from limner.timing.machine import own_peak_memory

        return own_peak_memory()

    @cached_property
    def _files(self) -> list[FileRef]:
        from limner.data import open_source

        return [item.image for item in open_source(self.folder, masks=False).items]

    @cached_property
    def _images(self) -> list[ImageArray]:
        from limner.imaging.read import read_image
        from limner.timing.clocks import as_seen

        kept: list[ImageArray] = []
        for file in self._files:
            kept.append(as_seen(read_image(file.read(), name=file.display), self.predictor.metadata))
            if sum(image.nbytes for image in kept) > _MOST_BYTES:
                break
        return kept


def serve(requests: Iterable[str], answers: Any) -> None:  # noqa: ANN401 - anything with write and flush
    """Answer requests until there are no more."""
    worker = Worker()
    for line in requests:
        answers.write(json.dumps(_answer(worker, json.loads(line))) + "\n")
        answers.flush()


def _answer(worker: Worker, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": getattr(worker, request.pop("do"))(**request)}
    except LimnerError as error:
        return {"error": {"kind": type(error).__name__, "what": error.what, "where": error.where, "fix": error.fix}}
    except MemoryError:
        return {"error": {"what": "there is not enough memory", "fix": "free memory, or give smaller images with --size"}}


def main() -> None:
    """Serve on standard input and output; what a library prints there goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business, who then closes the input
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers)


if __name__ == "__main__":
    main()

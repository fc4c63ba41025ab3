"""One model on one provider: its process, and what the rounds have brought so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from limner.runtime.format import ModelMetadata
from limner.timing.process import WorkerProcess
from limner.timing.result import ON_PROCESSOR, BenchRow, Clock, Latency

if TYPE_CHECKING:
    from pathlib import Path

_LEAST_FILES = 2  # in a round, however slow the model


@dataclass(slots=True)
class Configuration:
    """A model on a provider; close it when it is no longer wanted.

    Attributes:
        model: What the user calls the model.
        path: Its file.
        provider: What really runs it, once it is open.
        process: Where it runs.
        metadata: What the file says of itself, but for the recipe.
    """

    model: str
    path: Path
    provider: str
    process: WorkerProcess
    metadata: ModelMetadata
    _rate: float = 1.0  # images per second by the file clock, about
    _network: list[float] = field(default_factory=list)
    _file: list[float] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)

    @classmethod
    def open(cls, model: str, path: Path, provider: str, *, threads: int, images: Path) -> Configuration:
        """Start a process and load the model in it.

        Raises:
            LimnerError: The model or the provider cannot be used.
        """
        process = WorkerProcess()
        try:
            opened = process.ask("open", model=str(path), provider=provider, threads=threads, images=str(images))
        except BaseException:
            process.end()
            raise
        return cls(model, path, opened["provider"], process, ModelMetadata.model_validate(opened["metadata"]))

    def close(self) -> None:
        """End the process."""
        self.process.end()

    def warm_up(self, *, batch: int) -> None:
        """Do once what is slow the first time only.

        Raises:
            LimnerError: The model cannot run on an image.
        """
        self._rate = self.process.ask("warm_up", batch=batch)

    def measure(self, *, seconds: float, batch: int) -> None:
        """One round by both clocks."""
        taken = self.process.ask("network", seconds=seconds, batch=batch)
        self._seconds += taken
        self._network.append(batch * len(taken) / sum(taken))
        count = max(_LEAST_FILES, round(seconds * self._rate))
        self._rate = count / self.process.ask("files", count=count)
        self._file.append(self._rate)

    def row(self, peak_gflops: float) -> BenchRow:
        """What the rounds come to."""
        network = Clock(tuple(self._network))
        gflops = None if self.metadata.sampling == "patches" else self.metadata.gflops
        known = gflops is not None and self.provider in ON_PROCESSOR
        return BenchRow(
            model=self.model,
            path=str(self.path),
            precision=self.metadata.precision,
            provider=self.provider,
            input_size=self.metadata.input_size,
            sampling=self.metadata.sampling,
            network=network,
            file=Clock(tuple(self._file)),
            latency=Latency.of(self._seconds),
            parameters=self.metadata.parameters,
            gflops=gflops,
            file_bytes=self.path.stat().st_size,
            memory_bytes=self.process.ask("memory"),
            peak_share=gflops * network.fps / peak_gflops if known and gflops else None,
        )

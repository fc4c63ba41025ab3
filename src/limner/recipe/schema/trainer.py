"""On what a training runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from limner.recipe.schema.base import Part


class TrainerPart(Part):
    """On what a training runs. Batch size and result are meant to be the same on any number of devices.

    Attributes:
        accelerator: `auto` (a GPU if there is one, else the CPU), `cpu`, `cuda` or `mps`.
        devices: GPUs, or processes on the CPU, on each node; `auto` is all GPUs. They share each batch.
        nodes: Machines; each runs the same command, started by torchrun, SLURM (srun), or whatever else sets torchrun's variables.
        strategy: Lightning's strategy; `auto` is plain training on one device and DDP on several. Besides, `ddp` and
            `ddp_find_unused_parameters_true`, under which each process holds the whole network.
        compile: Whether the network goes through torch.compile, which takes minutes to begin with and then is faster on most GPUs.
        precision: `bf16` (autocast), `float32`, or `auto`: bf16 where the processor has it in hardware.
        channels_last: Memory layout of the network; `auto` is on wherever bf16 is.
    """

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = 1
    nodes: Annotated[int, Field(ge=1)] = 1
    strategy: str = "auto"
    compile: bool = False
    precision: Literal["auto", "bf16", "float32"] = "auto"
    channels_last: Literal["auto", "on", "off"] = "auto"

    @field_validator("channels_last", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        """YAML reads `on` as true."""
        return ("on" if value else "off") if isinstance(value, bool) else value

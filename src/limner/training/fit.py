"""Fit a network to a training part, watched on a validation part; start, or go on from the last checkpoint."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from contextlib import contextmanager
from inspect import signature
from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from limner.data.resident import NativeSet, ResidentSet
from limner.models import build_network
from limner.training.callbacks import build_callbacks
from limner.training.devices import check_enough, choose_devices
from limner.training.distributed import average
from limner.training.freezing import needs_unused_search
from limner.training.hardware import choose_memory_format, choose_precision
from limner.training.launch import cluster_environment
from limner.training.loader import ResidentLoader
from limner.training.module import SegmentationModule
from limner.training.pace import Pace
from limner.training.patches import PatchLoader, TileLoader
from limner.training.processes import in_processes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from limner.recipe import Recipe
    from limner.training.run_folder import RunFolder
    from limner.training.shared import SharedSet

# What DDP calls the copying of buffers before each forward pass; newer versions of PyTorch warn of the older name.
_COPIES_BUFFERS = "forward_sync_buffers" if "forward_sync_buffers" in signature(DistributedDataParallel).parameters else "broadcast_buffers"


def new_network(recipe: Recipe, run: RunFolder) -> nn.Module:
    """The recipe's network, with pretrained weights unless the run has a checkpoint that brings its own.

    Raises:
        LimnerError: A network or weights that cannot be had.
    """
    torch.manual_seed(recipe.seed)
    return build_network(recipe.network, in_channels=recipe.data.in_channels, pretrained=not run.last.is_file())


def fit_in_processes(
    recipe: Recipe, train: SharedSet, val: SharedSet, run: RunFolder, *, budget_s: float | None = None, progress: bool = True
) -> None:
    """`fit` on several devices of this machine: in a new process for each, which share the images, and of which the first writes.

    Raises:
        RunError: The training has failed, or one of the processes has died.
        KeyboardInterrupt: As in `fit`.
    """
    count, settings = choose_devices(recipe).count, {"budget_s": budget_s, "progress": progress}
    in_processes(count, _fit_as_one_of_many, recipe, train, val, run, settings, where=run.path)


def _fit_as_one_of_many(recipe: Recipe, train: SharedSet, val: SharedSet, run: RunFolder, settings: dict[str, Any]) -> None:
    fit(new_network(recipe, run), recipe, train.opened(), val.opened(), run, **settings)


def fit(
    network: nn.Module,
    recipe: Recipe,
    train: ResidentSet | NativeSet,
    val: ResidentSet | NativeSet,
    run: RunFolder,
    *,
    budget_s: float | None = None,
    progress: bool = True,
) -> None:
    """Train; leaves checkpoints, metrics.csv and TensorBoard events in the run folder.

    Goes on from the last checkpoint if the folder has one. A kill at any moment loses at most the epoch under way. Where the recipe
    asks for several devices, this is called in a process for each.

    Raises:
        DataError: There are fewer images than processes.
        KeyboardInterrupt: The user pressed Ctrl-C; everything up to the last complete epoch is kept.
    """
    loader, watched = make_loaders(recipe, train, val)
    check_enough(loader.count, watched.count, choose_devices(recipe))
    pace = Pace(recipe.epochs * len(loader), budget_s)
    module = SegmentationModule(recipe, network, pace, choose_memory_format(recipe))
    if recipe.trainer.compile:
        network.compile()  # in place: the names of its weights stay as they are
    loader.epoch = lambda: module.current_epoch
    with _lightning_as_a_guest():
        trainer = _trainer(recipe, run, [*build_callbacks(recipe, run, progress=progress), AverageStatistics()])
        checkpoint = run.last if run.last.is_file() else None
        trainer.fit(module, loader, watched, ckpt_path=checkpoint, weights_only=True)


def make_loaders(
    recipe: Recipe, train: ResidentSet | NativeSet, val: ResidentSet | NativeSet
) -> tuple[ResidentLoader | PatchLoader, ResidentLoader | TileLoader]:
    """What to train on, and what to watch it on; both parts are either resized or at their own resolution.

    Raises:
        DataError: There are fewer images than processes.
    """
    size, seed, device = recipe.batch_size, recipe.seed, choose_devices(recipe).own
    if isinstance(train, ResidentSet) and isinstance(val, ResidentSet):
        return ResidentLoader(train, size, seed=seed, device=device), ResidentLoader(val, size, device=device)
    if isinstance(train, NativeSet) and isinstance(val, NativeSet):
        patch, foreground = recipe.data.input_size, recipe.data.patch_foreground
        patches = PatchLoader(train, patch, size, foreground=foreground, seed=seed, device=device)
        return patches, TileLoader(val, patch, size, device=device)
    raise TypeError("training and validation are either both resized or both at their own resolution")


class AverageStatistics(L.Callback):
    """Makes the statistics of batch normalisation those of all processes, before each validation.

    In each process they are of its own images. Afterwards all processes validate the same network, and that is the one that is kept.
    """

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Average; where statistics are common to the processes already, this changes nothing."""
        module: SegmentationModule = pl_module  # type: ignore[assignment]
        for network in dict.fromkeys((module.network, module.validated_network)):
            average(network.buffers())


def _trainer(recipe: Recipe, run: RunFolder, callbacks: list[L.Callback]) -> L.Trainer:
    """Lightning's trainer without what the callbacks here do instead."""
    devices = choose_devices(recipe)
    several = devices.processes > 1
    return L.Trainer(
        default_root_dir=run.path,
        accelerator=devices.kind,
        devices=devices.count,
        num_nodes=devices.nodes,
        strategy=_ddp(recipe) if several else "auto",
        plugins=[cluster_environment()],
        sync_batchnorm=several and devices.kind == "cuda",  # there is none on the CPU
        use_distributed_sampler=False,  # the loaders here share by themselves
        precision=choose_precision(recipe),
        max_epochs=recipe.epochs,
        accumulate_grad_batches=recipe.optimiser.accumulate,
        logger=TensorBoardLogger(run.path, name="tensorboard", version=""),
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def _ddp(recipe: Recipe) -> DDPStrategy:
    """Each process has the whole network, and gradients are averaged.

    PyTorch would copy the buffers of process 0 to the others before each forward pass, in validation too, of which some processes may have
    one step more than others: it would wait for ever. `AverageStatistics` does it once an epoch.
    """
    search = needs_unused_search(recipe) or recipe.trainer.strategy.endswith("unused_parameters_true")
    options: dict[str, Any] = {"find_unused_parameters": search, "gradient_as_bucket_view": True, _COPIES_BUFFERS: False}
    return DDPStrategy(**options)


def load_best(recipe: Recipe, run: RunFolder) -> nn.Module:
    """The network with the weights of the best epoch, on the CPU, in evaluation mode."""
    network = build_network(recipe.network, in_channels=recipe.data.in_channels, pretrained=False)
    network.load_state_dict(torch.load(run.best, map_location="cpu", weights_only=True)["network"])
    return network.eval()


@contextmanager
def _lightning_as_a_guest() -> Iterator[None]:
    """Keep Lightning from advertising, and from ending the process on Ctrl-C: here that is an ordinary KeyboardInterrupt."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    handler = signal.getsignal(signal.SIGINT)
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # Our loader has no workers on purpose: the data is in memory.
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            # Lightning's business with PyTorch's newest, not the user's.
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)

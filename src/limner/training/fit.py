"""Fit a network to a training part, watched on a validation part; start, or go on from the last checkpoint."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from limner.data.resident import NativeSet, ResidentSet
from limner.models import build_network
from limner.training.callbacks import Checkpoints, History, ProgressBars
from limner.training.hardware import choose_memory_format, choose_precision
from limner.training.loader import ResidentLoader
from limner.training.module import SegmentationModule
from limner.training.pace import Pace
from limner.training.patches import PatchLoader, TileLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from limner.recipe import Recipe
    from limner.training.run_folder import RunFolder


def new_network(recipe: Recipe, run: RunFolder) -> nn.Module:
    """The recipe's network, with pretrained weights unless the run has a checkpoint that brings its own.

    Raises:
        LimnerError: A network or weights that cannot be had.
    """
    torch.manual_seed(recipe.seed)
    return build_network(recipe.network, pretrained=not run.last.is_file())


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

    Goes on from the last checkpoint if the folder has one. A kill at any moment loses at most the epoch under way.

    Raises:
        KeyboardInterrupt: The user pressed Ctrl-C; everything up to the last complete epoch is kept.
    """
    loader, watched = _loaders(recipe, train, val)
    pace = Pace(recipe.epochs * len(loader), budget_s)
    module = SegmentationModule(recipe, network, pace, choose_memory_format(recipe))
    loader.epoch = lambda: module.current_epoch
    history, checkpoints = History(run), Checkpoints(run)
    callbacks = [history, checkpoints, *([ProgressBars(history, checkpoints)] if progress else [])]
    with _lightning_as_a_guest():
        trainer = _trainer(recipe, run, callbacks)
        checkpoint = run.last if run.last.is_file() else None
        trainer.fit(module, loader, watched, ckpt_path=checkpoint, weights_only=True)


def _loaders(
    recipe: Recipe, train: ResidentSet | NativeSet, val: ResidentSet | NativeSet
) -> tuple[ResidentLoader | PatchLoader, ResidentLoader | TileLoader]:
    """What to train on, and what to watch it on."""
    if isinstance(train, ResidentSet) and isinstance(val, ResidentSet):
        return ResidentLoader(train, recipe.batch_size, seed=recipe.seed), ResidentLoader(val, recipe.batch_size)
    if isinstance(train, NativeSet) and isinstance(val, NativeSet):
        data, seed = recipe.data, recipe.seed
        patches = PatchLoader(train, data.input_size, recipe.batch_size, foreground=data.patch_foreground, seed=seed)
        return patches, TileLoader(val, data.input_size, recipe.batch_size)
    raise TypeError("training and validation are either both resized or both at their own resolution")


def _trainer(recipe: Recipe, run: RunFolder, callbacks: list[L.Callback]) -> L.Trainer:
    """Lightning's trainer without what the callbacks here do instead."""
    return L.Trainer(
        default_root_dir=run.path,
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=1,
        precision=choose_precision(recipe),
        max_epochs=recipe.epochs,
        logger=TensorBoardLogger(run.path, name="tensorboard", version=""),
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
    )


def load_best(recipe: Recipe, run: RunFolder) -> nn.Module:
    """The network with the weights of the best epoch, on the CPU, in evaluation mode."""
    network = build_network(recipe.network, pretrained=False)
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

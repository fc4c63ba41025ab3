"""Train as `limner.train` does, but kill -9 the process at a given moment. Run as a script by test_resume.py.

python dying_run.py SOURCE OUT MOMENT SETTING...
"""

import os
import signal
import sys
from pathlib import Path

import lightning as L
import torch

from limner.recipe import load_recipe
from limner.training import run
from limner.training.checkpoints import Checkpoints
from limner.training.module import SegmentationModule


def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def in_the_first_epoch():
    SegmentationModule.on_train_batch_end = die


def before_the_second_epoch_is_saved():
    """After the best weights are written, if they are the best, and before the whole state is."""
    save = Checkpoints.on_train_epoch_end

    def save_once(self, trainer, module):
        if trainer.current_epoch == 1:
            trainer.save_checkpoint = die
        save(self, trainer, module)

    Checkpoints.on_train_epoch_end = save_once


def while_the_third_epoch_is_written():
    """With half of the last checkpoint on the disk."""
    save = L.Trainer.save_checkpoint

    def save_half(self, path, *args, **kwargs):
        if self.current_epoch == 2:
            Path(path).write_bytes(b"half of a checkpoint")
            die()
        save(self, path, *args, **kwargs)

    L.Trainer.save_checkpoint = save_half


def during_the_export():
    run.check_parity = die


if __name__ == "__main__":
    source, out, moment, *settings = sys.argv[1:]
    torch.set_num_threads(1)
    if moment != "never":
        globals()[moment]()
    run.train_run(source, load_recipe("phantom-unet", settings), Path(out), resume=Path(out).exists(), progress=False)

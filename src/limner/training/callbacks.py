"""What happens beside the training step, in the order in which it has to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.training.checkpoints import Checkpoints
from limner.training.history import History
from limner.training.pictures import Pictures
from limner.training.progress_bars import ProgressBars
from limner.training.stopping import Stopping

if TYPE_CHECKING:
    import lightning as L

    from limner.recipe import Recipe
    from limner.training.run_folder import RunFolder


def build_callbacks(recipe: Recipe, run: RunFolder, *, progress: bool) -> list[L.Callback]:
    """The history first, which notices a training that has diverged; checkpoints after all whose state they keep."""
    history, stopping, checkpoints = History(run), Stopping(run, recipe.stopping), Checkpoints(run, recipe.stopping)
    return [Pictures(), history, stopping, checkpoints, *([ProgressBars(history, stopping, checkpoints)] if progress else [])]

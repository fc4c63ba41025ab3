"""What is wrong with how a recipe means to train, told before any data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.errors import RecipeError, RunError
from limner.recipe.schema import OneCyclePart
from limner.training.devices import check_trainer
from limner.training.freezing import check_encoder
from limner.training.launch import launched
from limner.training.optimiser import check_optimiser

if TYPE_CHECKING:
    from limner.recipe import Recipe


def check_training(recipe: Recipe) -> None:
    """Make sure that optimiser, schedule and network fit each other.

    Raises:
        RecipeError: They do not.
    """
    optimiser = check_optimiser(recipe.optimiser)
    check_encoder(recipe)
    cycled = isinstance(recipe.schedule, OneCyclePart) and recipe.schedule.momentum is not None
    if cycled and not {"betas", "momentum"} & optimiser.defaults.keys():
        raise RecipeError(
            f"{type(optimiser).__name__} has no momentum that the schedule could change",
            where="schedule.momentum",
            fix="leave it out, or choose an optimiser with momentum, for example sgd or adamw",
        )


def check_one_of_several(recipe: Recipe, kind: str) -> None:
    """Make sure that a recipe can be trained here, as one of several runs on one machine.

    Args:
        recipe: The recipe.
        kind: What the runs are together, in a word.

    Raises:
        RecipeError: It cannot.
    """
    check_training(recipe)
    if recipe.trainer.nodes != 1:
        raise RecipeError(
            f"a {kind} runs on one machine", where="trainer.nodes", fix="leave it out, or train each run by itself with `limner train`"
        )
    check_trainer(recipe)


def check_process(kind: str) -> None:
    """Make sure that this process was not started together with others, which would all write the one folder of several runs.

    Raises:
        RunError: It was.
    """
    if launched():
        raise RunError(
            f"a {kind} is one process, which starts others by itself, and {launched()} were started together",
            fix="start it without torchrun or srun; trainer.devices says how many devices each run trains on",
        )

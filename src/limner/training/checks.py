"""What is wrong with how a recipe means to train, told before any data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.errors import RecipeError
from limner.recipe.schema import OneCyclePart
from limner.training.freezing import check_encoder
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

"""What is tried of each run before the first is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.errors import LimnerError, RecipeError
from limner.models import build_network
from limner.training.checks import check_training
from limner.training.sweep.grid import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.recipe import Recipe
    from limner.training.sweep.grid import PlannedRun


def count_parameters(runs: Sequence[PlannedRun]) -> list[int]:
    """The weights of each run's network, which is built for it once, without pretrained weights.

    Raises:
        RecipeError: Something that a recipe asks for cannot be had here, or is not for a sweep.
    """
    known: dict[str, int] = {}
    for run in runs:
        try:
            _check(run.recipe)
            if (network := _network(run.recipe)) not in known:
                known[network] = _count(run.recipe)
        except LimnerError as error:
            at = f"{error.where}, in " if error.where else ""
            raise RecipeError(error.what, where=f"{at}the combination {in_words(run.choices)}", fix=error.fix) from None
    return [known[_network(run.recipe)] for run in runs]


def _check(recipe: Recipe) -> None:
    check_training(recipe)
    if recipe.trainer.nodes != 1:
        raise RecipeError(
            "a sweep runs on one machine",
            where="trainer.nodes",
            fix="leave it out, or train each combination by itself with `limner train`",
        )


def _network(recipe: Recipe) -> str:
    return f"{recipe.data.in_channels} {recipe.network.model_dump_json()}"


def _count(recipe: Recipe) -> int:
    network = build_network(recipe.network, in_channels=recipe.data.in_channels, pretrained=False)
    return sum(parameter.numel() for parameter in network.parameters())

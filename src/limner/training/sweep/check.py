"""What is tried of each run before the first is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limner.errors import LimnerError, RecipeError
from limner.models import build_network
from limner.training.checks import check_one_of_several, check_process
from limner.training.sweep.grid import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from limner.recipe import Recipe
    from limner.training.sweep.grid import PlannedRun


def count_parameters(runs: Sequence[PlannedRun]) -> list[int]:
    """The weights of each run's network, which is built for it once, without pretrained weights.

    Raises:
        RecipeError: Something that a recipe asks for cannot be had here, or is not for a sweep.
        RunError: Several processes were started together, which would all write the one folder.
    """
    check_process("sweep")
    known: dict[str, int] = {}
    for run in runs:
        try:
            check_one_of_several(run.recipe, "sweep")
            if (network := _network(run.recipe)) not in known:
                known[network] = _count(run.recipe)
        except LimnerError as error:
            at = f"{error.where}, in " if error.where else ""
            raise RecipeError(error.what, where=f"{at}the combination {in_words(run.choices)}", fix=error.fix) from None
    return [known[_network(run.recipe)] for run in runs]


def _network(recipe: Recipe) -> str:
    return f"{recipe.data.in_channels} {recipe.network.model_dump_json()}"


def _count(recipe: Recipe) -> int:
    network = build_network(recipe.network, in_channels=recipe.data.in_channels, pretrained=False)
    return sum(parameter.numel() for parameter in network.parameters())

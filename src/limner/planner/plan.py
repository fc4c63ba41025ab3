"""From a fingerprint to a recipe, with a reason for each choice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from limner.planner.machine import encoders_in, this_machine
from limner.planner.measure import measure
from limner.planner.reason import Reason
from limner.planner.rules_data import choose_shares, choose_view
from limner.planner.rules_network import choose_encoder, choose_filters, choose_network, choose_normalisation
from limner.planner.rules_training import (
    choose_augmentation,
    choose_batch,
    choose_epochs,
    choose_loss,
    choose_optimiser,
    choose_postprocess,
)
from limner.recipe import Recipe, change_recipe, full_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from limner.data import Dataset
    from limner.planner.fingerprint import Fingerprint
    from limner.planner.machine import Machine
    from limner.progress import Progress

NAME = "planned"
AS_ASKED = "as you asked"


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe made for a data set.

    Attributes:
        recipe: What to train.
        reasons: Why it is as it is, one for each choice.
        fingerprint: What the data set is like.
        machine: What it was planned for.
    """

    recipe: Recipe
    reasons: tuple[Reason, ...]
    fingerprint: Fingerprint
    machine: Machine

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {
            "recipe": self.recipe.model_dump(mode="json"),
            "reasons": [reason.as_json() for reason in self.reasons],
            "fingerprint": self.fingerprint.model_dump(mode="json"),
            "machine": self.machine.model_dump(mode="json"),
        }


def make_plan(
    dataset: Dataset,
    *,
    budget_s: float | None = None,
    settings: Iterable[str] = (),
    machine: Machine | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Measure a data set, and plan a recipe for it.

    Args:
        dataset: Its items, with masks.
        budget_s: Seconds that the training may take, if that is limited.
        settings: Strings `key=value` that the recipe has to follow; what depends on them is planned accordingly.
        machine: Where it will be trained; by default here.
        progress: Called in this thread after each image that is measured.

    Raises:
        DataError: No image could be read together with its mask.
        RecipeError: A setting is not valid.

    Example:
        >>> import tempfile
        >>> from limner.data import open_source
        >>> from limner.data.phantoms import write_phantoms
        >>> data = open_source(write_phantoms(tempfile.mkdtemp(), "polyp", count=6))
        >>> plan = make_plan(data, settings=["epochs=2"])
        >>> plan.recipe.data.input_size, plan.recipe.epochs
        ((128, 128), 2)
    """
    asked = list(settings)
    settled(asked)  # a mistake is told at once
    return plan_for(measure(dataset, progress=progress), machine or this_machine(), budget_s=budget_s, settings=asked)


def settled(settings: Iterable[str]) -> Recipe:
    """A recipe as far as the user has decided on it, with defaults for the rest; which network it will have, and so its settings, is open.

    Raises:
        RecipeError: A setting is not valid.
    """
    return change_recipe(
        Recipe(name=NAME), [setting for setting in settings if not full_key(setting.partition("=")[0]).startswith("network.")]
    )


def plan_for(fingerprint: Fingerprint, machine: Machine, *, budget_s: float | None = None, settings: Sequence[str] = ()) -> Plan:
    """Plan a recipe for what was measured.

    Raises:
        RecipeError: A setting is not valid.
    """
    draft = _Draft(Recipe(name=NAME, task=fingerprint.task, description=f"Planned for {fingerprint.name}"), settings)
    draft.decide(choose_view(fingerprint, machine, draft.answer("data.sampling")))
    draft.decide(choose_shares(fingerprint))
    draft.decide(choose_network(fingerprint, machine, draft.asked))
    network = draft.recipe.network
    if network.name == "encoder_unet":
        weights = draft.answer("network.encoder_weights")
        draft.decide(choose_encoder(machine, encoders_in(weights) if weights else machine.encoders))
    elif network.name == "unet":
        data = draft.recipe.data
        draft.decide(choose_filters(fingerprint, machine, data.input_size, patches=data.sampling == "patches"))
    draft.decide(choose_normalisation(fingerprint, network.name))
    draft.decide(choose_loss(fingerprint))
    draft.decide(choose_augmentation(fingerprint))
    draft.decide(choose_batch(fingerprint, machine, draft.recipe))
    draft.decide(choose_optimiser(network.name, draft.recipe.batch_size))
    draft.decide(choose_epochs(fingerprint, machine, draft.recipe, budget_s))
    draft.decide(choose_postprocess(fingerprint))
    return Plan(draft.finished(), tuple(draft.reasons), fingerprint, machine)


class _Draft:
    """A recipe in the making: each choice is made unless the user made it."""

    def __init__(self, recipe: Recipe, settings: Sequence[str]) -> None:
        self.recipe = recipe
        self.reasons: list[Reason] = []
        self._settings = {full_key(setting.partition("=")[0]): setting for setting in settings}

    @property
    def asked(self) -> frozenset[str]:
        return frozenset(self._settings)

    def answer(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        """What the user set a key to; None where it was left to the plan."""
        if key not in self._settings:
            return None
        self.recipe = change_recipe(self.recipe, [self._settings[key]])
        return self._value(key)

    def decide(self, choices: Iterable[Reason]) -> None:
        for choice in choices:
            if not self._fits(choice):
                continue
            setting = self._settings.get(choice.key)
            self.recipe = change_recipe(self.recipe, [setting or f"{choice.key}={json.dumps(choice.value)}"])
            self.reasons.append(Reason(choice.key, self._value(choice.key), AS_ASKED) if setting else choice)

    def finished(self) -> Recipe:
        """With the settings that no rule is about, too."""
        recipe = change_recipe(self.recipe, self._settings.values())
        told = {reason.key for reason in self.reasons}
        self.recipe = recipe
        self.reasons += [Reason(key, self._value(key), AS_ASKED) for key in self._settings if key not in told]
        return recipe

    def _fits(self, choice: Reason) -> bool:
        """Whether the part, which the user may have chosen, has such a key at all."""
        part, _, key = choice.key.rpartition(".")
        return not part or key in type(getattr(self.recipe, part)).model_fields

    def _value(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        value: Any = self.recipe.model_dump(mode="json")
        for step in key.split("."):
            value = value[step]
        return value

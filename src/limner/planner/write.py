"""A planned recipe as a YAML file that says why."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from limner.planner.plan import Plan

_WIDTH = 110


def recipe_yaml(plan: Plan) -> str:
    """The whole recipe as YAML, with the reason of each choice as a comment above its key.

    Loaded by `limner.recipe.load_recipe`, it is the plan's recipe again.
    """
    reasons = {reason.key: reason.why for reason in plan.reasons}
    lines = [f"# Planned for {plan.fingerprint.images} images of {plan.fingerprint.name}, to be trained on {plan.machine.words}."]
    for key, value in plan.recipe.model_dump(mode="json").items():
        lines += _comment(reasons.get(key), "")
        if isinstance(value, dict):
            lines.append(f"{key}:")
            for inner, setting in value.items():
                lines += [*_comment(reasons.get(f"{key}.{inner}"), "  "), f"  {inner}: {_scalar(setting)}"]
        else:
            lines.append(f"{key}: {_scalar(value)}")
    return "\n".join(lines) + "\n"


def _comment(why: str | None, indent: str) -> list[str]:
    return (
        textwrap.wrap(f"{why[0].upper()}{why[1:]}.", _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ") if why else []
    )


def _scalar(value: Any) -> str:  # noqa: ANN401 - any JSON value
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()

"""A choice of the plan, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """What a recipe says, and why.

    Attributes:
        key: The recipe's key, with a dot for each level: `data.input_size`.
        value: Its value, as JSON has it.
        why: One sentence, without a capital or a full stop.
    """

    key: str
    value: Any
    why: str

    def as_json(self) -> dict[str, Any]:
        """The three by name."""
        return {"key": self.key, "value": self.value, "why": self.why}


def percent(share: float) -> str:
    """A share for people.

    Example:
        >>> percent(0.1234), percent(0.004), percent(0)
        ('12 %', '0.4 %', '0 %')
    """
    return f"{100 * share:.0f} %" if share == 0 or share >= 0.0095 else f"{100 * share:.1g} %"


def pixels(size: tuple[int, int]) -> str:
    """Height and width as people say it, width first.

    Example:
        >>> pixels((288, 384))
        '384x288'
    """
    return f"{size[1]}x{size[0]}"

"""Near-duplicate images: the same picture stored twice, copies of it, and neighbouring frames of one sequence."""

from limner.data.lookalikes.find import Lookalike, LookalikeKind, find_lookalikes
from limner.data.lookalikes.look import Look, look, look_at

__all__ = ["Look", "Lookalike", "LookalikeKind", "find_lookalikes", "look", "look_at"]

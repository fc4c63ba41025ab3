"""How far a training is: by its steps, or by the clock when a time budget is the tighter limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from limner.training.distributed import agreed


@dataclass
class Pace:
    """Progress from 0 to 1, which the learning-rate schedule follows.

    Without a budget progress is a function of the step alone, so that a resumed training repeats an uninterrupted one exactly.
    With one, progress is whatever is further on, the steps or the clock: a schedule that follows it always completes in time,
    however slow the machine is and however its speed changes.

    Attributes:
        total_steps: Steps of the whole training as the recipe has it.
        budget_s: Seconds that training may take, or None. Time in earlier, interrupted sessions is counted, the pause between is not.
        step: Steps so far.
        validation_s: Seconds that a validation takes; so much of the budget is kept for the last one, but never more than half.
    """

    total_steps: int
    budget_s: float | None = None
    step: int = 0
    validation_s: float = 0.0
    _earlier_s: float = 0.0
    _since: float = field(default_factory=monotonic)
    _by_clock: float = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, over all sessions."""
        return self._earlier_s + monotonic() - self._since

    def look(self) -> None:
        """Look at the clock. All processes of a training must do so together, and go by that of the first."""
        if self.budget_s:
            available = max(self.budget_s - self.validation_s, self.budget_s / 2)
            self._by_clock = agreed(self.elapsed_s / available)

    @property
    def progress(self) -> float:
        """Share of the training that is done, from 0 to 1, as of the last look at the clock."""
        return min(1.0, max(self.step / self.total_steps, self._by_clock))

    @property
    def done(self) -> bool:
        """Whether training is at its end."""
        return self.progress >= 1.0

    @property
    def cut_short(self) -> bool:
        """Whether it is the clock that ended it."""
        return self.done and self.step < self.total_steps

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"step": self.step, "elapsed_s": self.elapsed_s, "validation_s": self.validation_s}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint."""
        self.step = int(state["step"])
        self.validation_s = state["validation_s"]
        self._earlier_s = state["elapsed_s"]
        self._since = monotonic()

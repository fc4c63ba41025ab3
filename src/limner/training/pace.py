"""How far a training is: by its steps, or by the clock when a time budget is the tighter limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic


@dataclass
class Pace:
    """Progress from 0 to 1, which the learning-rate schedule follows.

    Without a budget progress is a function of the step alone, so that a resumed training repeats an uninterrupted one exactly.
    With one, progress is whatever is further on, the steps or the clock: a schedule that follows it always completes in time,
    however slow the machine is and however its speed changes.

    Attributes:
        total_steps: Steps of the whole training as the recipe has it.
        budget_s: Seconds that training may take, or None. Time in earlier, interrupted sessions is counted, the pause between is not.
    """

    total_steps: int
    budget_s: float | None = None
    step: int = 0
    _earlier_s: float = 0.0
    _since: float = field(default_factory=monotonic)

    @property
    def elapsed_s(self) -> float:
        """Seconds of training so far, over all sessions."""
        return self._earlier_s + monotonic() - self._since

    @property
    def progress(self) -> float:
        """Share of the training that is done, from 0 to 1."""
        by_step = self.step / self.total_steps
        by_clock = self.elapsed_s / self.budget_s if self.budget_s else 0.0
        return min(1.0, max(by_step, by_clock))

    @property
    def done(self) -> bool:
        """Whether training is at its end."""
        return self.progress >= 1.0

    def state_dict(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"step": self.step, "elapsed_s": self.elapsed_s}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint."""
        self.step = int(state["step"])
        self._earlier_s = state["elapsed_s"]
        self._since = monotonic()

import pytest

from limner.recipe.schema import ConstantPart, OneCyclePart
from limner.training import pace as pace_module
from limner.training.pace import Pace
from limner.training.schedule import learning_rate_factor


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(pace_module, "monotonic", lambda: now[0])
    return now


def test_without_a_budget_only_steps_count(clock):
    pace = Pace(10, _since=clock[0])
    pace.step = 5
    clock[0] += 1e6
    assert pace.progress == 0.5
    assert not pace.done


def test_a_tight_budget_completes_the_schedule_in_time(clock):
    pace = Pace(1000, budget_s=10.0, _since=clock[0])
    for _ in range(5):
        pace.step += 1
        clock[0] += 1.0
    assert pace.progress == 0.5
    clock[0] += 5.0
    assert pace.done


def test_a_generous_budget_ends_with_the_steps(clock):
    pace = Pace(4, budget_s=1e9, _since=clock[0])
    pace.step = 4
    assert pace.done


def test_time_between_sessions_is_not_counted(clock):
    first = Pace(100, budget_s=10.0, _since=clock[0])
    clock[0] += 4.0
    first.step = 3
    state = first.state_dict()
    clock[0] += 1000.0
    second = Pace(100, budget_s=10.0, _since=clock[0])
    second.load_state_dict(state)
    clock[0] += 1.0
    assert second.elapsed_s == pytest.approx(5.0)
    assert second.step == 3


def test_one_cycle_rises_and_falls():
    part = OneCyclePart(warmup=0.25, start_div=25, end_div=1e5)
    factors = [learning_rate_factor(part, step / 100) for step in range(101)]
    assert factors[0] == pytest.approx(1 / 25)
    assert max(factors) == factors[25] == pytest.approx(1.0)
    assert factors[:26] == sorted(factors[:26])
    assert factors[25:] == sorted(factors[25:], reverse=True)
    assert factors[-1] == pytest.approx(1e-5)


def test_constant_is_constant():
    assert {learning_rate_factor(ConstantPart(), step / 10) for step in range(11)} == {1.0}

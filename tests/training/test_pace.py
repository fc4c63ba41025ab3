import pytest

from limner.training import pace as pace_module
from limner.training.pace import Pace


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
    pace.look()
    assert pace.progress == 0.5
    assert not pace.done


def test_a_tight_budget_completes_the_schedule_in_time(clock):
    pace = Pace(1000, budget_s=10.0, _since=clock[0])
    for _ in range(5):
        pace.step += 1
        clock[0] += 1.0
    pace.look()
    assert pace.progress == 0.5
    clock[0] += 5.0
    assert not pace.done  # nobody has looked
    pace.look()
    assert pace.done
    assert pace.cut_short


def test_a_generous_budget_ends_with_the_steps(clock):
    pace = Pace(4, budget_s=1e9, _since=clock[0])
    pace.step = 4
    pace.look()
    assert pace.done
    assert not pace.cut_short


@pytest.mark.parametrize(("validation_s", "available_s"), [(2.0, 8.0), (9.0, 5.0)])
def test_time_is_kept_for_the_last_validation_but_not_more_than_half(clock, validation_s, available_s):
    pace = Pace(1000, budget_s=10.0, validation_s=validation_s, _since=clock[0])
    clock[0] += available_s - 0.5
    pace.look()
    assert not pace.done
    clock[0] += 0.5
    pace.look()
    assert pace.done


def test_the_clock_is_that_of_the_first_process(clock, monkeypatch):
    pace = Pace(1000, budget_s=10.0, _since=clock[0])
    clock[0] += 9.0
    monkeypatch.setattr(pace_module, "agreed", lambda share: share / 2)
    pace.look()
    assert pace.progress == 0.45


def test_time_between_sessions_is_not_counted(clock):
    first = Pace(100, budget_s=10.0, validation_s=2.0, _since=clock[0])
    clock[0] += 4.0
    first.step = 3
    state = first.state_dict()
    clock[0] += 1000.0
    second = Pace(100, budget_s=10.0, _since=clock[0])
    second.load_state_dict(state)
    clock[0] += 1.0
    assert second.elapsed_s == pytest.approx(5.0)
    assert (second.step, second.validation_s) == (3, 2.0)

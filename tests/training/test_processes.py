"""Processes that are started, watched and ended together."""

import signal

import psutil
import pytest
from tests.training import team

from limner.errors import RunError
from limner.training.processes import in_processes


@pytest.mark.slow
def test_what_one_process_raises_is_raised_here_and_the_others_end(tmp_path):
    with pytest.raises(RunError, match="diverged") as raised:
        in_processes(2, team.fail, str(tmp_path), where=tmp_path)
    assert (raised.value.where, raised.value.fix) == ("here", "go slower")


@pytest.mark.slow
def test_a_process_that_dies_is_named_and_the_others_end(tmp_path):
    with pytest.raises(RunError, match="process 2 of 2 was ended by SIGKILL") as raised:
        in_processes(2, team.die, str(tmp_path), where=tmp_path)
    assert raised.value.where == str(tmp_path)


@pytest.fixture
def _ctrl_c():
    """Ctrl-C as in a terminal; a worker of pytest-xdist ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_ends_all_processes(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        in_processes(2, team.interrupt, str(tmp_path), where=tmp_path)
    pids = [int(file.name) for file in tmp_path.iterdir()]
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)

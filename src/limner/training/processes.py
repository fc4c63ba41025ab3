"""The processes of one machine that train one network: started, watched, and ended together."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch.multiprocessing.spawn import ProcessException, start_processes

from limner.errors import LimnerError, RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.queues import SimpleQueue
    from pathlib import Path

    from torch.multiprocessing.spawn import ProcessContext

    Errors = SimpleQueue[dict[str, str | None]]

_GRACE_S = 3.0  # in which a process may end by itself
_INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True)
class _Work:
    """What each new process does."""

    function: Callable[..., None]
    arguments: tuple[Any, ...]
    address: dict[str, str]
    errors: Errors

    def __call__(self, number: int) -> None:
        threading.Thread(target=_end_with_the_parent, daemon=True).start()
        os.environ.update(self.address, LOCAL_RANK=str(number))
        if number > 0:
            warnings.simplefilter("ignore")  # the first one warns for all
        try:
            self.function(*self.arguments)
        except LimnerError as error:
            self.errors.put({"what": error.what, "where": error.where, "fix": error.fix})
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)


def _end_with_the_parent() -> None:
    """Where the parent is killed, nobody else ends a process that waits for another, which has already ended."""
    if parent := parent_process():
        parent.join()
        time.sleep(_GRACE_S)
        os._exit(1)


def in_processes(count: int, function: Callable[..., None], *arguments: Any, where: Path) -> None:  # noqa: ANN401 - the function's own
    """Call a function in `count` new processes, and wait until all have ended. When one fails, or on Ctrl-C, all are ended.

    They are spawned: a forked process can use neither CUDA nor threads. They import limner, and nothing of the script that called it.

    Args:
        count: How many; each has its number in LOCAL_RANK.
        function: One of a module of limner. What it raises as a LimnerError is raised here.
        arguments: Handed over with pickle; tensors in shared memory are not copied.
        where: Named in an error.

    Raises:
        RunError: A process has ended with an error, or has died.
        KeyboardInterrupt: Ctrl-C.
    """
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    work = _Work(function, arguments, address, get_context("spawn").SimpleQueue())
    with _nothing_of_the_script():
        context = start_processes(work, nprocs=count, start_method="spawn", join=False)  # type: ignore[no-untyped-call]
    try:
        while not context.join(grace_period=_GRACE_S):
            pass
    except ProcessException:
        if (reason := _told(work.errors) or _death(context, where)) is None:
            raise
        raise reason from None
    except BaseException:
        _end(context)
        raise


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def _told(errors: Errors) -> RunError | None:
    """The error that a process has ended with; that it has ended may have been an error in the others."""
    if errors.empty():
        return None
    told = errors.get()
    return RunError(str(told["what"]), where=told["where"], fix=told["fix"])


def _death(context: ProcessContext, where: Path) -> RunError | None:
    """Which process was ended from outside; those that were ended for its sake got SIGTERM."""
    for number, process in enumerate(context.processes, start=1):
        if process.exitcode == _INTERRUPTED or (process.exitcode < 0 and process.exitcode != -signal.SIGTERM):
            by = "SIGINT" if process.exitcode > 0 else signal.Signals(-process.exitcode).name
            return RunError(
                f"process {number} of {len(context.processes)} was ended by {by}, and the others with it",
                where=where,
                fix="SIGKILL mostly means that memory has run out; what is complete is kept, and --resume goes on from it",
            )
    return None


def _end(context: ProcessContext) -> None:
    """End what still runs. On Ctrl-C the terminal has told the processes too, and they put things in order before they end."""
    for number in (None, signal.SIGINT, signal.SIGKILL):
        for process in context.processes:
            if number is not None and process.is_alive():
                with suppress(ProcessLookupError):
                    os.kill(process.pid, number)
        for process in context.processes:
            process.join(_GRACE_S)


@contextmanager
def _nothing_of_the_script() -> Iterator[None]:
    """A spawned process imports the main module anew, which for a script without a guard means to run it again; it needs nothing of it."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script

"""The parent's side of a worker: start it, ask it, end it; its errors are raised here as they were raised there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryFile
from typing import Any

from limner import errors
from limner.errors import LimnerError
from limner.timing.peak import THREAD_VARIABLES

_KINDS = {kind.__name__: kind for kind in (errors.DataError, errors.ModelFileError)}
_PATIENCE_S = 10.0


class WorkerProcess:
    """A running worker, until `end`.

    Args:
        blas_threads: With how many threads NumPy multiplies matrices there.
    """

    def __init__(self, *, blas_threads: int | None = None) -> None:
        environment = os.environ | ({} if blas_threads is None else dict.fromkeys(THREAD_VARIABLES, str(blas_threads)))
        self._said = TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "limner.timing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            encoding="utf-8",
        )

    def ask(self, do: str, **arguments: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Have a method of `Worker` called, and return what it returns.

        Raises:
            LimnerError: As it was raised there; or the process has died.
        """
        try:
            print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline() if self._process.stdout else ""
        except BrokenPipeError:
            line = ""
        if not line:
            raise self._death()
        reply = json.loads(line)
        if "error" in reply:
            raise _as_raised(**reply["error"])
        return reply["answer"]

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate(timeout=_PATIENCE_S)
        self._said.close()

    def _death(self) -> LimnerError:
        code = self._process.wait(_PATIENCE_S)
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
        fix = "free memory, or measure fewer models at once" if code == -9 else "try another --providers, such as cpu"
        return LimnerError(f"the process that ran the model has died with code {code}: {lines[-1]}", fix=fix)


def _as_raised(*, what: str, kind: str = "", where: str | None = None, fix: str | None = None) -> LimnerError:
    return _KINDS.get(kind, LimnerError)(what, where=where, fix=fix)

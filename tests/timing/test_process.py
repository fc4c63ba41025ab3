"""Processes of their own: their errors, their memory, their end."""

import io
import json

import numpy as np
import pytest
from tests.absence import WITHOUT_WORKSHOP, run_python

from limner.errors import LimnerError, ModelFileError
from limner.timing.machine import own_peak_memory
from limner.timing.process import WorkerProcess
from limner.timing.worker import serve

MIB = 2**20


@pytest.fixture
def ballast():
    """Makes this process large, as a program is that has held many images."""
    return np.ones(300 * MIB, np.uint8)


@pytest.fixture
def process(ballast):
    running = WorkerProcess(blas_threads=1)
    yield running
    running.end()


def test_errors_and_memory_are_those_of_the_process(process, ballast, tmp_path):
    with pytest.raises(ModelFileError) as caught:
        process.ask("open", model=str(tmp_path / "none.onnx"), provider="cpu", threads=1, images=str(tmp_path))
    assert (caught.value.where, "limner models" in caught.value.fix) == (str(tmp_path / "none.onnx"), True)

    assert 10 * MIB < process.ask("memory") < ballast.nbytes < own_peak_memory()
    with pytest.raises(LimnerError, match=r"has died with code 1: .*no_such_thing"):
        process.ask("no_such_thing")
    with pytest.raises(LimnerError, match="has died"):
        process.ask("memory")


def test_a_worker_needs_nothing_of_the_workshop(toy_model, pictures, tmp_path):
    requests = [
        {"do": "open", "model": str(toy_model), "provider": "cpu", "threads": 1, "images": str(pictures)},
        {"do": "warm_up", "batch": 2},
        {"do": "network", "seconds": 0.01, "batch": 2},
        {"do": "files", "count": 3},
    ]
    lines = "\n".join(map(json.dumps, requests))
    code = f"{WITHOUT_WORKSHOP}\nfrom limner.timing.worker import serve\nserve({lines!r}.splitlines(), sys.stdout)"
    opened, warm, network, files = (json.loads(line)["answer"] for line in run_python(code, tmp_path).splitlines())
    assert (opened["provider"], opened["metadata"]["name"]) == ("cpu", "phantom-unet")
    assert warm > 0
    assert min(network) > 0
    assert files > 0


def test_too_little_memory_is_told_as_such(monkeypatch):
    def greedy(*_, **__):
        raise MemoryError

    monkeypatch.setattr("limner.timing.peak.measure_peak", greedy)
    answers = io.StringIO()
    serve([json.dumps({"do": "peak", "seconds": 1.0})], answers)
    assert json.loads(answers.getvalue())["error"]["what"] == "there is not enough memory"

"""A whole benchmark of a tiny model, and which configurations there are."""

from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from limner.errors import DataError, LimnerError, ModelFileError
from limner.runtime.format import read_metadata
from limner.timing import run
from limner.timing.run import run_bench


def test_each_model_has_a_row_with_all_rounds(found, toy_model):
    assert [(row.model, row.provider, row.precision) for row in found.rows] == [("toy", "cpu", "float32"), ("copy", "cpu", "float32")]
    for row in found.rows:
        assert (len(row.network.rounds), len(row.file.rounds)) == (2, 2)
        assert min(row.network.fps, row.file.fps) > 0
        assert row.latency.n >= 4
        assert row.latency.p50 <= row.latency.p90 <= row.latency.p95 <= row.latency.p99
        assert row.file_bytes == toy_model.stat().st_size
        assert 20e6 < row.memory_bytes < 2e9
        assert row.input_size == read_metadata(toy_model).input_size
    assert found.rows[0].ratio == 1.0
    assert found.rows[1].ratio == found.rows[1].network.fps / found.rows[0].network.fps


def test_it_says_what_was_measured(found):
    assert (found.threads, found.batch, found.rounds, found.left_out) == (1, 1, 2, ())
    assert (found.images.count, found.images.sizes) == (3, ((30, 20), (40, 50), (64, 48)))
    assert found.peak_gflops > 0
    assert {"limner", "onnxruntime"} <= set(found.versions)


def test_operations_are_those_of_the_file_where_it_knows_them(found, toy_model):
    known = read_metadata(toy_model).gflops
    assert known is not None
    for row in found.rows:
        assert row.gflops == known
        assert row.peak_share == pytest.approx(known * row.network.fps / found.peak_gflops)


class Fake:
    """A configuration without a process; `auto` is `fast`, `broken` cannot be had, and `weak` cannot run."""

    opened: ClassVar[list["Fake"]] = []

    def __init__(self, model, path, provider):
        self.model, self.path, self.provider, self.closed, self.rounds = model, path, provider, False, 0

    @classmethod
    def open(cls, model, path, provider, *, threads, images):
        if provider == "broken":
            raise LimnerError("it is broken")
        assert not any(one.provider == "weak" and not one.closed for one in cls.opened)
        cls.opened.append(cls(model, path, "fast" if provider == "auto" else provider))
        return cls.opened[-1]

    def warm_up(self, *, batch):
        if self.provider == "weak":
            raise LimnerError("it fails when it runs")

    def close(self):
        self.closed = True

    def measure(self, *, seconds, batch):
        order.append((self.model, self.provider))

    def row(self, peak):
        return SimpleNamespace(model=self.model, provider=self.provider)


order: list[tuple[str, str]] = []


@pytest.fixture
def faked(monkeypatch):
    Fake.opened.clear()
    order.clear()
    monkeypatch.setattr(run, "Configuration", Fake)
    monkeypatch.setattr(run, "WorkerProcess", lambda **_: SimpleNamespace(ask=lambda *_, **__: 1.0, end=lambda **_: None))
    monkeypatch.setattr(run, "_with_ratios", tuple)
    monkeypatch.setattr(run, "available_providers", lambda: ["fast", "broken", "weak", "cpu"])


def test_two_names_for_one_provider_are_one_row(faked, toy_model, pictures):
    result = run_bench([toy_model], pictures, providers=["auto", "fast", "cpu", "auto"])
    assert [row.provider for row in result.rows] == ["fast", "cpu"]
    assert all(one.closed for one in Fake.opened)


def test_configurations_are_measured_in_turn(faked, toy_model, pictures):
    steps = []
    run_bench([toy_model, Path(str(toy_model))], pictures, providers=["cpu"], rounds=1)
    assert order == [(str(toy_model), "cpu")]  # the same file twice is one configuration
    order.clear()
    run_bench([toy_model], pictures, providers=["cpu", "fast"], rounds=3, progress=lambda done, total: steps.append((done, total)))
    assert order == [("toy", "cpu"), ("toy", "fast")] * 3
    assert steps == [(done, 11) for done in range(1, 12)]


def test_of_all_providers_those_that_cannot_are_left_out(faked, toy_model, pictures):
    result = run_bench([toy_model], pictures, providers=["all"])
    assert [row.provider for row in result.rows] == ["fast", "cpu"]
    assert [(one.provider, one.reason) for one in result.left_out] == [("broken", "it is broken"), ("weak", "it fails when it runs")]


def test_a_provider_that_was_asked_for_by_name_is_an_error(faked, toy_model, pictures):
    with pytest.raises(LimnerError, match="it is broken"):
        run_bench([toy_model], pictures, providers=["cpu", "broken"])
    assert all(one.closed for one in Fake.opened)


def test_a_model_that_is_not_there_is_an_error_before_anything_is_started(faked, toy_model, pictures, tmp_path):
    with pytest.raises(ModelFileError):
        run_bench([toy_model, tmp_path / "none.onnx"], pictures)
    with pytest.raises(DataError):
        run_bench([toy_model], tmp_path / "none")
    assert Fake.opened == []


@pytest.mark.parametrize(("models", "options"), [([], {}), (["toy"], {"providers": []}), (["toy"], {"seconds": float("inf")})])
def test_nothing_to_measure_is_an_error(toy_model, models, options):
    with pytest.raises(LimnerError) as caught:
        run_bench([toy_model for _ in models], **options)
    assert caught.value.fix


def test_images_that_no_memory_holds_are_an_error(toy_model):
    with pytest.raises(DataError, match="not enough memory"):
        run_bench([toy_model], size=(40_000_000, 40_000_000))

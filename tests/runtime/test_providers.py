"""Which engine runs a model. What is not in this machine is played by an engine that was renamed."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from tests.export.toys import random_image
from tests.runtime.files import write_red

from limner.errors import LimnerError, LimnerWarning, MissingExtraError, ModelFileError
from limner.runtime import available_providers, load, providers
from limner.runtime.engine import CHAINS, OnnxEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from limner.runtime.predictor import Predictor


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_red(tmp_path_factory.mktemp("red") / "red.onnx", resized=True)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Lets CUDA be there, as an engine that is made by some function."""

    def there(make: Callable[..., Any]) -> None:
        def started(model: bytes, *, name: str, threads: int) -> Any:
            return (make if name == "cuda" else OnnxEngine)(model, name=name, threads=threads)

        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
        monkeypatch.setattr(providers, "OnnxEngine", started)

    return there


class Fake(OnnxEngine):
    """The processor under another name, whose probabilities may be off by some amount."""

    off = 0.0

    def __init__(self, model: bytes, *, name: str, threads: int) -> None:
        super().__init__(model, name="cpu", threads=threads)
        self.name = name

    def run(self, images: np.ndarray) -> np.ndarray:
        return super().run(images) + np.float32(self.off)


def test_the_processor_is_always_there(red: Path) -> None:
    assert {"cpu"} <= set(available_providers()) <= set(providers.PROVIDERS)
    assert load(red, provider="cpu").provider == "cpu"


def test_by_itself_it_takes_the_processor_where_there_is_nothing_else(red: Path) -> None:
    if available_providers() != ["cpu"] and not set(available_providers()) <= {"cpu", "openvino", "coreml"}:
        pytest.skip("something faster is here")
    assert load(red).provider == "cpu"


def test_by_itself_it_takes_a_graphics_card_that_gives_the_same_answers(red: Path, gpu) -> None:
    gpu(Fake)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(red).provider == "cuda"


def test_a_card_that_gives_other_answers_is_not_taken(red: Path, gpu) -> None:
    gpu(type("Other", (Fake,), {"off": 0.05}))
    with pytest.warns(LimnerWarning, match=r"other probabilities than the processor \(by up to 0.05\)"):
        assert load(red).provider == "cpu"
    assert load(red, provider="cuda").provider == "cuda"  # it was asked for


def test_a_card_that_does_not_start_is_not_taken(red: Path, gpu) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no driver\nand a long trace")

    gpu(broken)
    with pytest.warns(LimnerWarning, match=r"'cuda' does not work here \(no driver\): the processor"):
        assert load(red).provider == "cpu"
    with pytest.raises(LimnerError, match="'cuda' cannot run the model here: no driver") as caught:
        load(red, provider="cuda")
    assert "onnxruntime-gpu" in str(caught.value.fix)


def test_a_card_whose_libraries_are_missing_is_seen_to_be_none(red: Path, monkeypatch: pytest.MonkeyPatch, capfd) -> None:
    """ONNX Runtime goes on without it, and only logs that."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setitem(CHAINS, "cuda", ("CUDAExecutionProvider", "CPUExecutionProvider"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ONNX Runtime's, who does not know what it was told here
        with pytest.raises(LimnerError, match="cannot load CUDAExecutionProvider"):
            load(red, provider="cuda")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("name", "package"), [("cuda", "onnxruntime-gpu"), ("tensorrt", "tensorrt"), ("directml", "onnxruntime-directml")])
def test_what_is_not_installed_is_said_with_its_package(red: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(LimnerError, match=f"'{name}' is not installed; what is: cpu") as caught:
        load(red, provider=name)
    assert package in str(caught.value.fix)


def test_a_missing_openvino_is_said_with_its_extra(red: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match="openvino") as caught:
        load(red, provider="openvino")
    assert "limner[openvino]" in str(caught.value.fix)


def test_a_wrong_name_is_answered_with_the_nearest(red: Path) -> None:
    with pytest.raises(LimnerError, match="no provider 'open-vino'") as caught:
        load(red, provider="open-vino")
    assert caught.value.fix == "did you mean 'openvino'?"


def test_a_model_is_run_once_when_it_is_loaded(red: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, run = [], OnnxEngine.run
    monkeypatch.setattr(OnnxEngine, "run", lambda engine, images: (sizes.append(images.shape), run(engine, images))[1])
    load(red, provider="cpu")
    assert sizes == [(1, 48, 21, 3)]  # resized both ways, before the network and after it


def test_a_file_that_does_not_run_is_told_at_once(red: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no kernel")

    monkeypatch.setattr(OnnxEngine, "run", fails)
    with pytest.raises(ModelFileError, match="no kernel"):
        load(red)


# ------------------------------------------------------------------------------------------------------------- OpenVINO

SIZES = [(32, 32), (90, 130), (17, 9), (1, 1), (64, 20), (200, 33)]


@pytest.fixture(scope="module")
def pair(toy_model: Path) -> tuple[Predictor, Predictor]:
    """One file in both engines."""
    pytest.importorskip("openvino")
    return load(toy_model, provider="cpu"), load(toy_model, provider="openvino")


@pytest.mark.parametrize("size", SIZES)
def test_openvino_gives_the_probabilities_of_onnx_runtime(pair: tuple[Predictor, Predictor], size: tuple[int, int]) -> None:
    """Noise, shrunk and enlarged: without antialiasing it would differ by tenths."""
    images = [random_image(*size, seed) for seed in range(2)]
    for one, other in zip(*(predictor.predict(images) for predictor in pair), strict=True):
        np.testing.assert_allclose(one.probs, other.probs, atol=1e-4)
        assert (one.mask == other.mask).mean() > 0.999
    assert pair[1].provider == "openvino"


@pytest.mark.parametrize("facts", [{}, {"resized": True}, {"sampling": "patches"}], ids=["bare", "resized", "patches"])
def test_openvino_runs_what_is_cut_in_other_places(tmp_path: Path, facts: dict[str, Any]) -> None:
    pytest.importorskip("openvino")
    path, image = write_red(tmp_path / "red.onnx", **facts), random_image(70, 45)
    np.testing.assert_allclose(
        load(path, provider="openvino").predict(image).probs, load(path, provider="cpu").predict(image).probs, atol=1e-5
    )


def test_a_prediction_of_openvino_is_not_overwritten_by_the_next(pair: tuple[Predictor, Predictor]) -> None:
    first = pair[1].predict(random_image(32, 48))
    kept = first.probs.copy()
    pair[1].predict(random_image(32, 48, 1))
    assert np.array_equal(first.probs, kept)


def test_openvino_sends_nothing_and_leaves_nothing(red: Path, tmp_path: Path) -> None:
    """It brings a package that tells a web address of each import, by another process, and keeps an identity in the home folder."""
    pytest.importorskip("openvino")
    code = (
        "import sys\n"
        "def watch(event, args):\n"
        "    if event.startswith(('socket.getaddrinfo', 'socket.connect', 'urllib.', 'subprocess.', 'os.fork', 'os.posix_spawn')):\n"
        "        print(event, args)\n"
        "sys.addaudithook(watch)\n"
        "import numpy as np\n"
        "from limner.runtime import load\n"
        f"load({str(red)!r}, provider='openvino').predict(np.zeros((9, 9, 3), np.uint8))\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry')])\n"
    )
    environment = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert done.stdout == "[]\n"
    assert list(tmp_path.rglob("*")) == []

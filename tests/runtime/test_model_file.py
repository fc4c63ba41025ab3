from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import onnx
import psutil
import pytest
from onnx import TensorProto, helper

from limner.errors import ModelFileError
from limner.runtime import ModelMetadata, load, open_model, shipped, shipped_models, wire
from limner.runtime.engine import OnnxEngine
from limner.runtime.format import CHECKSUM_KEY, METADATA_KEY, read_metadata
from limner.runtime.model_file import default_threads, find_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from limner.runtime import ModelFile

METADATA = ModelMetadata(name="toy", task="polyp", input_size=(32, 32), created="2026-01-01T00:00:00+00:00")


def identity_model(kind: int = TensorProto.UINT8) -> onnx.ModelProto:
    """A valid ONNX file that is no model of limner's: it gives back its image."""
    image = helper.make_tensor_value_info("image", kind, ["N", "H", "W", 3])
    out = helper.make_tensor_value_info("out", kind, ["N", "H", "W", 3])
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["out"])], "graph", [image], [out])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def signed(model: onnx.ModelProto, metadata: str | None = None) -> bytes:
    """The model as a file that claims to be limner's, with a right checksum."""
    properties = {METADATA_KEY: METADATA.model_dump_json() if metadata is None else metadata}
    helper.set_model_props(model, properties)
    digest = wire.checksum(memoryview(model.SerializeToString()), without=CHECKSUM_KEY)
    helper.set_model_props(model, properties | {CHECKSUM_KEY: digest})
    return model.SerializeToString()


def with_external_data(_: bytes) -> bytes:
    model = identity_model()
    stolen = helper.make_tensor("stolen", TensorProto.UINT8, [4], b"abcd", raw=True)
    stolen.ClearField("raw_data")
    stolen.data_location = TensorProto.EXTERNAL
    stolen.external_data.add(key="location", value="../../../../etc/passwd")
    model.graph.initializer.append(stolen)
    return signed(model)


def with_unknown_operator(_: bytes) -> bytes:
    model = identity_model()
    model.graph.node[0].op_type, model.graph.node[0].domain = "Execute", "evil"
    model.opset_import.append(helper.make_opsetid("evil", 1))
    return signed(model)


def flipped(toy: bytes, position: float) -> bytes:
    content = bytearray(toy)
    content[int(len(content) * position)] ^= 0x10
    return bytes(content)


# What is done to a good file, and a word of what must be said of it.
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "not made by limner"),
    "text": (lambda _: b"this is not a model", "not an ONNX file"),
    "image": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(100), "not an ONNX file"),
    "zip": (lambda _: b"PK\x03\x04" + bytes(100), "not an ONNX file"),
    "pickle": (lambda _: b"\x80\x04\x95\x10\x00\x00\x00", "not an ONNX file"),
    "cut in half": (lambda toy: toy[: len(toy) // 2], "cut short"),
    "cut by a byte": (lambda toy: toy[:-1], "cut short"),
    "longer": (lambda toy: toy + bytes(7), "not an ONNX file"),
    "twice": (lambda toy: toy + toy, "checksum"),
    "weights flipped": (lambda toy: flipped(toy, 0.4), "."),
    "version flipped": (lambda toy: b"\x08\x09" + toy[2:], "checksum"),
    "foreign": (lambda _: identity_model().SerializeToString(), "not made by limner"),
    "other interface": (lambda _: signed(identity_model()), "does not take `image`"),
    "other type": (lambda _: signed(identity_model(TensorProto.FLOAT)), "does not take `image`"),
    "external data": (with_external_data, "other files"),
    "unknown operator": (with_unknown_operator, "operators of the unknown set 'evil'"),
    "no checksum": (lambda toy: toy.replace(b"limner_sha256", b"limner_sha255"), "checksum"),
    "newer format": (lambda _: signed(identity_model(), '{"format_version": 4}'), "upgrade"),
    "older format": (lambda _: signed(identity_model(), '{"format_version": 0}'), "format_version"),
    "no format": (lambda _: signed(identity_model(), "{}"), "format_version"),
    "metadata not JSON": (lambda _: signed(identity_model(), "{"), "metadata are not valid"),
    "metadata nested": (lambda _: signed(identity_model(), "[" * 100_000), "metadata are not valid"),
    "threshold out of range": (
        lambda _: signed(identity_model(), METADATA.model_copy(update={"threshold": 2.0}).model_dump_json()),
        "threshold",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_file_is_refused_in_words(
    damage: str, toy_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    change, word = DAMAGES[damage]
    path = tmp_path / "model.onnx"
    path.write_bytes(change(toy_model.read_bytes()))
    with pytest.raises(ModelFileError, match=word) as caught:
        open_model(path)
    assert caught.value.where == str(path)
    assert caught.value.fix
    assert capfd.readouterr() == ("", "")


def test_no_flipped_bit_goes_unseen(toy_model: Path, tmp_path: Path) -> None:
    toy, path = toy_model.read_bytes(), tmp_path / "model.onnx"
    for step in range(200):
        path.write_bytes(flipped(toy, step / 200))
        with pytest.raises(ModelFileError):
            read_metadata(path)


def test_no_cut_goes_unseen(toy_model: Path, tmp_path: Path) -> None:
    toy, path = toy_model.read_bytes(), tmp_path / "model.onnx"
    for length in range(0, len(toy), len(toy) // 200):
        path.write_bytes(toy[:length])
        with pytest.raises(ModelFileError):
            read_metadata(path)


def test_a_file_is_opened_by_its_path_whatever_its_name(toy_model: Path, tmp_path: Path) -> None:
    renamed = shutil.copyfile(toy_model, tmp_path / "model.bin")
    for path in (toy_model, str(toy_model), renamed):
        assert open_model(path).metadata.training_data["name"] == "toys"


def test_a_run_folder_stands_for_the_model_in_it(toy_model: Path, tmp_path: Path) -> None:
    shutil.copyfile(toy_model, tmp_path / "model.onnx")
    assert load(tmp_path).path == tmp_path / "model.onnx"


@pytest.mark.parametrize(
    ("file", "word"),
    [("recipe.yaml", "has not finished"), ("run.json", "has not finished"), ("cat.jpg", "not a run")],
)
def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path, file: str, word: str) -> None:
    (tmp_path / file).touch()
    with pytest.raises(ModelFileError, match=word) as caught:
        load(tmp_path)
    assert ("--resume" in str(caught.value)) == (word == "has not finished")


@pytest.mark.parametrize("place", ["missing.onnx", "no/such/file", "no/such.onnx"])
def test_a_missing_file_is_named(place: str) -> None:
    with pytest.raises(ModelFileError, match="no such model file") as caught:
        load(place)
    assert caught.value.where == place


def test_without_shipped_models_a_name_finds_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path / "none")
    assert shipped_models() == []
    with pytest.raises(ModelFileError, match="no model named 'polyp'"):
        load("polyp")


def test_a_shipped_model_is_opened_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toy_model: Path) -> None:
    monkeypatch.setattr(shipped, "_FOLDER", tmp_path)
    shutil.copyfile(toy_model, tmp_path / "polyp-small.onnx")
    assert [(model.name, model.metadata.threshold) for model in shipped_models()] == [("polyp-small", 0.37)]
    assert find_model("polyp-small") == tmp_path / "polyp-small.onnx"
    with pytest.raises(ModelFileError, match=r"did you mean 'polyp-small'\?"):
        find_model("polyp-smal")


def threads_of(model: ModelFile) -> int:
    assert isinstance(model.engine, OnnxEngine)
    return int(model.engine.session.get_session_options().intra_op_num_threads)


def test_threads_are_the_callers_choice(toy_model: Path) -> None:
    assert threads_of(open_model(toy_model, threads=1)) == 1
    assert threads_of(open_model(toy_model)) == default_threads()
    assert 1 <= default_threads() <= (psutil.cpu_count() or 1)


def test_a_field_of_a_later_limner_does_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(signed(identity_model(), METADATA.model_dump_json()[:-1] + ',"colour":"red"}'))
    assert read_metadata(tmp_path / "model.onnx") == METADATA


def test_the_runtime_imports_nothing_of_the_workshop() -> None:
    code = "import sys, limner.runtime; print([m for m in ('torch', 'onnx', 'onnxscript', 'timm', 'lightning') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_predicting_imports_nothing_of_the_workshop(toy_model: Path) -> None:
    code = (
        "import sys, numpy, limner.runtime; limner.runtime.load(sys.argv[1]).predict(numpy.zeros((9, 9, 3), 'uint8'));"
        "print([m for m in ('torch', 'onnx', 'onnxscript', 'timm', 'lightning') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(toy_model)], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"

"""Files from an unknown hand: whatever they hold, there is an error in words, at once, and nothing in them is executed."""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from limner.errors import DataError, ModelFileError
from limner.runtime import ModelMetadata, load, open_model, wire
from limner.runtime.format import CHECKSUM_KEY, METADATA_KEY, parse_metadata, peek_metadata, read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

METADATA = ModelMetadata(name="toy", task="polyp", input_size=(32, 32), created="2026-01-01T00:00:00+00:00")
READERS = (read_metadata, peek_metadata, open_model)


def graph_of(*extra: onnx.NodeProto, initializer: tuple[TensorProto, ...] = (), **more: Any) -> onnx.ModelProto:
    """A model with limner's interface, whose probabilities are the grey levels plus the value `extra` of other nodes."""
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", "H", "W", 3])
    outputs = [
        helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["N", "H", "W"]),
        helper.make_tensor_value_info("mask", TensorProto.UINT8, ["N", "H", "W"]),
    ]
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["grey"], axes=[3], keepdims=0),
        *extra,
        helper.make_node("Add", ["grey", "extra"], ["probs"]),
        helper.make_node("Cast", ["grey"], ["mask"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(nodes, "graph", [image], outputs, initializer, **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def signed(model: onnx.ModelProto, metadata: str | None = None) -> bytes:
    """The model as a file that claims to be limner's, with a right checksum: it guards against accidents, not against people."""
    properties = {METADATA_KEY: METADATA.model_dump_json() if metadata is None else metadata}
    helper.set_model_props(model, properties)
    digest = wire.checksum(memoryview(model.SerializeToString()), without=CHECKSUM_KEY)
    helper.set_model_props(model, properties | {CHECKSUM_KEY: digest})
    return model.SerializeToString()


def constant(name: str, value: object, dtype: type = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(value, dtype), name)


# ---------------------------------------------------------------------------------------------------- what is no file


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def make_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_circle(path: Path) -> None:
    path.symlink_to(path.name)


def make_huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 10**10)  # takes no place on the disk, and 10 GB of memory if it is read


NO_FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (make_pipe, "a pipe, a socket or a device"),
    "socket": (make_socket, "a pipe, a socket or a device"),
    "device": (make_endless, "a pipe, a socket or a device"),
    "circle": (make_circle, "cannot be read"),
    "huge": (make_huge, r"10\.0 GB"),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_readable_file_is_refused_at_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    make, words = NO_FILES[kind]
    make(Path("model.onnx"))
    for read in READERS:
        with pytest.raises(ModelFileError, match=words):
            read(tmp_path / "model.onnx")


def test_a_folder_named_like_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    for read in (read_metadata, peek_metadata):
        with pytest.raises(ModelFileError, match="a folder"):
            read(tmp_path / "model.onnx")
    with pytest.raises(ModelFileError, match="not a run"):
        open_model(tmp_path / "model.onnx")


# ---------------------------------------------------------------------------------------------------- what is damaged


@pytest.fixture(scope="module")
def toy(toy_model: Path) -> bytes:
    return toy_model.read_bytes()


@given(data=st.data())
@settings(max_examples=60)
def test_no_damage_of_any_kind_goes_unseen(data: st.DataObject, toy: bytes) -> None:
    """Bytes are overwritten, put in and taken out; what is left is refused, or it is what it was."""
    content = bytearray(toy)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(start + 20, len(content))))
        content[start:stop] = data.draw(st.binary(max_size=20))
    if bytes(content) != toy:
        with pytest.raises(ModelFileError):
            parse_metadata(bytes(content), where="x.onnx")


def test_no_cut_goes_unseen_near_a_border_of_fields(toy: bytes) -> None:
    lengths = {end + step for end in ends(toy) for step in (-2, -1, 0, 1, 2)}
    for length in lengths & set(range(len(toy))):
        with pytest.raises(ModelFileError):
            parse_metadata(toy[:length], where="x.onnx")


def ends(content: bytes) -> list[int]:
    """Where the fields of a model end, and those of its graph."""
    view, found = memoryview(content), []
    base = memoryview(content).obj
    for _, value in wire.fields(view):
        if isinstance(value, memoryview):
            assert value.obj is base
            found.append(content.find(bytes(value)) + len(value))
    return found


# ---------------------------------------------------------------------------------------- what would do harm if it ran


def endless_loop() -> onnx.ModelProto:
    names = [("i", TensorProto.INT64), ("go", TensorProto.BOOL), ("x", TensorProto.FLOAT)]
    inputs = [helper.make_tensor_value_info(name, kind, []) for name, kind in names]
    outputs = [helper.make_tensor_value_info("go on", TensorProto.BOOL, []), helper.make_tensor_value_info("y", TensorProto.FLOAT, [])]
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go on"]), helper.make_node("Identity", ["x"], ["y"])], "b", inputs, outputs
    )
    loop = helper.make_node("Loop", ["", "true", "zero"], ["extra"], body=body)
    return graph_of(loop, initializer=(constant("true", True, np.bool_), constant("zero", 0, np.float32)))


def doubling_functions() -> onnx.ModelProto:
    """Each function calls the one before it ten times: put in their places, they are 10^12 nodes."""
    made = graph_of(helper.make_node("f12", [], ["extra"], domain="own"))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made.opset_import.append(opsets[1])
    for level in range(13):
        inner = helper.make_node("Constant", [], ["y"], value=constant("c", 0, np.float32))
        calls = [helper.make_node(f"f{level - 1}", [], ["y"], domain="own")] * 10 if level else [inner]
        made.functions.append(helper.make_function("own", f"f{level}", [], ["y"], calls, opsets))
    return made


def sparse_weights() -> onnx.ModelProto:
    values, indices = constant("big", [1.0], np.float32), constant("", [0])
    sparse = onnx.SparseTensorProto(values=values, indices=indices, dims=[2 * 10**9])  # 8 GB, once it is filled up
    reduced = helper.make_node("ReduceMax", ["big"], ["extra"], keepdims=0)
    return graph_of(reduced, sparse_initializer=[sparse])


def compiled() -> onnx.ModelProto:
    node = helper.make_node("EPContext", ["grey"], ["extra"], domain="com.microsoft", embed_mode=0, ep_cache_context="/tmp/evil.so")
    made = graph_of(node)
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return made


def claimed_weights() -> onnx.ModelProto:
    claim = TensorProto(name="big", data_type=TensorProto.FLOAT, dims=[10**12])
    return graph_of(helper.make_node("ReduceMax", ["big"], ["extra"], keepdims=0), initializer=(claim,))


BOMBS: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "endless loop": (endless_loop, "holds loops"),
    "functions": (doubling_functions, "holds operators of the unknown set 'own'"),
    "sparse weights": (sparse_weights, "holds sparse weights"),
    "compiled code": (compiled, "holds code for one device"),
    "claimed weights": (claimed_weights, "does not accept"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_file_that_would_do_harm_is_not_started(kind: str, tmp_path: Path) -> None:
    make, words = BOMBS[kind]
    (tmp_path / "model.onnx").write_bytes(signed(make()))
    with pytest.raises(ModelFileError, match=words) as caught:
        open_model(tmp_path / "model.onnx")
    assert caught.value.fix


def test_a_model_that_asks_for_more_memory_than_there_is_ends_in_words(tmp_path: Path) -> None:
    fill = helper.make_node("ConstantOfShape", ["shape"], ["big"], value=constant("", [1], np.float32))
    reduced = helper.make_node("ReduceMax", ["big"], ["extra"], keepdims=0)
    (tmp_path / "model.onnx").write_bytes(signed(graph_of(fill, reduced, initializer=(constant("shape", [10**14]),))))
    with pytest.raises((ModelFileError, DataError), match=r"cannot run|does not accept"):
        load(tmp_path / "model.onnx").predict(np.zeros((4, 4, 3), np.uint8))


def test_probabilities_of_another_size_than_the_image_are_refused(tmp_path: Path) -> None:
    shrunk = helper.make_node("Slice", ["grey", "one", "two", "one"], ["extra"])  # a single row, which is added to all others
    model = graph_of(shrunk, initializer=(constant("one", [1]), constant("two", [2])))
    model.graph.node[-2].CopyFrom(helper.make_node("Identity", ["extra"], ["probs"]))
    (tmp_path / "model.onnx").write_bytes(signed(model))
    with pytest.raises(ModelFileError, match="another size"):
        open_model(tmp_path / "model.onnx")


def test_what_is_not_a_number_is_no_empty_mask(tmp_path: Path) -> None:
    nothing = helper.make_node("Div", ["zero", "zero"], ["extra"])
    (tmp_path / "model.onnx").write_bytes(signed(graph_of(nothing, initializer=(constant("zero", 0, np.float32),))))
    with pytest.raises(DataError, match="not numbers"):
        load(tmp_path / "model.onnx").predict(np.zeros((4, 4, 3), np.uint8))


def test_a_file_of_two_formats_is_read_as_the_one_that_was_looked_at(tmp_path: Path) -> None:
    """ONNX Runtime has a second format, which it knows by four letters at this place; what is in it has not been looked at."""
    letters = b"\x0a\x88\x00" + b"\x00ORTM\x00\x00\x00"  # to ONNX a field of eight bytes that it does not know
    model = graph_of(helper.make_node("Identity", ["grey"], ["extra"]))
    helper.set_model_props(model, {METADATA_KEY: METADATA.model_dump_json()})
    content = letters + model.SerializeToString()
    model.ClearField("metadata_props")
    helper.set_model_props(model, {CHECKSUM_KEY: wire.checksum(memoryview(content), without=CHECKSUM_KEY)})
    entry = onnx.ModelProto(metadata_props=model.metadata_props).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(content + entry)
    assert load(tmp_path / "model.onnx").predict(np.zeros((4, 4, 3), np.uint8)).mask.shape == (4, 4)


# -------------------------------------------------------------------------------------------- what the metadata may say

WRONG = {
    "name": 5,
    "task": None,
    "recipe": [],
    "threshold": "high",
    "temperature": 0,
    "input_size": [32],
    "input_size of nothing": {"input_size": [0, 32]},
    "sampling": "guess",
    "versions": {"limner": 1},
    "training_data": {"train": "many"},
    "training_data of a wrong split": {"training_data": {"split_sha256": 1}},
    "hashes": {"training_data": {"hashes": {"train": 5}}},
    "hashes that are no lists": {"training_data": {"hashes": "abc"}},
    "a part of minus one": {"training_data": {"test": -1}},
    "parity": {"n": 3},
    "parity in words": {"parity": {"max_prob_difference": "small", "mask_agreement": 1.0, "n": 1}},
    "metrics": [1],
    "a score in words": {"metrics": [{"name": "dice", "convention": "per-image", "value": "good", "n": 3}]},
    "a score of nothing": {"metrics": [{"value": 1.0}]},
    "a score without end": {"metrics": [{"name": "dice", "convention": "per-image", "value": float("inf"), "n": 3}]},
    "postprocess": {"opening": -1},
    "precision": "float1",
    "parameters": "few",
    "review": {"threshold": 2, "share": 0.1, "origin": ""},
    "format_version": "one",
}


@pytest.mark.parametrize("key", WRONG)
def test_metadata_of_a_wrong_type_are_refused_in_words(key: str) -> None:
    value = WRONG[key]
    change = value if " " in key or key == "hashes" else {key: value}
    about = json.loads(METADATA.model_dump_json()) | change
    with pytest.raises(ModelFileError, match="metadata are not valid") as caught:
        parse_metadata(signed(graph_of(), json.dumps(about)), where="x.onnx")
    assert "\n" not in caught.value.what
    assert next(iter(change)) in caught.value.what


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(sorted(ModelMetadata.model_fields)), value=JSON)
@settings(max_examples=60)
def test_any_metadata_are_read_or_refused(key: str, value: object) -> None:
    text = json.dumps(json.loads(METADATA.model_dump_json()) | {key: value})
    try:
        found = parse_metadata(signed(graph_of(), text), where="x.onnx")
    except ModelFileError:
        return
    json.loads(found.model_dump_json())


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", '"limner"', "1e999", '{"format_version": 1e999}', '{"format_version": 9' + "9" * 5000 + "}", '{"name": "\\ud800"}'],
)
def test_metadata_that_are_no_metadata_are_refused(text: str) -> None:
    with pytest.raises(ModelFileError):
        parse_metadata(signed(graph_of(), text), where="x.onnx")


def test_a_pickle_with_the_name_of_a_model_is_not_opened_as_one(tmp_path: Path) -> None:
    """Nothing in limner could: the bytes are looked at as protobuf, and by nothing else."""
    path, witness = tmp_path / "model.onnx", tmp_path / "executed"
    code = f"open({str(witness)!r}, 'w')"
    path.write_bytes(b"c__builtin__\nexec\n(" + b"X" + struct.pack("<I", len(code)) + code.encode() + b"tR.")
    with pytest.raises(ModelFileError):
        load(path)
    assert not witness.exists()

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from limner.runtime import wire


def tensor(*, external: bool) -> TensorProto:
    made = helper.make_tensor("weights", TensorProto.FLOAT, [1], [1.0])
    if external:
        made.data_location = TensorProto.EXTERNAL
    return made


def model(*nodes: onnx.NodeProto, **graph: list) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(list(nodes), "graph", [], [], **graph))


def within_subgraph(inner: TensorProto) -> onnx.NodeProto:
    graph = helper.make_graph([], "branch", [], [], [inner])
    return helper.make_node("If", ["condition"], ["y"], then_branch=graph, else_branch=graph)


def view(made: onnx.ModelProto) -> memoryview:
    return memoryview(made.SerializeToString())


def models_with(inner: TensorProto) -> dict[str, onnx.ModelProto]:
    constant = helper.make_node("Constant", [], ["y"], value=inner)
    constants = helper.make_node("Several", [], ["y"], values=[inner, inner])
    return {
        "initializer": model(initializer=[inner]),
        "attribute": model(constant),
        "list": model(constants),
        "subgraph": model(within_subgraph(inner)),
        "deeper": model(helper.make_node("If", ["c"], ["y"], then_branch=model(within_subgraph(inner)).graph)),
    }


PLACES = ["initializer", "attribute", "list", "subgraph", "deeper"]


@pytest.mark.parametrize("place", PLACES)
def test_external_data_are_found_wherever_they_hide(place: str) -> None:
    assert wire.find_foreign(view(models_with(tensor(external=True))[place])) == "references to data in other files"
    assert wire.find_foreign(view(models_with(tensor(external=False))[place])) is None


def test_a_location_alone_is_external_data() -> None:
    odd = tensor(external=False)
    odd.external_data.add(key="location", value="/etc/passwd")
    assert wire.find_foreign(view(model(initializer=[odd]))) == "references to data in other files"


def with_function() -> onnx.ModelProto:
    made = model(helper.make_node("f", [], ["y"], domain="own"))
    body = helper.make_node("Constant", [], ["y"], value=tensor(external=False))
    made.functions.append(helper.make_function("own", "f", [], ["y"], [body], [helper.make_opsetid("", 18)]))
    return made


def with_training() -> onnx.ModelProto:
    made = model()
    made.training_info.add()
    return made


def with_operator(operator: str, domain: str = "") -> onnx.ModelProto:
    inner = helper.make_graph([helper.make_node(operator, ["x"], ["y"], domain=domain)], "branch", [], [])
    return model(helper.make_node("If", ["condition"], ["y"], then_branch=inner, else_branch=inner))


FOREIGN = {
    "function": (with_function(), "operators of the unknown set 'own'"),
    "training": (with_training(), "training"),
    "sparse weights": (model(sparse_initializer=[onnx.SparseTensorProto(values=tensor(external=False), dims=[10**15])]), "sparse"),
    "sparse constant": (model(helper.make_node("C", [], ["y"], v=onnx.SparseTensorProto(dims=[9]))), "sparse"),
    "loop": (with_operator("Loop"), "loops"),
    "scan": (with_operator("Scan"), "loops"),
    "compiled": (with_operator("EPContext", "com.microsoft"), "code for one device"),
    "Python": (with_operator("PythonOp", "com.microsoft"), "Python code"),
    "unknown set": (with_operator("Execute", "evil"), "operators of the unknown set 'evil'"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_limner_never_writes_is_found(name: str) -> None:
    made, words = FOREIGN[name]
    assert words in (wire.find_foreign(view(made)) or "")


@pytest.mark.parametrize("domain", ["", "ai.onnx", "com.microsoft"])
def test_operators_of_onnx_and_of_its_runtime_may_stand_anywhere(domain: str) -> None:
    assert wire.find_foreign(view(with_operator("QuantizeLinear", domain))) is None


def test_a_field_that_protobuf_would_take_for_another_is_refused() -> None:
    """Protobuf drops the bits above the 32nd of a tag: without care, data in other files could hide behind them."""
    made = model(initializer=[tensor(external=True)])
    location = bytes([wire._DATA_LOCATION << 3, 1])
    disguised = bytes([location[0] | 0x80, 0x80, 0x80, 0x80, 0x10, 1])  # the same field number, and a bit 32 places up
    weights = made.graph.initializer[0].SerializeToString()
    assert location in weights
    hidden = weights.replace(location, disguised)
    graph = b"\x2a" + _varint(len(hidden)) + hidden
    with pytest.raises(ValueError, match="29 bits"):
        wire.find_foreign(memoryview(b"\x3a" + _varint(len(graph)) + graph))


def test_metadata_are_read_as_onnx_reads_them() -> None:
    made = model()
    helper.set_model_props(made, {"limner": '{"ü": 1}', "other": ""})
    assert wire.metadata(view(made)) == {"limner": '{"ü": 1}', "other": ""}


def of_file(content: bytes) -> dict[str, str]:
    return wire.metadata_of_file(io.BytesIO(content), len(content))


def test_metadata_are_found_without_reading_the_rest() -> None:
    made = model(initializer=[numpy_helper.from_array(np.zeros(100_000, np.float32), "weights")])
    helper.set_model_props(made, {"limner": '{"ü": 1}', "other": ""})
    content, taken = made.SerializeToString(), []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            taken.append(len(got := super().read(size)))
            return got

    assert wire.metadata_of_file(Watched(content), len(content)) == wire.metadata(memoryview(content))
    assert sum(taken) < 1000


def test_metadata_of_a_cut_file_are_refused_or_are_those_before_the_cut() -> None:
    made = model(initializer=[tensor(external=False)])
    helper.set_model_props(made, {"a": "1", "b": "2"})
    content = made.SerializeToString()
    for length in range(len(content)):
        with suppress(ValueError):
            assert of_file(content[:length]).items() <= {"a": "1", "b": "2"}.items()


def test_metadata_longer_than_any_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    helper.set_model_props(made, {"limner": "x" * 1000})
    monkeypatch.setattr(wire, "_LARGEST_METADATA", 999)
    for read in (wire.metadata, lambda message: of_file(bytes(message))):
        with pytest.raises(ValueError, match="not so long"):
            read(view(made))


def test_the_checksum_covers_everything_but_its_own_entry() -> None:
    made = model(initializer=[tensor(external=False)])
    plain = wire.checksum(view(made), without="sum")
    helper.set_model_props(made, {"sum": "anything"})
    assert wire.checksum(view(made), without="sum") == plain
    helper.set_model_props(made, {"sum": "anything", "other": ""})
    assert wire.checksum(view(made), without="sum") != plain


@pytest.mark.parametrize("broken", [b"\x0a\x05abc", b"\xff" * 12, b"\x0b\x0c", b"\x0a", b"\x09\x00", b"\x0d\x00\x00"])
def test_what_is_no_message_is_an_error(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(wire.fields(memoryview(broken)))


READERS = (wire.metadata, wire.find_foreign, lambda message: wire.checksum(message, without=""), lambda message: of_file(bytes(message)))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in READERS:
        with suppress(ValueError):
            read(memoryview(content))


@given(st.binary(max_size=200))
def test_a_file_and_its_bytes_have_the_same_metadata(content: bytes) -> None:
    with suppress(ValueError):
        assert wire.metadata(memoryview(content)) == of_file(content)


def nested(times: int) -> memoryview:
    """A graph in an attribute in a node, and so on."""
    message = b""
    for _ in range(times):
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            message = tag + _varint(len(message)) + message
    return memoryview(b"\x3a" + _varint(len(message)) + message)


def test_deep_nesting_is_no_danger() -> None:
    assert wire.find_foreign(nested(30)) is None
    with pytest.raises(ValueError, match="deeply"):
        wire.find_foreign(nested(3000))


def test_wide_nesting_is_no_danger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_MOST_FIELDS", 1000)
    nodes = b"\x0a\x00" * 2000
    for content in (b"\x3a" + _varint(len(nodes)) + nodes, b"\x08\x01" * 2000):
        with pytest.raises(ValueError, match="so many fields"):
            wire.find_foreign(memoryview(content))
    with pytest.raises(ValueError, match="so many fields"):
        of_file(b"\x08\x01" * 2000)


def test_a_length_beyond_the_file_is_refused_without_reading() -> None:
    for length in (10**10, 2**63, 2**69):
        for read in READERS:
            with pytest.raises(ValueError, match=r"."):
                read(memoryview(b"\x3a" + _varint(length) + b"abc"))


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])

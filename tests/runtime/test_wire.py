from __future__ import annotations

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

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


def models_with(inner: TensorProto) -> list[onnx.ModelProto]:
    constant = helper.make_node("Constant", [], ["y"], value=inner)
    sparse = onnx.SparseTensorProto(values=inner, dims=[1])
    function = helper.make_function("domain", "f", [], ["y"], [constant], [helper.make_opsetid("", 18)])
    with_function = model()
    with_function.functions.append(function)
    return [model(initializer=[inner]), model(constant), model(within_subgraph(inner)), model(sparse_initializer=[sparse]), with_function]


@pytest.mark.parametrize("place", range(5), ids=["initializer", "attribute", "subgraph", "sparse", "function"])
def test_external_data_are_found_wherever_they_hide(place: int) -> None:
    assert wire.has_external_data(view(models_with(tensor(external=True))[place]))
    assert not wire.has_external_data(view(models_with(tensor(external=False))[place]))


def test_a_location_alone_is_external_data() -> None:
    odd = tensor(external=False)
    odd.external_data.add(key="location", value="/etc/passwd")
    assert wire.has_external_data(view(model(initializer=[odd])))


def test_metadata_are_read_as_onnx_reads_them() -> None:
    made = model()
    helper.set_model_props(made, {"limner": '{"ü": 1}', "other": ""})
    assert wire.metadata(view(made)) == {"limner": '{"ü": 1}', "other": ""}


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


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (wire.metadata, wire.has_external_data, lambda message: wire.checksum(message, without="")):
        try:
            read(memoryview(content))
        except ValueError:
            continue


def test_deep_nesting_is_no_danger() -> None:
    message = b""
    for _ in range(3000):  # a graph in an attribute in a node, and so on
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            message = tag + _varint(len(message)) + message
    assert not wire.has_external_data(memoryview(b"\x3a" + _varint(len(message)) + message))


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])

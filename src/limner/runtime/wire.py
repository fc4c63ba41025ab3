"""Just enough of ONNX's protobuf encoding to look into a model file before ONNX Runtime does.

Three things must be known of a file from an unknown hand before it is run: what its metadata say, that it is undamaged, and that it asks
for no other file. The field half does not depend on the `onnx` package, so this module walks the encoded bytes. Weights are stepped
over, not read. Field numbers are those of onnx.proto3; the encoding is described at https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_METADATA = 14  # in ModelProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # in TensorProto

# Which fields of a message hold messages that may, at any depth, hold a tensor.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}


def fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    r"""The fields of one encoded message: number, and the bytes of a string, list or message, or the value of an integer.

    Raises:
        ValueError: The bytes are not such a message, or end too early.

    Example:
        >>> [(number, bytes(value)) for number, value in fields(memoryview(b"\x0a\x02hi"))]
        [(1, b'hi')]
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("fields are numbered from one")
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        length, position = _length(message, position, kind)
        if position + length > len(message):
            raise ValueError("a field ends beyond the end of its message")
        yield number, message[position : position + length]
        position += length


def metadata(model: memoryview) -> dict[str, str]:
    """The metadata of a model, key to value.

    Raises:
        ValueError: The bytes are not a model.
    """
    entries = (value for number, value in fields(model) if number == _METADATA and isinstance(value, memoryview))
    return dict(_entry(entry) for entry in entries)


def has_external_data(model: memoryview) -> bool:
    """Whether any tensor of a model, at any depth, is to be read from another file.

    Raises:
        ValueError: The bytes are not a model.
    """
    # A list instead of recursion: the depth is the file's to choose.
    waiting = [("model", model)]
    while waiting:
        kind, message = waiting.pop()
        for number, value in fields(message):
            if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
                return True
            if isinstance(value, memoryview) and (child := _CHILDREN[kind].get(number)):
                waiting.append((child, value))
    return False


def checksum(model: memoryview, *, without: str) -> str:
    """Hexadecimal SHA-256 over every field of a model except the metadata entry `without`, which is where the result itself is kept.

    Raises:
        ValueError: The bytes are not a model.
    """
    digest = hashlib.sha256()
    for number, value in fields(model):
        if number == _METADATA and isinstance(value, memoryview) and _entry(value)[0] == without:
            continue
        size = len(value) if isinstance(value, memoryview) else value
        digest.update(f"{number}:{size};".encode())
        if isinstance(value, memoryview):
            digest.update(value)
    return digest.hexdigest()


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """The integer at a position, seven bits a byte, lowest first; and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("an integer does not end")


def _length(message: memoryview, position: int, kind: int) -> tuple[int, int]:
    """How many bytes the value of a field takes, and where it begins."""
    if kind == _BYTES:
        return _varint(message, position)
    if kind in (_FIXED64, _FIXED32):
        return (8 if kind == _FIXED64 else 4), position
    raise ValueError(f"no field of an ONNX file is of wire type {kind}")


def _entry(message: memoryview) -> tuple[str, str]:
    """Key and value of one entry of the metadata."""
    pair = {number: bytes(value).decode() for number, value in fields(message) if isinstance(value, memoryview)}
    return pair.get(1, ""), pair.get(2, "")

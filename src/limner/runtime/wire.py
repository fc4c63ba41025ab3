"""Just enough of ONNX's protobuf encoding to look into a model file before ONNX Runtime does.

Three things must be known of a file from an unknown hand before it is run: what its metadata say, that it is undamaged, and that it holds
nothing that a limner model never holds. The field half does not depend on the `onnx` package, so this module walks the encoded bytes.
Weights are stepped over, not read. Field numbers are those of onnx.proto3; the encoding is described at
https://protobuf.dev/programming-guides/encoding/. Where protobuf's own readers are lenient, this one refuses: what the two would
understand differently could be hidden from it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LARGEST_TAG = 2**32 - 1  # protobuf drops the bits above, so that a greater tag would be another field to it
_METADATA = 14  # in ModelProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # in TensorProto
_OPERATOR, _DOMAIN = 4, 7  # in NodeProto

_DEEPEST = 100  # messages within messages; protobuf itself reads no more
_MOST_FIELDS = 5_000_000  # a network of a thousand layers has some ten thousand
_LARGEST_METADATA = 2**25  # bytes; the hashes of a million training images are half of that

# Which fields of a message hold messages that may, at any depth, hold a tensor or a node.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "tensor": {},
}

# What is refused as soon as it is seen, and why it would do harm.
_REFUSED = {
    "training": "steps of a training",
    "function": "functions of its own",  # which may call each other until they fill the memory
    "sparse": "sparse weights",  # ONNX Runtime fills them up with zeros to whatever size they claim
}
_OPERATORS_REFUSED = {
    "Loop": "loops",  # without an end, if it likes
    "Scan": "loops",
    "EPContext": "code for one device",  # compiled, and often in another file
    "PythonOp": "Python code",
    "PythonOpGrad": "Python code",
    "ATen": "code of PyTorch",
}
_DOMAINS = {"", "ai.onnx", "com.microsoft"}  # ONNX's own operators, and ONNX Runtime's


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
        number, kind = _parted(tag)
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


def metadata_of_file(file: BinaryIO, size: int) -> dict[str, str]:
    """The same of a file of `size` bytes, of which only the metadata are read: network and weights are jumped over, unchecked.

    Raises:
        ValueError: The file is not a model.
    """
    found: dict[str, str] = {}
    for _ in range(_MOST_FIELDS):
        if file.tell() == size:
            return found
        number, kind = _parted(_varint_of_file(file))
        if kind == _VARINT:
            _varint_of_file(file)
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(kind) or _length_of_file(file, kind)
        if file.tell() + length > size:
            raise ValueError("a field ends beyond the end of the file")
        if number == _METADATA and kind == _BYTES:
            found.update([_entry(memoryview(file.read(min(length, _LARGEST_METADATA + 1))))])
        else:
            file.seek(length, 1)
    raise ValueError("a model does not have so many fields")


def find_foreign(model: memoryview) -> str | None:
    """What is in a model, at any depth, that limner never writes and that could do harm; None if nothing is.

    Such are tensors that are read from another file, loops, functions, operators that are neither ONNX's nor ONNX Runtime's own, and those
    that run compiled or Python code.

    Raises:
        ValueError: The bytes are not a model.
    """
    seen = 0
    # A list instead of recursion, and in depth first: how deep and how wide a file is nested is its own choice.
    path = [("model", fields(model))]
    while path:
        kind, rest = path[-1]
        for number, value in rest:
            seen += 1
            if seen > _MOST_FIELDS:
                raise ValueError("a model does not have so many fields")
            child = _CHILDREN[kind].get(number) if isinstance(value, memoryview) else None
            if foreign := _foreign(kind, number, value, child):
                return foreign
            if child and isinstance(value, memoryview):
                path.append((child, fields(value)))
                break
        else:
            path.pop()
        if len(path) > _DEEPEST:
            raise ValueError("a model is not nested so deeply")
    return None


def _foreign(kind: str, number: int, value: memoryview | int, child: str | None) -> str | None:
    """What is wrong with one field, in words for the end of "the file holds ..."; None if nothing is."""
    if child in _REFUSED:
        return _REFUSED[child]
    if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
        return "references to data in other files"
    if kind == "node" and isinstance(value, memoryview):
        if number == _OPERATOR:
            return _OPERATORS_REFUSED.get(_decoded(value))
        if number == _DOMAIN and _decoded(value) not in _DOMAINS:
            return f"operators of the unknown set {_decoded(value)[:40]!r}"
    return None


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


def _parted(tag: int) -> tuple[int, int]:
    """Number and wire type of a field."""
    if tag > _LARGEST_TAG or tag >> 3 == 0:
        raise ValueError("fields are numbered from one, in 29 bits")
    return tag >> 3, tag & 7


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


def _varint_of_file(file: BinaryIO) -> int:
    """The integer that a file goes on with."""
    start = file.tell()
    value, length = _varint(memoryview(file.read(10)), 0)
    file.seek(start + length)
    return value


def _length(message: memoryview, position: int, kind: int) -> tuple[int, int]:
    """How many bytes the value of a field takes, and where it begins."""
    if kind == _BYTES:
        return _varint(message, position)
    if kind in (_FIXED64, _FIXED32):
        return (8 if kind == _FIXED64 else 4), position
    raise ValueError(f"no field of an ONNX file is of wire type {kind}")


def _length_of_file(file: BinaryIO, kind: int) -> int:
    if kind != _BYTES:
        raise ValueError(f"no field of an ONNX file is of wire type {kind}")
    return _varint_of_file(file)


def _decoded(value: memoryview) -> str:
    return bytes(value).decode()


def _entry(message: memoryview) -> tuple[str, str]:
    """Key and value of one entry of the metadata."""
    if len(message) > _LARGEST_METADATA:
        raise ValueError("metadata are not so long")
    pair = {number: _decoded(value) for number, value in fields(message) if isinstance(value, memoryview)}
    return pair.get(1, ""), pair.get(2, "")

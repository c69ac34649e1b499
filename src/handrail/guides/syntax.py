"""A compiled CEL expression as a tree that can be looked at.

The library shows its syntax tree only as the bytes of a `cel.expr.CheckedExpr` message. The few fields needed are read
here by their numbers in that published schema; a module for Protocol Buffers would be a large dependency for that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["const", "ident", "select", "call", "list", "map", "comprehension"]
_PREFIX = b"\n(type.googleapis.com/cel.expr.CheckedExpr\x12"
_PRIMITIVES = {1: "yes-no", 2: "whole", 3: "whole", 4: "number", 5: "text", 6: "bytes"}


@dataclass(frozen=True, slots=True)
class Node:
    """`name` is the identifier, function, or selected field; `value` the constant. Children of a call: its target, if
    it has one (`member`), then its arguments. Children of a comprehension: range, start, condition, step, result."""

    kind: Kind
    id: int
    name: str = ""
    value: Any = None
    children: tuple[Node, ...] = ()
    member: bool = False
    raw: bytes = b""

    def walk(self) -> Iterator[Node]:
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


@dataclass(frozen=True, slots=True)
class Syntax:
    """`types` by node id: text, whole, number, yes-no, null, list, map, any or other. `offsets`: where in the text."""

    root: Node
    types: Mapping[int, str]
    offsets: Mapping[int, int]
    frame: tuple[bytes, ...] = ()

    def rooted_at(self, node: Node) -> bytes:
        """A serialized expression that is `node` alone."""
        body = b"".join(self.frame) + _field(4, node.raw)
        return _PREFIX + _varint(len(body)) + body


def decode(serialized: bytes) -> Syntax:
    """The tree of what `Expression.serialize` gave. ValueError when the bytes are not what they should be."""
    message = dict(_fields(serialized)).get(2)
    if not isinstance(message, bytes):
        raise ValueError("not a checked expression")
    types: dict[int, str] = {}
    offsets: dict[int, int] = {}
    frame: list[bytes] = []
    root: Node | None = None
    for number, value in _fields(message):
        if number == 4:
            root = _node(value)
            continue
        if isinstance(value, bytes):
            frame.append(_field(number, value))
        if number == 3:
            entry = dict(_fields(value))
            types[entry.get(1, 0)] = _type(entry.get(2, b""))
        elif number == 5:
            for inner, position in _fields(value):
                if inner == 4:
                    entry = dict(_fields(position))
                    offsets[entry.get(1, 0)] = entry.get(2, 0)
    if root is None:
        raise ValueError("not a checked expression")
    return Syntax(root, types, offsets, tuple(frame))


def _node(raw: bytes) -> Node:
    fields = dict(_fields(raw))
    id = fields.get(2, 0)
    if 3 in fields:
        return Node("const", id, value=_constant(fields[3]), raw=raw)
    if 4 in fields:
        return Node("ident", id, name=_text(dict(_fields(fields[4])).get(1)), raw=raw)
    if 5 in fields:
        select = dict(_fields(fields[5]))
        operand = (_node(select[1]),) if 1 in select else ()
        return Node("select", id, _text(select.get(2)), children=operand, raw=raw)
    if 6 in fields:
        parts = list(_fields(fields[6]))
        target = tuple(_node(value) for number, value in parts if number == 1)
        arguments = tuple(_node(value) for number, value in parts if number == 3)
        return Node("call", id, _text(dict(parts).get(2)), children=target + arguments, member=bool(target), raw=raw)
    if 7 in fields:
        elements = tuple(_node(value) for number, value in _fields(fields[7]) if number == 1)
        return Node("list", id, children=elements, raw=raw)
    if 8 in fields:
        entries = (dict(_fields(value)) for number, value in _fields(fields[8]) if number == 2)
        children = tuple(_node(entry[key]) for entry in entries for key in (3, 4) if key in entry)
        return Node("map", id, children=children, raw=raw)
    if 9 in fields:
        loop = dict(_fields(fields[9]))
        children = tuple(_node(loop[key]) for key in (2, 4, 5, 6, 7) if key in loop)
        return Node("comprehension", id, _text(loop.get(1)), value=_text(loop.get(3)), children=children, raw=raw)
    return Node("const", id, raw=raw)


def _constant(raw: bytes) -> Any:
    for number, value in _fields(raw):
        if number == 2:
            return bool(value)
        if number == 3:
            return value - (1 << 64) if value >= 1 << 63 else value
        if number == 4:
            return value
        if number == 5:
            return struct.unpack("<d", value)[0]
        if number == 6:
            return _text(value)
        if number == 7:
            return bytes(value)
    return None


def _type(raw: bytes) -> str:
    for number, value in _fields(raw):
        if number == 1:
            return "any"
        if number == 2:
            return "null"
        if number == 3:
            return _PRIMITIVES.get(value, "other")
        if number in (6, 7):
            return "list" if number == 6 else "map"
    return "other"


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else ""


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: number and value (bytes, or a whole number)."""
    index = 0
    while index < len(data):
        tag, index = _read_varint(data, index)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, index = _read_varint(data, index)
            yield number, value
            continue
        if wire == 2:
            length, index = _read_varint(data, index)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("not a checked expression")
        yield number, data[index : index + length]
        index += length


def _read_varint(data: bytes, index: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if index >= len(data):
            raise ValueError("not a checked expression")
        byte = data[index]
        index += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, index


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value

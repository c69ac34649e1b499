"""A document as plain data that still knows where everything stands.

Data that came from no file (a plan's estate) has a tree too; its places are then only the name of the whole.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from handrail.documents.files import read_bytes
from handrail.documents.marks import MAX_DEPTH, Mark, Marks
from handrail.errors import BadInput, Place

LIMIT = 16 * 1024 * 1024
_BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")
_HALF_CHARACTER = re.compile(r"\\[uU](0000)?[dD][89a-fA-F]")


@dataclass(frozen=True)
class Tree:
    """`data` is mappings, lists, text, numbers, yes-no and null. `text` is the source, empty when there is none."""

    data: Any
    file: str
    text: str = ""
    given_marks: Marks | None = None

    @cached_property
    def _marks(self) -> Marks:
        if self.given_marks is not None:
            return self.given_marks
        if not self.text:
            return {}
        # JSON is read fast and without marks; they are made when somebody asks, which is when something is wrong.
        other, marks = _read_yaml(self.text, self.file)
        return _carry_over(self.data, other, marks)

    def place(self, *keys: str | int) -> Place:
        """Where the value at `keys` begins; the nearest existing container's place when there is no such value."""
        mark = self._mark(keys)
        return Place(self.file, mark[2], mark[3]) if mark else Place(self.file, *self._start)

    def key_place(self, *keys: str | int) -> Place:
        """Where the key itself stands (for a list entry: where the entry begins)."""
        mark = self._mark(keys)
        return Place(self.file, mark[0], mark[1]) if mark else Place(self.file, *self._start)

    def inside(self, keys: tuple[str | int, ...], offset: int) -> Place:
        """The place of character `offset` (from 0) of the text at `keys`, whatever way that text is written in YAML."""
        mark, value = self._mark(keys), self.at(*keys)
        if mark is None or not isinstance(value, str) or not self.text:
            return self.place(*keys)
        found = _align(self._lines, mark, value, offset)
        return Place(self.file, *found) if found else self.place(*keys)

    def at(self, *keys: str | int) -> Any:
        """The value at `keys`, None when there is none."""
        node = self.data
        for key in keys:
            if _stands_alone(node, key):
                continue
            try:
                node = node[key]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    @property
    def _start(self) -> tuple[int, int] | tuple[()]:
        return (1, 1) if self.text else ()

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def _mark(self, keys: tuple[str | int, ...]) -> Mark | None:
        node, found = self.data, None
        for key in keys:
            if _stands_alone(node, key):
                continue
            mark = self._marks.get(id(node), {}).get(key)
            if mark is None:
                break
            found = mark
            node = node[key]
        return found


def _stands_alone(node: Any, key: str | int) -> bool:
    """One entry may stand where a list is expected; it is then that list's only entry."""
    return key == 0 and isinstance(key, int) and not isinstance(node, list)


def load(path: Path | str, what: str = "The file") -> Tree:
    """The tree of a YAML or JSON file of at most 16 MB. BadInput, with the place, when it is not one."""
    return parse(read_bytes(path, what, LIMIT), str(path), what)


def parse(source: bytes | str, file: str, what: str = "The file") -> Tree:
    """The tree of a text. BadInput, with the place, when it is empty, binary, broken or deeper than 64."""
    text = source if isinstance(source, str) else _decode(source, file, what)
    if not text.strip():
        raise BadInput(f"{what} is empty.", "Check that this is the file you meant.", Place(file))
    tree = _parse(text, file)
    if tree.data is None:
        raise BadInput(f"{what} is empty.", "It holds only comments or null.", Place(file))
    if _HALF_CHARACTER.search(text):
        try:
            json.dumps(tree.data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadInput(f"{what} holds half of a character.", "Look for \\ud800 to \\udfff.", Place(file)) from None
    return tree


def _parse(text: str, file: str) -> Tree:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _from_json(text, file)
        except (ValueError, RecursionError):
            if file.endswith(".json"):
                raise _json_mistake(text, file) from None
    data, marks = _read_yaml(text, file)
    return Tree(data, file, text, marks)


def _read_yaml(text: str, file: str) -> tuple[Any, Marks]:
    from handrail.documents.nodes import read_yaml  # slow to load; plans and answers of machines are JSON

    return read_yaml(text, file)


def tree_of(data: Any, name: str) -> Tree:
    """A tree of data that came from no file; `name` stands for the whole in messages."""
    return Tree(data, name, "", {})


def _decode(source: bytes, file: str, what: str) -> str:
    encoding = "utf-16" if source.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = source.decode(encoding)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{what} is not text in UTF-8.", "Save it as UTF-8.", Place(file, line)) from None
    binary = _BINARY.search(text)
    if binary:
        line = text.count("\n", 0, binary.start()) + 1
        raise BadInput(f"{what} is not text: it holds binary data.", "Check the path.", Place(file, line))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _from_json(text: str, file: str) -> Tree:
    data = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant, parse_int=_whole, parse_float=_number)
    _check_depth(data)
    return Tree(data, file, text)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _whole(text: str) -> int:
    if len(text) > 20 or abs(number := int(text)) >= 2**63:
        raise ValueError("number too large")
    return number


def _number(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number too large")
    return value


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise ValueError("too deep")


def _json_mistake(text: str, file: str) -> BadInput:
    """Why this is not JSON that we take; duplicate keys and depth are found, with their place, by the YAML reader."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = Place(file, error.lineno, error.colno)
        return BadInput(f"This is not JSON: {error.msg[:1].lower()}{error.msg[1:]}.", "Mend the file there.", place)
    except (ValueError, RecursionError):
        pass
    try:
        _read_yaml(text, file)
    except BadInput as mistake:
        return mistake
    return BadInput("This is not JSON that can be read.", "Check the file.", Place(file))


def _carry_over(ours: Any, theirs: Any, marks: Marks) -> Marks:
    """The marks of `theirs`, under the ids of the equal containers in `ours`."""
    carried: Marks = {}
    stack = [(ours, theirs)]
    while stack:
        mine, other = stack.pop()
        if id(other) not in marks:
            continue
        carried[id(mine)] = marks[id(other)]
        pairs = (
            [(mine[key], other.get(key)) for key in mine]
            if isinstance(mine, dict)
            else list(zip(mine, other, strict=False))
        )
        stack.extend(pair for pair in pairs if isinstance(pair[0], dict | list))
    return carried


def _align(lines: list[str], mark: Mark, value: str, offset: int) -> tuple[int, int] | None:
    """Walk source and value side by side, white space and escapes aside, until `offset` is met."""
    line, column = mark[2] - 1, mark[3] - 1
    if lines[line][column : column + 1] in ("|", ">"):
        line, column = line + 1, 0
    index = 0
    while line < len(lines):
        source = lines[line]
        while column < len(source):
            while index < len(value) and value[index].isspace():
                index += 1
            if index >= len(value):
                return None
            if source[column] == value[index]:
                if index >= offset:
                    return line + 1, column + 1
                index += 1
            column += 1
        line, column = line + 1, 0
    return None

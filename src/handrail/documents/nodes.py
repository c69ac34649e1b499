"""YAML text to plain data and marks.

Only what JSON can say too: mappings with text keys, lists, text, numbers, yes-no and null. Scalars follow YAML 1.2, so
`no` and `2026-11-20` are text. Aliases, tags and second documents are refused: an alias can make a small file huge.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from handrail.documents.marks import MAX_DEPTH, Marks
from handrail.errors import BadInput, Place

_WHOLE = re.compile(r"[-+]?[0-9]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_LARGEST = 2**63 - 1


def read_yaml(text: str, file: str) -> tuple[Any, Marks]:
    """Plain data, and per container (by `id`) the marks of its entries. BadInput with the place when it is not YAML."""
    builder = _Builder(file)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)
        raise BadInput(_sentence(error), "Check indentation, quotes and colons there.", place) from None
    except YAMLError as error:
        raise BadInput(f"This is not YAML: {_first_line(error)}.", "Check the file.", Place(file)) from None
    except (RecursionError, ValueError, IndexError, TypeError, AttributeError, KeyError, AssertionError):
        # The parser itself stumbles over a few inputs (such as broken escapes) with errors that are not its own.
        raise BadInput("This is not YAML that can be read.", "Check the file.", Place(file)) from None
    return builder.result, builder.marks


class _Builder:
    """Builds from events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.result: Any = None
        self.marks: Marks = {}
        self._stack: list[tuple[Any, tuple[str, int, int] | None]] = []
        self._key: tuple[str, int, int] | None = None
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._open(event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            _, self._key = self._stack.pop()
            self._key = None
        elif isinstance(event, AliasEvent):
            raise self._bad(event, "Aliases (`*name`) are not understood here.", "Write the value out.")
        elif isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._bad(event, "The file holds a second document.", "Keep one document in one file.")

    def _open(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._bad(event, f"This is nested more than {MAX_DEPTH} deep.", "Flatten it.")
        self._check_tag(event)
        container: Any = {} if isinstance(event, MappingStartEvent) else []
        self._put(container, event)
        self.marks[id(container)] = {}
        self._stack.append((container, self._key))
        self._key = None

    def _scalar(self, event: Any) -> None:
        self._check_tag(event)
        parent = self._stack[-1][0] if self._stack else None
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(parent, dict) and self._key is None:
            key = event.value
            if key in parent:
                raise self._bad(event, f"The key {key!r} stands here a second time.", "Keep one of the two.")
            self._key = (key, line, column)
            return
        self._put(self._value(event), event)

    def _value(self, event: Any) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _NULL:
            return None
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        whole = 10 if _WHOLE.match(text) else 16 if _HEX.match(text) else 8 if _OCTAL.match(text) else 0
        if whole:
            number = int(text, whole) if len(text) < 32 else _LARGEST + 1
            if abs(number) > _LARGEST:
                raise self._bad(event, "This number is too large.", "Write it in quotes if it is text.")
            return number
        if _NUMBER.match(text):
            value = float(text)
            if math.isinf(value):
                raise self._bad(event, "This number is too large.", "Write it in quotes if it is text.")
            return value
        return text

    def _put(self, value: Any, event: Any) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if not self._stack:
            self.result = value
            return
        parent = self._stack[-1][0]
        if isinstance(parent, list):
            self.marks[id(parent)][len(parent)] = (line, column, line, column)
            parent.append(value)
            return
        if self._key is None:
            raise self._bad(event, "A key must be text.", "Write the key as text, followed by a colon.")
        key, key_line, key_column = self._key
        self.marks[id(parent)][key] = (key_line, key_column, line, column)
        parent[key] = value
        self._key = None

    def _check_tag(self, event: Any) -> None:
        tag = event.tag
        if tag not in (None, "!"):
            raise self._bad(event, f"The tag {str(tag)!r} is not understood here.", "Remove the tag.")

    def _bad(self, event: Any, message: str, advice: str) -> BadInput:
        mark = event.start_mark
        return BadInput(message, advice, Place(self.file, mark.line + 1, mark.column + 1))


def _sentence(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or "it cannot be parsed").strip()
    return f"This is not YAML: {problem[:1].lower()}{problem[1:]}."


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["it cannot be parsed"])[0][:200]

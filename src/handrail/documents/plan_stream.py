"""A plan out of the canonical JSON that runs keep of it, one step after the other.

Of a plan of a hundred thousand steps only the text and the plan are in memory then, never a tree of plain data between
them; and what its steps have in common is there once. Whatever is not as expected is left to the ordinary reader, which
says what is wrong.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from handrail.documents.plan_reader import PlanShape
from handrail.errors import HandrailError
from handrail.model.plan import SCHEMA, Plan, Step

CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
_LISTS = ("back", "steps")
"""What is read one by one."""


def plan_of_canonical(text: str, shape: PlanShape) -> Plan | None:
    """The plan in a text whose keys are sorted and that has no spaces, where it fits its digest; otherwise None."""
    try:
        return _Stream(text, shape).plan()
    except (HandrailError, ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return None


def refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Stream:
    def __init__(self, text: str, shape: PlanShape) -> None:
        self._text = text
        self._shape = shape
        self._scan = json.JSONDecoder(parse_constant=refuse).raw_decode
        self._hash = hashlib.sha256()
        self._at = 0
        self._known: dict[str, str] = {}

    def plan(self) -> Plan | None:
        if not self._text.startswith("{"):
            return None
        data: dict[str, Any] = {}
        lists: dict[str, tuple[Step, ...]] = {}
        before = ""
        while self._text[self._at] != "}":
            name = self._value()
            if not isinstance(name, str) or name <= before or self._text[self._at] != ":":
                return None
            before = name
            if name != "digest":
                # The digest, which is not part of itself, is never the first key.
                self._told(f"{',' if data or lists else '{'}{CANONICAL.encode(name)}:")
            if name in _LISTS:
                lists[name] = tuple(self._steps())
            else:
                data[name] = self._value()
                self._told(CANONICAL.encode(data[name]) if name != "digest" else "")
            if self._text[self._at] not in ",}":
                return None
        self._told("}")
        whole = self._at + 1 == len(self._text) and "steps" in lists and data["schema"] == SCHEMA
        if not whole or data["digest"] != f"sha256:{self._hash.hexdigest()}":
            return None
        return self._shape.plan(data, lists["steps"], lists.get("back", ()))

    def _steps(self) -> list[Step]:
        self._at += 1
        if self._text[self._at] != "[":
            raise ValueError("no list")
        self._told("[")
        steps: list[Step] = []
        if self._text[self._at + 1] == "]":
            self._at += 1
        while self._text[self._at] != "]":
            entry = self._value()
            self._told(("," if steps else "") + CANONICAL.encode(entry))
            steps.append(self._shape.step(self._shared(entry)))
            if self._text[self._at] not in ",]":
                raise ValueError("no list")
        self._told("]")
        self._at += 1
        return steps

    def _value(self) -> Any:
        """The value behind the character at which we are."""
        value, self._at = self._scan(self._text, self._at + 1)
        return value

    def _told(self, part: str) -> None:
        self._hash.update(part.encode("ascii"))

    def _shared(self, value: Any) -> Any:
        """The same, equal texts as one object."""
        kind = value.__class__
        if kind is str:
            return self._known.setdefault(value, value)
        if kind is dict:
            return {self._known.setdefault(key, key): self._shared(one) for key, one in value.items()}
        return [self._shared(one) for one in value] if kind is list else value

"""Keeps secrets out of everything that is written: by value, at the sink.

Whoever resolves a secret teaches it to the redactor first; every text that goes to a journal or to a screen passes
through the redactor afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Redact = Callable[[str], str]

HIDDEN = "[secret]"
_SHORTEST = 3


class Redactor:
    """Replaces every secret that it was taught by `[secret]`.

    Values shorter than three characters are not taught: hiding every "1" would destroy the text and hide nothing.
    A value of several lines is taught line by line as well, because tools print lines.
    """

    def __init__(self) -> None:
        self._values: list[str] = []

    def learn(self, value: str) -> None:
        parts = {value, value.strip(), *(line.strip() for line in value.splitlines())}
        known = {*self._values, *(part for part in parts if len(part) >= _SHORTEST)}
        # Longest first: a secret that contains another one must go as a whole.
        self._values = sorted(known, key=lambda one: (-len(one), one))

    def __call__(self, text: str) -> str:
        for value in self._values:
            if value in text:
                text = text.replace(value, HIDDEN)
        return text


def keep(text: str) -> str:
    """A redactor that knows no secrets."""
    return text


def plain(value: Any, redact: Redact = keep) -> Any:
    """`value` as JSON can hold it, redacted.

    What JSON has no form for becomes its text: by the time a record is written its effect has happened, and losing the
    record over a stray type would be worse than a clumsy one.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {redact(str(name)): plain(one, redact) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one, redact) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(one, redact) for one in value), key=str)
    if isinstance(value, bytes | bytearray):
        return redact(bytes(value).decode("utf-8", "replace"))
    return redact(str(value))

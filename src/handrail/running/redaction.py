"""What goes into a journal: plain JSON, with every secret hidden by value.

`redact` comes from whoever gives secrets out (`actions.secrets.SecretStore`); here is the sink where it is applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Redact = Callable[[Any], Any]
"""The same text, or the same JSON, with every secret hidden."""

_LINE_END = "\n"
"""Between texts that are searched together: those of a list may be the lines of one."""


def keep(what: Any) -> Any:
    """A redactor that knows no secrets."""
    return what


def plain(value: Any, redact: Redact = keep) -> Any:
    """`value` as JSON can hold it, redacted.

    What JSON has no form for becomes its text: by the time a record is written its effect has happened, and losing the
    record over a stray type would be worse than a clumsy one.
    """
    texts: list[str] = []
    made = _plain(value, texts)
    if redact is keep or not texts:
        return made
    # One search through all texts at once: nearly always there is nothing to hide.
    together = _LINE_END.join(texts)
    return made if redact(together) == together else redact(made)


def _plain(value: Any, texts: list[str]) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        texts.append(value)
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        texts.extend(map(str, value))
        return {str(name): _plain(one, texts) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, texts) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(one, texts) for one in value), key=str)
    text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)
    texts.append(text)
    return text

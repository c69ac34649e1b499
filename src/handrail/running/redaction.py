"""What goes into a journal: plain JSON, with every secret hidden by value.

`redact` comes from whoever gives secrets out (`actions.secrets.SecretStore`); here is the sink where it is applied.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

Redact = Callable[[str], str]


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

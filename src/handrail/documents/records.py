"""Plain dataclasses as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.documents.read import fields_of


def record_to_json(record: Any) -> dict[str, Any]:
    """A plain dataclass in the spelling that `documents.read` reads, without what is as by default."""
    document: dict[str, Any] = {}
    for name, one in fields_of(type(record)).items():
        value = getattr(record, one.field)
        if one.required or value not in (None, "", (), {}, False):
            document[name] = _plain(value)
    return document


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return record_to_json(value)
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value

"""Whether a value is of the type that a guide gives a fact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.guides.partial import read_part
from handrail.model.version import key


def fits(kind: str, value: Any) -> bool:
    """Whether `value` is of a fact type; a collection may be one that was not read completely."""
    part = read_part(value)
    if kind in ("list", "map") and part is not None:
        value = part
    if kind == "list":
        return isinstance(value, list | tuple)
    if kind == "map":
        return isinstance(value, Mapping)
    if kind in ("text", "version"):
        return isinstance(value, str) and (kind == "text" or _is_version(value))
    if kind == "yes-no":
        return isinstance(value, bool)
    if kind in ("whole", "number"):
        return isinstance(value, int if kind == "whole" else int | float) and not isinstance(value, bool)
    return True


def _is_version(value: str) -> bool:
    try:
        key("dotted", value)
    except ValueError:
        return False
    return True

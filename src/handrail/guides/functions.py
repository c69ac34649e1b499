"""The functions that guides may use beside those of CEL itself: comparing versions.

Versions are compared number by number, never as text. Something known to be absent (null or false) is no version at
all: it is not at least, not below and not the same as anything.
"""

from __future__ import annotations

from typing import Any

from cel_expr_python import cel

from handrail.model.version import key

NOT_A_VERSION = "not a version: "
NAMES = ("at_least", "below", "same_as")


def extension() -> Any:
    """`VALUE.at_least(FLOOR)`, `.below(CEILING)`, `.same_as(OTHER)`, and each as a function of two arguments."""
    kinds = {"at_least": _at_least, "below": _below, "same_as": _same_as}
    declarations = [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(
                    f"{name}_{way}", cel.Type.BOOL, [cel.Type.DYN, cel.Type.DYN], is_member=way == "member", impl=impl
                )
                for way in ("member", "function")
            ],
        )
        for name, impl in kinds.items()
    ]
    return cel.CelExtension("handrail", declarations)


def _at_least(value: Any, floor: Any) -> bool:
    return not _absent(value) and _key(value) >= _key(floor)


def _below(value: Any, ceiling: Any) -> bool:
    return not _absent(value) and _key(value) < _key(ceiling)


def _same_as(value: Any, other: Any) -> bool:
    return not _absent(value) and _key(value) == _key(other)


def _absent(value: Any) -> bool:
    return value is None or value is False


def _key(value: Any) -> tuple[int, ...]:
    if not isinstance(value, str):
        raise ValueError(f"{NOT_A_VERSION}{value!r}")
    try:
        return key("dotted", value)
    except ValueError:
        raise ValueError(f"{NOT_A_VERSION}{value!r}") from None

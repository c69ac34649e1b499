"""Builds and how they compare.

A build is compared as integers, never as text: "4.6.34.0" is older than "4.6.258.0".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Key = tuple[int, ...]


def _numbers(build: str) -> Key:
    parts = build.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"{build!r} is not a version: expected numbers with dots between them")
    return tuple(int(part) for part in parts)


def _windows(build: str) -> Key:
    """major.minor.build.level: exactly four integers (a file or product version of Windows)."""
    key = _numbers(build)
    if len(key) != 4:
        raise ValueError(f"{build!r} is not a build: expected four numbers, such as 4.6.34.0")
    return key


def _dotted(build: str) -> Key:
    """Any count of integers; trailing zeros do not count, so 15 equals 15.0."""
    key = _numbers(build)
    while len(key) > 1 and key[-1] == 0:
        key = key[:-1]
    return key


SCHEMES: Mapping[str, Callable[[str], Key]] = {"windows": _windows, "dotted": _dotted}


def key(scheme: str, build: str) -> Key:
    """The comparable form of `build`. ValueError when it does not fit the scheme."""
    return SCHEMES[scheme](build)


def at_least(scheme: str, build: str, floor: str) -> bool:
    return key(scheme, build) >= key(scheme, floor)


def compared(one: str, other: str) -> int | None:
    """-1, 0 or 1 as `one` is older than, equal to or newer than `other`; None when one of them is no version."""
    try:
        left, right = key("dotted", one), key("dotted", other)
    except ValueError:
        return None
    return (left > right) - (left < right)

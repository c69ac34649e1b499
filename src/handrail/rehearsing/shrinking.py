"""A failing list made as short as it can be while it still fails: delta debugging (Zeller and Hildebrandt, 2002)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shrunk(several: Sequence[T], fails: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """A part of `several`, in its order, that still fails and of which no single one can be left out. `several` fails;
    `fails` is asked about each part once at most."""
    asked: dict[tuple[int, ...], bool] = {}

    def still(numbers: tuple[int, ...]) -> bool:
        if numbers not in asked:
            asked[numbers] = fails(tuple(several[number] for number in numbers))
        return asked[numbers]

    left = tuple(range(len(several)))
    if still(()):
        return ()
    pieces = 2
    while len(left) > 1:
        size = -(-len(left) // pieces)
        parts = [left[start : start + size] for start in range(0, len(left), size)]
        smaller = next((part for part in parts if still(part)), None)
        if smaller is not None:
            left, pieces = smaller, 2
            continue
        without = [tuple(one for one in left if one not in part) for part in parts]
        smaller = next((rest for rest in without if rest != left and still(rest)), None)
        if smaller is not None:
            left, pieces = smaller, max(pieces - 1, 2)
        elif pieces >= len(left):
            break
        else:
            pieces = min(len(left), 2 * pieces)
    return tuple(several[number] for number in left)

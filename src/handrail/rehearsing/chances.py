"""Chance that is none: the same names give the same draws, on any machine and in any process.

Every stream is named after what it decides, so that what is decided elsewhere does not shift it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chances:
    def __init__(self, *names: object) -> None:
        # A text as seed is hashed with SHA-512; of the generator we use only what no version of Python has changed.
        self._random = random.Random("/".join(map(str, names)))

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._random.random() * limit)

    def pick(self, several: Sequence[T]) -> T:
        return several[self.below(len(several))]

    def happens(self, of_hundred: int) -> bool:
        return self.below(100) < of_hundred

"""What goes wrong in a simulated run, and when: drawn from a seed, as plain data that can be cut shorter.

Where a way is a fault of `faults.py` that can befall any moment, it has that one's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from handrail.rehearsing.chances import Chances

Stage = Literal["forward", "back"]
Counted = Literal["write", "command"]


@dataclass(frozen=True, slots=True)
class Way:
    """A way in which something goes wrong. `counted`: what has to be counted to know when. `weight`: how often it is
    drawn. `lasting`: it lasts for a while. `says`: what happens, for the story."""

    counted: Counted
    says: str
    weight: int = 2
    lasting: bool = False


WAYS: Mapping[str, Way] = {
    "killed-before-write": Way("write", "is killed before it has written", 3),
    "killed-after-write": Way("write", "is killed after it has written", 3),
    "paused-before-write": Way("write", "stands still before it writes; another takes over", 2, lasting=True),
    "paused-after-write": Way("write", "stands still after it has written; another takes over", 2, lasting=True),
    "second-worker": Way("write", "is at work when another takes over"),
    "store-full": Way("write", "cannot write: the disk of the store is full"),
    "killed-before-command": Way("command", "is killed before its command", 3),
    "killed-after-command": Way("command", "is killed after its command has taken effect", 4),
    "lost-undone": Way("command", "loses the line before its command has arrived"),
    "lost-done": Way("command", "loses the line after its command has taken effect", 3),
    "times-out-undone": Way("command", "waits in vain for a command that never began", 1),
    "times-out-done": Way("command", "waits in vain for a command that has taken effect", 1),
    "silent": Way("command", "hears nothing from the host for a while", 2, lasting=True),
    "restarts": Way("command", "asks a host that restarts", 2),
    "succeeds-undone": Way("command", "is told 0 by a command that changed nothing", 2),
    "fails-done": Way("command", "is told 1 by a command that changed what it should", 2),
    "turned-back": Way("write", "is stopped: the run is to be taken back"),
}

PAUSES = (5.0, 60.0, 900.0)
"""Seconds that something lasting lasts."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """At the `count`-th journal write, or command on a host, of its stage. `seconds`: how long, if it lasts."""

    way: str
    stage: Stage
    count: int
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.way} at {WAYS[self.way].counted} {self.count} of the {_STAGES[self.stage]}{lasting}"


_STAGES: Mapping[Stage, str] = {"forward": "run", "back": "rollback"}


@dataclass(frozen=True, slots=True)
class Size:
    """Journal writes and commands of an undisturbed run."""

    writes: int
    commands: int

    def of(self, counted: Counted) -> int:
        return self.writes if counted == "write" else self.commands


def drawn(seed: int, size: Size) -> tuple[Mishap, ...]:
    """What goes wrong in the run of this seed. Two in five are taken back on their way, a few of them at their end."""
    chances = Chances(seed, "mishaps")
    found = _several(chances, "forward", size, 1 + chances.below(6))
    if chances.happens(40):
        found.append(Mishap("turned-back", "forward", 1 + chances.below(size.writes)))
        # Most ways back are shorter than the way there.
        shorter = Size(max(size.writes // 3, 1), max(size.commands // 3, 1))
        found += _several(chances, "back", shorter, chances.below(5))
    return tuple(found)


def _several(chances: Chances, stage: Stage, size: Size, count: int) -> list[Mishap]:
    names = [name for name, way in WAYS.items() for _ in range(way.weight) if name != "turned-back"]
    found: list[Mishap] = []
    last: dict[Counted, int] = {}
    for _ in range(count):
        name = chances.pick(names)
        way = WAYS[name]
        before = last.get(way.counted)
        if before is not None and chances.happens(50):
            at = before + 1 + chances.below(12)  # while what went wrong before is being mended
        else:
            at = 1 + chances.below(size.of(way.counted))
        last[way.counted] = at
        found.append(Mishap(name, stage, at, chances.pick(PAUSES) if way.lasting else 0.0))
    return found


def kept(mishaps: Sequence[Mishap], numbers: Sequence[int]) -> tuple[Mishap, ...]:
    """Those with these numbers, counted from 1."""
    return tuple(mishaps[number - 1] for number in numbers)

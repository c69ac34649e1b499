"""No destructive step without a proved way back before it: the one function that decides this.

The planner asks it about a plan's steps, lint about a procedure's. It sees only the graph: an asset that a step may
destroy must have been proved restorable by a step that surely ends before, which is one that it comes after, directly
or through others, and that is not left out where the destructive step runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar


class Guarded(Protocol):
    """What the guard needs to know of a step. `when` are its conditions; equal conditions hold together."""

    @property
    def id(self) -> str: ...

    @property
    def after(self) -> Sequence[str]: ...

    @property
    def changes(self) -> Collection[str]: ...

    @property
    def proves(self) -> Collection[str]: ...

    @property
    def when(self) -> Sequence[Any]: ...


G = TypeVar("G", bound=Guarded)


class BringsBack(Guarded, Protocol):
    """A step of a way back. `restores` are the assets that it puts back or rebuilds."""

    @property
    def restores(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Unguarded:
    """A step that may destroy `assets` of which no restore point was proved before it."""

    step: str
    assets: tuple[str, ...]


def unguarded(steps: Sequence[Guarded]) -> list[Unguarded]:
    """Every step that lacks a proved way back, in the order given. Near-linear: the search for a step's guard ends at
    the nearest one."""
    by_id = {step.id: step for step in steps}
    proved = {asset for step in steps for asset in step.proves}
    found = []
    for step in steps:
        if step.changes:
            lacking = _lacking(step, by_id, proved)
            if lacking:
                found.append(Unguarded(step.id, tuple(asset for asset in step.changes if asset in lacking)))
    return found


def guards(step: Guarded, steps: Sequence[Guarded]) -> dict[str, str]:
    """For each asset that `step` changes, the nearest step that proves it restorable; none for assets without one."""
    by_id = {one.id: one for one in steps}
    wanted = set(step.changes)
    found: dict[str, str] = {}
    for before in _before(step, by_id):
        if _surely(before, step):
            found.update({asset: before.id for asset in wanted & set(before.proves) if asset not in found})
        if len(found) == len(wanted):
            break
    return found


def stranded(steps: Sequence[Guarded], back: Sequence[BringsBack]) -> list[Unguarded]:
    """Every step that may destroy assets which no step of the way back is sure to put back or to rebuild."""
    brought = {asset for step in back if not step.when for asset in step.restores}
    found = [Unguarded(step.id, tuple(one for one in step.changes if one not in brought)) for step in steps]
    return [one for one in found if one.assets]


def overreached(steps: Sequence[Guarded], back: Iterable[Guarded]) -> list[Unguarded]:
    """Every step after which the way back may begin although assets that it destroys were not proved restorable by
    then. `back` is without the steps that put an asset back: they run only where that asset may have been changed."""
    needed = tuple(dict.fromkeys(asset for step in back for asset in step.changes))
    beginning = {step.id for step in steps if step.changes}
    widened = [with_changes(step, needed) if step.id in beginning else step for step in steps]
    return unguarded(widened) if needed else []


def with_changes(step: Guarded, changes: tuple[str, ...]) -> Guarded:
    """The same step as far as the guard sees it, as if it changed these assets."""
    return _Changed(step.id, step.after, changes, step.proves, step.when)


@dataclass(frozen=True, slots=True)
class _Changed:
    id: str
    after: Sequence[str]
    changes: Collection[str]
    proves: Collection[str]
    when: Sequence[Any]


def before(step: Guarded, steps: Sequence[G]) -> list[G]:
    """The steps that `step` comes after, directly or through others, the nearest first."""
    return list(_before(step, {one.id: one for one in steps}))


def _lacking(step: Guarded, by_id: dict[str, Guarded], proved: set[str]) -> set[str]:
    lacking = set(step.changes)
    if not lacking & proved:
        return lacking
    for before in _before(step, by_id):
        if before.proves and _surely(before, step):
            lacking.difference_update(before.proves)
            if not lacking:
                break
    return lacking


def _before(step: Guarded, by_id: dict[str, Guarded]) -> Any:
    """What surely ends before `step`, the nearest first; each step once."""
    seen = {step.id}
    level = [step]
    while level:
        following: list[Guarded] = []
        for one in level:
            for id in one.after:
                if id not in seen and id in by_id:
                    seen.add(id)
                    following.append(by_id[id])
                    yield by_id[id]
        level = following


def _surely(before: Guarded, step: Guarded) -> bool:
    conditions = list(step.when)
    return all(condition in conditions for condition in before.when)

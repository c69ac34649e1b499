"""Which order keeps every state in between away: a small search that knows cohorts and their hops only.

A hop has two halves: its head, up to and including the step with which the downtime begins, and its tail, which brings
the new state about. Usually the two stay together. Where no order of whole hops does, a hop's head may be taken early:
the installation is then down while others pass. Every choice is tried in a fixed order, within a budget.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

BUDGET = 2_000

Hop = tuple[int, int]  # cohort, hop counted from 1
Half = tuple[int, int, bool]  # the tail of that hop when True, its head when False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Cohort `a` must not be up after its hop `i` while cohort `b` is up after its hop `j`."""

    a: int
    i: int
    b: int
    j: int


@dataclass(frozen=True, slots=True)
class Choice:
    """`first` ends, for the whole cohort, before `then` begins; `early`: only the head of `first`."""

    first: Hop
    then: Hop
    early: bool


@dataclass(frozen=True, slots=True)
class Lay:
    """What is known before the search: how many hops each cohort has, which hops have a head that may be taken early,
    and links that stand: each between hops or other things (barriers)."""

    hops: Mapping[int, int]
    early: frozenset[Hop]
    links: Sequence[tuple[Hashable, Hashable]]


def avoid(lay: Lay, conflicts: Sequence[Conflict]) -> tuple[list[Choice], list[Conflict]]:
    """Choices that avoid all conflicts, and none left; or, when there are none, those of the straight way through and
    the conflicts that stand in it."""
    search = _Search(lay, conflicts)
    found = search.solve([], 0)
    if found is not None:
        return found, []
    return search.straight()


class _Search:
    def __init__(self, lay: Lay, conflicts: Sequence[Conflict]) -> None:
        self._lay = lay
        self._conflicts = conflicts
        self._tried = 0

    def solve(self, chosen: list[Choice], place: int) -> list[Choice] | None:
        """Depth first: the first conflict that is not avoided yet, each way out of it in turn."""
        graph = _Graph(self._lay, chosen)
        while place < len(self._conflicts) and graph.avoids(self._conflicts[place]):
            place += 1
        if place == len(self._conflicts):
            return chosen
        for way in self._ways(self._conflicts[place]):
            self._tried += 1
            if self._tried > BUDGET:
                return None
            more = [*chosen, way]
            if _Graph(self._lay, more).is_possible() and (found := self.solve(more, place + 1)) is not None:
                return found
        return None

    def straight(self) -> tuple[list[Choice], list[Conflict]]:
        """Each conflict the first way that is possible; and the conflicts for which there is none."""
        chosen: list[Choice] = []
        left: list[Conflict] = []
        for conflict in self._conflicts:
            if _Graph(self._lay, chosen).avoids(conflict):
                continue
            possible = (way for way in self._ways(conflict) if _Graph(self._lay, [*chosen, way]).is_possible())
            way = next(possible, None)
            if way is None:
                left.append(conflict)
            else:
                chosen.append(way)
        return chosen, left

    def _ways(self, one: Conflict) -> Iterator[Choice]:
        """Whole hops before whole hops first; then one of the two is taken down early."""
        leaving = (((one.a, one.i + 1), (one.b, one.j)), ((one.b, one.j + 1), (one.a, one.i)))
        for early in (False, True):
            for first, then in leaving:
                if first[1] > self._lay.hops[first[0]] or then[1] < 1 or (early and first not in self._lay.early):
                    continue
                nearest = then[1] if early else then[1] - 1
                if one.a == one.b and first[1] > nearest:
                    continue
                yield Choice(first, then, early)


class _Graph:
    """What surely comes before what, under some choices."""

    def __init__(self, lay: Lay, chosen: Sequence[Choice]) -> None:
        self._lay = lay
        self._chosen = frozenset(chosen)
        self._split = {one.first for one in chosen if one.early}
        self._after: dict[Hashable, set[Hashable]] = {}
        for cohort, count in lay.hops.items():
            for hop in range(1, count + 1):
                self._link((cohort, hop, False), (cohort, hop, True))
                if hop < count:
                    self._link((cohort, hop, True), (cohort, hop + 1, False))
        for first, then in lay.links:
            self._link(self._end(first), self._entry(then))
        for one in chosen:
            if one.first[0] != one.then[0]:
                self._link((*one.first, not one.early), self._entry(one.then))

    def avoids(self, one: Conflict) -> bool:
        if one.a == one.b:
            return any(
                choice.first[1] in (one.i + 1, one.j + 1) and choice.then[1] in (one.i, one.j)
                for choice in self._chosen
                if choice.first[0] == choice.then[0] == one.a
            )
        return self._leaves_before(one.a, one.i, one.b, one.j) or self._leaves_before(one.b, one.j, one.a, one.i)

    def is_possible(self) -> bool:
        """Whether nothing has to come before itself."""
        state: dict[Hashable, bool] = {}
        for start in self._after:
            stack: list[tuple[Hashable, Iterator[Hashable]]] = []
            if start not in state:
                state[start] = False
                stack.append((start, iter(self._after.get(start, ()))))
            while stack:
                node, following = stack[-1]
                then = next(following, None)
                if then is None:
                    state[node] = True
                    stack.pop()
                elif then not in state:
                    state[then] = False
                    stack.append((then, iter(self._after.get(then, ()))))
                elif not state[then]:
                    return False
        return True

    def _leaves_before(self, a: int, i: int, b: int, j: int) -> bool:
        """Whether `a` has surely left the state after its hop i before `b` comes to the one after its hop j."""
        if i + 1 > self._lay.hops[a] or j < 1:
            return False
        leaving = (a, i + 1, (a, i + 1) not in self._split)
        return self._surely(leaving, (b, j, True))

    def _surely(self, first: Hashable, then: Hashable) -> bool:
        seen: set[Hashable] = {first}
        waiting: list[Hashable] = [first]
        while waiting:
            for following in self._after.get(waiting.pop(), ()):
                if following == then:
                    return True
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return False

    def _end(self, one: Hashable) -> Hashable:
        return (*one, True) if _is_hop(one) else one  # type: ignore[misc]  # a hop is a tuple

    def _entry(self, one: Hashable) -> Hashable:
        """Where others are waited for: before the tail, if the head may be taken early."""
        return (*one, one in self._split) if _is_hop(one) else one  # type: ignore[misc]  # a hop is a tuple

    def _link(self, first: Hashable, then: Hashable) -> None:
        if first != then:
            self._after.setdefault(first, set()).add(then)


def _is_hop(one: Hashable) -> bool:
    return isinstance(one, tuple)

"""How many hosts of a fleet may be at work: never more than could fail without exceeding the failure budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from handrail.model.plan import Plan


@dataclass(slots=True)
class Risk:
    """The lines of the fleet's hosts, by where they stand. Without a limit all of them may be at work. `standing`:
    those at work that wait for something elsewhere, with the step that waits."""

    lines: frozenset[str] = frozenset()
    limit: int | None = None
    at_work: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    queued: dict[str, None] = field(default_factory=dict)
    standing: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Risk:
        if plan.fleet is None:
            return cls()
        return cls(frozenset(f"host {name}" for name in plan.fleet.hosts), plan.fleet.limit)

    @property
    def spent(self) -> bool:
        return self.limit is not None and len(self.lost) >= self.limit

    def admits(self, line: str) -> bool:
        """Whether the line may begin something now; if not, it is put into the queue."""
        self.standing.pop(line, None)
        if self.limit is None or line not in self.lines or line in self.at_work or line in self.lost:
            return True
        if len(self.at_work) + len(self.lost) >= self.limit:
            self.queued[line] = None
            return False
        self.queued.pop(line, None)
        self.at_work.add(line)
        return True

    def stand(self, line: str, step: int) -> None:
        """The line has a place and nothing to do: it waits with that step."""
        if self.limit is not None and line in self.at_work:
            self.standing[line] = step

    def give_way(self, line: str, awaited: Iterable[str]) -> list[str]:
        """The line waits for those: if the budget keeps one of them out, that one takes its place; which one. The line
        has to be let in again."""
        found = next((other for other in awaited if other in self.queued), None) if self.queued else None
        if found is None:
            return []
        self._leave(line)
        return [found]

    def _leave(self, line: str) -> None:
        self.at_work.discard(line)
        self.standing.pop(line, None)

    def begin(self, line: str) -> None:
        """Something has begun there, whoever let it."""
        if line in self.lines and line not in self.lost:
            self.queued.pop(line, None)
            self.at_work.add(line)

    def lose(self, line: str) -> None:
        """A step failed there, for good."""
        if line in self.lines:
            self._leave(line)
            self.lost.add(line)

    def try_again(self, line: str) -> None:
        if line in self.lost:
            self.lost.discard(line)
            self.at_work.add(line)

    def through(self, line: str) -> list[str]:
        """The line has nothing left to do; the lines that may begin in its place."""
        if line not in self.at_work or self.limit is None:
            return []
        self._leave(line)
        free = self.limit - len(self.at_work) - len(self.lost)
        return list(islice(self.queued, max(0, free)))

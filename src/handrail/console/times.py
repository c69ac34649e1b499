"""When each step of a plan would begin and end, by the rules of the scheduler: a plan played through at once.

Every step takes as long as the plan expects, every `when` holds, nobody keeps a hold waiting, nothing fails and no
window is closed. What is left is order: what a step comes after, the turns of its host, soaking, and how many hosts may
be at work at a time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from handrail.model.plan import Plan
from handrail.running.risk import Risk


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds from the begin of the plan. `spare`: only a known error makes the step run; it takes no time."""

    begin: float
    end: float
    spare: bool = False


def spans_of(plan: Plan) -> list[Span]:
    """The spans of the plan's steps, in the order of the plan."""
    return _Playing(plan).play()


class _Playing:
    def __init__(self, plan: Plan) -> None:
        self._steps = plan.steps
        number_of = {step.id: number for number, step in enumerate(plan.steps)}
        self._owners: dict[int, list[int]] = {}
        for number, step in enumerate(plan.steps):
            for remedy in step.remedies:
                for name in remedy.steps:
                    owners = self._owners.setdefault(number_of[name], [])
                    if number not in owners:
                        owners.append(number)
        self._spare_of: dict[int, list[int]] = {}
        self._unowned: dict[int, int] = {}
        for helper, owners in self._owners.items():
            self._unowned[helper] = len(owners)
            for owner in owners:
                self._spare_of.setdefault(owner, []).append(helper)
        self._missing: list[int] = []
        self._dependents: list[list[int]] = [[] for _ in plan.steps]
        self._line_of: list[str] = []
        self._lines: dict[str, list[int]] = {}
        for number, step in enumerate(plan.steps):
            needed = {number_of[name] for name in (*step.after, *(one.step for one in step.when))}
            needed.difference_update(self._owners.get(number, ()))
            for other in needed:
                self._dependents[other].append(number)
            self._missing.append(len(needed))
            line = f"host {step.host}" if step.host is not None else f"step {step.id}"
            self._line_of.append(line)
            self._lines.setdefault(line, [])
            if number not in self._owners:
                self._lines[line].append(number)
        self._cursors = dict.fromkeys(self._lines, 0)
        self._busy: set[str] = set()
        self._risk = Risk.of(plan)
        self._begins = [0.0] * len(plan.steps)
        self._ends = [0.0] * len(plan.steps)
        self._heap: list[tuple[float, int]] = []

    def play(self) -> list[Span]:
        for line in self._lines:
            self._touch(line, 0.0)
        now = 0.0
        while self._heap or self._let_in(now):
            now, number = heapq.heappop(self._heap)
            line = self._line_of[number]
            self._busy.discard(line)
            self._cursors[line] += 1
            for touched in self._ended(number, now):
                self._touch(touched, now)
        return [
            Span(begin, end, number in self._owners)
            for number, (begin, end) in enumerate(zip(self._begins, self._ends, strict=True))
        ]

    def _let_in(self, now: float) -> bool:
        """All hosts at work wait for others that the budget keeps out: the next one is let in, so that what comes after
        it can be shown at all. Whether anybody was."""
        for line in list(self._risk.queued):
            self._risk.begin(line)
            self._touch(line, now)
            if self._heap:
                return True
        return False

    def _ended(self, number: int, now: float) -> Iterator[str]:
        """A step ended, and with it the remedies that it did not need: the lines in which something may begin."""
        todo = [number]
        while todo:
            one = todo.pop()
            for other in self._dependents[one]:
                self._missing[other] -= 1
                if not self._missing[other]:
                    yield self._line_of[other]
            for helper in self._spare_of.get(one, ()):
                self._unowned[helper] -= 1
                if not self._unowned[helper]:
                    self._begins[helper] = self._ends[helper] = now
                    todo.append(helper)
        yield self._line_of[number]

    def _touch(self, line: str, now: float) -> None:
        """Begin the next step of a line, if it is free and the step may."""
        todo = [line]
        while todo:
            name = todo.pop(0)
            steps, cursor = self._lines[name], self._cursors[name]
            if name in self._busy:
                continue
            if cursor >= len(steps):
                todo.extend(self._risk.through(name))
                continue
            number = steps[cursor]
            if self._missing[number] or not self._risk.admits(name):
                continue
            step = self._steps[number]
            self._busy.add(name)
            self._begins[number] = now + step.soak
            self._ends[number] = self._begins[number] + step.takes
            heapq.heappush(self._heap, (self._ends[number], number))

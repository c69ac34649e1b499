"""How far a run is, what is at work, and how long it may still take: from its plan and its events alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from handrail.model.journal import Event, RunStatus, StepState
from handrail.model.plan import Plan, Step
from handrail.reporting.outline import is_remedy
from handrail.reporting.words import count, duration

OVER: tuple[StepState, ...] = ("done", "skipped")

_BECOMES: Mapping[str, StepState] = {
    "begun": "begun",
    "done": "done",
    "skipped": "skipped",
    "failed": "failed",
    "in-doubt": "in-doubt",
    "asked": "waiting",
}

PRIOR = 0.1
"""The plan's own times count as much as this share of its work, done exactly as fast as they say."""

STOOD = 60.0
"""When a lane is taken over and nothing had happened for so many seconds, the run had stood still: time begins anew."""

ENOUGH = 0.1
"""From this share of the work on, what was done so far also says how many hosts are at work at a time."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A step at work: where, since when (seconds since 1970), for how long by the plan (0 when it does not say)."""

    host: str
    title: str
    since: float
    takes: float


class Pace:
    """Told every event of a run in order. `pretend`: on a twin, where the plan's times say nothing of ours at first."""

    def __init__(self, plan: Plan, now: float, *, pretend: bool = False) -> None:
        self.plan = plan
        self.began = now
        self.busy: dict[str, Busy] = {}
        self.states: Counter[StepState] = Counter({"pending": len(plan.steps)})
        self._pretend = pretend
        self._steps: dict[str, Step] = {step.id: step for step in plan.steps}
        self._state: dict[str, StepState] = {}
        self._left = Counter(step.host for step in plan.steps if step.host)
        self.hosts = len(self._left)
        self.through = 0
        self._whole = sum(step.takes for step in plan.steps if not is_remedy(step))
        self._before = 0.0
        self._worked = 0.0
        self._expected = self._actual = 0.0
        self._tried = 0
        self._last: float | None = None
        self._edges: list[tuple[str, float, int, tuple[int, ...]]] | None = None

    # -- being told ---------------------------------------------------------------------------------------------

    def resumes(self, status: RunStatus) -> None:
        """What had happened before the events that will be told."""
        for one in status.steps:
            self._becomes(self._steps[one.id], one.state)
        self._starts_over(self.began)

    def _starts_over(self, at: float) -> None:
        self.began = at
        self._before, self._worked = self._before + self._worked, 0.0
        self.busy.clear()

    def tell(self, event: Event) -> None:
        step = self._steps.get(event.entry.step or "")
        state = _BECOMES.get(event.entry.kind)
        at = moment_of(event.at)
        self.began = min(self.began, at)
        if event.entry.kind == "taken" and self._last is not None and at - self._last > STOOD:
            self._starts_over(at)
        self._last = at
        if step is None or state is None:
            return
        key = step.host or step.id
        if state == "begun":
            self.busy[key] = Busy(step.host or "-", step.title, at, step.takes)
        else:
            was = self.busy.pop(key, None)
            if state == "done" and was is not None and step.takes and not is_remedy(step):
                self._tried += 1
                self._expected += step.takes
                self._actual += max(at - was.since, 0.0)
        self._becomes(step, state)

    def _becomes(self, step: Step, state: StepState) -> None:
        before = self._state.get(step.id, "pending")
        if before == state:
            return
        self._state[step.id] = state
        self.states[before] -= 1
        self.states[state] += 1
        ends = (state in OVER) - (before in OVER)
        if ends and not is_remedy(step):
            self._worked += ends * step.takes
        if ends and step.host:
            self._left[step.host] -= ends
            self.through += ends if self._left[step.host] == (0 if ends > 0 else 1) else 0

    # -- being asked --------------------------------------------------------------------------------------------

    @property
    def ended(self) -> int:
        """How many steps have ended well."""
        return sum(self.states[one] for one in OVER)

    def is_through(self, host: str) -> bool:
        """Whether every step of the host has ended well."""
        return self._left[host] == 0

    def left(self, now: float) -> float | None:
        """About how many seconds are left, people's time not counted; None when nothing can be said yet.

        The longer of two: what the plan expects of what is left when every lane goes on as soon as it may, corrected by
        how long steps took so far; and, once enough is done, what is left at the rate of what was done so far.
        """
        if not self._whole or (self._pretend and self._tried < 3):
            return None
        prior = 0.0 if self._pretend else PRIOR * self._whole
        expected = self._expected + prior
        rate = (self._actual + prior) / expected if expected else 1.0
        by_plan = self._longest(now, rate)
        if self._worked < ENOUGH * self._whole:
            return by_plan
        rest = max(self._whole - self._before - self._worked, 0.0)
        return max(by_plan, (now - self.began) * rest / self._worked)

    def _longest(self, now: float, rate: float) -> float:
        """The longest way through what has not ended, in seconds."""
        if self._edges is None:
            index = {step.id: number for number, step in enumerate(self.plan.steps)}
            lanes = {host: number for number, host in enumerate(self._left)}
            self._edges = [
                (
                    step.id,
                    0.0 if is_remedy(step) else step.takes,
                    lanes[step.host] if step.host else -1,
                    tuple(index[one] for one in step.after if one in index),
                )
                for step in self.plan.steps
            ]
        since = {one.host: now - one.since for one in list(self.busy.values())}
        ends = [0.0] * len(self._edges)
        free = [0.0] * len(self._left)
        state = self._state
        for number, (name, takes, lane, after) in enumerate(self._edges):
            begin = free[lane] if lane >= 0 else 0.0
            for one in after:
                if ends[one] > begin:
                    begin = ends[one]
            is_now = state.get(name, "pending")
            if is_now not in OVER:
                begin += takes * rate
                if is_now == "begun" and lane >= 0:
                    begin = max(begin - since.get(self.plan.steps[number].host or "", 0.0), 0.0)
            ends[number] = begin
            if lane >= 0:
                free[lane] = begin
        return max(ends, default=0.0)

    def sentence(self, now: float, left: float | None, width: int) -> str:
        """How far the run is, as much of it as fits into `width` characters."""
        steps = f"{self.ended:,} of {count(len(self.plan.steps), 'step')}"
        gone = f"{duration(max(now - self.began, 0.0))} so far"
        to_go = f"about {duration(left)} to go" if left is not None and left >= 1 else ""
        hosts = f"{self.through:,} of {count(self.hosts, 'host')} through" if self.hosts > 1 else ""
        for parts in ((steps, gone, to_go, hosts), (steps, gone, to_go), (steps, to_go or gone)):
            told = ", ".join(part for part in parts if part)
            if len(told) <= width:
                return told
        return steps[: max(width, 0)]


def moment_of(at: str) -> float:
    """A journal's time as seconds since 1970; 0 when it is none."""
    try:
        found = datetime.fromisoformat(at.replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()

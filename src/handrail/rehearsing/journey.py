"""A plan carried out once on the twin without any fault, and every moment between two of its steps kept.

The steps go one at a time, strictly in the order of the plan, so that a run which is resumed at such a moment goes the
same way. What each step asked of its host is kept too: faults are put in at the call that matters most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handrail.actions import build as build_action
from handrail.documents.plan import plan_of_text
from handrail.model.journal import Entry, Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.rehearsing import sameness
from handrail.rehearsing.life import Call, Ending, Life, Stage, Strike, live
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.plants import Plant, plant_on
from handrail.rehearsing.sameness import Attempts, Difference
from handrail.rehearsing.staging import begin
from handrail.rehearsing.virtual_time import VirtualClock
from handrail.running.carrying import Build
from handrail.running.scheduler import Schedule
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory
from handrail.twin.store import Effect

_WEIGHT = ("software", "database", "boot", "backup", "keys", "agent", "service", "registry", "drive", "media", "file")
"""Kinds of effects, those that matter most first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as the unfaulted run made it: where it stands in the step, and what it changed."""

    phase: str
    number: int
    host: str
    verb: str
    what: str
    effects: tuple[Effect, ...] = ()

    @property
    def weight(self) -> int:
        """How much it matters; less is more."""
        kinds = [_WEIGHT.index(one.kind) if one.kind in _WEIGHT else len(_WEIGHT) for one in self.effects]
        return min(kinds, default=len(_WEIGHT) + 1)


@dataclass(slots=True)
class Visit:
    """What the unfaulted run did at one step. `at`: which boundary lies before it."""

    at: int
    begun: bool = False
    asked: bool = False
    state: str = "pending"
    calls: list[Asked] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    @property
    def look(self) -> Asked | None:
        """The first call of all."""
        return self.calls[0] if self.calls else None

    @property
    def deciding(self) -> Asked | None:
        """The call in acting that changes what matters most, a command where there is one; None when acting changes
        nothing."""
        acting = [one for one in self.calls if one.phase == "act" and one.effects]
        acting = [one for one in acting if one.verb == "execute"] or acting
        return min(acting, key=lambda one: (one.weight, one.number), default=None)


@dataclass(frozen=True, slots=True)
class Boundary:
    """The moment just after the `step` ended well (None: before the first one)."""

    step: str | None
    stage: Stage
    status: RunStatus

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(one.state for one in self.status.steps)

    @property
    def attempts(self) -> Attempts:
        return Attempts(self.stage.run, sameness.last_attempts(self.status.steps))


@dataclass(frozen=True, slots=True)
class Journey:
    """`boundaries[n]` is the moment after the n-th end of a step. `end` is where the run came to."""

    plan: Plan
    beginning: Stage
    boundaries: tuple[Boundary, ...]
    visits: Mapping[str, Visit]
    end: Stage
    status: RunStatus
    ending: Ending

    @property
    def succeeded(self) -> bool:
        return self.status.state == "succeeded"

    def converged(self, stage: Stage, schedule: Schedule) -> int | None:
        """The boundary that this moment is equal to, if there is one."""
        status = schedule.status(stage.run, self.plan.digest)
        count = sum(1 for one in status.steps if one.state in ("done", "skipped"))
        if count >= len(self.boundaries):
            return None
        boundary = self.boundaries[count]
        if any(one.state != state for one, state in zip(status.steps, boundary.states, strict=True)):
            return None
        return count if not self.otherwise(stage, status, boundary) else None

    def otherwise(self, stage: Stage, status: RunStatus, boundary: Boundary) -> list[Difference]:
        """What is otherwise on the twin or in what the steps journaled for others than at that boundary."""
        attempts = Attempts(stage.run, sameness.last_attempts(status.steps))
        there = boundary.attempts
        found = sameness.differences(stage.twin.state, attempts, boundary.stage.twin.state, there)
        for one, other in zip(status.steps, boundary.status.steps, strict=True):
            if one.outputs == other.outputs:
                continue
            if sameness.outputs(one, attempts) != sameness.outputs(other, there):
                found.append(Difference("", "outputs of", one.id, dict(one.outputs), dict(other.outputs)))
        return found


def stage_of(
    plan: Plan,
    declarations: Mapping[str, Path],
    build: Build = build_action,
    journal: type[MemoryJournal] = MemoryJournal,
    plants: Sequence[Plant] = (),
) -> Stage:
    """A new run of the plan on a new twin of its estate. `declarations`: product -> its `twin.yaml`. `plants`: what is
    otherwise there from the beginning than the estate says."""
    clock = VirtualClock()
    twin = raise_in_memory(plan.estate, read_declarations(declarations), clock)
    for one in plants:
        plant_on(twin, one)
    kept = journal(clock)
    run = begin(kept, plan)
    frozen = plan_of_text(kept.document(run), f"the plan of run {run}")
    return Stage(frozen, run, twin, kept, clock, build)


def travel(beginning: Stage) -> Journey:
    """Carry the run out without a fault."""
    stage = beginning.fork()
    recorder = _Recorder(stage)
    ending = live(stage, recorder, recorder.until)
    visits = {name: visit for name, visit in recorder.visits.items() if name}
    return Journey(stage.plan, beginning, tuple(recorder.boundaries), visits, stage, stage.status(), ending)


class _Recorder(Strike):
    """Lets everything pass and writes it down."""

    def __init__(self, stage: Stage) -> None:
        self.boundaries = [Boundary(None, stage.fork(), stage.status())]
        self.visits: dict[str, Visit] = {}
        self._seen = len(stage.twin.effects())

    def before(self, life: Life, entry: Entry) -> None:  # noqa: ARG002
        if entry.step is not None:
            visit = self._visit(entry.step)
            visit.begun |= entry.kind == "begun"
            visit.asked |= entry.kind == "asked"

    async def call(self, life: Life, call: Call) -> Any:
        visit = self._visit(call.step)
        try:
            return await life.perform(call)
        finally:
            fresh = self._fresh(life.stage)
            visit.effects += fresh
            changed = tuple(one for one in fresh if _foreign(one))
            visit.calls.append(Asked(call.phase, call.number, call.host, call.verb, call.what, changed))

    def played(self, life: Life, step: Step) -> None:
        self._visit(step.id).effects += self._fresh(life.stage)

    def until(self, stage: Stage, event: Event, schedule: Schedule) -> bool:
        entry = event.entry
        if entry.step is not None and entry.kind in ("done", "skipped"):
            self._visit(entry.step).state = entry.kind
            status = schedule.status(stage.run, stage.plan.digest)
            self.boundaries.append(Boundary(entry.step, stage.fork(), status))
        elif entry.step is not None and entry.kind == "failed":
            self._visit(entry.step).state = str(entry.data.get("error") or "failed")
        return False

    def _visit(self, step: str) -> Visit:
        return self.visits.setdefault(step, Visit(len(self.boundaries) - 1))

    def _fresh(self, stage: Stage) -> list[Effect]:
        effects = stage.twin.effects()
        fresh, self._seen = effects[self._seen :], len(effects)
        return fresh


def _foreign(effect: Effect) -> bool:
    """Whether it is more than what we keep on a host for ourselves."""
    return effect.kind != "task" and not any(one in effect.what.lower() for one in sameness.OURS)


def effects_of(visit: Visit, attempts: Attempts) -> Counter[tuple[str, str, str]]:
    """What really happened at a step, told so that it is the same at whichever attempt."""
    return counted(visit.effects, attempts)


def counted(effects: list[Effect], attempts: Attempts) -> Counter[tuple[str, str, str]]:
    return Counter((one.host, one.kind, attempts.text(one.what)) for one in effects if _foreign(one))

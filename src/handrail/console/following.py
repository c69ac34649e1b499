"""Runs as the console knows them: each followed once in the process, event by event, however many people look.

A `Follower` keeps one schedule and, beside it, what pages ask for again and again: the steps by state, how every host
stands, the last lines of the story. Taking an event in costs what the event touches, never the size of the run.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

from handrail.console.beside import Beside
from handrail.console.lanes import ESTATE, Lanes, Standing, lanes_of, standing_of
from handrail.model.journal import RUN_LANE, Event, RunState, StepState, StepStatus
from handrail.model.plan import Plan, Step
from handrail.reporting.outline import Outline
from handrail.reporting.story import Line, line_of
from handrail.running.calendar import Calendar
from handrail.running.chain import Chains
from handrail.running.clock import moment
from handrail.running.journal import RunRow, events_between
from handrail.running.scheduler import Schedule
from handrail.running.session import Session

STORY = 60
"""Lines of the story that are kept."""
AT_ONCE = 2_000
"""Events that are read at a time."""
KEPT_PLANS = 6
KEPT_RUNS = 24
KEPT_STEPS = 400_000
"""Steps of all kept plans, and of all kept runs, together: beyond them what nobody looks at goes first."""
IDLE = 60.0
"""Seconds after which nobody looks at a run any more."""
BUSY: tuple[StepState, ...] = ("failed", "in-doubt", "waiting", "begun")
"""States of steps that are listed one by one, what needs somebody first."""


class Study:
    """A plan, and what is made of it once for all pages; `kept` is what pages themselves made of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kept: dict[str, Any] = {}

    @cached_property
    def outline(self) -> Outline:
        return Outline(self.plan)

    @cached_property
    def lanes(self) -> Lanes:
        return lanes_of(self.plan)

    @cached_property
    def calendar(self) -> Calendar:
        return Calendar(self.plan)


@dataclass(frozen=True, slots=True)
class Busy:
    """A step that is under way, or wants somebody. `since`: when its latest attempt, or its question, began. `until`:
    when it is expected to end."""

    step: Step
    status: StepStatus
    since: datetime
    until: datetime | None

    def overdue(self, now: datetime) -> bool:
        return self.until is not None and now > self.until


@dataclass(frozen=True, slots=True)
class WaveCount:
    """How many hosts of a wave stand how."""

    name: str
    counts: Mapping[Standing, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Follower:
    """One run. Everything in it is read and written while `lock` is held."""

    def __init__(self, session: Session, row: RunRow, study: Study, ours: Callable[[], bool] = lambda: False) -> None:
        self.row = row
        self.study = study
        self.lock = threading.RLock()
        self.schedule = Schedule(study.plan)
        self.position = 0
        self.story: deque[tuple[str, Line]] = deque(maxlen=STORY)
        self.back_by: list[str] = []
        self.taken_back_by: str | None = None
        self.drifted: Event | None = None
        self.moved_to: str | None = None
        self.for_workers = False
        self.used = 0.0
        self.counts: Counter[StepState] = Counter({"pending": len(study.plan.steps)})
        self._session = session
        self._ours = ours
        self._chains = Chains(row.run)
        self._states: dict[str, StepState] = {step.id: "pending" for step in study.plan.steps}
        self._at: dict[StepState, dict[str, None]] = {state: {} for state in BUSY}
        self._since: dict[str, str] = {}
        self._of_host: dict[str, Counter[StepState]] = {}
        self._steps_of: dict[str, list[Step]] = {}
        for step in study.plan.steps:
            host = step.host or ESTATE
            self._of_host.setdefault(host, Counter())["pending"] += 1
            self._steps_of.setdefault(host, []).append(step)
        self.standing: dict[str, Standing] = {host: _standing(counts) for host, counts in self._of_host.items()}

    # -- following ----------------------------------------------------------------------------------------------

    def look(self) -> int:
        """Take in what was journaled since the last look; the position up to which the run is known now. Tampered when
        the journal does not hold together."""
        with self.lock:
            while True:
                fresh = events_between(self._session.journal, self.row.run, self.position, self.position + AT_ONCE)
                for event in fresh:
                    self._chains.take(event)
                    self._take(event)
                    self.position = event.position
                if len(fresh) < AT_ONCE:
                    return self.position

    def _take(self, event: Event) -> None:
        entry = event.entry
        self.schedule.apply(_lean(event))
        if entry.kind == "created":
            self.for_workers = entry.data.get("dispatch") == "workers"
        elif entry.kind == "drifted":
            self.drifted = event
        elif entry.kind == "going-back":
            self.back_by.append(str(entry.data["by"]))
        elif entry.kind == "taken-back":
            self.taken_back_by = str(entry.data["by"])
        elif entry.kind == "moved":
            self.moved_to = str(entry.data["to"])
        elif entry.kind == "arrived":
            self.moved_to = None
            self.for_workers = entry.data["dispatch"] == "workers"
        elif entry.kind == "taken":
            self.drifted = None if event.lane == RUN_LANE else self.drifted
            for step in self._steps_of.get(event.lane, ()):
                self._note(step, event.at)
        if entry.step is None or entry.step not in self._states:
            return
        step = self.schedule.step(entry.step)
        self._note(step, event.at)
        for remedy in step.remedies:
            for name in remedy.steps:
                self._note(self.schedule.step(name), event.at)
        line = line_of(event, step)
        if line is not None:
            self.story.append((event.at, line))

    def _note(self, step: Step, at: str) -> None:
        before, now = self._states[step.id], self.schedule.one(step.id).state
        if before == now:
            return
        self._states[step.id] = now
        self.counts[before] -= 1
        self.counts[now] += 1
        if before in self._at:
            self._at[before].pop(step.id, None)
        if now in self._at:
            self._at[now][step.id] = None
            self._since[step.id] = at
        else:
            self._since.pop(step.id, None)
        host = step.host or ESTATE
        counts = self._of_host[host]
        counts[before] -= 1
        counts[now] += 1
        self.standing[host] = _standing(counts)

    # -- asking -------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        return self.study.plan

    @property
    def states(self) -> Mapping[str, StepState]:
        return self._states

    @property
    def state(self) -> RunState:
        return "rolled-back" if self.taken_back_by else self.schedule.state

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in ("succeeded", "rolled-back")

    def is_attended(self) -> bool:
        """Whether some process carries the run on now, or would."""
        if self.for_workers:
            return self._session.listeners() > 0
        return self._session.is_carried(self.row.run) or self._ours()

    def busy(self, *states: StepState, most: int | None = None) -> list[Busy]:
        """The steps in these states, in the order in which they came into them."""
        found: list[Busy] = []
        for state in states:
            for name in self._at[state]:
                if most is not None and len(found) >= most:
                    return found
                found.append(self._busy(self.schedule.step(name), self.schedule.one(name)))
        return found

    def count(self, *states: StepState) -> int:
        return sum(self.counts[state] for state in states)

    def _busy(self, step: Step, status: StepStatus) -> Busy:
        intent = self.schedule.intent(step.id) if status.state == "begun" else None
        since = moment(
            intent.at if intent is not None else self._since.get(step.id) or status.begun or self.row.created
        )
        until = since + timedelta(seconds=step.takes) if status.state == "begun" and step.takes else None
        return Busy(step, status, since, until)

    def waves(self) -> Iterator[WaveCount]:
        """How many hosts of each wave stand how; those of no wave are left out."""
        found: dict[str, Counter[Standing]] = {}
        for lane in self.study.lanes.lanes:
            if lane.wave is not None:
                found.setdefault(lane.wave, Counter())[self.standing[lane.host]] += 1
        for wave in self.study.lanes.waves:
            if wave.name in found:
                yield WaveCount(wave.name, found[wave.name])

    def next_window(self, now: datetime) -> datetime | None:
        """When the next maintenance window opens, while everything that could be begun waits for one."""
        if self.counts["begun"]:
            return None
        pauses = []
        for move in self.schedule.moves()[:200]:
            if move.kind != "begin":
                return None
            pauses.append(self.study.calendar.due(move, self.schedule.step(move.step), now))
        return now + timedelta(seconds=min(pauses)) if pauses and min(pauses) > 0 else None


class Following:
    """The plans and runs that this process knows, the latest ones kept."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.ours: Callable[[str], bool] = lambda _: False
        """Whether a process that was started here is about to carry a run on, before it has taken hold of it."""
        self._lock = threading.Lock()
        self._studies: OrderedDict[str, Study] = OrderedDict()
        self._alive: WeakValueDictionary[str, Study] = WeakValueDictionary()  # those of kept runs are among them
        self._followers: OrderedDict[str, Follower] = OrderedDict()
        self._reading: dict[str, Future[Follower]] = {}
        self._reader = Beside("read")

    def study(self, plan: Plan) -> Study:
        """What is made of a plan; made once for its digest."""
        with self._lock:
            return self._study(plan.digest) or self._keep(plan)

    def plan(self, digest: str) -> Plan | None:
        """The plan with that digest, if it is one of those that are kept."""
        with self._lock:
            found = self._study(digest)
            return found.plan if found is not None else None

    def follower(self, run: str) -> Follower:
        """Whoever follows the run, brought up to date. Errors: UnknownName, Tampered."""
        with self._lock:
            reading = self._reading.get(run)
        if reading is None:
            return self._follower(run)
        made = reading.result()
        made.look()
        return made

    def _follower(self, run: str) -> Follower:
        row = self.session.journal.row(run)
        with self._lock:
            found = self._followers.get(run)
            study = self._study(row.plan)
            if found is not None:
                self._followers.move_to_end(run)
        if found is None:
            # Outside the lock: a plan of ten thousand hosts takes seconds to read.
            if study is None:
                plan = self.session.plan(run)
                with self._lock:
                    study = self._study(plan.digest) or self._keep(plan)
            made = Follower(self.session, row, study, lambda: self.ours(run))
            with self._lock:
                found = self._followers.setdefault(run, made)
                self._followers.move_to_end(run)
                found.used = time.monotonic()
                self._drop()
        found.used = time.monotonic()
        found.look()
        return found

    def ready(self, run: str, waits: float) -> Follower | None:
        """Whoever follows the run, as `follower`; None as long as its plan is still being read, beside the pages: of
        thousands of hosts that takes longer than a page may."""
        with self._lock:
            if run not in self._followers and run not in self._reading:
                self._reading[run] = self._reader.submit(lambda: self._follower(run))
            reading = self._reading.get(run)
        if reading is None:
            return self._follower(run)
        try:
            made = reading.result(waits)
        except NotYet:
            return None
        finally:
            if reading.done():
                with self._lock:
                    self._reading.pop(run, None)
        made.look()
        return made

    def _drop(self) -> None:
        """Keep no more runs than there is room for; who has been looked at lately stays, however large."""
        while len(self._followers) > 1:
            name, oldest = next(iter(self._followers.items()))
            idle = time.monotonic() - oldest.used > IDLE
            large = sum(len(one.plan.steps) for one in self._followers.values()) > KEPT_STEPS
            if len(self._followers) <= KEPT_RUNS and not (idle and large):
                return
            del self._followers[name]

    def _study(self, digest: str) -> Study | None:
        if digest in self._studies:
            self._studies.move_to_end(digest)
        return self._alive.get(digest)

    def _keep(self, plan: Plan) -> Study:
        self._studies[plan.digest] = self._alive[plan.digest] = made = Study(plan)
        while len(self._studies) > KEPT_PLANS or (
            len(self._studies) > 1 and sum(len(one.plan.steps) for one in self._studies.values()) > KEPT_STEPS
        ):
            self._studies.popitem(last=False)
        return made


def _lean(event: Event) -> Event:
    """What a schedule needs of an event. It keeps the begin of every step: without what was seen before, and without
    the chain, which was checked."""
    if event.entry.kind != "begun":
        return event
    return replace(event, entry=replace(event.entry, data={}), previous="", hash="")


def _standing(counts: Counter[StepState]) -> Standing:
    return standing_of(state for state, number in counts.items() if number)

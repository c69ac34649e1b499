"""Carries a run out: opens what the schedule allows, many lanes at a time, until nothing more can be done.

One runner per run and process. It may be killed at any moment: another one reads the journal and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handrail.actions.protocol import Secrets
from handrail.model.journal import PEOPLE_LANE, RUN_LANE, Entry, Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.running.calendar import Calendar
from handrail.running.carrying import Build, Carrier, Hosts, Patience
from handrail.running.chain import Head, head_of
from handrail.running.clock import Clock, SystemClock
from handrail.running.fencing import FencedHost
from handrail.running.moves import Move
from handrail.running.played import People, play
from handrail.running.protocol import AnyJournal, Item
from handrail.running.scheduler import Schedule, lane_of
from handrail.running.writer import Writer

Progress = Callable[[Event, Schedule], None]
"""Called after every commit, with the schedule as it is then."""

EXIT_CODES: Mapping[str, int] = {
    "succeeded": 0,
    "rolled-back": 0,
    "running": 1,  # stopped before its end
    "failed": 1,
    "waiting": 4,
    "in-doubt": 5,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run stands when its runner ends. `stopped`: a signal ended it; it can be resumed. `trouble`: what went
    wrong beside the run, and did not touch it."""

    status: RunStatus
    stopped: bool = False
    trouble: str = ""

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.status.state]


@dataclass(frozen=True, slots=True)
class Settings:
    """`parallel`: steps at work at a time. `poll`: seconds between looks for answers. `wait_for_people`: seconds to
    stay when only people can move the run on; 0 does not wait, None waits for ever. `signals`: stop on SIGINT, SIGTERM
    and SIGHUP. `patience`: with hosts that do not say how things stand. `in_order`: of what may begin, always the first
    in the order of the plan, whatever began before, so that a resumed run goes the same way."""

    parallel: int = 32
    poll: float = 0.5
    wait_for_people: float | None = 0.0
    signals: bool = False
    patience: Patience | None = None
    in_order: bool = False


class Runner:
    """Carries one run of a plan. `secrets`, `hosts` and `build` are handed to its steps."""

    def __init__(
        self,
        journal: AnyJournal,
        run: str,
        plan: Plan,
        *,
        hosts: Hosts,
        build: Build,
        secrets: Secrets,
        who: str = "",
        clock: Clock | None = None,
        people: People | None = None,
        progress: Progress | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._journal = journal
        self._run = run
        self._plan = plan
        self._who = who
        self._clock = clock or SystemClock()
        self._people = people
        self._progress = progress
        self._settings = settings or Settings()
        self.schedule = Schedule(plan)
        self._calendar = Calendar(plan)
        self._writer = Writer(journal, run)
        self._carrier = Carrier(
            run,
            self.schedule,
            hosts=self._fenced(hosts),
            build=build,
            secrets=secrets,
            record=self._record,
            clock=self._clock,
            patience=self._settings.patience,
        )
        self._answers = Head()
        self._lines: set[str] = set()  # hosts that have begun: they are finished before others are opened
        self._ready: list[tuple[int, int, int, Move]] = []
        self._later: list[tuple[float, int, int, Move]] = []  # when due, in the time of the loop
        self._counted = itertools.count()
        self._offered: dict[str, Move] = {}  # of each step the move that opened last: one before it was withdrawn
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._broken: BaseException | None = None

    async def carry_out(self) -> Outcome:
        """Go on until nothing more can be done. Raises StoreError when the journal cannot be written."""
        for event in self._journal.read(self._run):
            self.schedule.apply(event)
            if event.lane == PEOPLE_LANE:
                self._answers = head_of(event)
        if self.schedule.state == "succeeded":
            return self._outcome()
        lanes = [RUN_LANE, *self.schedule.lanes]
        for event in self._writer.take(lanes, {"who": self._who}):
            self._seen(event)
        try:
            with self._signals():
                await self._ask_again()
                await self._loop()
            if self._broken is not None:
                raise self._broken
            await self._close()
        finally:
            await self._abandon()
            await self._writer.close()
        return self._outcome()

    # -- the loop -----------------------------------------------------------------------------------------------

    async def _loop(self) -> None:
        waited = 0.0
        while self._broken is None:
            self._open()
            if self._tasks:
                waited = 0.0
            elif self._stopping or not (self._later or self._may_wait(waited)):
                return
            before = _passed()
            await self._sleep()
            if not self._tasks:
                waited += _passed() - before
            self._poll()

    def _open(self) -> None:
        """Start what may start, lanes that are under way first, then in the order of the plan."""
        for move in self.schedule.take():
            place = self.schedule.position(move.step)
            self._offered[move.step] = move
            if pause := self._pause(move):
                heapq.heappush(self._later, (_passed() + pause, place, next(self._counted), move))
            else:
                self._push(place, move)
        while self._later and self._later[0][0] <= _passed():
            _, place, _, move = heapq.heappop(self._later)
            self._push(place, move)
        while self._ready and not self._stopping and len(self._tasks) < self._settings.parallel:
            move = heapq.heappop(self._ready)[-1]
            if self.schedule.is_open(move.step) and self._offered.get(move.step) is move:
                del self._offered[move.step]
                self._lines.add(lane_of(self.schedule.step(move.step)))
                self._start(self._carrier.carry(move))

    def _pause(self, move: Move) -> float:
        """Seconds until the move is due. The date is looked at once, here: from then on the time of the loop counts,
        which neither jumps when somebody sets the clock nor stands still in a rehearsal."""
        return self._calendar.due(move, self.schedule.step(move.step), self._clock.now())

    def _push(self, place: int, move: Move) -> None:
        fresh = not self._settings.in_order and lane_of(self.schedule.step(move.step)) not in self._lines
        heapq.heappush(self._ready, (int(fresh), place, next(self._counted), move))

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._broken = self._broken or task.exception()
        self._wake.set()

    async def _sleep(self) -> None:
        """Until something ended, an answer may have come, or a retry is due."""
        pauses = []
        if self.schedule.waiting():
            pauses.append(self._settings.poll)
        if self._later:
            pauses.append(max(0.0, self._later[0][0] - _passed()))
        if pauses:
            timer = asyncio.create_task(self._clock.sleep(min(pauses)))
            # A timer that was called off must wake nobody: it would end the next sleep before it began, and so on.
            timer.add_done_callback(lambda ended: None if ended.cancelled() else self._wake.set())
        await self._wake.wait()
        self._wake.clear()
        if pauses:
            timer.cancel()

    def _may_wait(self, waited: float) -> bool:
        limit = self._settings.wait_for_people
        return bool(self.schedule.waiting()) and (limit is None or waited < limit)

    # -- the journal --------------------------------------------------------------------------------------------

    def _fenced(self, hosts: Hosts) -> Hosts:
        """The hosts, as long as their lanes are ours."""

        async def confirm(lane: str) -> None:
            self._writer.confirm(lane)

        return lambda name: FencedHost(hosts(name), lambda: confirm(name))

    async def _record(self, step: Step, entry: Entry) -> None:
        """Append to the step's lane; back when it is committed and the schedule knows."""
        items: list[Item] = [(lane_of(step), entry)]
        if entry.kind == "asked":
            items.append((RUN_LANE, Entry("sealed")))
        for event in await self._writer.append(*items):
            self._seen(event)
        if entry.kind == "asked":
            await self._play(step)

    def _seen(self, event: Event) -> None:
        self.schedule.apply(event)
        if self._progress is not None:
            try:
                self._progress(event, self.schedule)
            except Exception:  # a closed pipe at the screen must not touch the run
                self._progress = None
        self._wake.set()

    def _poll(self) -> None:
        """Read what people answered from other processes."""
        if not self.schedule.waiting():
            return
        for event in self._journal.tail(self._run, PEOPLE_LANE, self._answers):
            self._answers = head_of(event)
            self._seen(event)

    async def _close(self) -> None:
        """Seal the run as it stands; say how it ended if nothing is left to do."""
        state = self.schedule.state
        items: list[Item] = [(RUN_LANE, Entry("sealed"))]
        if state in ("succeeded", "failed"):
            items.insert(0, (RUN_LANE, Entry("ended", data={"state": state})))
        for event in await self._writer.append(*items):
            self._seen(event)

    def _outcome(self) -> Outcome:
        return Outcome(self.schedule.status(self._run, self._plan.digest), self._stopping)

    # -- people -------------------------------------------------------------------------------------------------

    async def _ask_again(self) -> None:
        """Whoever plays people may have been killed between the question and the answer."""
        for name in self.schedule.waiting():
            await self._play(self.schedule.step(name))
        self._poll()

    async def _play(self, step: Step) -> None:
        if self._people is not None:
            await play(self._people, step, self.schedule, self._record, self._answer)

    async def _answer(self, entry: Entry) -> None:
        self._journal.add(self._run, PEOPLE_LANE, entry)
        self._poll()

    # -- stopping -----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """The first time: begin nothing more, let what is at work end. The second time: leave it as it is, begun; a
        resume settles it."""
        if self._stopping:
            for task in self._tasks:
                task.cancel()
        self._stopping = True
        self._wake.set()

    async def _abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if not self._settings.signals:
            yield
            return
        loop = asyncio.get_running_loop()
        caught = ending_signals()
        try:
            for one in caught:
                loop.add_signal_handler(one, self.stop)
        except NotImplementedError:  # Windows: the loop cannot; the interpreter can
            old = [signal.signal(one, lambda *_: loop.call_soon_threadsafe(self.stop)) for one in caught]
            try:
                yield
            finally:
                for one, handler in zip(caught, old, strict=True):
                    signal.signal(one, handler)
            return
        try:
            yield
        finally:
            for one in caught:
                loop.remove_signal_handler(one)


def ending_signals() -> list[signal.Signals]:
    """What tells a process that carries runs to come to an end: people, or a terminal that was closed, unless somebody
    said `nohup`."""
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


def _passed() -> float:
    """Seconds, by the clock that the loop's own timers follow."""
    return asyncio.get_running_loop().time()

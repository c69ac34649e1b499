"""One worker's share in a run that several carry out: the lanes that it was rung for, and nothing else.

A worker knows the whole run, because it follows the journal; it takes a lane when its bell rings, carries it on as far
as it goes, and lets go. What it brings about rings for the lanes that may go on now. Nothing here decides what may be
done: that is the schedule's, as in a run that one process carries out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from handrail.actions.protocol import Secrets
from handrail.errors import StoreLocked, StoreUnreachable, StoreUnwritable
from handrail.hosts.lifetime import lifetime
from handrail.model.journal import ESTATE_LANE, PEOPLE_LANE, RUN_LANE, Entry, Event
from handrail.model.plan import Plan, Step
from handrail.running.calendar import Calendar
from handrail.running.carrying import Build, Carrier, Hosts, Patience
from handrail.running.chain import Chains, Head
from handrail.running.clock import Clock, SystemClock
from handrail.running.drift import Lookout, drift_to_json, told
from handrail.running.fencing import FencedHost
from handrail.running.journal import Journal
from handrail.running.played import People, play
from handrail.running.protocol import Bell, Item
from handrail.running.scheduler import Schedule, lane_of
from handrail.running.writer import Writer

T = TypeVar("T")

Say = Callable[[str], None]

ESTATE = "estate"
"""The queue of steps that belong to no host: every worker listens to it."""

LEASE = 1.0
"""Seconds for which a lane that was seen to be ours counts as ours. Nobody takes a lane from a worker that has been
silent for less than `fleet.SILENT`, many times as long; and these are seconds of the machine's own life, so that they
have passed when it wakes up from having been suspended."""

NEAR = 20.0
"""Seconds that a lane is kept for a step that is not due yet; for a later one its bell is rung later."""

PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between looks whether a store is back; the last one again and again."""


def queue_of(plan: Plan) -> Callable[[str], str]:
    """The queue of a lane: that of its host's zone."""
    hosts = plan.estate.hosts

    def queue(lane: str) -> str:
        if lane == ESTATE_LANE:
            return ESTATE
        host = hosts.get(lane)
        return zone_queue(host.zone if host is not None else None)

    return queue


def zone_queue(zone: str | None) -> str:
    return f"zone {zone}" if zone else "no zone"


def begin(journal: Journal, run: str, plan: Plan, who: str, *, again: bool = False) -> int:
    """Hand a run over to workers, and ring for every lane in which something can be done now; how many. `again`: what
    failed is tried again.

    BadInput when the store is none that workers can share."""
    schedule = Schedule(plan).apply_all(journal.read(run))
    queue = queue_of(plan)
    bells = [
        Bell(queue(lane), lane, again, first=schedule.is_under_way(lane))
        for lane in schedule.lanes
        if schedule.has_work(lane, again)
    ]
    if bells:
        journal.add(run, PEOPLE_LANE, Entry("handed-over", data={"who": who, "again": again}), bells)
    return len(bells)


class Share:
    """`queue` gives a lane's queue. `say` is told in one sentence when the store is gone, and when it is back.
    `drifts`: whether what steps rest on may have changed since the plan was made. `driven` are the lanes that this
    worker has carried on."""

    def __init__(
        self,
        journal: Journal,
        run: str,
        plan: Plan,
        *,
        hosts: Hosts,
        build: Build,
        secrets: Secrets,
        queue: Callable[[str], str],
        who: str,
        people: People | None = None,
        clock: Clock | None = None,
        patience: Patience | None = None,
        say: Say = lambda _: None,
        seen: Callable[[Event, Schedule], None] = lambda *_: None,
        drifts: bool = True,
    ) -> None:
        self.run = run
        self.schedule = Schedule(plan)
        self.may_be_taken_back = False
        self.driven: set[str] = set()
        self._calendar = Calendar(plan)
        self._journal = journal
        self._queue = queue
        self._who = who
        self._people = people
        self._clock = clock or SystemClock()
        self._say = say
        self._announce = seen
        self._chains = Chains(run)
        self._following = asyncio.Lock()
        self._confirming = asyncio.Lock()
        self._confirmed: dict[str, tuple[int, float]] = {}
        self._gone = False
        self._stopping = False
        self._pen = _Pen(journal, self)
        self._writer = Writer(self._pen, run, free=(RUN_LANE,))
        self._epochs: dict[str, int] = {}
        self._plan = plan
        self._lookout: Lookout | None = None
        self._preparing = asyncio.Lock()
        self._drifts = drifts
        self._handed = 0
        self._looked: dict[str, int] = {}
        self._hosts: Hosts = lambda name: FencedHost(hosts(name), lambda: self._confirm(name))
        self._carrier = Carrier(
            run,
            self.schedule,
            hosts=self._hosts,
            build=build,
            secrets=secrets,
            record=self._record,
            clock=self._clock,
            patience=patience,
        )

    def stop(self) -> None:
        """Begin nothing more; lanes end with the step that they are at, and are rung for."""
        self._stopping = True

    # -- a lane -------------------------------------------------------------------------------------------------

    async def drive(self, lane: str, again: bool = False) -> None:
        """Carry a lane on until nothing in it can be done before something else happens.

        `again`: what failed there is tried again. It ends quietly when another worker has taken the lane."""
        await self.follow(settled=True)
        if not (self.schedule.has_work(lane, again) or self.has_work(lane)):
            await self._conclude()
            return
        try:
            await self._take(lane, again)
            self.driven.add(lane)
            await self._ask_again(lane)
            await self._carry(lane)
        except StoreLocked:
            return
        finally:
            self._writer.leave(lane)
            self._epochs.pop(lane, None)
        await self._conclude()

    def has_work(self, lane: str) -> bool:
        """Whether a worker could do something in the lane: carry a step on, or play people that it asked."""
        return self.schedule.has_work(lane, False) or (self._people is not None and bool(self._asked(lane)))

    def _asked(self, lane: str) -> list[Step]:
        return [one for one in map(self.schedule.step, self.schedule.waiting()) if lane_of(one) == lane]

    async def _ask_again(self, lane: str) -> None:
        """Whoever played people may have been killed between the question and the answer."""
        if self._people is not None:
            for step in self._asked(lane):
                await play(self._people, step, self.schedule, self._record, self._answer)

    async def _take(self, lane: str, again: bool) -> None:
        data = {"who": self._who, "retry": again}
        await self.patiently(lambda: self._writer.take([lane], data))
        self._epochs[lane] = self._writer.epoch(lane)
        self._confirmed[lane] = (self._epochs[lane], lifetime())
        await self.follow()

    async def _carry(self, lane: str) -> None:
        at_work: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                if not (self._stopping or at_work):
                    await self._refuse_drift(lane)
                later = None if self._stopping else self._begin(lane, at_work)
                if not at_work and self._stopping:
                    await self._ring_later(lane, 0.0)
                    return
                if not at_work:
                    if later is None:
                        return
                    if later > NEAR:
                        await self._ring_later(lane, later)
                        return
                    await self._clock.sleep(later)
                    continue
                done, _ = await asyncio.wait(at_work.values(), return_when=asyncio.FIRST_COMPLETED)
                at_work = {name: task for name, task in at_work.items() if task not in done}
                for task in done:
                    task.result()
        finally:
            for task in at_work.values():
                task.cancel()
            await asyncio.gather(*at_work.values(), return_exceptions=True)

    async def _refuse_drift(self, lane: str) -> None:
        """Once for every time that the run is handed over: no lane begins anything that rests on what is no longer so.
        Its step fails then, and says why; a host that does not answer is left to the step's own patience."""
        if not self._drifts or lane == ESTATE_LANE or self._looked.get(lane) == self._handed:
            return
        move = next((move for move in self.schedule.moves_of(lane) if move.kind in ("begin", "ask")), None)
        if move is None or self._calendar.due(move, self.schedule.step(move.step), self._clock.now()) > 0:
            return
        self._looked[lane] = self._handed
        async with self._preparing:
            if self._lookout is None:
                self._lookout = await asyncio.to_thread(Lookout, self._plan)
        found = await self._lookout.look(self.schedule, self._hosts, lane)
        if found.changed:
            more = f", and {len(found.changed) - 3} more" if len(found.changed) > 3 else ""
            because = (
                f"what it rests on has changed since it was planned: {'; '.join(map(told, found.changed[:3]))}{more}"
            )
            data = {"because": because, "error": "drifted", "drift": drift_to_json(found)["changed"]}
            await self._record(self.schedule.step(move.step), Entry("failed", move.step, move.attempt, data))

    async def _ring_later(self, lane: str, seconds: float) -> None:
        bell = Bell(self._queue(lane), lane, after=seconds, first=True)
        await self.patiently(lambda: self._journal.ring(self.run, [bell]))

    def _begin(self, lane: str, at_work: dict[str, asyncio.Task[None]]) -> float | None:
        """Start what is due; the seconds until something else is, None when nothing is."""
        pauses = []
        for move in self.schedule.moves_of(lane):
            if move.step in at_work:
                continue
            pause = self._calendar.due(move, self.schedule.step(move.step), self._clock.now())
            if pause > 0:
                pauses.append(pause)
            else:
                at_work[move.step] = asyncio.create_task(self._carrier.carry(move))
        return min(pauses, default=None)

    async def _conclude(self) -> None:
        """Say how the run has ended, if it has. Of several workers that see it one says so."""
        state = self.schedule.state
        if state in ("succeeded", "failed") and not self.schedule.ended:
            await self.patiently(lambda: self._journal.conclude(self.run, self._chains.position, state))
            await self.follow()

    # -- the journal --------------------------------------------------------------------------------------------

    async def follow(self, *, settled: bool = False, until: int | None = None) -> None:
        """Read what was journaled since we last looked, by whomever. `settled`: whatever is being committed now too.
        `until`: the position of an event that has to be seen; when somebody else has read on past it, that will do."""
        async with self._following:
            if until is not None and self._chains.position >= until:
                return
            found = await self.patiently(lambda: self._journal.since(self.run, self._chains.position, settled=settled))
            for event in found:
                self._chains.take(event)
                self.schedule.apply(event)
                self.may_be_taken_back |= event.entry.kind == "going-back"
                if event.entry.kind == "handed-over":
                    self._handed = event.position
                self._announce(event, self.schedule)

    async def _record(self, step: Step, entry: Entry) -> None:
        items: list[Item] = [(lane_of(step), entry)]
        if entry.kind == "asked":
            items.append((RUN_LANE, Entry("sealed")))
        made = await self._writer.append(*items)
        await self.follow(until=made[-1].position)
        if admitted := self.schedule.admitted():
            bells = [Bell(self._queue(lane), lane) for lane in admitted]
            await self.patiently(lambda: self._journal.ring(self.run, bells))
        if entry.kind == "asked" and self._people is not None:
            await play(self._people, step, self.schedule, self._record, self._answer)

    async def _answer(self, entry: Entry) -> None:
        await self.patiently(lambda: self._journal.add(self.run, PEOPLE_LANE, entry))
        await self.follow()

    def bells(self, items: Iterable[Item]) -> tuple[Bell, ...]:
        """For the lanes in which something may open with what is journaled, other than its own."""
        lanes = {
            other: None
            for lane, entry in items
            if entry.step is not None and entry.kind in ("done", "skipped", "failed")
            for other in self.schedule.concerned(entry.step)
            if other != lane
        }
        return tuple(Bell(self._queue(lane), lane, first=self.schedule.is_under_way(lane)) for lane in lanes)

    async def _confirm(self, lane: str) -> None:
        """StoreLocked when the lane is not ours any more. While the store is gone it waits: nothing is asked of a host
        whose lane may be somebody else's."""
        mine = self._epochs.get(lane)
        if mine is not None and self._is_fresh(lane, mine):
            return
        async with self._confirming:
            if mine is not None and not self._is_fresh(lane, mine):
                began = lifetime()
                now = await self.patiently(lambda: self._journal.epochs(self.run, tuple(self._epochs)))
                self._confirmed.update({name: (epoch, began) for name, epoch in now.items()})
        if mine is None or self._confirmed[lane][0] != mine:
            raise StoreLocked(f"Another worker has taken lane {lane} of run {self.run} over; this one has stopped.")

    def _is_fresh(self, lane: str, mine: int) -> bool:
        epoch, at = self._confirmed.get(lane, (0, 0.0))
        return epoch == mine and lifetime() - at < LEASE

    async def patiently(self, work: Callable[[], T]) -> T:
        """Do it, beside the loop; as long as the store is gone or full, again. Nothing is begun meanwhile."""

        async def beside() -> T:
            return await asyncio.to_thread(work)

        return await self.outlast(beside)

    async def outlast(self, work: Callable[[], Awaitable[T]], unsure: Callable[[], None] = lambda: None) -> T:
        pauses = iter(PAUSES)
        while True:
            try:
                made = await work()
            except (StoreUnreachable, StoreUnwritable) as error:
                unsure()
                if not self._gone:
                    self._gone = True
                    self._say(f"{error.message} Nothing more is begun until it can be used again.")
                await asyncio.sleep(next(pauses, PAUSES[-1]))
            else:
                if self._gone:
                    self._gone = False
                    self._say("The store can be used again; going on.")
                return made


class _Pen:
    """The journal as the share's writer sees it: rings with every commit, and outlasts a store that is gone."""

    def __init__(self, journal: Journal, share: Share) -> None:
        self._journal = journal
        self._share = share
        self.take = journal.take
        self.tail = journal.tail

    async def append(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        several = tuple(items)
        ring = self._share.bells(several)
        unsure = False

        def not_sure() -> None:
            nonlocal unsure
            unsure = True

        try:
            return await self._share.outlast(lambda: self._journal.append(run, heads, several, ring), not_sure)
        except StoreLocked:
            # The line broke while it was committed: then it may be our own hand that moved the lanes on.
            made = await self._share.patiently(lambda: self._made(run, heads, several)) if unsure else None
            if made is None:
                raise
            return made

    def _made(self, run: str, heads: Mapping[str, Head], items: Sequence[Item]) -> list[Event] | None:
        """The events that `items` became, if they did."""
        lane, head = next((lane, heads[lane]) for lane, _ in items if lane in heads)
        behind = self._journal.tail(run, lane, head)
        if not behind or behind[0].epoch != head.epoch:
            return None
        offset = next(number for number, item in enumerate(items) if item[0] == lane)
        first = behind[0].position - offset
        found = self._journal.since(run, first - 1)[: len(items)]
        same = [(event.lane, event.entry.kind, event.entry.step) for event in found]
        return found if same == [(lane, entry.kind, entry.step) for lane, entry in items] else None

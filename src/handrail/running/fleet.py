"""Workers: processes that carry runs on together, on one store and on as many machines as there are zones.

Procrastinate hands out doorbells and notices who has died; it decides nothing. A bell says "look at this lane", and
the journal says what is to be done there. What a dead worker leaves behind is rung for again by the others' sweep.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from handrail.errors import HandrailError, StoreError
from handrail.model.journal import Event
from handrail.model.plan import Plan
from handrail.running import doorbell, going_back
from handrail.running.doorbell import SILENT
from handrail.running.protocol import Bell
from handrail.running.scheduler import Schedule
from handrail.running.session import Session
from handrail.running.sharing import ESTATE, Say, Share, queue_of, zone_queue
from handrail.running.targets import Target
from handrail.running.tidying import tidy

Seen = Callable[[Event, Schedule], None]

LOOKS = 1.0
"""Seconds between looks for bells that wait. One that is rung while another one of its lane is answered is announced
when nobody may answer it yet, and not again when somebody may."""

LATER = 2.0
"""Seconds after which a worker that is about to stop, and still has a step at work, passes a bell on."""


@dataclass(slots=True)
class _Carried:
    """A run that this worker has a share in."""

    plan: Plan
    share: Share
    target: Target


class Worker:
    """Answers doorbells until it is stopped. `zones`: of hosts; all when empty. `lanes`: how many at a time.
    `silent`: seconds after which a worker that gives no sign of life loses its lanes; the same for all of one store.

    `say` is told in one sentence what is worth knowing, `seen` every event of the runs that it has a share in."""

    def __init__(
        self,
        session: Session,
        address: str,
        *,
        who: str,
        zones: Collection[str] = (),
        lanes: int = 64,
        silent: float = SILENT,
        say: Say = lambda _: None,
        seen: Seen = lambda *_: None,
    ) -> None:
        self._session = session
        self._journal = session.journal
        self._address = address
        self._who = who
        self._queues = {"queues": [*map(zone_queue, zones), ESTATE]} if zones else {}
        self._lanes = lanes
        self._silent = silent
        self._say = say
        self._seen = seen
        self._runs: dict[str, _Carried] = {}
        self._opening = asyncio.Lock()
        self._driving: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._said: dict[str, str] = {}

    async def work(self) -> None:
        """Until `stop`. Lanes that are at work then end their step; their bells are rung for others."""
        _quiet()
        asyncio.get_running_loop().set_exception_handler(self._unheard)
        sweeping = asyncio.create_task(self._sweep())
        pause = 1.0
        try:
            while not self._stopping.is_set():
                began = asyncio.get_running_loop().time()
                try:
                    await self._answer()
                except Exception as error:  # its connection is gone: whatever it says, there is one cure
                    if not self._stopping.is_set():
                        self._say(f"No doorbells can be heard: {_first_line(error)} Trying again.")
                if asyncio.get_running_loop().time() - began > 60:
                    pause = 1.0
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                pause = min(pause * 2, 10.0)
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, *self._driving.values(), *self._ending, return_exceptions=True)
            for carried in self._runs.values():
                await carried.target.close()

    def stop(self) -> None:
        """The first time: begin nothing more. The second time: leave everything as it is; others settle it."""
        if self._stopping.is_set():
            for task in self._driving.values():
                task.cancel()
        self._stopping.set()
        for carried in self._runs.values():
            carried.share.stop()

    def _unheard(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something failed that nobody waits for, such as telling a store that is gone that a bell was answered."""
        error = context.get("exception")
        self._say_once("", f"A doorbell was not put away: {_first_line(error)}" if error else str(context["message"]))

    # -- doorbells ----------------------------------------------------------------------------------------------

    async def _answer(self) -> None:
        """Listen until the connection breaks or we are stopped."""
        import procrastinate

        connector = procrastinate.PsycopgConnector(
            conninfo=self._address, min_size=1, max_size=4, timeout=10, reconnect_timeout=10
        )
        app = procrastinate.App(connector=connector)
        app.task(name=doorbell.TASK)(self._look)
        options: Any = self._queues
        async with app.open_async():
            listening = asyncio.create_task(
                app.run_worker_async(
                    **options,
                    concurrency=self._lanes,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    fetch_job_polling_interval=LOOKS,
                    update_heartbeat_interval=self._silent / 5,
                    stalled_worker_timeout=self._silent,
                    shutdown_graceful_timeout=0.5,
                )
            )
            stopping = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not listening.done():
                    await asyncio.gather(*self._driving.values(), return_exceptions=True)
                    listening.cancel()
                await listening
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
            finally:
                stopping.cancel()
                listening.cancel()

    async def _look(self, run: str, lane: str, again: bool = False) -> None:
        """What a doorbell asks for."""
        key = (run, lane)
        while (under_way := self._driving.get(key)) is not None:
            await asyncio.wait({under_way})  # it may have looked for the last time, and does not know of `again`
        if self._stopping.is_set():
            await self._pass_on(run, lane, again)
            return
        self._driving[key] = asyncio.create_task(self._drive(run, lane, again))
        self._driving[key].add_done_callback(lambda _: self._driving.pop(key, None))
        # When the connection to the doorbells breaks, we are cancelled; the lane goes on.
        await asyncio.shield(self._driving[key])

    async def _pass_on(self, run: str, lane: str, again: bool) -> None:
        """Somebody else shall answer it. Not at once: as long as a step of ours is at work, we hear it again."""
        if self._driving:
            await asyncio.wait(self._driving.values(), timeout=LATER)
        try:
            queue = queue_of((await self._carried(run)).plan)
            await asyncio.to_thread(self._journal.ring, run, [Bell(queue(lane), lane, again)])
        except HandrailError as error:
            self._say_once(run, f"Run {run}, lane {lane}: {error}")

    async def _drive(self, run: str, lane: str, again: bool) -> None:
        try:
            carried = await self._carried(run)
            if carried.share.may_be_taken_back:
                await asyncio.to_thread(self._session.refuse_return, run)
            await carried.share.drive(lane, again)
            if carried.share.schedule.ended:
                await self._end(run, carried)
        except HandrailError as error:
            self._say_once(run, f"Run {run}, lane {lane}: {error}")

    async def _carried(self, run: str) -> _Carried:
        async with self._opening:
            if run not in self._runs:
                self._runs[run] = await self._open(run)
                if self._stopping.is_set():
                    self._runs[run].share.stop()
            return self._runs[run]

    async def _open(self, run: str) -> _Carried:
        plan = await asyncio.to_thread(self._session.plan, run)
        target, share = self._session.share(run, plan, self._who, queue=queue_of(plan), say=self._say, seen=self._seen)
        await share.follow()
        return _Carried(plan, share, target)

    async def _end(self, run: str, carried: _Carried) -> None:
        """Once per run and worker, when it has ended: tidy the hosts that the worker was at, and let go of them."""
        if any(key[0] == run for key, task in self._driving.items() if task is not asyncio.current_task()):
            return
        if self._runs.pop(run, None) is None:
            return
        share, plan = carried.share, carried.plan
        try:
            if share.schedule.state == "succeeded":
                if plan.goes_back is not None:
                    await asyncio.to_thread(going_back.note_end, self._journal, plan.goes_back.run, run)
                if self._session.is_real(run):
                    since = share.schedule.created
                    await tidy(self._journal, run, plan, carried.target.host, since, share.driven)
        finally:
            await carried.target.close()

    # -- what was left behind -----------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        """Ring again for what dead workers held, and for lanes that can go on without anybody having been told."""
        while True:
            try:
                freed = await asyncio.to_thread(self._free)
                if freed:
                    self._say(f"A worker fell silent; its lanes go on elsewhere: {', '.join(freed[:5])}.")
                unended = await asyncio.to_thread(self._journal.unended)
                for run in unended:
                    await self._ring_for(run)
                for run, carried in list(self._runs.items()):
                    if run not in unended:  # another worker has seen it end
                        await carried.share.follow()
                        ending = asyncio.create_task(self._end(run, carried))  # nobody waits for hosts here
                        self._ending.add(ending)
                        ending.add_done_callback(self._ending.discard)
            except StoreError:
                pass  # whoever needs the store says so
            except HandrailError as error:
                self._say_once("", str(error))
            except Exception as error:  # without sweeping, what a dead worker held would stay where it is
                self._say_once("", f"Looking after dead workers failed ({type(error).__name__}): {_first_line(error)}")
            await asyncio.sleep(self._silent / 2)

    def _free(self) -> list[str]:
        with self._journal.store.write("sweep") as connection:
            return doorbell.free(connection, self._silent)

    async def _ring_for(self, run: str) -> None:
        try:
            carried = await self._carried(run)
            await carried.share.follow()
        except HandrailError as error:  # such as a journal that was tampered with: other runs go on
            self._say_once(run, f"Run {run}: {error}")
            return
        share = carried.share
        queue = queue_of(carried.plan)
        waiting = [lane for lane in share.schedule.lanes if share.has_work(lane)]
        if waiting:
            await asyncio.to_thread(self._ring_missing, run, {lane: queue(lane) for lane in waiting})

    def _ring_missing(self, run: str, queues: Mapping[str, str]) -> None:
        with self._journal.store.write(run) as connection:
            there = doorbell.rung(connection, run)
            under_way = self._runs[run].share.schedule.is_under_way
            bells = [Bell(queue, lane, first=under_way(lane)) for lane, queue in queues.items() if lane not in there]
            self._journal.store.ring(connection, run, bells)

    def _say_once(self, run: str, sentence: str) -> None:
        if self._said.get(run) != sentence:
            self._said[run] = sentence
            self._say(sentence)


def _quiet() -> None:
    """Procrastinate and the driver tell their logs everything; what matters is said by us."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)


def _first_line(error: BaseException) -> str:
    inner: Any = error.__cause__ or error
    return (str(inner).strip().splitlines() or [type(inner).__name__])[0].rstrip(".") + "."

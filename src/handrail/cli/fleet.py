"""`worker`, and following what workers do: runs on a store that several machines share."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Sequence

from handrail.cli import options, settings
from handrail.cli.output import Output
from handrail.cli.progress import Teller, telling
from handrail.cli.sessions import opened
from handrail.errors import StoreUnreachable, StoreUnwritable
from handrail.model.plan import Plan
from handrail.reporting import words
from handrail.reporting.text import harmless
from handrail.running.chain import Chains
from handrail.running.fleet import Worker
from handrail.running.runner import ending_signals
from handrail.running.scheduler import Schedule
from handrail.running.session import Session
from handrail.running.store import address_of

POLL = 0.5
"""Seconds between looks at what workers have journaled."""


def work(
    output: Output, store: str, zones: Sequence[str], lanes: int, silent: float, ask: bool, guides: Sequence[str]
) -> int:
    """Answer doorbells until a signal ends it."""
    address = address_of(store)
    who = f"{settings.who()}@{socket.gethostname()}"
    folders = tuple(options.folders(guides))

    def say(sentence: str) -> None:
        output.line(harmless(f"{time.strftime('%H:%M:%S')}  {sentence}"))
        output.flush()

    with opened(output, store=store, ask=ask, guides=folders) as session:
        name = f"{who} worker {os.getpid()}"
        worker = Worker(session, address, who=name, zones=zones, lanes=lanes, silent=silent, say=say)
        where = f"zone {words.listed(list(zones), 5)}" if zones else "every zone"
        say(f"Worker {os.getpid()} of {who} listens for {where}, {lanes} lanes at a time.")
        asyncio.run(_until_signalled(worker))
    say(f"Worker {os.getpid()} has stopped.")
    return 0


async def _until_signalled(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    for one in ending_signals():
        loop.add_signal_handler(one, worker.stop)
    await worker.work()


def follow(
    output: Output, session: Session, run: str, plan: Plan, store: str, *, aside: bool, seen: int = 0, rung: bool = True
) -> Schedule:
    """Tell what the workers do until nothing more can be done without a person. The run does not need us: when we are
    interrupted it goes on. Raises KeyboardInterrupt then. `store`: ` --store URL`, for a command to be copied. `seen`:
    the position of the last event before it was handed over; what happened until then is not told again. `rung`: there
    is something for workers to do, so that what they do is waited for."""
    schedule = Schedule(plan)
    if not session.listeners():
        output.complain(f"handrail: No worker listens yet. Start one, here or elsewhere: handrail worker{store}")
    on_twin = session.journal.row(run).target == "twin"
    before = session.status(run, plan) if seen and session.journal.has_steps(run) else None
    with telling(output, plan, aside=aside, pretend=on_twin, before=before) as teller:
        asyncio.run(_follow(session, run, schedule, teller, output, seen, rung))
    return schedule


async def _follow(
    session: Session, run: str, schedule: Schedule, teller: Teller, output: Output, seen: int, rung: bool
) -> None:
    chains = Chains(run)
    gone = False
    while True:
        try:
            found = session.journal.since(run, chains.position)
        except (StoreUnreachable, StoreUnwritable) as error:
            if not gone:
                output.complain(f"handrail: {error}")
            gone = True
            await asyncio.sleep(2.0)
            continue
        gone = False
        for event in found:
            chains.take(event)
            schedule.apply(event)
            if event.position > seen:
                teller(event, schedule)
        if any(event.entry.kind == "moved" and event.position > seen for event in found):
            session.refuse_departed(run)
        begun = chains.position > seen or not rung
        if schedule.ended or (schedule.state != "running" and not found and begun):
            return
        await asyncio.sleep(POLL)

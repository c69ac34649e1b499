"""After a run: hosts are rid of what old jobs left behind. Never in the way of a run, and never a reason to fail."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Collection, Iterator

from handrail.hosts import janitor
from handrail.model.plan import Plan
from handrail.running.carrying import Hosts
from handrail.running.clock import moment
from handrail.running.journal import Journal
from handrail.running.protocol import RunRow
from handrail.running.standing import ended_as

WITHIN = 30.0
"""Seconds for all hosts together."""

SHORT = 60.0
"""Seconds. Jobs are for what takes long: whatever takes less time has left none that is worth going there for."""

_log = logging.getLogger(__name__)


async def tidy(
    journal: Journal,
    run: str,
    plan: Plan,
    hosts: Hosts,
    since: str | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Sweep the hosts of `plan` (of those in `only`), whose `run`, begun at `since`, has succeeded; a short run is not
    made longer. Never raises for what a host does."""
    if since and (journal.clock.now() - moment(since)).total_seconds() < SHORT:
        return
    # Beside the loop: a worker has other runs to carry on meanwhile.
    runs, jobs = await asyncio.to_thread(_asked_for, journal, run)
    names = dict.fromkeys(
        step.host for step in plan.steps if step.host is not None and (only is None or step.host in only)
    )
    sweeps = (janitor.sweep(hosts(name), runs, jobs) for name in names)
    try:
        async with asyncio.timeout(WITHIN):
            answers = await asyncio.gather(*sweeps, return_exceptions=True)
    except TimeoutError:
        _log.info("hosts were not swept within %g seconds", WITHIN)
        return
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Exception):
            _log.info("%s was not swept: %s", name, answer)
        elif isinstance(answer, BaseException):
            raise answer


def _asked_for(journal: Journal, run: str) -> tuple[list[str], list[str]]:
    """The other runs that may still ask after their jobs, and those jobs."""
    rows = list(unsettled(journal, (run,)))
    return [row.run for row in rows], [job for row in rows for job in _jobs(journal, row)]


def unsettled(journal: Journal, settled: Collection[str] = ()) -> Iterator[RunRow]:
    """The runs on real hosts that may still ask after their jobs: all that have not come to a good end, nor were taken
    back. `settled` are known to have. Chains are not checked here: a store may hold many long runs."""
    real = [row for row in journal.runs() if row.target != "twin"]
    with journal.store.read() as connection:
        well = {row.run for row in real if row.run in settled or ended_as(connection, row.run) == "succeeded"}
    back = journal.taken_back()
    for row in real:
        if row.run not in well and back.get(row.run) not in well:
            yield row


def _jobs(journal: Journal, row: RunRow) -> Iterator[str]:
    begun = journal.some(row.run, 0, sys.maxsize, kind="begun")
    return (f"{row.run}/{event.entry.step}/{event.entry.attempt}" for event in begun)

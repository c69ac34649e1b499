"""People, played: on a twin somebody has to answer, and to do what people do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from handrail.errors import HandrailError, NotRehearsed, StoreError
from handrail.model.journal import Entry
from handrail.model.plan import Step
from handrail.running.carrying import Record
from handrail.running.holds import PLAYED
from handrail.running.late import resolve
from handrail.running.scheduler import Schedule

People = Callable[[Step], Awaitable[str | None]]
"""Plays people: the answer to the question of a step (yes, no or done), or None to leave it to real ones."""

Say = Callable[[Entry], Awaitable[None]]
"""Journals an answer."""


async def play(people: People, step: Step, schedule: Schedule, record: Record, say: Say) -> None:
    """Have people played where the question is put for the first time. That a person's step cannot be played is its
    failure; StoreError when the journal cannot be written."""
    asked, one = schedule.question(step.id), schedule.one(step.id)
    if asked is None or one.state != "waiting" or one.because:
        return
    try:
        answer = await people(replace(step, with_=resolve(step.with_, schedule)[0]))
    except StoreError:
        raise
    except HandrailError as error:
        name = "not-rehearsed" if isinstance(error, NotRehearsed) else None
        await record(step, Entry("failed", step.id, one.attempts, {"because": str(error), "error": name}))
        return
    if answer is None:
        return
    demand, agreed = schedule.demand(step.id), list(one.agreed)
    for who in PLAYED:
        if answer == "yes" and demand.refuses(who, schedule.started_by, agreed):
            continue
        agreed.append(who)
        last = answer != "yes" or demand.met(agreed)
        data = {"answer": answer, "who": who, "asked": asked, "note": ""}
        await say(Entry("answered" if last else "agreed", step.id, data=data))
        if last:
            return

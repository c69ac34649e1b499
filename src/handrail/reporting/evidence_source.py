"""The evidence of a run out of the store, and the store beside evidence that was written before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from handrail import __version__
from handrail.documents.evidence_signature import SigningKey, read_key
from handrail.documents.plan import plan_of_text
from handrail.reporting import words
from handrail.reporting.evidence import Gathered, Header, Linked
from handrail.reporting.evidence_check import Checked, Item
from handrail.reporting.evidence_files import Written, program, write
from handrail.running import going_back
from handrail.running.chain import Chains
from handrail.running.clock import stamp
from handrail.running.config import read_config
from handrail.running.paging import stream
from handrail.running.people import APPROVALS
from handrail.running.scheduler import Schedule
from handrail.running.session import Session


def report(session: Session, run: str, folder: Path, who: str, rehearsal: Mapping[str, Any] | None = None) -> Written:
    """Write the evidence of a run into `folder`, signed where a key is configured.

    Errors: UnknownName (no such run), Tampered (journal, plan or approvals do not hold together), BadInput (the key
    cannot be used, the files cannot be written)."""
    key = key_of(session)
    header = header_of(session, run, who, key, rehearsal)
    return write(folder, header, stream(session.journal, run), lambda found: linked_of(session, found), key)


def beside(session: Session, run: str, found: Checked) -> Checked:
    """What was checked, and whether the store has the same of the run. Errors: UnknownName (no such run), Tampered."""
    return replace(found, items=(*found.items, _same(session, run, found)))


def _same(session: Session, run: str, found: Checked) -> Item:
    if found.run != run:
        return Item("store", "fails", f"It is not of run {run}." + (f" It says: {found.run}." if found.run else ""))
    session.journal.row(run)
    missing = dict(found.heads)
    chains = Chains(run)
    for event in stream(session.journal, run):
        chains.take(event)
        head = found.heads.get(event.lane)
        if head is not None and event.sequence == head.sequence:
            if event.hash != head.hash:
                return Item("store", "fails", f"The store has something else in lane {event.lane}.")
            del missing[event.lane]
    if missing:
        return Item("store", "fails", f"The store has fewer events in lane {next(iter(missing))}.")
    since = chains.position - found.events
    more = f" {words.count(since, 'event')} came since." if since else ""
    return Item("store", "holds", f"The store has the same {words.count(found.events, 'event')}.{more}")


def key_of(session: Session) -> SigningKey | None:
    """The key that this machine signs evidence with; None when none is configured. BadInput when it cannot be used."""
    reference = read_config(session.home.config).evidence.key
    return read_key(session.secrets.resolve(reference)) if reference else None


def header_of(
    session: Session,
    run: str,
    who: str,
    key: SigningKey | None = None,
    rehearsal: Mapping[str, Any] | None = None,
) -> Header:
    """UnknownName when there is no such run; Tampered when its plan, or the approvals, are not as they were."""
    row = session.journal.row(run)
    made = {
        "at": stamp(session.clock.now()),
        "by": who,
        "handrail": __version__,
        "program": program(),
        "key": key.public.line if key is not None else None,
    }
    approvals = tuple(event for event in session.journal.read(APPROVALS) if event.lane == row.plan)
    return Header(made, asdict(row), session.journal.document(run), approvals, rehearsal)


def linked_of(session: Session, found: Gathered) -> Linked:
    """The run that this one takes back, and those that were made to take this one back, as they stand now."""
    if found.plan.goes_back is not None:
        return Linked(takes_back=_one(session, found.plan.goes_back.run))
    noted = going_back.noted(one.event for one in found.acts)
    return Linked(taken_back_by=tuple(_one(session, by) for by in noted))


def _one(session: Session, run: str) -> dict[str, Any]:
    row = session.journal.row(run)
    plan = plan_of_text(session.journal.document(run), f"the plan of run {run}")
    events = session.journal.read(run)
    return {
        "run": run,
        "plan": row.plan,
        "created": row.created,
        "who": row.who,
        "state": Schedule(plan).apply_all(events).state,
        "touched": going_back.has_touched(plan, events),
    }

"""Runs that take other runs back: which there are, how far they have come, and what is refused because of them.

A run knows from its own journal which runs were made to take it back. One of them counts once it has begun to change
anything: until then its plan may still be overtaken by the run itself, and is then refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handrail.documents.plan import plan_of_text
from handrail.errors import BadInput
from handrail.model.journal import PEOPLE_LANE, Entry, Event, RunState
from handrail.model.plan import Plan
from handrail.restoring.records import Record, records_of
from handrail.restoring.rollback import Back, NoWayBack, way_back
from handrail.restoring.undoing import Knowledge
from handrail.running.protocol import AnyJournal
from handrail.running.scheduler import Schedule

_TOUCHING = ("do", "person", "reboot")


@dataclass(frozen=True, slots=True)
class Return:
    """The run `by` takes, or has taken, another one back."""

    by: str
    state: RunState

    @property
    def is_over(self) -> bool:
        return self.state == "succeeded"


def return_of(journal: AnyJournal, run: str) -> Return | None:
    """The run that has begun to take `run` back; None as long as none has."""
    for by in noted(journal.read(run)):
        plan = plan_of_text(journal.document(by), f"the plan of run {by}")
        events = journal.read(by)
        if has_touched(plan, events):
            return Return(by, Schedule(plan).apply_all(events).state)
    return None


def noted(events: Iterable[Event]) -> list[str]:
    """The runs that were made to take a run back, by its own events."""
    return [str(event.entry.data["by"]) for event in events if event.entry.kind == "going-back"]


def has_touched(plan: Plan, events: Iterable[Event]) -> bool:
    """Whether a run of `plan` may have changed anything yet: proving and asking change nothing."""
    return bool(changed_by(plan, events))


def note(journal: AnyJournal, run: str, by: str, who: str) -> None:
    """Have the journal of `run` say that `by` was made to take it back. Twice is once."""
    if by not in noted(journal.read(run)):
        journal.add(run, PEOPLE_LANE, Entry("going-back", data={"by": by, "who": who}))


def note_end(journal: AnyJournal, run: str, by: str) -> None:
    """Have the journal of `run` say that `by` has taken it back. Twice is once."""
    if not any(event.entry.kind == "taken-back" for event in journal.read(run)):
        journal.add(run, PEOPLE_LANE, Entry("taken-back", data={"by": by}))


def back_of(journal: AnyJournal, run: str, plan: Plan, knowledge: Knowledge) -> Back | NoWayBack:
    """The way back of a run from where its journal says that it is. BadInput when it is itself a way back."""
    if plan.goes_back is not None:
        raise BadInput(
            f"Run {run} is itself the way back of run {plan.goes_back.run}; it is not taken back again.",
            f"Bring it to its end with `handrail resume {run}`, then plan anew from there.",
        )
    return way_back(plan, run, records_of(journal.read(run)), knowledge)


def refuse_return(found: Return | None, run: str) -> None:
    """BadInput when `run` is being taken back, or has been."""
    if found is None:
        return
    if found.is_over:
        raise BadInput(
            f"Run {run} was taken back by run {found.by}: it is over.",
            "Make a new plan and begin a new run.",
        )
    raise BadInput(
        f"Run {run} is being taken back by run {found.by}: it cannot go forward from there.",
        f"Bring the way back to its end: handrail resume {found.by}.",
    )


def refuse_overtaken(journal: AnyJournal, run: str) -> None:
    """BadInput when a later run on the same real hosts has changed an installation that `run` has changed: going back
    behind its back would destroy what it brought about. On twins every run has its own."""
    row = journal.row(run)
    if row.target != "hosts":
        return
    mine: frozenset[str] | None = None
    for other in journal.runs():
        if other.estate != row.estate or other.target != "hosts" or (other.created, other.run) <= (row.created, run):
            continue
        plan, events = (
            plan_of_text(journal.document(other.run), f"the plan of run {other.run}"),
            journal.read(other.run),
        )
        if plan.goes_back is not None or any(event.entry.kind == "taken-back" for event in events):
            continue
        if mine is None:
            mine = changed_by(plan_of_text(journal.document(run), f"the plan of run {run}"), journal.read(run))
        both = sorted(mine & changed_by(plan, events))
        if both:
            raise BadInput(
                f"Run {other.run} came after run {run} and has changed {both[0]} too.",
                f"Take the later one back first: handrail rollback {other.run}.",
            )


def changed_by(plan: Plan, events: Iterable[Event]) -> frozenset[str]:
    """The installations that a run of `plan` may have changed."""
    records = records_of(events)
    return frozenset(
        step.installation for step in plan.steps if step.kind in _TOUCHING and records.get(step.id, Record()).touched
    )


def refuse_stale(journal: AnyJournal, plan: Plan, original: Plan, knowledge: Knowledge) -> None:
    """BadInput when the way back `plan` is not the one that leads back from where its run is now."""
    assert plan.goes_back is not None
    run = plan.goes_back.run
    if plan.goes_back.plan != original.digest:
        raise BadInput(f"This is the way back of another plan than the one that run {run} carries out.")
    now = back_of(journal, run, original, knowledge)
    if isinstance(now, NoWayBack) or now.plan.digest != plan.digest:
        raise BadInput(
            f"Run {run} is no longer where it was when this way back was computed.",
            f"Compute it anew: handrail rollback {run} -o PLAN.",
        )


def prepare(journal: AnyJournal, run: str, plan: Plan, who: str, knowledge: Knowledge) -> None:
    """Before the way back `run` goes on. As long as it has changed nothing, it may have been overtaken by the run that
    it takes back: BadInput then."""
    assert plan.goes_back is not None
    original = plan.goes_back.run
    note(journal, original, run, who)
    if not has_touched(plan, journal.read(run)):
        refuse_return(return_of(journal, original), original)
        refuse_stale(journal, plan, plan_of_text(journal.document(original), f"the plan of run {original}"), knowledge)

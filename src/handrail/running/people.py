"""What people say to a run, from any process: approvals of a plan, answers to a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from handrail.errors import BadInput, Blocked, UnknownName
from handrail.model.journal import PEOPLE_LANE, Entry, Event
from handrail.model.plan import Plan, Step
from handrail.running.protocol import AnyJournal
from handrail.running.scheduler import Schedule
from handrail.running.status import schedule_of

Answer = Literal["yes", "no", "done"]

APPROVALS = "(approvals)"
"""Approvals are the events of this one, a lane for every plan digest: they come before there is a run."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved the plan with this digest, and when (ISO 8601, UTC)."""

    plan: str
    who: str
    at: str
    note: str = ""


def approve(journal: AnyJournal, plan: str, who: str, note: str = "") -> list[Approval]:
    """Record that `who` approves the plan with digest `plan`; all approvals of it. Twice is once."""
    if all(one.who != who for one in approvals(journal, plan)):
        journal.add(APPROVALS, plan, Entry("approved", data={"plan": plan, "who": who, "note": note}))
    return approvals(journal, plan)


def approvals(journal: AnyJournal, plan: str) -> list[Approval]:
    """Who approved the plan with this digest. Tampered when the record does not hold together."""
    return [one for one in all_approvals(journal) if one.plan == plan]


def all_approvals(journal: AnyJournal) -> list[Approval]:
    """The approvals of all plans. Tampered when the record does not hold together."""
    return [approval_of(event) for event in journal.read(APPROVALS)]


def approval_of(event: Event) -> Approval:
    """What an event of `APPROVALS` says. One that came from another store was given when its data says so."""
    data = event.entry.data
    return Approval(event.lane, str(data.get("who")), str(data.get("at", event.at)), str(data.get("note", "")))


def demand_approvals(journal: AnyJournal, plan: Plan) -> list[Approval]:
    """The approvals of the plan. Blocked when its estate demands more."""
    given = approvals(journal, plan.digest)
    if len(given) < plan.estate.approvers:
        names = ", ".join(one.who for one in given) or "nobody"
        raise Blocked(
            f"The estate {plan.estate.name} demands {plan.estate.approvers} approvals of a plan, and {names} gave one.",
            "Have it approved with `handrail approve PLAN`.",
        )
    return given


def answer(
    journal: AnyJournal,
    run: str,
    plan: Plan,
    step: str,
    said: str,
    who: str,
    note: str = "",
    asked: int | None = None,
) -> Event:
    """Record an answer to a step that waits. BadInput when it does not wait, or cannot be answered so.

    A hold takes yes (go on) or no (halt); a person's step done (look now) or no (it cannot be done); a step in doubt
    done (it happened) or no (it did not).

    A hold may demand the yes of others, or of two people (`holds.py`): the first of two is journaled as `agreed`, and
    a yes that does not count is refused with BadInput. A no halts, whoever says it.

    `asked`: the question that `who` saw, where that is known; BadInput when the step asks something else by now.
    """
    if said not in get_args(Answer):
        raise UnknownName("answer", said, get_args(Answer))
    schedule = schedule_of(journal, run, plan)
    name = _find(schedule, plan, step)
    now = schedule.question(name)
    if now is None:
        waiting = schedule.waiting()
        raise BadInput(
            f"{name} does not wait for an answer: it is {schedule.one(name).state}.",
            "Waiting now: " + ", ".join(waiting) + "." if waiting else "No step of this run waits.",
        )
    if asked is not None and asked != now:
        raise BadInput(f"{name} asks something else by now.", "Look at the run as it is now, then answer.")
    possible = possible_answers(schedule.step(name))
    if said not in possible:
        raise BadInput(
            f"{name} cannot be answered {said!r}.",
            "Answer " + " or ".join(f"{one} ({means})" for one, means in possible.items()) + ".",
        )
    data = {"answer": said, "who": who, "note": note, "asked": now}
    return journal.add(run, PEOPLE_LANE, Entry(_counts_as(schedule, name, said, who), name, data=data))


def _counts_as(schedule: Schedule, step: str, said: str, who: str) -> Literal["agreed", "answered"]:
    """Whether an answer settles the step, or is the first yes of several. BadInput when it is a yes too few may say."""
    if said != "yes":
        return "answered"
    demand, agreed = schedule.demand(step), schedule.one(step).agreed
    refused = demand.refuses(who, schedule.started_by, agreed)
    if refused is not None:
        raise BadInput(f"{step}: {refused}", "Have another person answer it; a no may come from anybody.")
    return "answered" if demand.met([*agreed, who]) else "agreed"


def ordered(journal: AnyJournal, run: str, what: Literal["resumed", "stopped"], who: str) -> Event:
    """Record that `who` had a run carried on, or stopped, by a process that is not theirs."""
    return journal.add(run, PEOPLE_LANE, Entry(what, data={"who": who}))


def possible_answers(step: Step) -> Mapping[str, str]:
    """What can be answered to a step that waits, and what it means."""
    if step.kind == "hold":
        return {"yes": "go on", "no": "halt"}
    if step.kind == "person":
        return {"done": "look now", "no": "it cannot be done"}
    return {"done": "it happened", "no": "it did not happen"}


def _find(schedule: Schedule, plan: Plan, step: str) -> str:
    """The id that `step` is, or that alone of all waiting ones ends with it."""
    if any(one.id == step for one in plan.steps):
        return step
    near = [name for name in schedule.waiting() if name.endswith(f"/{step}")]
    if len(near) == 1:
        return near[0]
    raise UnknownName("step", step, schedule.waiting() or [one.id for one in plan.steps])


def question_of(schedule: Schedule, step: str, events: Mapping[str, Any] | None = None) -> str:
    """What a waiting step asks, in one sentence."""
    one = schedule.step(step)
    values = {**one.with_, **(events or {})}
    if one.kind == "hold":
        return str(values.get("question") or one.title)
    if one.kind == "person":
        return one.title
    return f"{one.title}: did it happen? {schedule.one(step).because}".strip()

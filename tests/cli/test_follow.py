"""Following what workers do: nothing is told twice, and what they were given is waited for."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.plans import sample_plan

from handrail.cli import fleet
from handrail.cli.output import Output
from handrail.model.journal import Entry, Event, EventKind
from handrail.model.plan import Plan
from handrail.running.chain import Head, extend, head_of
from handrail.running.scheduler import Schedule, lane_of
from handrail.running.session import Session

AT = "2026-11-20T22:00:00.000000Z"


def plan_of_two() -> Plan:
    first, second = (replace(one, after=(), when=(), remedies=()) for one in sample_plan().steps[:2])
    return replace(sample_plan(), steps=(first, replace(second, after=(first.id,))), back=(), downtime={})


def events_of(plan: Plan, *told: tuple[EventKind, int]) -> list[Event]:
    made: list[Event] = []
    head = Head(epoch=1)
    for kind, number in told:
        step = plan.steps[number]
        made.append(extend(head, "r", lane_of(step), len(made) + 1, AT, Entry(kind, step.id, 1, {"because": "No."})))
        head = head_of(made[-1])
    return made


class Looks:
    """A journal that has something more at each look; None: the store does not answer."""

    def __init__(self, plan: Plan, looks: list[list[Event]]) -> None:
        self._plan = plan
        self._looks = looks
        self.looked = 0

    @property
    def journal(self) -> Any:
        return self

    def since(self, run: str, position: int) -> list[Event]:
        self.looked += 1
        return self._looks.pop(0) if self._looks else []

    def row(self, run: str) -> Any:
        return SimpleNamespace(target="hosts")

    def has_steps(self, run: str) -> bool:
        return True

    def listeners(self) -> int:
        return 1

    def status(self, run: str, plan: object = None) -> Any:
        return Schedule(self._plan).status(run, "")


def followed(plan: Plan, looks: list[list[Event]], monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[str, str]:
    monkeypatch.setattr(fleet, "POLL", 0.001)
    stream = io.StringIO()
    session = Looks(plan, looks)
    schedule = fleet.follow(Output(stream, None), cast(Session, session), "r", plan, "", aside=False, **more)
    return schedule.state, stream.getvalue()


def test_what_happened_before_is_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of_two()
    found = events_of(plan, ("begun", 0), ("done", 0), ("begun", 1), ("done", 1))
    state, told = followed(plan, [found], monkeypatch, seen=2)
    assert state == "succeeded"
    assert told.count(" done ") == 1 and plan.steps[0].title not in told


def test_a_failed_run_that_was_handed_over_again_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers have not begun yet when it is looked at for the first time."""
    plan = plan_of_two()
    found = events_of(plan, ("begun", 0), ("failed", 0), ("begun", 0), ("done", 0), ("begun", 1), ("done", 1))
    state, _ = followed(plan, [found[:2], [], [], found[2:]], monkeypatch, seen=2)
    assert state == "succeeded"


def test_when_there_is_nothing_for_workers_to_do_it_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of_two()
    found = events_of(plan, ("begun", 0), ("failed", 0))
    state, told = followed(plan, [found, []], monkeypatch, seen=2, rung=False)
    assert state == "failed" and told == ""

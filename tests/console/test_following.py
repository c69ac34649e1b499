"""Whoever follows a run event by event knows what reading all of it again would say."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.console.test_lanes import plans
from tests.support.counting import QUICK, opening, plan, step
from tests.support.events import Told

from handrail.console.following import Follower, Following, Study
from handrail.console.lanes import ESTATE, standing_of
from handrail.console.pricing import Pricing
from handrail.documents.plan import freeze
from handrail.errors import Tampered, UnknownName
from handrail.model.estate import Host, Rollout, Window
from handrail.model.journal import Entry
from handrail.model.plan import Plan
from handrail.running.clock import stamp
from handrail.running.journal import RunRow
from handrail.running.schema import events
from handrail.running.session import Session

ROW = RunRow("run", "sha256:0", "pictured", "hosts", stamp(datetime(2026, 11, 20, 22, tzinfo=UTC)), "ann")


def follower_of(plan: Plan) -> Follower:
    return Follower(cast(Session, None), ROW, Study(plan))


def agree(follower: Follower, told: Told) -> None:
    """What is kept beside the schedule is what the schedule says."""
    statuses = {one.id: one.state for one in told.schedule.status("run", "").steps}
    assert dict(follower.states) == statuses
    assert +follower.counts == Counter(statuses.values())
    hosts: dict[str, list[Any]] = {}
    for one in told.plan.steps:
        hosts.setdefault(one.host or ESTATE, []).append(statuses[one.id])
    assert dict(follower.standing) == {host: standing_of(states) for host, states in hosts.items()}
    for state in ("begun", "waiting", "failed", "in-doubt"):
        assert {one.step.id for one in follower.busy(state)} == {
            name for name, found in statuses.items() if found == state
        }


@given(plans(), st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_kept_beside_the_schedule_is_what_the_schedule_says(plan: Plan, data: st.DataObject) -> None:
    told = Told(plan)
    follower = follower_of(plan)
    known = 0
    for _ in range(3 * len(plan.steps)):
        moves = told.schedule.moves()
        waiting = told.schedule.waiting()
        if not moves and not waiting and told.schedule.state == "succeeded":
            break
        what = data.draw(st.integers(0, 9))
        if what == 0 or (not moves and not waiting):
            told.take_over()
        elif waiting and (what < 3 or not moves):
            told.answer(waiting[0], data.draw(st.sampled_from(["yes", "no", "done"])))
        else:
            move = data.draw(st.sampled_from(moves))
            if move.kind == "skip":
                told.step("skipped", move.step)
            elif move.kind == "ask":
                told.step("asked", move.step)
            elif move.kind == "answer":
                told.step("done" if move.answer != "no" else "failed", move.step)
            else:
                told.step("begun", move.step, move.attempt)
                end = data.draw(st.sampled_from(["done", "done", "failed", "odd", "in-doubt", "begun"]))
                if end == "odd":
                    told.step("failed", move.step, move.attempt, error="odd")
                elif end != "begun":
                    told.step(end, move.step, move.attempt)  # type: ignore[arg-type]
        for event in told.events[known:]:
            follower._take(event)
        known = len(told.events)
        agree(follower, told)


def test_overdue_is_what_took_longer_than_the_plan_expects() -> None:
    told = Told(slow := plan(step("one", takes=60.0), step("two", host="b", takes=0.0)))
    follower = follower_of(slow)
    told.step("begun", slow.steps[0].id)
    for event in told.events:
        follower._take(event)
    (busy,) = follower.busy("begun")

    assert busy.until == busy.since + timedelta(seconds=60)
    assert not busy.overdue(busy.since + timedelta(seconds=59))
    assert busy.overdue(busy.since + timedelta(seconds=61))


def test_the_next_window_is_named_while_everything_waits_for_it() -> None:
    nightly = Window("22:00", "23:00", "UTC")
    made = plan(step("one", takes=60.0), step("two", takes=60.0))
    estate = replace(made.estate, hosts={"a": Host("a")}, rollout=Rollout(windows=(nightly,)))
    told = Told(freeze(replace(made, estate=estate)))
    follower = follower_of(told.plan)
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert follower.next_window(noon) == noon + timedelta(hours=10)
    assert follower.next_window(noon + timedelta(hours=10, minutes=5)) is None

    told.step("begun", told.plan.steps[0].id)
    for event in told.events:
        follower._take(event)
    assert follower.next_window(noon) is None


def carried(session: Session, made: Plan) -> str:
    run = session.start(made, "ann", target="hosts")
    asyncio.run(session.carry_out(run, "ann", settings=QUICK))
    return run


def test_a_run_is_read_once_and_then_only_what_is_new(tmp_path: Path) -> None:
    with opening(tmp_path, play=False) as session:
        run = carried(session, plan(step("one"), step("two", "hold", host=None, after=("it/app@a/2/one",))))
        following = Following(session)
        first = following.follower(run)
        before = first.position
        assert first.state == "waiting" and not first.is_over
        session.answer(run, "two", "yes", "bob")
        asyncio.run(session.carry_out(run, "ann", settings=QUICK))
        again = following.follower(run)

        assert again is first and again.position > before
        assert again.state == "succeeded" and again.is_over
        assert again.study is following.study(session.plan(run))


def test_an_event_that_was_changed_is_not_taken_in(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = carried(session, plan(step("one"), step("two")))
        with session.journal.store.write(run) as connection:
            connection.execute(sa.update(events).where(events.c.position == 4).values(at="2026-01-01T00:00:00.000000Z"))

        with pytest.raises(Tampered):
            Following(session).follower(run)


def test_a_large_plan_is_read_beside_the_pages_once_and_what_goes_wrong_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opening(tmp_path) as session:
        run = session.start(plan(step("one")), "ann", target="hosts")
        following, go, read = Following(session), threading.Event(), []
        plan_of = session.plan

        def slowly(name: str) -> Plan:
            read.append(name)
            go.wait(20)
            return plan_of(name)

        monkeypatch.setattr(type(session), "plan", lambda _, name: slowly(name))
        assert following.ready(run, 0.0) is None and following.ready(run, 0.0) is None
        go.set()
        found = following.ready(run, 20)
        assert found is not None and following.ready(run, 0.0) is found is following.follower(run)
        assert read == [run]
        with pytest.raises(UnknownName):
            following.ready("nope", 20)


def test_a_run_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with opening(tmp_path) as session, pytest.raises(UnknownName):
        Following(session).follower("nope")


def test_the_events_of_one_step_are_read_alone_and_checked(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        made = plan(step("one"), step("two"))
        run = carried(session, made)
        found = session.journal.of_step(run, made.steps[1].id)
        assert [one.entry.kind for one in found] == ["begun", "done"]
        assert [one.entry.kind for one in session.journal.latest(run, 2)] == ["sealed", "ended"]
        with session.journal.store.write(run) as connection:
            connection.execute(sa.update(events).where(events.c.position == found[0].position).values(attempt=7))
        with pytest.raises(Tampered):
            session.journal.of_step(run, made.steps[1].id)


def test_a_price_is_counted_once_for_a_position_and_not_too_often(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        made = plan(step("one"), step("two"))
        run = carried(session, made)
        now = 0.0
        pricing = Pricing(session, clock=lambda: now)
        position = Following(session).follower(run).position
        assert pricing.of(run, made, position) is None
        pricing._worker.submit(lambda: None).result()
        first = pricing.of(run, made, position)
        assert first is not None and first.cost is not None and first.position == position
        session.journal.add(run, "(people)", Entry("verified"))
        assert pricing.of(run, made, position + 1) is first  # too early to count again
        now += 60
        assert pricing.of(run, made, position + 1) is first  # being counted
        pricing._worker.submit(lambda: None).result()
        newest = pricing.of(run, made, position + 1)
        assert newest is not None and newest.position == position + 1

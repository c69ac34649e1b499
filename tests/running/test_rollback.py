"""A run is taken back by another one: where that is carried out, what it is refused for, and what both then say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support import going_back
from tests.support.counting import QUICK, CountingHost, effects
from tests.support.going_back import SIGNATURES, START, hop, opening, plan

from handrail.documents.plan import freeze
from handrail.errors import BadInput, Blocked, StoreLocked
from handrail.model.journal import Event
from handrail.model.plan import Plan
from handrail.restoring.rollback import Back, NoWayBack
from handrail.running.session import Session

TWO = plan(hop("a", "2"), hop("a", "3", after=("it/app@a/2/look",)))


def carry(session: Session, run: str) -> str:
    return asyncio.run(session.carry_out(run, "tester", settings=QUICK)).status.state


def begun(session: Session, made: Plan, target: str = "twin") -> str:
    run = session.start(made, "tester", target=target)
    carry(session, run)
    return run


def back(session: Session, run: str) -> Plan:
    found = session.rollback(run)
    assert isinstance(found, Back), found
    return found.plan


class Died(BaseException):
    """Stands for the death of a process: nothing of ours catches it."""


def die_at(session: Session, run: str, step: str) -> None:
    """Carry the run on until the intent of that step is written."""

    def saw(event: Event, _: object) -> None:
        if event.entry.kind == "begun" and event.entry.step == step:
            raise Died

    with pytest.raises(Died):
        asyncio.run(session.carry_out(run, "tester", settings=QUICK, progress=saw))


def state(home: Path, host: str = "a") -> dict[str, Any]:
    there = CountingHost(host, home / "hosts").get_state()
    return {name: there.get(name) for name in START}


def refuse(home: Path, value: object, host: str = "a") -> None:
    (home / "hosts").mkdir(exist_ok=True)
    CountingHost(host, home / "hosts").set("refuses", value)


def test_a_run_that_succeeded_is_taken_back_to_where_it_began(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        assert state(tmp_path) == {"runs": True, "data": "data of 3", "build": "3"}

        returning = session.start(back(session, run), "tester", target="twin")
        assert carry(session, returning) == "succeeded"

        assert state(tmp_path) == START
        assert session.status(run).state == "rolled-back"
        assert session.status(run).taken_back_by == returning
        assert session.status(returning).goes_back == run


def test_a_run_that_failed_half_way_is_taken_back_although_its_service_would_not_start(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        made = plan(hop("a", "2"), hop("b", "2", after=("it/app@a/2/look",)))
        run = session.start(made, "tester", target="twin")
        refuse(tmp_path, True, "b")
        assert carry(session, run) == "failed"
        refuse(tmp_path, "nothing", "b")

        assert carry(session, session.start(back(session, run), "tester", target="twin")) == "succeeded"

        assert state(tmp_path, "a") == state(tmp_path, "b") == START


def test_data_are_restored_once_from_the_oldest_restore_point(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        carry(session, session.start(back(session, run), "tester", target="twin"))

    assert effects(tmp_path / "hosts")["a put data"] == 1


def test_an_unreadable_backup_stops_it_with_nothing_touched(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        returning = session.start(back(session, run), "tester", target="twin")
        before = effects(tmp_path / "hosts")
        there = CountingHost("a", tmp_path / "hosts")
        there.set(f"{run}/it/app@a/2/save/1", "garbage")

        assert carry(session, returning) == "failed"
        assert effects(tmp_path / "hosts") == before
        assert session.status(run).state == "succeeded", "nothing was taken back, so it still stands"


def test_a_run_that_is_being_taken_back_goes_forward_no_more(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        returning = session.start(back(session, run), "tester", target="twin")
        refuse(tmp_path, False)
        assert carry(session, returning) == "failed"

        for forward in (
            lambda: carry(session, run),
            lambda: session.answer(run, "x", "yes", "tester"),
            lambda: session.rollback(run),
            lambda: asyncio.run(session.verify(run, "tester")),
        ):
            with pytest.raises(BadInput, match=returning):
                forward()

        refuse(tmp_path, "nothing")
        assert carry(session, returning) == "succeeded"
        with pytest.raises(BadInput, match=f"was taken back by run {returning}"):
            carry(session, run)


def test_saying_no_at_the_hold_leaves_the_run_free_to_go_forward(tmp_path: Path) -> None:
    with opening(tmp_path, play=False) as session:
        made = plan(hop("a", "2"))
        run = begun(session, made)
        returning = session.start(back(session, run), "tester", target="twin")
        assert carry(session, returning) == "waiting"
        session.answer(returning, "estate/rollback/sure", "no", "tester")
        assert carry(session, returning) == "failed"

        assert session.status(run).state == "succeeded" and session.status(run).taken_back_by is None
        assert carry(session, run) == "succeeded"


def test_a_way_back_that_the_run_has_overtaken_is_refused_before_and_after_it_is_begun(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = session.start(TWO, "tester", target="twin")
        refuse(tmp_path, False)
        assert carry(session, run) == "failed"
        refuse(tmp_path, True)
        assert carry(session, run) == "failed"
        early = back(session, run)
        waiting = session.start(early, "tester", target="twin")
        refuse(tmp_path, "nothing")
        assert carry(session, run) == "succeeded"

        with pytest.raises(BadInput, match="Compute it anew"):
            session.start(early, "tester", target="twin")
        with pytest.raises(BadInput, match="Compute it anew"):
            carry(session, waiting)


def test_looking_whether_it_still_holds_overtakes_nothing(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, plan(*lasting()))
        made = back(session, run)
        asyncio.run(session.verify(run, "tester"))

        assert carry(session, session.start(made, "tester", target="twin")) == "succeeded"


def lasting() -> list[Any]:
    steps, rear = hop("a", "2")
    look = going_back.step("it/app@a/2/lasts", "check", with_={"name": "build", "value": "2"}, lasting=True,
                           after=("it/app@a/2/look",))  # fmt: skip
    return [([*steps, look], rear)]


def test_a_way_back_goes_where_its_run_was(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO, "twin")
        returning = session.start(back(session, run), "tester", target="hosts")
        assert session.journal.row(returning).target == "twin"
    with opening(tmp_path / "other") as session:
        run = begun(session, TWO, "hosts")
        with pytest.raises(BadInput, match="real hosts"):
            session.start(back(session, run), "tester", target="twin")


def test_on_hosts_a_way_back_is_approved_like_any_plan(tmp_path: Path) -> None:
    made = freeze(replace(TWO, estate=replace(TWO.estate, approvers=1)))
    with opening(tmp_path) as session:
        session.approve(made, "one")
        run = begun(session, made, "hosts")
        returning = back(session, run)
        with pytest.raises(Blocked):
            session.start(returning, "tester", target="hosts")
        session.approve(returning, "one")
        assert carry(session, session.start(returning, "tester", target="hosts")) == "succeeded"


def test_what_has_touched_nothing_needs_no_way_back(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = session.start(TWO, "tester", target="twin")
        with pytest.raises(BadInput, match="changed nothing"):
            session.rollback(run)


def test_a_way_back_is_not_itself_taken_back(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        returning = session.start(back(session, run), "tester", target="twin")
        carry(session, returning)
        with pytest.raises(BadInput, match=f"is itself the way back of run {run}"):
            session.rollback(returning)


def test_a_run_that_is_being_carried_on_is_not_taken_back_meanwhile(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        made = back(session, run)
        waiting = session.start(made, "tester", target="twin")
        with session.journal.store.hold(run, "it"):
            for asked in (
                lambda: session.rollback(run),
                lambda: session.start(made, "tester", target="twin"),
                lambda: carry(session, waiting),
            ):
                with pytest.raises(StoreLocked):
                    asked()


def test_beyond_the_point_of_no_return_there_is_no_plan_and_the_step_is_named(tmp_path: Path) -> None:
    made = freeze(replace(TWO, point_of_no_return="it/app@a/3/wreck"))
    with opening(tmp_path) as session:
        found = session.rollback(begun(session, made))

        assert isinstance(found, NoWayBack)
        assert [one.rule for one in found.findings] == ["handrail/rollback/no-way-back"]
        assert "it/app@a/3/wreck" in found.findings[0].message


def test_after_going_back_verify_looks_whether_all_is_as_it_was(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        returning = session.start(back(session, begun(session, TWO)), "tester", target="twin")
        carry(session, returning)
        assert asyncio.run(session.verify(returning, "tester")).exit_code == 0

        CountingHost("a", tmp_path / "hosts").set("build", "3")
        assert asyncio.run(session.verify(returning, "tester")).exit_code == 1


def test_after_going_back_the_same_plan_may_be_carried_out_anew(tmp_path: Path) -> None:
    """Also when the first run never came to its end."""
    with opening(tmp_path) as session:
        run = session.start(TWO, "tester", target="hosts")
        die_at(session, run, "it/app@a/3/wreck")
        with pytest.raises(BadInput, match="has not ended"):
            session.start(TWO, "tester", target="hosts")
        carry(session, session.start(back(session, run), "tester", target="hosts"))

        assert carry(session, session.start(TWO, "tester", target="hosts")) == "succeeded"


def test_a_run_is_not_taken_back_behind_the_back_of_a_later_one(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, plan(hop("a", "2")), "hosts")
        early = back(session, run)
        later = begun(session, plan(hop("a", "3")), "hosts")
        elsewhere = begun(session, plan(hop("b", "2")), "hosts")

        with pytest.raises(BadInput, match=f"Run {later} came after run {run}"):
            session.rollback(run)
        with pytest.raises(BadInput, match=later):
            session.start(early, "tester", target="hosts")

        carry(session, session.start(back(session, later), "tester", target="hosts"))
        carry(session, session.start(back(session, run), "tester", target="hosts"))
        assert state(tmp_path) == START and session.status(elsewhere).state == "succeeded"


def test_only_the_handrail_that_began_a_run_knows_its_way_back(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
    newer = {**SIGNATURES, "turn": replace(SIGNATURES["turn"], revision=2)}
    with opening(tmp_path) as session:
        other = replace(session, signatures=newer)

        assert session.cost(run) is not None and other.cost(run) is None
        with pytest.raises(BadInput, match="revision"):
            other.rollback(run)


def test_the_price_is_told_while_it_is_a_question(tmp_path: Path) -> None:
    with opening(tmp_path) as session:
        run = begun(session, TWO)
        before = session.cost(run)
        returning = session.start(back(session, run), "tester", target="twin")
        carry(session, returning)

        assert before is not None and [one.asset for one in before.restored] == ["it/app@a#data"]
        assert session.cost(run) is None and session.cost(returning) is None

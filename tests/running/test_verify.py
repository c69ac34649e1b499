from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import counting
from tests.support.counting import QUICK, CountingHost, effects, plan, step

from handrail.model.plan import Fact, Plan, Step
from handrail.running.session import Session
from handrail.running.verify import Verification, verification_to_json


def carry_out(session: Session, made: Plan) -> str:
    run = session.start(made, "eve", target="twin")
    asyncio.run(session.carry_out(run, "eve", settings=QUICK))
    return run


def looked(path: Path, made: Plan, **change: object) -> Verification:
    """Carry the plan out, change values of host a behind its back, and verify."""
    with counting.opening(path) as session:
        run = carry_out(session, made)
        for name, value in change.items():
            CountingHost("a", path / "hosts").set(name, value)
        return asyncio.run(session.verify(run, "eve"))


def verdicts(found: Verification) -> dict[str, str]:
    return {check.step: check.verdict for check in found.checks}


def test_what_still_holds_holds_and_passing_steps_are_not_looked_at(tmp_path: Path) -> None:
    one, two = step("one", lasting=True), step("two")

    found = looked(tmp_path, plan(one, two), two="else")

    assert verdicts(found) == {one.id: "holds"}
    assert found.exit_code == 0
    assert effects(tmp_path / "hosts") == {"a set one": 1, "a set two": 1}


def test_what_no_longer_holds_is_broken(tmp_path: Path) -> None:
    found = looked(tmp_path, plan(step("one", lasting=True)), one=False)

    assert [check.verdict for check in found.checks] == ["broken"]
    assert found.exit_code == 1
    assert verification_to_json(found)["holds"] is False


def test_what_cannot_be_seen_is_unknown_and_unknown_is_not_fine(tmp_path: Path) -> None:
    found = looked(tmp_path, plan(step("one", lasting=True)), silent=True)

    assert [check.verdict for check in found.checks] == ["unknown"]
    assert found.exit_code == 1


def hops() -> tuple[Step, Step]:
    first = step("build", with_={"name": "build", "value": 1}, lasting=True, leaves=(Fact("it/app@a.build", 1),))
    second = step("build", with_={"name": "build", "value": 2}, lasting=True, leaves=(Fact("it/app@a.build", 2),))
    return first, replace(second, id="it/app@a/3/build", after=(first.id,))


@pytest.mark.parametrize("by_fact", [True, False])
def test_what_a_later_hop_was_meant_to_change_is_not_looked_at(tmp_path: Path, by_fact: bool) -> None:
    first, second = hops() if by_fact else (replace(one, leaves=()) for one in hops())

    found = looked(tmp_path, plan(first, second))

    assert verdicts(found) == {first.id: "superseded", second.id: "holds"}
    assert found.exit_code == 0


def test_a_fact_left_again_with_the_same_value_supersedes_nothing(tmp_path: Path) -> None:
    first = step("one", lasting=True, leaves=(Fact("x", 1),))
    second = step("two", lasting=True, leaves=(Fact("x", 1),))

    assert set(verdicts(looked(tmp_path, plan(first, second))).values()) == {"holds"}


def test_that_it_was_verified_is_journaled(tmp_path: Path) -> None:
    with counting.opening(tmp_path) as session:
        run = carry_out(session, plan(step("one", lasting=True)))
        asyncio.run(session.verify(run, "adam"))
        last = session.events(run)[-1].entry

    assert (last.kind, last.data["who"], last.data["holds"]) == ("verified", "adam", True)


def test_what_moved_to_another_host_stands_on_the_old_one_no_more(tmp_path: Path) -> None:
    first, second = (replace(one, leaves=()) for one in hops())

    found = looked(tmp_path, plan(first, replace(second, host="b")), build=0)

    assert verdicts(found) == {first.id: "superseded", second.id: "holds"}

"""Killed with SIGKILL at every write of the journal, in real processes: nothing is lost, nothing takes effect twice."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.support import counting
from tests.support.counting import QUICK, effects, plan, step
from tests.support.killing import Kill, Moment, carry_out, kill_again_and_again, kill_at_each_write

from handrail.documents.plan import write_plan
from handrail.model.plan import Condition, Plan, Remedy

OPENING = partial(counting.opening)


def story() -> Plan:
    """Two hosts, a hold, receipts, a late value, a mended failure, a condition that is false."""
    note = step("note", "note")
    late = step("late", with_={"name": "late", "value": {"late": f"{note.id}.file"}}, after=(note.id,))
    ask = step("ask", "hold", host=None, with_={"question": "Go on?"}, after=(late.id,))
    stubborn = step(
        "stubborn",
        "stubborn",
        with_={"name": "stubborn", "needs": "label"},
        after=(ask.id,),
        remedies=(Remedy("insert-disk", ("it/app@a/2/mend",), log=r"Insert disk: (?P<label>\S+)"),),
    )
    mend = step(
        "mend",
        with_={"name": "label", "value": {"late": f"{stubborn.id}.label"}},
        after=(stubborn.id,),
        when=(Condition(stubborn.id, error="insert-disk"),),
    )
    other = step("other", host="b")
    never = step("never", host="b", after=(late.id,), when=(Condition(late.id, output="value", equals="else"),))
    once = step("once", "once", host="b", after=(stubborn.id,))
    meet = step("meet", "barrier", host=None, with_={}, after=(stubborn.id, mend.id, once.id))
    look = step("look", "check", with_={"name": "label", "value": "LABEL_X"}, after=(meet.id,))
    return plan(note, late, other, ask, stubborn, mend, never, once, meet, look)


def judge(home: Path) -> None:
    counted = effects(home / "hosts")
    repeatable = counted.pop("a note note")
    assert repeatable >= 1
    assert counted == {
        "a set late": 1,
        "a set stubborn": 1,
        "a set label": 1,
        "b set other": 1,
        "b note once": 1,
    }
    with counting.opening(home) as session:
        status = session.status(session.find())
    assert status.state == "succeeded"
    assert {one.id.rpartition("/")[2]: one.state for one in status.steps if one.state != "done"} == {"never": "skipped"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_plan(story(), tmp_path / "plan.json")
    return tmp_path / "plan.json"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("first", "stride"),
    [pytest.param(3, 6, id="some"), *(pytest.param(n, 3, id=f"all-{n}", marks=pytest.mark.slow) for n in (1, 2, 3))],
)
def test_killed_at_any_write_a_run_ends_as_if_it_had_not_been(
    tmp_path: Path, file: Path, moment: Moment, first: int, stride: int
) -> None:
    seen = 0
    for _, home in kill_at_each_write(
        OPENING, tmp_path, file, moments=(moment,), first=first, stride=stride, settings=QUICK
    ):
        judge(home)
        seen += 1
    assert seen * stride >= 15


@pytest.mark.slow
def test_killed_again_at_every_write_a_run_still_ends(tmp_path: Path, file: Path) -> None:
    deaths = kill_again_and_again(OPENING, tmp_path, file, settings=QUICK)

    judge(tmp_path)
    assert deaths > 10


def test_killed_before_it_was_recorded_a_run_never_was(tmp_path: Path, file: Path) -> None:
    carry_out(OPENING, tmp_path, file, kill=Kill(1, "before"))

    with counting.opening(tmp_path) as session:
        assert session.runs() == []
    assert not effects(tmp_path / "hosts")

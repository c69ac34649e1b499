"""A rollback that is killed with SIGKILL at every write of the journal ends as if it had not been."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support import going_back
from tests.support.counting import QUICK, CountingHost, effects
from tests.support.going_back import START, hop, opening, plan
from tests.support.killing import Kill, Moment, carry_out, kill_again_and_again, kill_at_each_write

from handrail.documents.plan import write_plan
from handrail.restoring.rollback import Back

OPENING = partial(going_back.opening)
ALL: dict[str, Any] = {"settings": QUICK}


def story() -> Any:
    """Two hosts, of which one is to hop twice."""
    return plan(hop("a", "2"), hop("b", "2", after=("it/app@a/2/look",)), hop("a", "3", after=("it/app@b/2/look",)))


@pytest.fixture
def failed(tmp_path: Path) -> tuple[Path, Path]:
    """A home with a run that failed when b would not start again, and the way back from there."""
    home, file = tmp_path / "failed", tmp_path / "back.plan"
    home.mkdir()
    with opening(home) as session:
        run = session.start(story(), "tester", target="twin")
        (home / "hosts").mkdir()
        CountingHost("b", home / "hosts").set("refuses", True)
        asyncio.run(session.carry_out(run, "tester", settings=QUICK))
        CountingHost("b", home / "hosts").set("refuses", "nothing")
        found = session.rollback(run)
        assert isinstance(found, Back)
        write_plan(found.plan, file)
    return home, file


def judge(home: Path, before: dict[str, int]) -> None:
    """All is as it was, nothing took effect twice, and both runs say so."""
    hosts = home / "hosts"
    for host in "ab":
        there = CountingHost(host, hosts).get_state()
        assert {name: there[name] for name in START} == START
    new = effects(hosts)
    new.subtract(before)
    assert {what: times for what, times in new.items() if times} == {
        "a put data": 1,
        "b put data": 1,
        "a set build": 1,
        "b set build": 1,
        "a set runs": 2,
        "b set runs": 1,
    }
    with opening(home) as session:
        original, returning = [row.run for row in session.runs()]
        assert session.status(returning).state == "succeeded"
        assert session.status(original).state == "rolled-back"
        kinds = [event.entry.kind for event in session.events(original)]
        assert (kinds.count("going-back"), kinds.count("taken-back")) == (1, 1)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("first", "stride"),
    [pytest.param(9, 14, id="some"), *(pytest.param(n, 3, id=f"all-{n}", marks=pytest.mark.slow) for n in (1, 2, 3))],
)
def test_killed_at_any_write_a_rollback_ends_as_if_it_had_not_been(
    tmp_path: Path, failed: tuple[Path, Path], moment: Moment, first: int, stride: int
) -> None:
    home, file = failed
    before = dict(effects(home / "hosts"))
    seen = 0
    for kill, killed in kill_at_each_write(
        OPENING, tmp_path, file, moments=(moment,), first=first, stride=stride, prepared=home, **ALL
    ):
        try:
            judge(killed, before)
        except AssertionError as error:
            raise AssertionError(f"{kill}: {error}") from error
        seen += 1
    assert seen * stride >= 14


@pytest.mark.slow
def test_killed_again_and_again_a_rollback_ends_as_if_it_had_not_been(
    tmp_path: Path, failed: tuple[Path, Path]
) -> None:
    home, file = failed
    before = dict(effects(home / "hosts"))

    assert kill_again_and_again(OPENING, home, file, kills=(Kill(4, "after"), Kill(5, "before")), **ALL) >= 5
    judge(home, before)


def test_undisturbed_it_is_as_the_killed_ones_are_judged(failed: tuple[Path, Path]) -> None:
    home, file = failed
    before = dict(effects(home / "hosts"))

    assert carry_out(OPENING, home, file, **ALL) == 0
    judge(home, before)

"""Plans from estate files, carried out on their twins; and what the twin itself says took effect how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.shipped import shipped

from handrail.actions import signatures
from handrail.documents.estate import read_estate
from handrail.documents.plan import write_plan
from handrail.guides.facts import check_estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.running.home import Home
from handrail.running.journal import Watch
from handrail.running.session import Session, open_session
from handrail.twin.world import Effect, open_twin

OURS = ("C:\\ProgramData\\Handrail\\jobs\\", "C:\\ProgramData\\Handrail\\receipts\\", "handrail.probe")
"""What we keep on a host for ourselves: not effects of the plan."""

REPEATABLE = {"keys", "backup", "agent"}
"""Kinds of effects of actions whose receipts are repeatable: exports, backups, imports into an agent's space."""


def plan_file(estate: Path, target: Path) -> Plan:
    """The plan of the estate file, written to `target`."""
    catalogue = shipped()
    plan = make_plan(check_estate(read_estate(estate), catalogue), catalogue, signatures())
    assert isinstance(plan, Plan), plan.findings
    write_plan(plan, target)
    return plan


@contextmanager
def opening(home: Path, watch: Watch | None = None) -> Iterator[Session]:
    with open_session(Home(home), watch=watch) as session:
        yield session


def ground_truth(home: Path) -> tuple[str, Counter[str]]:
    """The run in this home, and its twin's count of every effect of the plan, free of the run's name."""
    with opening(home) as session:
        run = session.find()
    twin = open_twin(Home(home).twin(run))
    try:
        return run, count(twin.effects(), run)
    finally:
        twin.close()


def count(effects: Iterable[Effect], run: str) -> Counter[str]:
    """Every effect of the plan that a run carried out, free of the run's name."""
    counted: Counter[str] = Counter()
    for effect in lasting(effects):
        if effect.kind == "task" or any(one in effect.what for one in OURS):
            continue
        what = "in a backup folder" if run in effect.what else effect.what
        repeatable = effect.kind in REPEATABLE or run in effect.what
        counted[f"{'repeatable ' if repeatable else ''}{effect.host} {effect.kind}: {what}"] += 1
    return counted


def lasting(effects: Iterable[Effect]) -> Iterator[Effect]:
    """Without the drives that a restart took away and that whoever went on after it mapped again, once: passing states
    are looked at again until their `until` step has begun (decision 17)."""
    mapped: dict[tuple[str, str], str] = {}
    lost: dict[tuple[str, str], str] = {}
    again: set[tuple[str, str]] = set()
    for effect in effects:
        letter = (effect.host, effect.what[:2])
        if effect.kind == "boot":
            lost |= {one: mapped.pop(one) for one in list(mapped) if one[0] == effect.host}
        elif effect.kind == "drive" and lost.get(letter) == effect.what:
            del lost[letter]
            again.add(letter)
            continue
        elif effect.kind == "drive" and "removed" not in effect.what:
            mapped[letter] = effect.what
        elif effect.kind == "drive" and letter in again:
            again.discard(letter)
            continue
        yield effect


def judge(home: Path, undisturbed: Counter[str]) -> None:
    """The run succeeded, and what took effect took effect as often as without a kill, repeatable receipts excepted."""
    run, counted = ground_truth(home)
    with opening(home) as session:
        status = session.status(run)
        session.events(run)
    assert status.state == "succeeded"
    assert {one.state for one in status.steps} <= {"done", "skipped"}
    judge_effects(counted, undisturbed)


def judge_effects(counted: Counter[str], undisturbed: Counter[str]) -> None:
    twice = {
        what: (times, undisturbed[what])
        for what, times in counted.items()
        if times != undisturbed[what] and not what.startswith("repeatable ")
    }
    assert not twice, twice
    assert set(undisturbed) == set(counted)

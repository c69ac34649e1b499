"""MIM's run on its twin, dead at its first destructive step, taken back by a run that is itself killed at every write:
the twin's own ground truth says that all is as it was."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support import on_twin
from tests.support.killing import Kill, Moment, carry_out, kill_at_each_write, shards
from tests.support.on_twin import opening

from handrail.documents.plan import write_plan
from handrail.guides.catalogue import SHIPPED
from handrail.model.journal import Event
from handrail.rehearsing.truth import essence, missed
from handrail.restoring.rollback import Back
from handrail.running.home import Home
from handrail.running.scheduler import Schedule
from handrail.twin.world import open_twin

SHARDS = 4


class Died(BaseException):
    """Stands for the death of a process: nothing of ours catches it."""


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Mapping[str, str]]:
    """A home with a run that died after the intent of its first patch, its way back, and how the twin was at first."""
    home = tmp_path_factory.mktemp("dead")
    plan = on_twin.plan_file(SHIPPED / "mim" / "estates" / "contoso.yaml", home / "upgrade.plan")
    patch = next(step.id for step in plan.steps if step.changes)
    first: dict[str, str] = {}
    with opening(home) as session:
        run = session.start(plan, "tester", target="twin")

        def saw(event: Event, _: Schedule) -> None:
            if not first:
                first.update(truth(home))
            if event.entry.step == patch and event.entry.kind == "begun":
                raise Died

        with pytest.raises(Died):
            asyncio.run(session.carry_out(run, "tester", progress=saw))
        found = session.rollback(run)
        assert isinstance(found, Back), found
        write_plan(found.plan, home / "back.plan")
    return home, home / "back.plan", first


def truth(home: Path) -> Mapping[str, str]:
    with opening(home) as session:
        original = session.runs()[0].run
    twin = open_twin(Home(home).twin(original))
    try:
        return essence(twin)
    finally:
        twin.close()


def judge(home: Path, first: Mapping[str, str]) -> None:
    assert missed(first, truth(home)) == []
    with opening(home) as session:
        original, returning = [row.run for row in session.runs()]
        assert session.status(returning).state == "succeeded"
        assert session.status(original).state == "rolled-back"


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "shard"), shards(SHARDS))
def test_killed_at_any_write_a_rollback_brings_all_back(
    tmp_path: Path, dead: tuple[Path, Path, Mapping[str, str]], moment: Moment, shard: int
) -> None:
    home, file, first = dead
    seen = 0
    for kill, killed in kill_at_each_write(
        opening, tmp_path, file, moments=(moment,), first=shard, stride=SHARDS, prepared=home
    ):
        try:
            judge(killed, first)
        except AssertionError as error:
            raise AssertionError(f"{kill}: {error}") from error
        seen += 1
    assert seen >= 3


def test_killed_in_the_middle_a_rollback_brings_all_back(
    dead: tuple[Path, Path, Mapping[str, str]], tmp_path: Path
) -> None:
    prepared, file, first = dead
    home = tmp_path / "home"
    shutil.copytree(prepared, home)

    carry_out(opening, home, file, kill=Kill(9, "after"))
    assert carry_out(opening, home, file) == 0
    judge(home, first)

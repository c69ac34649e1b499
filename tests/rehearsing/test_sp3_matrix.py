"""The sample that upgrades to SP3, broken at every step; and what is planted in its way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.support.rehearsals import failed
from tests.support.simulating import sp3

from handrail.documents.plan import freeze
from handrail.model.plan import Plan, Step
from handrail.rehearsing.cases import PASS, Judge, Verdict
from handrail.rehearsing.faults import FAULTS, chosen
from handrail.rehearsing.journey import stage_of, travel
from handrail.rehearsing.matrix import prepare, rehearsal_of, try_all
from handrail.rehearsing.truth import essence
from handrail.restoring.rollback import NoWayBack, make_rollback
from handrail.running.targets import declared
from handrail.twin.machine import Machine
from handrail.twin.things import KeySet

PATCHED = "identity/sync@sync01/2016-sp3/version"


@pytest.mark.slow
def test_the_sample_comes_to_its_end_and_back_from_every_step_and_fault() -> None:
    matrix = prepare(sp3(), declared(sp3()), chosen("all"))
    found = rehearsal_of(matrix, try_all(matrix))

    assert failed(found) == []
    assert {one.fault for one in found.cases} == set(FAULTS)
    assert found.counts.passed == len(found.cases) > 1500


def _taken_back(make_back: Callable[..., Plan | NoWayBack], *, keys_lost: bool = False) -> Verdict:
    """The run taken back after the patch of the Synchronization Service; somebody may have deleted its keys before."""
    journey = travel(stage_of(sp3(), declared(sp3())))
    judge = Judge(journey, essence(journey.beginning.twin), make_back=make_back)
    point = journey.boundaries[journey.visits[PATCHED].at].stage.fork()

    def delete(machine: Machine) -> None:
        for one in machine.all(KeySet):
            machine.drop(KeySet, one.account)

    if keys_lost:
        point.twin.transact("sync01", "somebody deletes a profile", delete)
    return judge.take_back(point, [])


def _without(leave_out: Callable[[Step], bool]) -> Callable[..., Plan | NoWayBack]:
    def make_back(*given: Any, **more: Any) -> Plan | NoWayBack:
        made = make_rollback(*given, **more)
        if isinstance(made, NoWayBack):
            return made
        left = [one for one in made.steps if not leave_out(one)]
        ids = {one.id for one in left}
        assert len(left) < len(made.steps)
        steps = tuple(replace(one, after=tuple(name for name in one.after if name in ids)) for one in left)
        return freeze(replace(made, steps=steps))

    return make_back


def test_the_sample_is_taken_back_after_its_patch() -> None:
    assert _taken_back(make_rollback) == PASS


def test_a_restore_that_skips_the_keys_is_found() -> None:
    found = _taken_back(_without(lambda one: one.uses == "keys.import"), keys_lost=True)

    assert found.result == "fail"


def test_a_restore_that_skips_the_database_does_not_pass() -> None:
    found = _taken_back(_without(lambda one: one.uses == "sqlserver.restore"))

    assert found.result != "pass"
    assert "FIMSynchronizationService" in found.because

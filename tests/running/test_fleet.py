"""Several workers carry one run out, whatever happens to them and to their store."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.estates import clients
from tests.support import on_twin
from tests.support.counting import plan, step
from tests.support.databases import Server, serving
from tests.support.fleet import Fleet, harm
from tests.support.killing import carry_out

from handrail.documents.plan import read_plan
from handrail.model.plan import Plan

pytestmark = pytest.mark.real

HOSTS = 6


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    (folder / "clients.yaml").write_text(clients(HOSTS))
    on_twin.plan_file(folder / "clients.yaml", folder / "clients.plan")
    return folder / "clients.plan"


@pytest.fixture(scope="module")
def clients_plan(file: Path) -> Plan:
    return read_plan(file)


@pytest.fixture(scope="module")
def undisturbed(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """What one process makes of it, on a store of its own."""
    home = tmp_path_factory.mktemp("undisturbed")
    assert carry_out(on_twin.opening, home, file) == 0
    return on_twin.ground_truth(home)[1]


@pytest.fixture
def fleet(server: Server, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(server.database(), tmp_path)
    yield made
    made.dismiss()


def judge(fleet: Fleet, run: str, undisturbed: Counter[str]) -> None:
    with fleet.session() as session:
        session.events(run)  # every chain is checked
        assert {one.state for one in session.status(run).steps} <= {"done", "skipped"}
    on_twin.judge_effects(fleet.effects(run), undisturbed)


def test_two_workers_carry_a_run_out_as_one_process_would(
    fleet: Fleet, clients_plan: Plan, undisturbed: Counter[str]
) -> None:
    fleet.lanes = HOSTS // 2
    with fleet.session() as session:
        fleet.hire(2)
        run = session.start(clients_plan, "eve", target="twin", workers=True)
        fleet.until(session, run, lambda: session.listeners() == 2)
        session.hand_over(run, "eve")
        assert session.is_attended(run) and not session.is_carried(run)
        assert fleet.wait(session, run, 90).state == "succeeded"
        who = {event.entry.data["who"] for event in session.events(run) if event.entry.kind == "taken"}

    assert len(who) == 2, "one worker did everything"
    judge(fleet, run, undisturbed)


def test_a_run_needs_nobody_who_began_it(fleet: Fleet, file: Path, undisturbed: Counter[str]) -> None:
    starting = subprocess.Popen(
        fleet.command("run", str(file), "--twin"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"HANDRAIL_HOME": str(fleet.home / "us"), "PATH": "/usr/bin:/bin"},
    )
    assert starting.stdout is not None
    said = ""
    while "No worker listens" not in said:
        said = starting.stdout.readline()
        assert said, "it ended"
    starting.kill()
    starting.wait()
    fleet.hire(1)

    with fleet.session() as session:
        run = session.find()
        assert fleet.wait(session, run, 90).state == "succeeded"
    judge(fleet, run, undisturbed)


def test_what_a_dead_worker_held_goes_on_elsewhere(fleet: Fleet, clients_plan: Plan, undisturbed: Counter[str]) -> None:
    with fleet.session() as session:
        run = session.start(clients_plan, "eve", target="twin", workers=True)
        session.hand_over(run, "eve")
        fleet.hire(1)
        fleet.until(session, run, lambda: sum(one.state == "done" for one in session.status(run).steps) > 9)
        fleet.workers[0].kill()
        fleet.hire(1)
        assert fleet.wait(session, run, 90).state == "succeeded"

    judge(fleet, run, undisturbed)


def test_a_worker_that_was_robbed_while_it_slept_does_not_go_on(
    fleet: Fleet, clients_plan: Plan, undisturbed: Counter[str]
) -> None:
    with fleet.session() as session:
        run = session.start(clients_plan, "eve", target="twin", workers=True)
        session.hand_over(run, "eve")
        fleet.hire(1)
        fleet.until(session, run, lambda: sum(one.state == "done" for one in session.status(run).steps) > 9)
        sleeper = fleet.workers[0]
        sleeper.send_signal(signal.SIGSTOP)
        fleet.hire(1)
        time.sleep(fleet.silent * 2.5)
        sleeper.send_signal(signal.SIGCONT)
        assert fleet.wait(session, run, 90).state == "succeeded"

    judge(fleet, run, undisturbed)


def test_workers_stop_for_a_question_and_go_on_with_its_answer(fleet: Fleet) -> None:
    first = step("first", "hold", host=None, with_={"question": "Go on?"})
    second = step("second", "hold", host=None, with_={"question": "Really?"}, after=(first.id,))
    asking = plan(first, second)
    fleet.hire(1, "--ask")
    with fleet.session() as session:
        run = session.start(asking, "eve", target="twin", workers=True)
        session.hand_over(run, "eve")
        for one in (first, second):
            fleet.until(session, run, lambda name=one.id: session.schedule(run).waiting() == [name])  # type: ignore[misc]
            session.answer(run, one.id, "yes", "eve")
        assert fleet.wait(session, run, 30).state == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_whatever_dies_again_and_again_the_run_ends_right(
    tmp_path: Path, clients_plan: Plan, undisturbed: Counter[str], seed: int
) -> None:
    """Workers, all of them at once, and PostgreSQL itself; a longer form is `python -m bench.chaos`."""
    chance = random.Random(seed)
    with serving(durable=True) as own:
        fleet = Fleet(own.database(), tmp_path)
        try:
            with fleet.session() as session:
                run = session.start(clients_plan, "eve", target="twin", workers=True)
                session.hand_over(run, "eve")
                fleet.hire(2)
                harms = []
                for _ in range(6):
                    time.sleep(chance.uniform(1.0, 3.0))
                    harms.append(harm(fleet, own, chance))
                assert fleet.wait(session, run, 120).state == "succeeded", harms
            judge(fleet, run, undisturbed)
        finally:
            fleet.dismiss()

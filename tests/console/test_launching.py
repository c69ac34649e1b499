"""Runs that the console begins are carried on by processes of their own, and outlive it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.databases import serving
from tests.support.fleet import Fleet
from tests.support.on_twin import plan_file
from tests.support.shipped import shipped

from handrail.console.launching import NO_WORKER, Launching
from handrail.errors import BadInput, StoreLocked
from handrail.guides.catalogue import SHIPPED
from handrail.model.journal import PEOPLE_LANE
from handrail.model.plan import Plan
from handrail.running.home import Home
from handrail.running.session import Session, open_session


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Real steps on a twin of a shipped product."""
    shipped()
    return plan_file(SHIPPED / "mim" / "estates" / "sp2-latest.yaml", tmp_path_factory.mktemp("plan") / "sp3.plan")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with open_session(Home(tmp_path)) as opened:
        yield opened


def until(told: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_a_process_of_its_own_carries_the_run_to_its_end(session: Session, whole: Plan, tmp_path: Path) -> None:
    """The console that began it is gone meanwhile; another one knows the process by its number and its begin."""
    run, said = Launching(session).start(whole, "anna", "twin")
    mark = json.loads((tmp_path / "console" / "runs" / f"{run}.json").read_text())

    assert said == "A process of its own carries it out; it goes on without the console."
    assert os.getsid(mark["pid"]) == mark["pid"]  # whatever ends our terminal does not end it
    assert Launching(session).is_ours(run)
    with pytest.raises(StoreLocked, match="is being carried on already"):
        Launching(session).resume(run, "anna")
    os.waitpid(mark["pid"], 0)
    assert session.status(run).state == "succeeded"
    assert session.journal.row(run).who == "anna"
    assert not Launching(session).is_ours(run)
    assert any("succeeded" in line.lower() for line in Launching(session).said(run))
    with pytest.raises(BadInput, match="has come to its end"):
        Launching(session).resume(run, "anna")


def test_stopped_it_ends_after_its_steps_and_resumed_it_goes_on(session: Session, whole: Plan) -> None:
    launching = Launching(session)
    run, _ = launching.start(whole, "anna", "twin")
    until(lambda: session.journal.has_steps(run))
    launching.stop(run, "bea")
    until(lambda: not launching.is_ours(run))
    assert session.status(run).state == "running"

    launching.resume(run, "cleo")
    until(lambda: not launching.is_ours(run))
    assert session.status(run).state == "succeeded"
    acts = [(one.entry.kind, one.entry.data["who"]) for one in session.events(run) if one.lane == PEOPLE_LANE]
    assert [one for one in acts if one[0] in ("stopped", "resumed")] == [("stopped", "bea"), ("resumed", "cleo")]


def test_an_answer_that_comes_while_the_process_ends_is_not_lost(session: Session, tmp_path: Path) -> None:
    """The process waits for nobody: it ends when only people can move the run on."""
    estate = tmp_path / "estate.yaml"
    estate.write_text((SHIPPED / "mim" / "estates" / "sp2-latest.yaml").read_text())
    launching = Launching(session)
    run, _ = launching.start(plan_file(estate, tmp_path / "x.plan"), "anna", "twin", ask=True)
    until(lambda: bool(session.schedule(run).waiting()))
    (first,) = session.schedule(run).waiting()
    session.answer(run, first, "yes", "bea")
    launching.take_up(run)
    until(lambda: session.schedule(run).one(first).state == "done")
    until(lambda: session.schedule(run).waiting() not in ([], [first]) and not launching.is_ours(run))


def test_another_process_under_the_same_number_is_not_taken_for_ours(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "console" / "runs"
    folder.mkdir(parents=True)
    for name, began in (("a", "1"), ("b", None)):
        (folder / f"{name}.json").write_text(json.dumps({"pid": os.getpid(), "began": began}))
    (folder / "c.json").write_text("{")
    hit: list[int] = []
    before = signal.signal(signal.SIGINT, lambda *_: hit.append(1))
    try:
        for name in ("a", "b", "c", "../../../x"):
            with pytest.raises(BadInput, match="No process that was started here"):
                Launching(session).stop(name, "bea")
    finally:
        signal.signal(signal.SIGINT, before)
    assert hit == []


def test_on_a_shared_store_workers_are_given_the_run(
    session: Session, whole: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hands over and who listens belongs to the store; here we see that it is asked, and what is said."""
    handed: list[tuple[str, str]] = []
    listening = [0]
    monkeypatch.setattr(Session, "hand_over", lambda self, run, who, again: handed.append((run, who)))
    monkeypatch.setattr(Session, "listeners", lambda self: listening[0])
    monkeypatch.setattr(Session, "is_for_workers", lambda self, run: True)
    launching = Launching(session, "postgresql://store/handrail")

    run, said = launching.start(replace(whole), "anna", "twin")
    assert (handed, said) == ([(run, "anna")], NO_WORKER)
    listening[0] = 2
    assert launching.resume(run, "anna") == "Workers carry it out."
    assert not launching.is_ours(run)


@pytest.mark.real
def test_workers_on_a_shared_store_carry_a_run_whose_holds_need_two(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text((SHIPPED / "mim" / "estates" / "sp2-latest.yaml").read_text() + "\nholds: two\n")
    plan = plan_file(estate, tmp_path / "two.plan")
    with serving() as server:
        fleet = Fleet(server.database(), tmp_path / "fleet")
        with open_session(Home(tmp_path / "home"), store=fleet.url) as session:
            run, said = Launching(session, fleet.url).start(plan, "anna", "twin")
            assert said == NO_WORKER
            assert session.status(run).state == "running"
            fleet.hire()
            try:
                until(lambda: session.status(run).state == "succeeded", 120)
            finally:
                fleet.dismiss()
            kinds = [one.entry.kind for one in session.events(run) if one.lane == PEOPLE_LANE and one.entry.step]
    assert kinds == ["agreed", "answered"] * 2

"""How a large run stands is counted in its store, and is what its whole journal says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from bench.estates import workstations
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.running.test_scheduler import plans
from tests.support.counting import plan, step
from tests.support.events import Told
from tests.support.on_twin import plan_file

from handrail.model.journal import EventKind
from handrail.model.plan import Condition, Plan, Remedy
from handrail.reporting.standing import standing_page
from handrail.reporting.text import render
from handrail.running import standing
from handrail.running.chain import canonical
from handrail.running.journal import Journal, open_journal
from handrail.running.rows import row_of
from handrail.running.schema import events
from handrail.running.standing import RunStanding, contents_of, standing_of


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "LARGE", 0)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    made = open_journal(str(tmp_path_factory.mktemp("store") / "store.db"))
    yield made
    made.close()


def counted(journal: Journal, run: Told) -> RunStanding:
    """What the store says of a run of which it was told the same."""
    contents = contents_of(run.plan)
    name = journal.create("contoso", run.plan.digest, canonical({}), "twin", "eve", contents=contents)
    told = [replace(one, run=name, lane=one.lane, position=one.position + 1) for one in run.events[1:]]
    told = [replace(one, sequence=one.position) for one in told]  # chains are not what is looked at here
    if told:
        with journal.store.write(name) as connection:
            connection.execute(events.insert(), [row_of(one) for one in told])
    found = standing_of(journal, name)
    assert found is not None
    return found


def agree(journal: Journal, run: Told) -> RunStanding:
    found = counted(journal, run)
    status = run.schedule.status("run", "")
    assert {one.id: one.state for one in found.busy} == {
        one.id: one.state for one in status.steps if one.state in standing.BUSY
    }
    assert {name: number for name, number in found.counts.items() if number} == Counter(
        one.state for one in status.steps
    )
    return found


@settings(max_examples=40, deadline=None)
@given(made=plans(), data=st.data())
def test_whatever_happens_what_is_counted_is_what_the_journal_says(
    journal: Journal, made: Plan, data: st.DataObject
) -> None:
    """Random plans, outcomes, answers and deaths, looked at on the way and in the end."""
    run = Told(made)
    look = data.draw(st.integers(1, 25))
    for turn in range(1, 60):
        if turn % look == 0:
            agree(journal, run)
        if data.draw(st.integers(0, 9)) == 0:
            run.take_over()
        moves = run.schedule.moves()
        if not moves:
            waiting = run.schedule.waiting()
            if not waiting:
                break
            hold = run.schedule.step(waiting[0]).kind == "hold"
            run.answer(waiting[0], data.draw(st.sampled_from(["yes", "no"] if hold else ["done", "no"])))
            continue
        move = data.draw(st.sampled_from(moves))
        one = run.schedule.step(move.step)
        if move.kind == "skip":
            run.step("skipped", one.id, 0, because=move.because)
        elif move.kind == "ask":
            run.step("asked", one.id, move.attempt)
        elif move.kind == "answer":
            well = move.answer in ("yes", "done")
            run.step("done" if well else "failed", one.id, move.attempt, halt=not well and one.kind == "hold")
        else:
            if move.kind == "begin":
                run.step("begun", one.id, move.attempt)
            outcome: EventKind = data.draw(st.sampled_from(["done", "done", "failed", "in-doubt"]))
            error = data.draw(st.sampled_from([None, "known"]))
            run.step(outcome, one.id, move.attempt, outputs={"value": True}, error=error)
    agree(journal, run)


def test_a_step_that_is_being_mended_has_not_failed_until_its_retries_are_used_up(journal: Journal) -> None:
    patch = step("patch", remedies=(Remedy("disk", ("it/app@a/2/clean",), retries=1),))
    clean = step("clean", after=(patch.id,), when=(Condition(patch.id, error="disk"),))
    run = Told(plan(patch, clean))
    run.step("begun", patch.id)
    run.step("failed", patch.id, error="disk")
    assert [(one.id, one.state) for one in agree(journal, run).busy] == [(patch.id, "begun")]

    run.step("begun", clean.id)
    run.step("done", clean.id)
    run.step("begun", patch.id, 2)
    run.step("failed", patch.id, 2, error="disk")

    assert [(one.id, one.state) for one in agree(journal, run).busy] == [(patch.id, "failed")]


def test_small_runs_are_asked_as_a_whole(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "LARGE", 5)

    assert contents_of(plan(step("one"))) is None
    run = journal.create("contoso", "sha256:0", canonical({}), "twin", "eve")
    assert standing_of(journal, run) is None


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "estate.yaml").write_text(workstations(60, canaries=4))
    return plan_file(folder / "estate.yaml", folder / "plan")


def test_a_fleet_is_shown_folded_by_wave_and_step(journal: Journal, fleet: Plan) -> None:
    """However many hosts are at work, the page fits on a screen and names what many have in common once."""
    run = Told(fleet)
    first = {one.host: one for one in reversed(fleet.steps) if one.host is not None}
    canaries = [f"pc{number:05}" for number in range(4)]
    for one in fleet.steps:
        if one.host in canaries or (one.host is None and one.id.endswith("canary")):
            run.step("done", one.id)
    others = [f"pc{number:05}" for number in range(4, 10)]
    for host in others:
        run.step("begun", first[host].id)
    run.step("failed", first[others[0]].id, because="the disk is full")

    found = agree(journal, run)
    shown = "\n".join(render(standing_page(found, " --store URL")))

    assert [(one.name, one.through, one.at_work, one.failed, one.to_come) for one in found.waves[:2]] == [
        ("canary", 8, 0, 0, 0),
        ("early", 0, 5, 1, 6),
    ]
    assert "5 x pc00005: Copy the hotfix" in shown and "pc00006, pc00007, pc00008 and pc00009" in shown
    assert "the disk is full" in shown
    assert f"handrail resume {found.run} --store URL" in shown
    assert len(shown.splitlines()) < 50, shown

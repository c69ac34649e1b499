"""Waves and failure budgets, as the schedule keeps them: how many hosts are at work, and what a failed one stops."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.counting import plan, step
from tests.support.events import START, Told

from handrail.documents.plan import freeze
from handrail.model.plan import Fleet, Plan, Step
from handrail.running.clock import stamp
from handrail.running.scheduler import lane_of


def fleet(hosts: int, waves: tuple[int, ...], limit: int | None, soak: float = 0.0, hold: bool = False) -> Plan:
    """Two steps for each host; waves of these sizes, each but the last with a gate."""
    steps: list[Step] = []
    gate: tuple[str, ...] = ()
    names = iter(f"h{number:02}" for number in range(hosts))
    for number, size in enumerate(waves):
        last = []
        for name in [next(names) for _ in range(size)]:
            first = step("one", host=name, after=gate)
            steps += [first, step("two", host=name, after=(first.id,))]
            last.append(steps[-1].id)
        if number < len(waves) - 1:
            uses = "hold" if hold else "barrier"
            made = step(f"gate{number}", uses, host=None, after=tuple(last), soak=soak, tolerant=limit is not None)
            steps.append(made)
            gate = (made.id,)
    known = Fleet(tuple(f"h{number:02}" for number in range(hosts)), (), limit)
    return freeze(replace(plan(*steps), fleet=known))


def pass_(run: Told, host: str) -> None:
    for name in ("one", "two"):
        run.step("done", f"it/app@{host}/2/{name}")


def fail(run: Told, host: str) -> None:
    run.step("begun", f"it/app@{host}/2/one")
    run.step("failed", f"it/app@{host}/2/one", because="it broke")


def begun(run: Told) -> list[str]:
    return [f"{move.kind} {lane_of(run.schedule.step(move.step))}" for move in run.schedule.moves()]


def test_a_wave_begins_when_the_one_before_it_is_through() -> None:
    run = Told(fleet(3, (2, 1), None))
    assert begun(run) == ["begin h00", "begin h01"]
    pass_(run, "h00")
    assert begun(run) == ["begin h01"]
    pass_(run, "h01")
    assert run.open() == ["begin gate0"]
    run.step("done", "it/app@-/2/gate0")
    assert begun(run) == ["begin h02"]


def test_without_a_budget_a_failure_stops_the_waves_behind_it() -> None:
    run = Told(fleet(3, (2, 1), None))
    fail(run, "h00")
    pass_(run, "h01")
    assert begun(run) == [] and run.schedule.state == "failed"


def test_with_a_budget_the_next_wave_begins_although_a_host_has_failed() -> None:
    run = Told(fleet(4, (2, 2), 3))
    fail(run, "h00")
    pass_(run, "h01")
    assert run.open() == ["begin gate0"]
    run.step("done", "it/app@-/2/gate0")
    assert begun(run) == ["begin h02", "begin h03"]
    assert run.again().moves() == run.schedule.moves()


def test_when_the_budget_is_used_up_nothing_is_begun_on_further_hosts_and_the_run_says_so() -> None:
    run = Told(fleet(4, (1, 3), 1))
    fail(run, "h00")
    assert begun(run) == [] and run.schedule.state == "failed" and run.schedule.spent == 1


def test_never_more_hosts_are_at_work_than_may_fail() -> None:
    run = Told(fleet(6, (6,), 2))
    assert begun(run) == ["begin h00", "begin h01"]
    pass_(run, "h01")
    assert begun(run) == ["begin h00", "begin h02"]
    fail(run, "h00")
    assert begun(run) == ["begin h02"], "one failed: one may be at work"
    fail(run, "h02")
    assert begun(run) == [] and run.schedule.spent == 2


def test_a_resumed_run_tries_failed_hosts_again_and_withdraws_the_gate_until_they_are_through() -> None:
    run = Told(fleet(3, (2, 1), 2))
    pass_(run, "h01")
    fail(run, "h00")
    assert run.open() == ["begin gate0"]
    run.take_over()
    assert begun(run) == ["begin h00"]
    run.step("begun", "it/app@h00/2/one", 2)
    run.step("done", "it/app@h00/2/one", 2)
    run.step("done", "it/app@h00/2/two")
    assert run.open() == ["begin gate0"]
    run.step("done", "it/app@-/2/gate0")
    assert begun(run) == ["begin h02"]


def test_a_wave_soaks_before_the_next_one_or_its_question() -> None:
    for hold in (False, True):
        run = Told(fleet(2, (1, 1), None, soak=3600, hold=hold))
        pass_(run, "h00")
        [move] = run.schedule.moves()
        passed = len(run.events)
        assert move.kind == ("ask" if hold else "begin")
        assert move.not_before is not None and move.not_before > stamp(START)
        assert move.not_before.startswith("2026-11-20T23:00:0") and passed < 10


def test_whoever_let_a_host_begin_knows_whom_to_ring_for() -> None:
    run = Told(fleet(3, (3,), 1))
    run.schedule.admitted()
    pass_(run, "h00")
    assert run.schedule.admitted() == ("h01",)
    assert run.schedule.admitted() == ()


@settings(max_examples=80, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    limit=st.integers(1, 4),
    chance=st.floats(0, 1),
    seed=st.integers(0, 10_000),
)
def test_whatever_fails_the_budget_is_kept(sizes: list[int], limit: int, chance: float, seed: int) -> None:
    """However hosts fail, never more fail than the budget has; the run stops only when it is used up, or at its end;
    and whoever reads the same events knows the same moves, also after a takeover."""
    dice = random.Random(seed)
    run = Told(fleet(sum(sizes), tuple(sizes), limit))
    failed: set[str] = set()
    taken = 0
    while moves := run.schedule.moves():
        at_work = {lane_of(run.schedule.step(move.step)) for move in moves} - {"-"}
        assert len(at_work | failed) <= limit or not at_work
        assert run.again().moves() == moves
        if taken < 2 and dice.random() < 0.05:
            taken += 1
            run.take_over()
            failed.clear()
            continue
        move = dice.choice(moves)
        one = run.schedule.step(move.step)
        if one.host is None or dice.random() >= chance:
            run.step("done", one.id, move.attempt)
        else:
            run.step("begun", one.id, move.attempt)
            run.step("failed", one.id, move.attempt)
            failed.add(one.host)
        assert len(failed) <= limit
    assert run.schedule.state == ("succeeded" if not failed else "failed")
    if len(failed) < limit:
        through = {one.id for one in run.schedule.status("", "").steps if one.state == "done"}
        assert all(f"it/app@h{number:02}/2/two" in through or f"h{number:02}" in failed for number in range(sum(sizes)))
    else:
        assert run.schedule.spent == limit


def entangled(hosts: int, limit: int, chances: random.Random) -> Plan:
    """Hosts whose steps wait for steps of other hosts, also half-way, and through steps of no host."""
    steps: list[Step] = []
    last: dict[str, str] = {}
    for number in range(hosts * 3):
        name = chances.choice([None, *(f"h{one:02}" for one in range(hosts))])
        before = {one.id for one in chances.sample(steps, min(len(steps), chances.randint(0, 2)))}
        made = step(f"s{number}", host=name, after=tuple(sorted(before | {last[name]} if name in last else before)))
        steps.append(made)
        if name is not None:
            last[name] = made.id
    return freeze(replace(plan(*steps), fleet=Fleet(tuple(f"h{one:02}" for one in range(hosts)), (), limit)))


@settings(max_examples=200, deadline=None)
@given(hosts=st.integers(1, 6), limit=st.integers(1, 3), chance=st.floats(0, 0.3), seed=st.integers(0, 10_000))
def test_hosts_that_wait_for_each_other_come_on_within_the_budget(
    hosts: int, limit: int, chance: float, seed: int
) -> None:
    """A host gives its place to one that it waits for; so without failures every budget lets all come to their end."""
    dice = random.Random(seed)
    run = Told(entangled(hosts, limit, dice))
    failed: set[str] = set()
    while moves := run.schedule.moves():
        assert len({lane_of(run.schedule.step(move.step)) for move in moves} - {"-"} | failed) <= limit or not moves
        assert run.again().moves() == moves
        one = run.schedule.step(dice.choice(moves).step)
        if one.host is None or dice.random() >= chance:
            run.step("done", one.id)
        else:
            run.step("begun", one.id)
            run.step("failed", one.id)
            failed.add(one.host)
    assert len(failed) <= limit
    assert run.schedule.state == ("failed" if failed else "succeeded")


def test_a_budget_that_everything_uses_up_stops_exactly_at_its_limit() -> None:
    for limit in (1, 3, 5):
        run = Told(fleet(20, (4, 16), limit))
        failed = 0
        while moves := run.schedule.moves():
            one = run.schedule.step(moves[0].step)
            if one.host is None:  # the first wave is four hosts: a limit of five lets the second one begin
                run.step("done", one.id)
                continue
            fail(run, one.host)
            failed += 1
        assert failed == limit
        assert run.schedule.spent == limit


@pytest.mark.parametrize("limit", [None, 2])
def test_steps_beside_the_fleet_are_not_held_up(limit: int | None) -> None:
    made = fleet(3, (3,), limit)
    server = step("serve", host="server")
    run = Told(freeze(replace(made, steps=(server, *made.steps))))
    fail(run, "h00")
    if limit:
        fail(run, "h01")
    assert "begin server" in begun(run)

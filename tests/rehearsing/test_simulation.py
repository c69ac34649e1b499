"""A simulated run comes to its end whatever befalls it, is the same again, and finds what is planted in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.support import simulating
from tests.support.simulating import bakery_ground, sp3_ground, without

from handrail.actions import build as build_action
from handrail.actions.protocol import Action, Evidence, Observation, Receipt
from handrail.documents.plan import write_plan
from handrail.errors import BadInput
from handrail.hosts.protocol import Host
from handrail.model.journal import Event
from handrail.rehearsing.chances import Chances
from handrail.rehearsing.memory import MemoryJournal, _Run
from handrail.rehearsing.mishaps import WAYS, Mishap, Size, drawn
from handrail.rehearsing.seeds import one_seed, to_json, try_seeds
from handrail.rehearsing.simulation import Ending, Ground, simulate
from handrail.running.chain import Head
from handrail.running.protocol import Item

PRINTS = """
import sys
from pathlib import Path
from handrail.documents.plan import read_plan
from handrail.rehearsing.journey import stage_of, travel
from handrail.rehearsing.simulation import ground, simulate

on = ground(travel(stage_of(read_plan(sys.argv[1]), {"bakery": Path(sys.argv[2])})))
print(*(simulate(on, seed).fingerprint for seed in range(6)))
"""

OURS = ("restarts", "turned-back")
"""What the bakery's guide says nothing of: a restart starts its service again, and its patch cannot be taken away."""


@cache
def ground() -> Ground:
    return bakery_ground()


def simulated(on: Ground, *mishaps: Mishap, seed: int = 0) -> Ending:
    return simulate(on, seed, mishaps)


DRAWN = [292, 686, 611, 939, 388, 636]
DRAWN_MISHAPS = [
    "silent at command 121 of the run for 900 s",
    "restarts at command 127 of the run",
    "succeeds-undone at command 156 of the run",
    "paused-after-write at write 94 of the run for 60 s",
    "killed-after-command at command 37 of the run",
    "turned-back at write 23 of the run",
]


# -- what is drawn ------------------------------------------------------------------------------------------------


def test_draws_are_the_same_on_every_machine() -> None:
    """These numbers were drawn once, and must never come out otherwise."""
    chances = Chances(7, "mishaps")
    assert [chances.below(1000) for _ in range(6)] == DRAWN
    assert [str(one) for one in drawn(3, Size(100, 300))] == DRAWN_MISHAPS


def test_every_way_is_drawn_and_some_runs_are_taken_back() -> None:
    several = [drawn(seed, Size(100, 300)) for seed in range(300)]
    ways = {one.way for mishaps in several for one in mishaps}
    back = sum(any(one.way == "turned-back" for one in mishaps) for mishaps in several)

    assert ways == set(WAYS)
    assert 60 < back < 200
    assert any(one.stage == "back" for mishaps in several for one in mishaps)


# -- what befalls a run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_whatever_befalls_a_run_it_comes_to_its_end_with_nothing_done_twice(seed: int) -> None:
    ending = simulate(ground(), seed, without(ground(), seed, *OURS))

    assert ending.result == "pass", ending


@pytest.mark.parametrize("way", [name for name in WAYS if name not in OURS])
def test_every_way_of_going_wrong_comes_to_pass_and_is_survived(way: str) -> None:
    """At the first place where it can, after the hold."""
    ending = simulated(ground(), Mishap(way, "forward", 6, 60.0 if WAYS[way].lasting else 0.0))

    assert [one.way for one in ending.struck] == [way]
    assert ending.result == "pass", ending


def test_a_worker_that_stood_still_is_refused_when_it_goes_on() -> None:
    ending = simulated(ground(), Mishap("paused-after-write", "forward", 8, 900.0))

    assert ending.result == "pass", ending
    assert any("worker 1 goes on" in line for line in ending.story)
    assert any("worker 1 stops" in line and "taken" in line for line in ending.story)


def test_a_takeover_can_be_killed_too() -> None:
    """The second write of the second worker is killed, then the first of the third."""
    ending = simulated(
        ground(),
        Mishap("killed-after-write", "forward", 7),
        Mishap("killed-before-write", "forward", 8),
        Mishap("killed-after-write", "forward", 9),
    )

    assert len(ending.struck) == 3
    assert ending.result == "pass", ending


# -- the same again -----------------------------------------------------------------------------------------------


def test_a_seed_is_the_same_again_and_another_is_another() -> None:
    first, again, other = (simulate(ground(), seed).fingerprint for seed in (3, 3, 4))

    assert first == again != other


def test_a_seed_is_the_same_in_another_process_with_other_hashes(tmp_path: Path) -> None:
    plan = tmp_path / "bakery.plan"
    write_plan(simulating.bakery(), plan)

    def prints(hashes: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        command = [sys.executable, "-c", PRINTS, str(plan), str(simulating.BAKERY / "twin.yaml")]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    several = [prints("1"), prints("4711")]
    found = [one.communicate()[0].split() for one in several]

    assert found[0] == found[1] == [simulate(ground(), seed).fingerprint for seed in range(6)]


# -- planted defects ----------------------------------------------------------------------------------------------


class AnyEpoch(MemoryJournal):
    """Accepts whatever is appended, as if its writer still held the lane."""

    def append_now(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        return super().append_now(run, {**heads, **self._runs[run].heads}, items)


class Forgets(MemoryJournal):
    """Says that every intent is written, and keeps none."""

    def _commit(self, name: str, made: Sequence[Event], run: _Run | None = None) -> None:
        before = len(self._runs[name].events) if name in self._runs else 0
        super()._commit(name, made, run)
        events = self._runs[name].events
        events[before:] = [one for one in events[before:] if one.entry.kind != "begun"]


class Loses(MemoryJournal):
    """Loses what it answered last whenever its lanes are taken over, as a disk does that was never synchronised."""

    def take(self, run: str, wanted: Sequence[str], data: Mapping[str, Any]) -> tuple[dict[str, Head], list[Event]]:
        known = self._runs[run]
        if len(known.events) > 5:
            last = known.events.pop()
            left = [one for one in known.events if one.lane == last.lane]
            known.heads[last.lane] = Head(left[-1].sequence, left[-1].epoch, left[-1].hash)
        return super().take(run, wanted, data)


def found(on: Ground, *mishaps: Mishap) -> str:
    """Why a run on this ground fails."""
    ending = simulated(on, *mishaps)
    assert ending.result == "fail", ending
    return " ".join(ending.because)


def test_a_journal_that_accepts_an_old_epoch_is_found() -> None:
    on = bakery_ground(AnyEpoch)

    assert "after worker 2 had taken it over" in found(on, Mishap("paused-before-write", "forward", 6, 60.0))
    assert simulated(on).result == "pass"


def test_a_journal_that_forgets_a_record_is_found() -> None:
    assert "does not hold together" in found(bakery_ground(Forgets))


def test_a_journal_that_loses_what_it_had_answered_is_found() -> None:
    on = bakery_ground(Loses)

    assert "and it is not there" in found(on, Mishap("killed-after-write", "forward", 8))
    assert simulated(on).result == "pass"


class Careless:
    """An action that does not look for what it did before it was killed, and does it again."""

    def __init__(self, action: Action) -> None:
        self._action = action
        self._acted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._action, name)

    async def observe(self, host: Host, receipt: Receipt) -> Observation:
        return await self._action.observe(host, receipt) if self._acted else Observation("not_done", "nobody looked")

    async def act(self, host: Host, receipt: Receipt) -> Evidence:
        self._acted = True
        return await self._action.act(host, receipt)


def careless_restore(uses: str, with_: Mapping[str, Any]) -> Any:
    action = build_action(uses, with_)
    return Careless(action) if uses == "sqlserver.restore" else action


@pytest.mark.slow
def test_an_action_that_repeats_its_effect_when_in_doubt_is_found() -> None:
    """On the way back, killed at each write in turn, of which one is that a database was put back. With the action as
    it is, the very same run passes."""
    on = sp3_ground(careless_restore)
    back = Mishap("turned-back", "forward", on.size.writes * 3 // 4)
    killed = (Mishap("killed-before-write", "back", at) for at in range(1, on.size.writes))
    failed = next(one for one in (simulated(on, back, each) for each in killed) if one.result == "fail")

    assert "database" in " ".join(failed.because)
    assert simulated(sp3_ground(), *failed.mishaps).result == "pass"


# -- many seeds ---------------------------------------------------------------------------------------------------


def test_what_fails_is_shown_as_short_as_can_be_and_reproduces() -> None:
    on = bakery_ground(AnyEpoch)

    seeds = try_seeds(on, range(16), processes=1)

    taken = [one for one in seeds.failures if "taken it over" in one.because[0]]
    assert seeds.counts.failed and taken
    assert [case.seed for case in seeds.cases] == list(range(16))
    for case in taken:
        assert case.only is not None and len(case.only) <= 2
        assert any(case.mishaps[n - 1].way in ("second-worker", "paused-before-write") for n in case.only), case
        assert one_seed(on, case.seed, case.only) == case


def test_the_document_has_a_seed_in_every_case_and_says_what_reproduces_a_failure() -> None:
    document = to_json(try_seeds(bakery_ground(AnyEpoch), range(8), processes=1), "x.plan")

    assert [case["seed"] for case in document["cases"]] == list(range(8))
    assert document["passed"] + document["failed"] == 8
    assert all(one["again"].startswith("handrail rehearse x.plan --seed ") for one in document["shortest"])
    assert set(document["cases"][0]) >= {"step", "fault", "then", "result", "because", "faults"}


def test_a_number_that_a_seed_has_not_is_refused() -> None:
    with pytest.raises(BadInput, match="no fault 99"):
        one_seed(ground(), 1, [99])


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 60, 20))
def test_the_sample_of_sp3_survives_its_seeds(first: int) -> None:
    on = sp3_ground()
    for seed in range(first, first + 20):
        ending = simulate(on, seed)
        assert ending.result in ("pass", "no-way-back-as-planned"), ending

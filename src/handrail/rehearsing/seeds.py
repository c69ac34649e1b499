"""Many seeds, each a simulated run that is disturbed otherwise; what fails is made as short as it can be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handrail.errors import BadInput
from handrail.rehearsing.mishaps import WAYS, Mishap, drawn, kept
from handrail.rehearsing.results import SCHEMA, Counts, Result, Then, counted, counts_to_json
from handrail.rehearsing.shrinking import shrunk
from handrail.rehearsing.simulation import Ending, Ground, simulate
from handrail.rehearsing.spreading import spread

Progress = Callable[[int, int], None]
"""How many seeds have been tried, of how many."""

SHRUNK = 5
"""How many failures are made shorter; of those that say the same, one."""


@dataclass(frozen=True, slots=True)
class SeedCase:
    """What became of one seed. `mishaps`: all that its run was to suffer; `struck`: by their numbers from 1, those that
    it did. `only`: when it was shrunk, the numbers that are needed to make it fail; `story` and `because` are then of
    these alone."""

    seed: int
    then: Then
    result: Result
    because: tuple[str, ...]
    mishaps: tuple[Mishap, ...]
    struck: tuple[int, ...]
    fingerprint: str
    story: tuple[str, ...] = ()
    only: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Seeds:
    """All that was simulated of one plan. `failures`: the shortest of each kind of failure, with their stories."""

    plan: str
    estate: str
    cases: tuple[SeedCase, ...]
    failures: tuple[SeedCase, ...]

    @property
    def counts(self) -> Counts:
        return counted(one.result for one in self.cases)

    @property
    def struck(self) -> Counter[str]:
        """How often each way of going wrong came to pass."""
        return Counter(case.mishaps[number - 1].way for case in self.cases for number in case.struck)


def try_seeds(
    on: Ground, seeds: Sequence[int], processes: int | None = None, progress: Progress | None = None
) -> Seeds:
    """Simulate these seeds, over as many processes."""
    found: dict[int, SeedCase] = {}
    if progress is not None:
        progress(0, len(seeds))
    for number, case in spread(lambda seed: _tried(on, seed), seeds, processes):
        found[number] = case
        if progress is not None:
            progress(len(found), len(seeds))
    cases = tuple(found[number] for number in sorted(found))
    firsts: dict[str, SeedCase] = {}
    for case in cases:
        if case.result == "fail":
            firsts.setdefault(_kind(case), case)
    several = list(firsts.values())[:SHRUNK]
    shorter = dict(spread(lambda case: shortest(on, case), several, processes))
    plan = on.journey.plan
    return Seeds(plan.digest, plan.estate.name, cases, tuple(shorter[number] for number in sorted(shorter)))


def one_seed(on: Ground, seed: int, only: Sequence[int] | None = None) -> SeedCase:
    """One seed with its story; `only`: with these of its mishaps alone, by their numbers from 1. BadInput when it has
    no such number."""
    mishaps = drawn(seed, on.size)
    for number in only or ():
        if not 1 <= number <= len(mishaps):
            raise BadInput(f"Seed {seed} has no fault {number}.", f"It has {len(mishaps)}, numbered from 1.")
    ending = simulate(on, seed, mishaps if only is None else kept(mishaps, only))
    return _case(ending, mishaps, tuple(only) if only is not None else None)


def shortest(on: Ground, case: SeedCase) -> SeedCase:
    """The failing case with as few mishaps as still make it fail."""
    numbers = shrunk(range(1, len(case.mishaps) + 1), lambda some: _fails(on, case, some))
    return one_seed(on, case.seed, numbers)


def _fails(on: Ground, case: SeedCase, numbers: Sequence[int]) -> bool:
    return simulate(on, case.seed, kept(case.mishaps, numbers)).result == "fail"


def _tried(on: Ground, seed: int) -> SeedCase:
    case = one_seed(on, seed)
    return case if case.result == "fail" else replace(case, story=())


def _case(ending: Ending, mishaps: tuple[Mishap, ...], only: tuple[int, ...] | None) -> SeedCase:
    left = list(ending.struck)
    struck = []
    for number, one in enumerate(mishaps, start=1):
        if one in left and (only is None or number in only):
            left.remove(one)
            struck.append(number)
    return SeedCase(
        ending.seed,
        ending.then,
        ending.result,
        ending.because,
        mishaps,
        tuple(struck),
        ending.fingerprint,
        ending.story,
        only,
    )


def _kind(case: SeedCase) -> str:
    """What a failure says first, without numbers: equal for failures that are likely the same."""
    return re.sub(r"[0-9]+", "#", case.because[0] if case.because else "")[:160]


def command(plan_file: str, case: SeedCase) -> str:
    """What reproduces the case, on any machine."""
    only = f" --only {','.join(map(str, case.only))}" if case.only is not None else ""
    return f"handrail rehearse {plan_file} --seed {case.seed}{only}"


def to_json(found: Seeds, plan_file: str) -> dict[str, Any]:
    """The document `handrail/rehearsal/v1`, its cases being seeds. `shortest`: one failure of each kind, with its story
    and what reproduces it."""
    return {
        "schema": SCHEMA,
        "plan": found.plan,
        "estate": found.estate,
        "unfaulted": None,
        "cases": [_case_to_json(case) for case in found.cases],
        "shortest": [{**_case_to_json(case), "again": command(plan_file, case)} for case in found.failures],
        **counts_to_json(found.counts),
        "faults": {name: f"a worker {way.says}" for name, way in WAYS.items()},
    }


def _case_to_json(case: SeedCase) -> dict[str, Any]:
    """`step` is null: a seed is about a whole run. `faults` are told in words, with their numbers."""
    numbers = case.only if case.only is not None else range(1, len(case.mishaps) + 1)
    made: dict[str, Any] = {
        "seed": case.seed,
        "step": None,
        "fault": ", ".join(dict.fromkeys(case.mishaps[number - 1].way for number in case.struck)),
        "then": case.then,
        "result": case.result,
        "because": "; ".join(case.because),
        "faults": [
            {"number": number, "says": str(case.mishaps[number - 1]), "struck": number in case.struck}
            for number in numbers
        ],
        "fingerprint": case.fingerprint,
    }
    if case.only is not None:
        made["only"] = list(case.only)
    return {**made, "story": list(case.story)} if case.story else made

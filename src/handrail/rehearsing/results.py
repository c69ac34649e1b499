"""What a rehearsal found, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA = "handrail/rehearsal/v1"

Result = Literal["pass", "fail", "no-way-back-as-planned", "not-rehearsed"]
Then = Literal["resume", "rollback"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases came to what."""

    passed: int = 0
    failed: int = 0
    as_planned: int = 0
    not_rehearsed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.as_planned + other.as_planned,
            self.not_rehearsed + other.not_rehearsed,
        )

    @property
    def cases(self) -> int:
        return self.passed + self.failed + self.as_planned + self.not_rehearsed


def counted(results: Iterable[Result]) -> Counts:
    found = Counter(results)
    return Counts(found["pass"], found["fail"], found["no-way-back-as-planned"], found["not-rehearsed"])


def counts_to_json(counts: Counts) -> dict[str, int]:
    return {
        "passed": counts.passed,
        "failed": counts.failed,
        "no_way_back_as_planned": counts.as_planned,
        "not_rehearsed": counts.not_rehearsed,
    }


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one step, and what became of it. `because` says why it failed, or why there is no way back. `of`: a
    case of the way back of the finished run, whose step it is. `story` is told when the case was asked for alone."""

    step: str
    fault: str
    then: Then
    result: Result
    because: str = ""
    of: Literal["plan", "rollback"] = "plan"
    story: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.step}:{self.fault}"


@dataclass(frozen=True, slots=True)
class Failure:
    """Cases that failed for the same reason: the first of them, and all faults that led there."""

    case: Case
    times: int
    faults: tuple[str, ...]


def failures_of(cases: Iterable[Case]) -> tuple[Failure, ...]:
    kinds: dict[tuple[str, str], list[Case]] = {}
    for one in cases:
        if one.result == "fail":
            kinds.setdefault((one.then, one.because), []).append(one)
    return tuple(
        Failure(several[0], len(several), tuple(dict.fromkeys(one.fault for one in several)))
        for several in kinds.values()
    )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`stand_for` maps a step to the others of its cohort, which were not tried for themselves. `unfaulted`: why the
    run without faults did not come to its end, empty when it did. `not_rehearsed`: steps that were never carried out,
    and why. `faults`: those that were tried, with what they are. `sampled`: on how many hosts of how many, when not on
    all of them."""

    plan: str
    estate: str
    steps: tuple[str, ...]
    titles: Mapping[str, str]
    faults: Mapping[str, str]
    cases: tuple[Case, ...]
    stand_for: Mapping[str, tuple[str, ...]]
    not_rehearsed: Mapping[str, str]
    unfaulted: str = ""
    back: tuple[str, ...] = ()
    sampled: tuple[int, int] | None = None

    @property
    def counts(self) -> Counts:
        return counted(one.result for one in self.cases)

    @property
    def exit_code(self) -> int:
        """1 when a case or the unfaulted run failed, when a way back was not rehearsed, or nothing at all was."""
        counts = self.counts
        if counts.failed or self.unfaulted or self.unknown_ways_back:
            return 1
        return 1 if self.not_rehearsed and not counts.passed else 0

    @property
    def unknown_ways_back(self) -> list[Case]:
        """Cases in which the twin did not know what the rollback does."""
        return [one for one in self.cases if one.result == "not-rehearsed" and one.then == "rollback"]


def to_json(rehearsal: Rehearsal) -> dict[str, Any]:
    """The document `handrail/rehearsal/v1`."""
    return {
        "schema": SCHEMA,
        "plan": rehearsal.plan,
        "estate": rehearsal.estate,
        "unfaulted": rehearsal.unfaulted or None,
        "cases": [case_to_json(one) for one in rehearsal.cases],
        **counts_to_json(rehearsal.counts),
        "steps": len(rehearsal.steps),
        "cohorts": {step: list(others) for step, others in rehearsal.stand_for.items()},
        "faults": dict(rehearsal.faults),
        **({"hosts": {"tried": rehearsal.sampled[0], "of": rehearsal.sampled[1]}} if rehearsal.sampled else {}),
    }


def case_to_json(one: Case) -> dict[str, Any]:
    case: dict[str, Any] = {
        "step": one.step,
        "fault": one.fault,
        "then": one.then,
        "result": one.result,
        "because": one.because,
        "of": one.of,
    }
    return {**case, "story": list(one.story)} if one.story else case

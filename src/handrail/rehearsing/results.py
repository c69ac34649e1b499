"""What a rehearsal found, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

SCHEMA = "handrail/rehearsal/v1"

Result = Literal["pass", "fail", "no-way-back-as-planned", "not-rehearsed"]
Then = Literal["resume", "rollback"]


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
class Rehearsal:
    """`stand_for` maps a step to the others of its cohort, which were not tried for themselves. `unfaulted`: why the
    run without faults did not come to its end, empty when it did. `not_rehearsed`: steps that were never carried out,
    and why. `faults`: those that were tried, with what they are."""

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

    @property
    def counts(self) -> Counter[Result]:
        return Counter(one.result for one in self.cases)

    @property
    def passed(self) -> int:
        return self.counts["pass"]

    @property
    def failed(self) -> int:
        return self.counts["fail"]

    @property
    def exit_code(self) -> int:
        """1 when a case or the unfaulted run failed, when a way back was not rehearsed, or nothing at all was."""
        if self.failed or self.unfaulted or self.unknown_ways_back:
            return 1
        return 1 if self.not_rehearsed and not self.passed else 0

    @property
    def unknown_ways_back(self) -> list[Case]:
        """Cases in which the twin did not know what the rollback does."""
        return [one for one in self.cases if one.result == "not-rehearsed" and one.then == "rollback"]


def to_json(rehearsal: Rehearsal) -> dict[str, Any]:
    """The document `handrail/rehearsal/v1`."""
    counts = rehearsal.counts
    return {
        "schema": SCHEMA,
        "plan": rehearsal.plan,
        "estate": rehearsal.estate,
        "unfaulted": rehearsal.unfaulted or None,
        "cases": [_case(one) for one in rehearsal.cases],
        "passed": rehearsal.passed,
        "failed": rehearsal.failed,
        "no_way_back_as_planned": counts["no-way-back-as-planned"],
        "not_rehearsed": counts["not-rehearsed"],
        "steps": len(rehearsal.steps),
        "cohorts": {step: list(others) for step, others in rehearsal.stand_for.items()},
        "faults": dict(rehearsal.faults),
    }


def _case(one: Case) -> dict[str, Any]:
    case: dict[str, Any] = {
        "step": one.step,
        "fault": one.fault,
        "then": one.then,
        "result": one.result,
        "because": one.because,
        "of": one.of,
    }
    return {**case, "story": list(one.story)} if one.story else case

"""A plan carried out on lab hosts: prepared, run, verified, taken back, verified again, with what each took.

On real hosts there is no ground truth beside them: the plan's own checks and the verification are the judge.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from handrail.model.plan import Plan
from handrail.rehearsing.results import SCHEMA, Case, Result, Then
from handrail.restoring.rollback import NoWayBack
from handrail.running.clock import moment
from handrail.running.runner import Progress, Settings
from handrail.running.session import Session

TARGET = "lab"
EVERY_STEP = "(all)"
NO_FAULT = "none"

Stage = Literal["prepare", "run", "rollback"]
Told = Callable[[Stage, str, Plan], AbstractContextManager[Progress]]
"""Opens the telling of a stage, which is a run of a plan."""


@dataclass(frozen=True, slots=True)
class Took:
    """How long a step took in the lab, and how long the plan expects it to, in seconds."""

    step: str
    seconds: float
    expected: float


@dataclass(frozen=True, slots=True)
class LabRehearsal:
    """`plan` is the digest of the plan that was rehearsed, `lab` that of the lab's; `runs` are in the journal. `stood`:
    why it did not come so far as to be judged."""

    plan: str
    lab: str
    runs: tuple[str, ...]
    cases: tuple[Case, ...]
    took: tuple[Took, ...]
    stood: str = ""

    @property
    def exit_code(self) -> int:
        return 1 if self.stood or any(one.result == "fail" for one in self.cases) else 0


class LabRun:
    """One rehearsal in a lab. `told` opens the telling of each stage; people are asked as on real hosts, but for holds:
    in a lab everybody goes on."""

    def __init__(self, session: Session, plan: str, who: str, told: Told) -> None:
        self._session = session
        self._plan = plan
        self._who = who
        self._told = told
        self._runs: list[str] = []

    async def rehearse(self, preparing: Plan | None, made: Plan) -> LabRehearsal:
        if preparing is not None:
            _, stood = await self._carry("prepare", preparing)
            if stood:
                return LabRehearsal(
                    self._plan, made.digest, tuple(self._runs), (), (), f"the lab is not ready: {stood}"
                )
        run, stood = await self._carry("run", made)
        took = self._took(run, made)
        cases = [_case("resume", stood or await self._broken(run))]
        back = self._session.rollback(run)
        if isinstance(back, NoWayBack):
            said = back.findings[0].message
            result: Result = "no-way-back-as-planned" if made.point_of_no_return is not None else "fail"
            cases.append(Case(EVERY_STEP, NO_FAULT, "rollback", result, said))
        else:
            returning, stood = await self._carry("rollback", back.plan)
            cases.append(_case("rollback", stood or await self._broken(returning)))
        return LabRehearsal(self._plan, made.digest, tuple(self._runs), tuple(cases), took)

    async def _carry(self, stage: Stage, plan: Plan) -> tuple[str, str]:
        """The run, and why it did not come to its end; empty when it did."""
        run = self._session.start(plan, self._who, target=TARGET)
        self._runs.append(run)
        with self._told(stage, run, plan) as progress:
            settings = Settings(wait_for_people=None, signals=True)
            outcome = await self._session.carry_out(run, self._who, progress=progress, settings=settings)
        if outcome.status.state == "succeeded":
            return run, ""
        stands = [one for one in outcome.status.steps if one.state in ("failed", "in-doubt", "waiting")]
        because = "; ".join(f"{one.id} is {one.state}: {one.because}" for one in stands[:3])
        return run, because or "it was stopped"

    async def _broken(self, run: str) -> str:
        verification = await self._session.verify(run, self._who)
        return "; ".join(f"{one.step}: {one.because}" for one in verification.checks if one.verdict != "holds")

    def _took(self, run: str, plan: Plan) -> tuple[Took, ...]:
        status = {one.id: one for one in self._session.status(run).steps}
        found = []
        for step in plan.steps:
            one = status[step.id]
            if one.state == "done" and one.begun and one.ended and step.kind not in ("hold", "person"):
                seconds = (moment(one.ended) - moment(one.begun)).total_seconds()
                found.append(Took(step.id, round(seconds, 3), step.takes))
        return tuple(found)


def _case(then: Then, because: str) -> Case:
    return Case(EVERY_STEP, NO_FAULT, then, "fail" if because else "pass", because)


def to_json(found: LabRehearsal) -> dict[str, Any]:
    """The document `handrail/rehearsal/v1`, with what the lab adds to it."""
    return {
        "schema": SCHEMA,
        "plan": found.plan,
        "lab": {
            "plan": found.lab,
            "runs": list(found.runs),
            "stood": found.stood or None,
            "took": [{"step": one.step, "seconds": one.seconds, "expected": one.expected} for one in found.took],
        },
        "cases": [
            {"step": one.step, "fault": one.fault, "then": one.then, "result": one.result, "because": one.because}
            for one in found.cases
        ],
        "passed": sum(one.result == "pass" for one in found.cases),
        "failed": sum(one.result == "fail" for one in found.cases),
    }

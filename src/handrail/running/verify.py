"""Does it still hold? Every lasting step of a run is observed again. Nothing is changed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

from handrail.actions.protocol import Receipt, Secrets
from handrail.errors import HandrailError
from handrail.model.journal import StepStatus
from handrail.model.plan import Plan, Step
from handrail.running.carrying import Build, Hosts
from handrail.running.late import LateMissing, resolve
from handrail.running.scheduler import Schedule

SCHEMA = "handrail/verification/v1"
Verdict = Literal["holds", "broken", "unknown", "superseded"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one lasting step shows now. `superseded`: a later hop was meant to change it, so it was not looked at."""

    step: str
    verdict: Verdict
    because: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    run: str
    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """1 when something does not hold, or could not be seen: unknown is not fine."""
        return int(any(check.verdict in ("broken", "unknown") for check in self.checks))


async def verify(
    run: str, plan: Plan, schedule: Schedule, *, hosts: Hosts, build: Build, secrets: Secrets, parallel: int = 32
) -> Verification:
    """Observe again every lasting step that ended done."""
    gate = asyncio.Semaphore(parallel)
    done = [step for step in plan.steps if schedule.one(step.id).state == "done"]
    superseded = _superseded(done)

    async def look(step: Step) -> Check:
        if step.id in superseded:
            return Check(step.id, "superseded", f"{superseded[step.id]} came after it")
        async with gate:
            return await _look(run, step, schedule, hosts, build, secrets)

    lasting = [step for step in done if step.lasting and step.host is not None]
    return Verification(run, tuple(await asyncio.gather(*map(look, lasting))))


async def _look(run: str, step: Step, schedule: Schedule, hosts: Hosts, build: Build, secrets: Secrets) -> Check:
    status = schedule.one(step.id)
    try:
        action = build(step.uses, resolve(step.with_, schedule)[0])
        assert step.host is not None
        seen = await action.observe(hosts(step.host), _receipt(run, step, status, schedule, secrets))
    except (HandrailError, LateMissing) as error:
        return Check(step.id, "unknown", str(error))
    except Exception as fault:
        return Check(step.id, "unknown", f"{type(fault).__name__} in {step.uses}: {fault}")
    verdict: Verdict = "unknown"
    if seen.state != "unknown":
        verdict = "holds" if seen.state == "done" else "broken"
    return Check(step.id, verdict, seen.because)


def _receipt(run: str, step: Step, status: StepStatus, schedule: Schedule, secrets: Secrets) -> Receipt:
    intent = schedule.intent(step.id)
    if intent is not None:
        return Receipt(run, step.id, status.attempts, secrets, intent.at, intent.entry.data.get("before", {}))
    began = [one for one in map(schedule.began, step.after) if one]
    return Receipt(run, step.id, max(status.attempts, 1), secrets, min(began, default=schedule.created or ""))


def _superseded(done: list[Step]) -> dict[str, str]:
    """Lasting steps that a later one was meant to undo: it leaves another value of the same fact; or it looks for the
    same thing, under the same name, in a later hop of the same installation."""
    found: dict[str, str] = {}
    left: dict[str, tuple[Any, str]] = {}
    named: dict[tuple[str, ...], str] = {}
    for step in reversed(done):
        if step.lasting:
            others = (
                left[fact.address] for fact in step.leaves if left.get(fact.address, (fact.value, ""))[0] != fact.value
            )
            by = next((other for _, other in others), "")
            # Whatever its host: an installation that moved stands on the old one no more.
            key = (step.installation, step.uses, step.id.rpartition("/")[2])
            by = by or named.get(key, "")
            if by:
                found[step.id] = by
            named.setdefault(key, step.id)
        for fact in step.leaves:
            left.setdefault(fact.address, (fact.value, step.id))
    return found


def verification_to_json(found: Verification) -> dict[str, Any]:
    """The document `handrail/verification/v1`."""
    return {
        "schema": SCHEMA,
        "run": found.run,
        "holds": found.exit_code == 0,
        "checks": [{"step": one.step, "verdict": one.verdict, "because": one.because} for one in found.checks],
    }

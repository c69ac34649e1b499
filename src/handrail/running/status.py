"""How a run stands, read from the journal alone."""

from __future__ import annotations

from typing import Any

from handrail.model.journal import RunStatus, StepStatus
from handrail.model.plan import Plan
from handrail.running.fates import fates_of
from handrail.running.protocol import AnyJournal
from handrail.running.scheduler import Schedule

SCHEMA = "handrail/run/v1"


def schedule_of(journal: AnyJournal, run: str, plan: Plan) -> Schedule:
    """The schedule of a run as the journal has it now. Tampered when the journal does not hold together."""
    return Schedule(plan).apply_all(journal.read(run))


def status_to_json(status: RunStatus) -> dict[str, Any]:
    """The document `handrail/run/v1`. `fates` is there when a step told what became of customisations."""
    fates = [{"step": step, **fate.to_json()} for step, fate in fates_of(status)]
    return {
        "schema": SCHEMA,
        "run": status.run,
        "plan": status.plan,
        "state": status.state,
        "steps": [_step(step) for step in status.steps],
        **({"started_by": status.started_by} if status.started_by else {}),
        **({"goes_back": status.goes_back} if status.goes_back else {}),
        **({"taken_back_by": status.taken_back_by} if status.taken_back_by else {}),
        **({"moved_to": status.moved_to} if status.moved_to else {}),
        **({"fates": fates} if fates else {}),
    }


def _step(step: StepStatus) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": step.id,
        "state": step.state,
        "attempts": step.attempts,
        "begun": step.begun,
        "ended": step.ended,
    }
    if step.because:
        document["because"] = step.because
    if step.error:
        document["error"] = step.error
    if step.demands:
        document["by"] = list(step.demands)
    if step.agreed:
        document["agreed"] = list(step.agreed)
    return document

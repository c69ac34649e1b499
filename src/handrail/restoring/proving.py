"""What comes before anything is taken back: what is still at work is waited for, every restore point that is needed is
proved once more, and a hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handrail.model.finding import Citation
from handrail.model.plan import Plan, Step, WayBack
from handrail.model.signature import Signature
from handrail.restoring.late import fill, references
from handrail.restoring.putting_back import Impossible
from handrail.restoring.records import Record, Records
from handrail.restoring.undoing import Group

WAIT = "job.ended"
_OPEN = ("begun", "in-doubt", "failed")
HOLD = "estate/rollback/sure"
_OURS = Citation("ours", "what goes back is proved and its price is told before anything is touched")


def waits(plan: Plan, run: str, records: Records, signature: Signature | None) -> list[Step]:
    """For each attempt whose end nobody saw: wait until what it started on the host is no longer at work. A setup that
    still runs would go on beside us."""
    if signature is None:
        return []
    found: list[Step] = []
    for step in plan.steps:
        record = records.get(step.id, Record())
        if step.host is not None and record.state in _OPEN:
            attempts = range(1, record.attempts + 1)
            found += [_wait(step, attempt, f"{run}/{step.id}/{attempt}", signature) for attempt in attempts]
    return found


def _wait(step: Step, attempt: int, job: str, signature: Signature) -> Step:
    prefix, _, name = step.id.rpartition("/")
    return Step(
        id=f"{prefix}/wait-{name}" + (f"-{attempt}" if attempt > 1 else ""),
        title=f"Wait until nothing of this is at work any more: {step.title}",
        installation=step.installation,
        host=step.host,
        uses=WAIT,
        revision=signature.revision,
        kind=signature.kind,
        source=_OURS,
        with_={"job": job},
        way_back=WayBack("undo"),
    )


def proofs(plan: Plan, groups: Sequence[Group], needed: frozenset[str], records: Records) -> list[Step]:
    """The plan's own proofs of what is needed, to be made again. Impossible when one lacks what it reads."""
    wanted = {id for group in groups for id in group.proofs}
    return [_again(step, records) for step in plan.steps if step.id in wanted and needed.intersection(step.proves)]


def _again(step: Step, records: Records) -> Step:
    known = {}
    for reference in references(step.with_):
        name, _, output = reference.rpartition(".")
        outputs = records.get(name, Record()).outputs
        if output not in outputs:
            raise Impossible(f"{step.id} cannot prove its restore point again: {name} gave no {output}.")
        known[reference] = outputs[output]
    prefix, _, name = step.id.rpartition("/")
    return replace(
        step,
        id=f"{prefix}/prove-{name}",
        with_=fill(step.with_, known),
        when=(),
        after=(),
        because=(),
        rests_on=(),
        leaves=(),
        remedies=(),
        lasting=False,
        downtime=False,
        way_back=WayBack("undo"),
    )


def hold(question: str, after: tuple[str, ...], signature: Signature | None) -> Step:
    return Step(
        id=HOLD,
        title="Go back, knowing what it costs",
        installation="estate",
        host=None,
        uses="hold",
        revision=signature.revision if signature else 1,
        kind="hold",
        source=_OURS,
        with_={"question": question},
        after=after,
        way_back=WayBack("undo"),
    )

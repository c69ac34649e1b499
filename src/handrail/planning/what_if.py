"""What if the estate were otherwise: the same plan made again for it, and what that changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handrail.model.finding import Assessment, Finding
from handrail.model.plan import Hop, Plan, Step


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`said` and `unsaid`: findings that come and that go. `hops` are those that come or change; `gone` that go. `come`
    and `go` are steps. Blocked, there are no hops and steps to compare."""

    verdict: str
    said: tuple[Finding, ...]
    unsaid: tuple[Finding, ...]
    hops: tuple[Hop, ...] = ()
    gone: tuple[Hop, ...] = ()
    come: tuple[Step, ...] = ()
    go: tuple[Step, ...] = ()

    @property
    def is_same(self) -> bool:
        return not (self.said or self.unsaid or self.hops or self.gone or self.come or self.go)


def what_if(plan: Plan, made: Plan | Assessment) -> WhatIf:
    """How `made`, for the other estate, differs from `plan`. A step is the same when it does the same thing."""
    said = _without(made.findings, plan.findings)
    unsaid = _without(plan.findings, made.findings)
    if isinstance(made, Assessment):
        return WhatIf(made.verdict, said, unsaid)
    mine, theirs = {_hop(hop) for hop in plan.hops}, {_hop(hop) for hop in made.hops}
    known, new = {_step(step) for step in plan.steps}, {_step(step) for step in made.steps}
    return WhatIf(
        Assessment(made.estate.name, dict(made.aim), made.findings).verdict,
        said,
        unsaid,
        tuple(hop for hop in made.hops if _hop(hop) not in mine),
        tuple(hop for hop in plan.hops if _hop(hop) not in theirs),
        tuple(step for step in made.steps if _step(step) not in known),
        tuple(step for step in plan.steps if _step(step) not in new),
    )


def _without(these: Iterable[Finding], others: Iterable[Finding]) -> tuple[Finding, ...]:
    known = {(one.rule, one.subject, one.level, one.message) for one in others}
    return tuple(one for one in these if (one.rule, one.subject, one.level, one.message) not in known)


def _hop(hop: Hop) -> tuple[str, str, str, str]:
    return hop.installation, hop.from_, hop.to, hop.method


def _step(step: Step) -> tuple[str, str, str | None]:
    return step.id, step.uses, step.host

"""Steps that are one but for names: of a cohort one is tried, and stands for the others."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from handrail.documents.plan import plan_to_json
from handrail.model.plan import Hop, Plan, Step

_MADE = re.compile(r"[\w.@+-]+-[0-9a-f]{8}(?=\\|\")")
"""A folder that an attempt made for itself: its name has the name of the step in it."""


def cohorts(plan: Plan, steps: tuple[Step, ...] | None = None) -> dict[str, tuple[str, ...]]:
    """The first step of every cohort, in the order of the plan, and the others that it stands for.

    Two steps are one cohort when they do the same, with the same values, under the same conditions and ways back, in
    equal hops, on hosts with equal facts, but for the names of host, installation and deployment.
    """
    found: dict[str, list[str]] = {}
    hops: dict[str, list[Hop]] = {}
    for hop in plan.hops:
        hops.setdefault(hop.installation, []).append(hop)
    told = {one["id"]: one for one in plan_to_json(replace(plan, steps=steps or plan.steps))["steps"]}
    for step in steps or plan.steps:
        found.setdefault(_shape(plan, step, told[step.id], hops.get(step.installation, [])), []).append(step.id)
    return {first: tuple(others) for first, *others in found.values()}


def _shape(plan: Plan, step: Step, told: dict[str, object], hops: Sequence[Hop]) -> str:
    host = plan.estate.hosts.get(step.host or "")
    facts = [host.os, dict(host.software), dict(host.facts)] if host is not None else []
    left_out = ("takes", "rests_on", "because", "source", "leaves", "downtime")
    about = {name: value for name, value in told.items() if name not in left_out}
    shape = [about, facts, [(one.from_, one.to, one.build, one.method) for one in hops]]
    text = json.dumps(shape, sort_keys=True, default=str)
    deployment, _, own = step.installation.partition("/")
    for name, stands_for in ((step.installation, "<it>"), (own, "<id>"), (step.host, "<host>")):
        if name:
            text = text.replace(name, stands_for)
    text = _MADE.sub("<made>", text)
    return text.replace(f'"{deployment}', '"<deployment>')

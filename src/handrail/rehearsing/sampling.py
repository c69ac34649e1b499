"""A plan for so many hosts that nobody can try every step on each: the same plan for a few of every kind.

Hosts are of one kind when their steps are cohorts of each other: they do the same, under the same conditions, in equal
hops, on equal facts, and in the same wave. Only hosts that stand alone are left out: whose installations have all their
steps there, and which no step of a host of another kind comes after, except for the gates between waves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail.documents.plan import freeze
from handrail.model.plan import Plan, Step
from handrail.rehearsing.cohorts import cohorts

LARGE = 5_000
"""Steps from which on a sample is rehearsed."""

OF_EACH = 2
"""Hosts of every kind: one alone would not show what two do to each other."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`plan` is for `hosts` of `of` hosts."""

    plan: Plan
    hosts: int
    of: int


def sample(plan: Plan, large: int = LARGE, each: int = OF_EACH) -> Sample:
    """The plan itself when it has not more than `large` steps, or when there is no host that could be left out."""
    every = {step.host for step in plan.steps if step.host is not None}
    left_out = _left_out(plan, each) if len(plan.steps) > large else frozenset()
    if not left_out:
        return Sample(plan, len(every), len(every))
    return Sample(freeze(_without(plan, left_out)), len(every - left_out), len(every))


def _left_out(plan: Plan, each: int) -> frozenset[str]:
    stands_for = {other: first for first, others in cohorts(plan).items() for other in others}
    where: dict[str, set[str | None]] = {}
    own: dict[str, list[Step]] = {}
    for step in plan.steps:
        where.setdefault(step.installation, set()).add(step.host)
        if step.host is not None:
            own.setdefault(step.host, []).append(step)
    host_of = {step.id: step.host for step in plan.steps}
    needed: set[str] = set()
    for step in plan.steps:
        if step.host is not None:
            named = (*step.after, *(one.step for one in step.when))
            needed.update(host for one in named if (host := host_of[one]) is not None and host != step.host)
    kinds: dict[tuple[str, ...], list[str]] = {}
    for host, steps in own.items():
        alone = host not in needed and all(where[step.installation] == {host} for step in steps)
        if alone:
            kinds.setdefault(tuple(stands_for.get(step.id, step.id) for step in steps), []).append(host)
    return frozenset(host for hosts in kinds.values() for host in hosts[each:])


def _without(plan: Plan, hosts: frozenset[str]) -> Plan:
    """The plan as if these hosts were not there."""
    steps = tuple(step for step in plan.steps if step.host not in hosts)
    there = {step.id for step in steps}
    installations = {step.installation for step in plan.steps if step.host in hosts}
    estate = plan.estate
    deployments = {
        name: replace(one, installations=tuple(each for each in one.installations if each.host not in hosts))
        for name, one in estate.deployments.items()
    }
    fleet = plan.fleet
    if fleet is not None:
        waves = tuple(
            replace(one, installations=tuple(name for name in one.installations if name not in installations))
            for one in fleet.waves
        )
        fleet = replace(fleet, hosts=tuple(one for one in fleet.hosts if one not in hosts), waves=waves)
    return replace(
        plan,
        digest="",
        estate=replace(
            estate,
            hosts={name: host for name, host in estate.hosts.items() if name not in hosts},
            databases={name: one for name, one in estate.databases.items() if one.host not in hosts},
            deployments={name: one for name, one in deployments.items() if one.installations},
        ),
        hops=tuple(hop for hop in plan.hops if hop.installation not in installations),
        steps=tuple(_among(step, there) for step in steps),
        downtime={name: spans for name, spans in plan.downtime.items() if name not in installations},
        back=tuple(step for step in plan.back if step.installation not in installations),
        fleet=fleet,
        aim=_aims(plan.aim, {name for name, one in deployments.items() if one.installations}),
    )


def _among(step: Step, there: set[str]) -> Step:
    """The step, coming after those that are there."""
    if all(name in there for name in step.after):
        return step
    return replace(
        step,
        after=tuple(name for name in step.after if name in there),
        because=tuple(one for one in step.because if one.after in there),
    )


def _aims(aim: Mapping[str, str], deployments: set[str]) -> dict[str, str]:
    return {name: to for name, to in aim.items() if name in deployments}

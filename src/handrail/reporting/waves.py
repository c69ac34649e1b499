"""A fleet: in which waves it is gone through, and how far each of them is."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.model.estate import Window
from handrail.model.journal import RunStatus
from handrail.model.plan import Fleet, Plan
from handrail.reporting.page import Block, Heading, Paragraph, Table
from handrail.reporting.words import count, listed

_THROUGH = ("done", "skipped")


def wave_blocks(plan: Plan) -> Iterator[Block]:
    """For a plan: the waves, what stands between them, the budget and the windows."""
    if plan.fleet is None:
        return
    yield Heading("Waves")
    gates = {step.id: step for step in plan.steps if step.host is None}
    rows = []
    for wave in plan.fleet.waves:
        gate = gates.get(wave.gate or "")
        between = str(gate.with_.get("question") or gate.title) if gate is not None else ""
        rows.append((wave.name, f"{len(wave.installations):,}", listed(_hosts(wave.installations), 3), between))
    if rows:
        yield Table(("wave", "installations", "on", "before the next one"), tuple(rows))
    yield Paragraph(_budget(plan.fleet))
    for window in plan.estate.rollout.windows if plan.estate.rollout is not None else ():
        yield Paragraph(_window(window))


def standing_blocks(status: RunStatus, plan: Plan) -> Iterator[Block]:
    """For a run: how many of each wave are through, at work, failed or still to come."""
    if plan.fleet is None:
        return
    states: dict[str, set[str]] = {}
    installation = {step.id: step.installation for step in plan.steps}
    hosts = {step.id: step.host for step in plan.steps}
    for one in status.steps:
        states.setdefault(installation[one.id], set()).add(one.state)
    rows = []
    for wave in plan.fleet.waves:
        counts = dict.fromkeys(("through", "at work", "failed", "to come"), 0)
        for name in wave.installations:
            counts[_standing(states.get(name, set()))] += 1
        rows.append((wave.name, *(f"{number:,}" if number else "" for number in counts.values())))
    if rows:
        yield Heading("Waves")
        yield Table(("wave", "through", "at work", "failed", "to come"), tuple(rows))
    failed = {hosts[one.id] for one in status.steps if one.state == "failed"} & set(plan.fleet.hosts)
    if plan.fleet.limit is not None and len(failed) >= plan.fleet.limit:
        yield Paragraph(
            f"The failure budget is used up: {count(plan.fleet.limit, 'host')} of {len(plan.fleet.hosts):,} may fail, "
            f"and {len(failed):,} have. Nothing was begun on any other.",
            "bad",
        )


def _standing(states: set[str]) -> str:
    if "failed" in states:
        return "failed"
    if states <= set(_THROUGH):
        return "through"
    return "to come" if states == {"pending"} else "at work"


def _hosts(installations: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(one.rpartition("@")[2] for one in installations))


def _budget(fleet: Fleet) -> str:
    if fleet.limit is None:
        return "No host may fail: one that does stops the waves behind it."
    return (
        f"{count(fleet.limit, 'host')} of {len(fleet.hosts):,} may fail, those included that cannot be reached. "
        "Never are more at work than may still fail."
    )


def _window(window: Window) -> str:
    days = f" on {listed(list(window.days), 7)}" if window.days else " every day"
    where = ", ".join(f"{name} {value}" for name, value in window.where.items())
    of = f" of hosts with {where}" if where else ""
    return f"Window{of}: {window.from_} to {window.to}{days}, {window.zone}."

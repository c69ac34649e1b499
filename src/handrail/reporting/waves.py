"""A fleet: in which waves it is gone through, and how far each of them is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from handrail.model.estate import Window
from handrail.model.journal import RunStatus, StepState
from handrail.model.plan import Fleet, Plan
from handrail.reporting.page import Block, Heading, Paragraph, Table
from handrail.reporting.standing import wave_blocks as how_far_blocks
from handrail.reporting.words import count, listed
from handrail.running.standing import WaveStanding, wave_state


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
    states: dict[str, set[StepState]] = {}
    installation = {step.id: step.installation for step in plan.steps}
    hosts = {step.id: step.host for step in plan.steps}
    for one in status.steps:
        states.setdefault(installation[one.id], set()).add(one.state)
    waves = []
    for wave in plan.fleet.waves:
        counts = Counter(wave_state(states.get(name, set())) for name in wave.installations)
        waves.append(WaveStanding(wave.name, counts["through"], counts["at work"], counts["failed"], counts["to come"]))
    failed = {hosts[one.id] for one in status.steps if one.state == "failed"} & set(plan.fleet.hosts)
    yield from how_far_blocks(waves, len(failed), len(plan.fleet.hosts), plan.fleet.limit)


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

"""A plan carried out on a twin that is kept in memory, in virtual time, with people played as a scenario says."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handrail.actions.protocol import Secrets
from handrail.errors import BadInput, HandrailError
from handrail.hosts.protocol import Host
from handrail.model.journal import Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.rehearsing import virtual_time
from handrail.rehearsing.naming import meant
from handrail.rehearsing.plants import Plant, host_of, work_of
from handrail.running.home import Home
from handrail.running.scheduler import Schedule
from handrail.running.session import open_session
from handrail.running.targets import PretendSecrets, Target
from handrail.running.verify import Verification
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory
from handrail.twin.world import Twin

WHO = "rehearsal"
BEFOREHAND = "beforehand"
"""The command that plants show in the twin's effect log; what they did is no effect of the run."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step: when it was begun and when it ended (ISO 8601; None when it never did)."""

    step: str
    number: int
    begun: str
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """How a run ended, and the twin before and after it."""

    status: RunStatus
    before: Twin
    after: Twin
    attempts: tuple[Attempt, ...]
    verification: Verification | None = None


@dataclass
class _Stage:
    """The twin as a target of runs: plants what has to be wrong, and plays people."""

    twin: Twin
    plan: Plan
    plants: Sequence[Plant]
    people: Mapping[str, str]
    faults: list[HandrailError] = field(default_factory=list)
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    planted: set[int] = field(default_factory=set)
    keeping: PretendSecrets = field(default_factory=PretendSecrets)

    def host(self, name: str) -> Host:
        if name not in self.hosts:
            self.hosts[name] = self.twin.host(name)
        return self.hosts[name]

    async def play(self, step: Step) -> str | None:
        said = next((how for name, how in self.people.items() if meant(name, [step.id])), None)
        if said == "silent":
            return None
        if said in ("no", "yes"):
            return said
        if step.kind != "person":
            return "yes" if step.kind == "hold" else said
        if said != "idle":
            self.twin.play(step)
        return "done"

    def secrets(self, real: Secrets) -> Secrets:  # noqa: ARG002 - a twin has no use for them
        return self.keeping

    async def close(self) -> None:
        return None

    def saw(self, event: Event, schedule: Schedule) -> None:  # noqa: ARG002
        entry = event.entry
        if entry.step is None:
            return
        key = (entry.step, entry.attempt)
        if entry.kind == "begun":
            self.attempts[key] = Attempt(entry.step, entry.attempt, event.at)
            self.plant(entry.step, entry.attempt)
        elif entry.kind == "asked":
            self.plant(entry.step, entry.attempt)
        elif key in self.attempts and entry.kind in ("done", "failed"):
            begun = self.attempts[key]
            self.attempts[key] = Attempt(begun.step, begun.number, begun.begun, event.at)

    def plant(self, step: str | None = None, attempt: int = 1) -> None:
        for n, one in enumerate(self.plants):
            if step is None:
                due = one.at is None
            else:
                due = one.at is not None and one.attempt == attempt and bool(meant(one.at, [step]))
            if not due or n in self.planted:
                continue
            self.planted.add(n)
            try:
                self.twin.transact(host_of(one, self.twin.hosts), BEFOREHAND, work_of(one))
            except HandrailError as error:
                self.faults.append(error)


def carry_out(
    plan: Plan,
    declarations: Mapping[str, Path],
    *,
    plants: Sequence[Plant] = (),
    people: Mapping[str, str] | None = None,
    verify: bool = False,
) -> Carried:
    """Raise the twin of the plan's estate and carry the plan out on it. `declarations`: product -> its `twin.yaml`.

    BadInput when something cannot be planted, or its step was never begun.
    """
    clock = virtual_time.VirtualClock()
    twin = raise_in_memory(plan.estate, read_declarations(declarations), clock)
    stage = _Stage(twin, plan, plants, people or {})
    stage.plant()
    before = twin.fork()

    def opener(plan: Plan, folder: Path, new: bool) -> Target:  # noqa: ARG001
        return stage

    with (
        tempfile.TemporaryDirectory(prefix="handrail-") as folder,
        open_session(Home(Path(folder)), openers={"twin": opener}, clock=clock) as session,
    ):
        run = session.start(plan, WHO, target="twin")
        outcome = virtual_time.run(session.carry_out(run, WHO, progress=stage.saw), clock)
        verification = None
        if verify and any(step.state == "done" for step in outcome.status.steps):
            verification = virtual_time.run(session.verify(run, WHO), clock)
    for fault in stage.faults:
        raise fault
    for n, one in enumerate(plants):
        if n not in stage.planted:
            raise BadInput(
                f"Attempt {one.attempt} at {one.at} was never begun, so what was to go wrong there never did.",
                "Look at its name, and whether the run gets so far. A check that only looks is never begun.",
            )
    return Carried(outcome.status, before, twin, tuple(stage.attempts.values()), verification)

"""A plan carried out on a twin that is kept in memory, in virtual time, with people played as a scenario says; and then
taken back, if it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from handrail.actions import build, signatures
from handrail.documents.plan import plan_of_text
from handrail.errors import BadInput, HandrailError
from handrail.hosts.protocol import Host
from handrail.model.finding import Finding
from handrail.model.journal import Event, RunStatus
from handrail.model.plan import Plan, Step
from handrail.rehearsing import virtual_time
from handrail.rehearsing.memory import MemoryJournal
from handrail.rehearsing.naming import meant
from handrail.rehearsing.plants import Plant, plant_on
from handrail.rehearsing.staging import WHO, begin
from handrail.restoring.records import records_of
from handrail.restoring.rollback import NoWayBack, make_rollback
from handrail.running.runner import Runner
from handrail.running.scheduler import Schedule
from handrail.running.status import schedule_of
from handrail.running.targets import PretendSecrets
from handrail.running.verify import Verification, verify
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory
from handrail.twin.world import Twin


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step: when it was begun and when it ended (ISO 8601; None when it never did)."""

    step: str
    number: int
    begun: str
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """How a run ended, and the twin before and after it. `first`: how many effects the twin had noted when it began; by
    default those of `before`. `back`: what came of taking it back. Of a way back, `before` is the twin before the run
    that it takes back."""

    status: RunStatus
    before: Twin
    after: Twin
    attempts: tuple[Attempt, ...]
    verification: Verification | None = None
    first: int | None = None
    back: TakenBack | None = None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The way back of a run: its plan and how that ended, or why there is none. A plan without steps is not carried
    out: nothing has been changed."""

    plan: Plan | None = None
    carried: Carried | None = None
    lost: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Cast:
    """What is wrong in the world of a run, who answers how, and whether it is verified afterwards."""

    plants: Sequence[Plant] = ()
    people: Mapping[str, str] = field(default_factory=dict)
    looks: bool = False


@dataclass
class _Stage:
    """The twin as a target of runs: plants what has to be wrong, and plays people."""

    twin: Twin
    plan: Plan
    plants: Sequence[Plant]
    people: Mapping[str, str]
    secrets: PretendSecrets = field(default_factory=PretendSecrets)
    faults: list[HandrailError] = field(default_factory=list)
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    planted: set[int] = field(default_factory=set)

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
        return "done" if said == "idle" else self.twin.play(step)

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
                plant_on(self.twin, one)
            except HandrailError as error:
                self.faults.append(error)


def carry_out(
    plan: Plan,
    declarations: Mapping[str, Path],
    *,
    plants: Sequence[Plant] = (),
    people: Mapping[str, str] | None = None,
    looks: bool = False,
    back: Cast | None = None,
) -> Carried:
    """Raise the twin of the plan's estate and carry the plan out on it. `declarations`: product -> its `twin.yaml`.
    `looks`: verify the run afterwards. `back`: then take it back, with these.

    BadInput when something cannot be planted, or its step was never begun.
    """
    clock = virtual_time.VirtualClock()
    twin = raise_in_memory(plan.estate, read_declarations(declarations), clock)
    stage = _Stage(twin, plan, plants, people or {})
    stage.plant()
    before = twin.fork()
    journal = MemoryJournal(clock)
    run = begin(journal, plan)
    carried = _carry(stage, journal, run, before, looks)
    if back is None:
        return carried
    carried = replace(carried, after=twin.fork())
    return replace(carried, back=_take_back(stage, journal, run, before, back))


def _take_back(forward: _Stage, journal: MemoryJournal, run: str, before: Twin, cast: Cast) -> TakenBack:
    plan = plan_of_text(journal.document(run), f"the plan of run {run}")
    made = make_rollback(plan, run, records_of(journal.read(run)), signatures=signatures())
    if isinstance(made, NoWayBack):
        return TakenBack(lost=made.findings)
    if not made.steps:
        return TakenBack(made)
    stage = _Stage(forward.twin, made, cast.plants, cast.people, forward.secrets)
    stage.plant()
    return TakenBack(made, _carry(stage, journal, begin(journal, made), before, cast.looks))


def _carry(stage: _Stage, journal: MemoryJournal, run: str, before: Twin, looks: bool) -> Carried:
    """Carry a run on that has just been begun. `before`: the twin that it is judged against."""
    clock = journal.clock
    assert isinstance(clock, virtual_time.VirtualClock)
    first = len(stage.twin.effects())
    frozen = plan_of_text(journal.document(run), f"the plan of run {run}")
    runner = Runner(
        journal,
        run,
        frozen,
        hosts=stage.host,
        build=build,
        secrets=stage.secrets,
        who=WHO,
        clock=clock,
        people=stage.play,
        progress=stage.saw,
    )
    outcome = virtual_time.run(runner.carry_out(), clock)
    verification = None
    if looks and any(step.state == "done" for step in outcome.status.steps):
        schedule = schedule_of(journal, run, frozen)
        looking = verify(run, frozen, schedule, hosts=stage.host, build=build, secrets=stage.secrets)
        verification = virtual_time.run(looking, clock)
    for fault in stage.faults:
        raise fault
    for n, one in enumerate(stage.plants):
        if n not in stage.planted:
            raise BadInput(
                f"Attempt {one.attempt} at {one.at} was never begun, so what was to go wrong there never did.",
                "Look at its name, and whether the run gets so far. A check that only looks is never begun.",
            )
    return Carried(outcome.status, before, stage.twin, tuple(stage.attempts.values()), verification, first)

"""At no moment of a run is what it has done itself taken for drift."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.on_twin import plan_file

from handrail.guides.catalogue import SHIPPED
from handrail.model.journal import Event
from handrail.model.plan import Plan
from handrail.running.drift import look
from handrail.running.home import Home
from handrail.running.scheduler import Schedule
from handrail.running.session import open_session
from handrail.running.targets import TwinHosts, declared
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory
from handrail.twin.world import Twin


@dataclass
class Watching:
    """Keeps the twin as it was after every commit of the run."""

    plan: Plan
    target: TwinHosts | None = None
    moments: list[tuple[int, Twin]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def open(self, plan: Plan, folder: Path, new: bool) -> TwinHosts:
        twin = raise_in_memory(plan.estate, read_declarations(declared(plan)))
        self.target = TwinHosts(plan, folder, twin)
        return self.target

    def seen(self, event: Event, schedule: Schedule) -> None:
        assert self.target is not None
        self.events.append(event)
        self.moments.append((len(self.events), self.target.twin.fork()))


def drifts(plan: Plan, watching: Watching, every: int) -> list[tuple[str, Any, Any]]:
    found = []
    for count, twin in watching.moments[::every]:
        schedule = Schedule(plan).apply_all(watching.events[:count])
        drift = asyncio.run(look(plan, schedule, twin.host))
        last = watching.events[count - 1].entry
        found += [(f"{last.kind} {last.step}", one.address, (one.planned, one.seen)) for one in drift.changed]
    return found


SAMPLES = (
    ("mim/estates/contoso.yaml", 9),
    ("mim/estates/lucerne-ilm.yaml", 9),
    ("vmm/estates/fabric.yaml", 3),
    ("miis/estates/contoso.yaml", 2),
)
"""Which of so many moments is looked at."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "every"), SAMPLES, ids=lambda one: str(one))
def test_a_run_never_drifts_by_what_it_does_itself(name: str, every: int, tmp_path: Path) -> None:
    plan = plan_file(SHIPPED / name, tmp_path / "plan.json")
    watching = Watching(plan)
    with open_session(Home(tmp_path), openers={"twin": watching.open}) as session:
        run = session.start(plan, "me", target="twin")
        outcome = asyncio.run(session.carry_out(run, "me", progress=watching.seen))
    assert outcome.exit_code == 0
    assert len(watching.moments) > len(plan.steps)

    assert not drifts(plan, watching, every)

"""A console with something to decide over: estates, plans and rehearsals in a folder, runs that wait."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.support import counting
from tests.support.console import Site, site
from tests.support.counting import QUICK, plan, step
from tests.support.rehearsals import mill, rehearsed

from handrail.console.launching import Launching
from handrail.documents.plan import write_plan
from handrail.model.plan import Plan
from handrail.rehearsing.results import to_json
from handrail.running.home import make_folder
from handrail.running.targets import hosts_opener

TOKEN_ROLES = ["operator", "approver"]


@cache
def held_plan() -> Plan:
    """A hold for two, a hold that another has to answer, and a person's step between them."""
    two = step("two", "hold", host=None, with_={"question": "May <b>it</b> stop?", "by": "two"})
    person = step("walk", "person.do", host=None, after=(two.id,), with_={})
    another = step("another", "hold", host=None, with_={"by": "another"}, after=(person.id,))
    return plan(two, person, another, step("one", after=(another.id,)))


@dataclass
class Launched(Launching):
    """Begins runs and hands them to nobody: what was launched is remembered."""

    def __init__(self, behind: Launching) -> None:
        self.__dict__.update(behind.__dict__)
        self.launched: list[str] = []

    def _launch(self, run: str, ask: bool) -> None:
        self.launched.append(run)
        make_folder(self._folder)
        (self._folder / f"{run}.json").write_text(json.dumps({"pid": -1, "began": None, "ask": ask}))


def served(folder: Path) -> Path:
    """A folder with a plan that waits for people, the mill's estate, plan and rehearsal, and a broken file."""
    from tests.support.rehearsals import VALLEY

    folder.mkdir()
    write_plan(held_plan(), folder / "held.plan")
    write_plan(mill(), folder / "mill.plan")
    (folder / "valley.yaml").write_bytes(VALLEY.read_bytes())
    (folder / "tried.json").write_text(json.dumps(_tried(), indent=1))
    (folder / "broken.yaml").write_text("handrail: estate/v1\nname: <script>alert(1)</script>\nhosts: [\n")
    return folder


@cache
def _tried() -> dict[str, Any]:
    return to_json(rehearsed(faults="killed-after-intent,lost-done,restarts"))


@contextlib.contextmanager
def desk(folder: Path, **more: Any) -> Iterator[Site]:
    """A console on `folder/home`. Its twins are the hosts of `counting`, where people are not played; of real hosts no
    plan says how they are reached. Nothing is launched."""
    with counting.opening(folder, play=False) as session:
        openers = {**session.openers, "hosts": hosts_opener(session.secrets.resolve)}
    with site(
        folder / "home",
        folders=(served(folder / "served"),),
        openers=openers,
        build=counting.build,
        signatures=counting.signatures(),
        **more,
    ) as made:
        from handrail.console.desk import Desk

        at = made.app.state.desk = Desk(made.console)
        at.launching = Launched(at.launching)
        yield made


def launched(made: Site) -> list[str]:
    """The runs that would have been carried on by processes of their own."""
    found: list[str] = made.app.state.desk.launching.launched
    return found


def waiting_run(made: Site, who: str = "adam") -> str:
    """A run of `held_plan` that waits at its first hold."""
    session = made.console.session
    run = session.start(held_plan(), who, target="twin")
    carry_on(made, run)
    return run


def carry_on(made: Site, run: str) -> str:
    """Carry the run on as its process would; its state."""
    session = made.console.session
    return asyncio.run(session.carry_out(run, "eve", settings=QUICK)).status.state

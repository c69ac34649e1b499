"""What people decide over: plans, estates and rehearsals, wherever they come from, and how runs are begun."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from handrail.console.documents import SMALL, Documents
from handrail.console.launching import Launching
from handrail.console.looking import looking_of
from handrail.documents.plan import write_plan
from handrail.errors import UnknownName
from handrail.model.plan import Plan
from handrail.running.home import make_folder
from handrail.running.journal import RunRow
from handrail.running.session import Session

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from handrail.console.context import Console

KEPT = 6
"""Plans of runs that are kept in memory."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in the list: `file` is where it is served from, empty for one that only a run has. `runs`: the newest
    first. `note`: what it is aimed at, if that is known."""

    digest: str
    estate: str
    file: str
    runs: tuple[RunRow, ...] = ()
    note: str = ""


class Desk:
    """One per process. Plans are known by their digests, whether a folder or a run has them. `known`: those that are
    in memory elsewhere, by digest; a plan of thousands of hosts should not be there twice."""

    def __init__(self, console: Console, known: Callable[[str], Plan | None] = lambda _: None) -> None:
        self._known = known
        self.session: Session = console.session
        self.launching = Launching(console.session, console.store, console.guides)
        self._backs = console.session.home.path / "console" / "plans"
        self.documents = Documents((*console.folders, self._backs))
        self._lock = threading.Lock()
        self._plans: OrderedDict[str, Plan] = OrderedDict()

    def plan_lines(self) -> list[PlanLine]:
        """All plans: those of the newest runs first, then those that were never run, by name."""
        runs: dict[str, list[RunRow]] = {}
        for row in reversed(self.session.runs()):
            runs.setdefault(row.plan, []).append(row)
        files = {one.digest: one for one in self.documents.of("plan")}
        fresh = [
            PlanLine(one.digest, one.name, one.file, note=one.note) for one in files.values() if one.digest not in runs
        ]
        ran = [
            PlanLine(digest, rows[0].estate, files[digest].file, tuple(rows), files[digest].note)
            if digest in files
            else PlanLine(digest, rows[0].estate, "", tuple(rows))
            for digest, rows in runs.items()
        ]
        return [*fresh, *ran]

    def plan(self, digest: str) -> Plan:
        """The plan with that digest. Errors: UnknownName; BadInput, Tampered when it is not what it was."""
        known = self._known(digest)
        if known is not None:
            return known
        with self._lock:
            if digest in self._plans:
                self._plans.move_to_end(digest)
                return self._plans[digest]
        run = next((row.run for row in self.runs_of(digest)), None)
        if run is None or any(one.digest == digest and one.size <= SMALL for one in self.documents.of("plan")):
            try:
                return self.documents.plan(digest)
            except UnknownName:
                if run is None:
                    raise
        plan = self.session.plan(run)  # the copy that a run keeps takes less memory to read than a large file
        with self._lock:
            self._plans[digest] = plan
            while len(self._plans) > KEPT:
                self._plans.popitem(last=False)
        return plan

    def runs_of(self, digest: str) -> Iterator[RunRow]:
        """The runs of a plan, the newest first."""
        return (row for row in reversed(self.session.runs()) if row.plan == digest)

    def keep(self, plan: Plan) -> Path:
        """Keep a way back that was made here, so that it has a page and can be started."""
        make_folder(self._backs)
        path = self._backs / f"{plan.digest.removeprefix('sha256:')[:24]}.plan"
        write_plan(plan, path)
        with self._lock:
            self._plans[plan.digest] = plan
        return path


def desk_of(connection: HTTPConnection) -> Desk:
    """The desk of the console that a request came to; made once."""
    state = connection.app.state
    found = getattr(state, "desk", None)
    if found is None:
        following = looking_of(connection).following
        found = state.desk = Desk(state.console, following.plan)
        following.ours = found.launching.is_ours
    assert isinstance(found, Desk)
    return found

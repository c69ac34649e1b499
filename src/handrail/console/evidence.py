"""The evidence of a run: to be read here, and to be taken away as it is kept."""

from __future__ import annotations

import re
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from handrail.console.context import console_of
from handrail.console.guarding import Person, viewer
from handrail.console.rendering import render
from handrail.errors import Blocked, HandrailError
from handrail.reporting.evidence_check import Checked, check
from handrail.reporting.evidence_files import HTML, JSON, SIGNATURE, Written
from handrail.reporting.evidence_html import body_of
from handrail.reporting.evidence_source import report
from handrail.running.people import APPROVALS
from handrail.running.session import Session

Viewer = Annotated[Person, Depends(viewer)]

MOST = 50_000
"""Events of a run up to which its evidence is written while somebody waits for a page."""

MOST_STEPS = 20_000
"""The same, of the steps of its plan."""

KEPT = 6
KINDS = {HTML: "text/html", JSON: "application/json", SIGNATURE: "text/plain"}


@dataclass(frozen=True, slots=True)
class Ready:
    """A report that was written, and what its check found."""

    written: Written
    checked: Checked


@dataclass(frozen=True, slots=True)
class Fragment:
    """HTML that was made elsewhere, where all in it was escaped."""

    html: str

    def __html__(self) -> str:
        return self.html


class TooLarge(Blocked):
    """A run of more events than a page may wait for."""

    def __init__(self, run: str) -> None:
        super().__init__(
            "This run is large: writing its evidence takes longer than an answer may.",
            f"Write it where the store can be reached: handrail report {run} -o FOLDER",
        )


class Reports:
    """The newest reports that were asked for. One is written at a time; when something has happened, a new one is."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="handrail-evidence-")
        self._known: OrderedDict[tuple[str, str, int, int], Ready] = OrderedDict()
        self._number = 0

    def of(self, run: str, who: str) -> Ready:
        """The report of a run, written in the name of `who`. TooLarge; else errors as `report`."""
        position = self._position(run)
        if position > MOST or self._has_large_plan(run):
            raise TooLarge(run)
        key = (run, who, position, self._position(APPROVALS))
        with self._lock:
            found = self._known.get(key)
            if found is None:
                self._number += 1
                folder = Path(self._folder.name) / str(self._number)
                written = report(self._session, run, folder, who)
                found = self._known[key] = Ready(written, check(folder))
                while len(self._known) > KEPT:
                    _, old = self._known.popitem(last=False)
                    for path in old.written.folder.iterdir():
                        path.unlink()
                    old.written.folder.rmdir()
            self._known.move_to_end(key)
            return found

    def _has_large_plan(self, run: str) -> bool:
        """By what a large run says of its plan when it begins."""
        second = next(iter(self._session.journal.some(run, 1, 1)), None)
        if second is None or second.entry.kind != "outlined":
            return False
        shapes, members = second.entry.data["shapes"], second.entry.data["members"]
        return sum(len(shapes[shape]) for _, _, shape in members) > MOST_STEPS

    def _position(self, run: str) -> int:
        last = next(iter(self._session.journal.latest(run, 1)), None)
        return last.position if last is not None else 0


def reports_of(request: Request) -> Reports:
    state = request.app.state
    found = getattr(state, "reports", None)
    if found is None:
        found = state.reports = Reports(console_of(request).session)
    assert isinstance(found, Reports)
    return found


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/runs/{run}/evidence")
    def evidence(request: Request, run: str, person: Viewer) -> Response:
        row = console_of(request).session.journal.row(run)
        values: dict[str, Any] = {"run": row, "body": None, "checked": None, "files": [], "trouble": "", "large": ""}
        try:
            ready = reports_of(request).of(row.run, person.name)
        except TooLarge as large:
            return render(request, "evidence.html", 200, **{**values, "large": large.message})
        except HandrailError as error:
            return render(request, "evidence.html", 200, **{**values, "trouble": str(error)})
        text = (ready.written.folder / HTML).read_text("utf-8")
        values |= {"body": Fragment(body_of(text)), "checked": ready.checked, "files": sorted(ready.written.files)}
        return render(request, "evidence.html", 200, **values)

    @router.get("/runs/{run}/evidence/{name}")
    def file(request: Request, run: str, name: str, person: Viewer) -> Response:
        """To be taken away: never shown by a browser as a page of ours."""
        if name not in KINDS:
            raise HTTPException(404)
        return file_of(request, run, name, person)

    return router


def file_of(request: Request, run: str, name: str, person: Person) -> Response:
    """A file of a run's evidence, as `handrail report` writes it. HTTPException 404 when there is none of that name;
    errors otherwise as `Reports.of`."""
    row = console_of(request).session.journal.row(run)
    path = reports_of(request).of(row.run, person.name).written.folder / name
    if not path.is_file():
        raise HTTPException(404, "This run's evidence is not signed: no key is configured here.")
    shown = f"{re.sub(r'[^A-Za-z0-9-]', '-', row.run)}-{name}"
    return FileResponse(path, media_type=KINDS[name], filename=shown)

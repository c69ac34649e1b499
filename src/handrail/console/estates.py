"""Estates: what is there, what it is made of, and what assessment says of it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from handrail.actions.catalogue import signatures
from handrail.console.beside import Beside
from handrail.console.context import console_of
from handrail.console.desk import desk_of
from handrail.console.documents import SMALL, Documents, Found
from handrail.console.guarding import viewer
from handrail.console.paging import paged
from handrail.console.rendering import render
from handrail.errors import HandrailError
from handrail.guides.catalogue import Catalogue, load
from handrail.guides.facts import check_estate
from handrail.model.estate import Estate, Host
from handrail.model.finding import Assessment
from handrail.reporting import html, words
from handrail.reporting.findings import assessment_page, verdict_of
from handrail.reporting.page import Tone

WAITS = 4.0
"""Seconds for which a page waits for an assessment; then it says that it is being made, and comes again."""
KEPT = 20
PATIENCE = 1.0
"""Seconds for which the list of estates waits for what is said of them."""
LARGE = 20
"""Hosts beyond which they can be searched."""

Key = tuple[Path, int, float]


class Assessments:
    """What assessment says of the estates that are served; one at a time, beside the pages."""

    def __init__(self, documents: Documents, guides: tuple[Path, ...] = ()) -> None:
        self._documents = documents
        self._guides = guides
        self._lock = threading.Lock()
        self._made: OrderedDict[Key, Future[tuple[Estate, Assessment]]] = OrderedDict()
        self._worker = Beside("assess")
        self._catalogue: Catalogue | None = None

    def of(self, found: Found, waits: float = WAITS) -> tuple[Estate, Assessment] | None:
        """The estate as its guides know it, and what they say of it; None when that is not known yet. Errors as of
        reading and assessing it."""
        key = (found.path, found.size, found.changed)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._worker.submit(lambda: self._make(found))
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            made = self._made[key]
        try:
            return made.result(waits)
        except NotYet:
            return None

    def _make(self, found: Found) -> tuple[Estate, Assessment]:
        from handrail.planning.plan import judge

        if self._catalogue is None:
            self._catalogue = load(self._guides, signatures=signatures())
        estate = check_estate(self._documents.estate(found.id), self._catalogue)
        return estate, judge(estate, self._catalogue, signatures())


def assessments_of(request: Request) -> Assessments:
    state = request.app.state
    found = getattr(state, "assessments", None)
    if found is None:
        found = state.assessments = Assessments(desk_of(request).documents, console_of(request).guides)
    assert isinstance(found, Assessments)
    return found


def verdicts_of(assessments: Assessments, shown: Sequence[Found]) -> dict[str, tuple[str, Tone]]:
    """What assessment says of the first small ones among these, in a sentence, as far as it is known in a moment."""
    verdicts: dict[str, tuple[str, Tone]] = {}
    end = time.monotonic() + PATIENCE
    for found in [one for one in shown if one.size <= SMALL][: KEPT // 2]:
        try:
            made = assessments.of(found, max(0.0, end - time.monotonic()))
        except HandrailError as error:
            verdicts[found.id] = (error.message, "bad")
            continue
        if made is not None:
            verdicts[found.id] = verdict_of(made[1])
    return verdicts


def installations(estate: Estate) -> Iterator[tuple[str, str, str, str, str]]:
    for name, deployment in estate.deployments.items():
        for one in deployment.installations:
            build = one.build or one.release or ""
            yield f"{name}/{one.component}", deployment.product, one.host, str(build), one.database or ""


def hosts_with(estate: Estate, find: str) -> tuple[Host, ...]:
    """The hosts in whose name, system or labels every word of `find` occurs."""
    return tuple(
        one
        for one in estate.hosts.values()
        if has_words(find, one.name, one.os or "", *(f"{name}={value}" for name, value in one.labels.items()))
    )


def has_words(find: str, *texts: str) -> bool:
    return all(any(word in text.lower() for text in texts) for word in find.lower().split())


def make_router() -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/estates", dependencies=[Depends(viewer)])
    def estates(request: Request, page: int = 1) -> Response:
        documents = desk_of(request).documents
        lines = paged(documents.of("estate"), page, "/estates")
        plans: dict[str, int] = {}
        for plan in documents.of("plan"):
            plans[plan.name] = plans.get(plan.name, 0) + 1
        return render(
            request,
            "desk/estates.html",
            lines=lines,
            verdicts=verdicts_of(assessments_of(request), lines.shown),
            plans=plans,
            broken=documents.broken("estate"),
            folders=bool(documents.folders[:-1]),
        )

    @router.get("/estates/{name}", dependencies=[Depends(viewer)])
    def estate(
        request: Request, name: str, page: int = 1, find: Annotated[str, Query(max_length=200)] = ""
    ) -> Response:
        desk = desk_of(request)
        found = desk.documents.find("estate", name)
        plain = desk.documents.estate(name).estate if found.size <= SMALL else Estate(found.name)
        trouble: HandrailError | None = None
        said: Any = None
        try:
            said = assessments_of(request).of(found)
        except HandrailError as error:
            trouble = error
        known, assessment = said if said is not None else (plain, None)
        content = Markup("\n".join(html.render(_without_title(assessment)))) if assessment is not None else ""
        return render(
            request,
            "desk/estate.html",
            found=found,
            estate=known,
            hosts=paged(hosts_with(known, find), page, f"/estates/{name}#made-of", {"find": find} if find else None),
            installations=[one for one in installations(known) if has_words(find, *one)],
            is_large=len(known.hosts) > LARGE,
            find=find,
            assessment=assessment,
            content=content,
            trouble=trouble.message if trouble else "",
            place=str(trouble.place).replace(str(found.path), found.file) if trouble and trouble.place else "",
            plans=[one for one in desk.plan_lines() if one.estate == known.name][:20],
            is_read=known is not plain or found.size <= SMALL,
            aims=[f"{one} to {aim.to}" for one, aim in known.aim.items()],
            listed=words.listed,
            most=200,
        )

    return router


def _without_title(assessment: Assessment) -> Iterator[Any]:
    blocks = assessment_page(assessment)
    next(blocks)
    return blocks

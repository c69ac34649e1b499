"""`preflight`, and what `run` and `resume` say before they begin: whether the hosts answer and will carry the plan."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence

from handrail.cli import options
from handrail.cli.assessing import BLOCKED, read
from handrail.cli.output import Output
from handrail.cli.secrecy import secret_store
from handrail.cli.sessions import opened
from handrail.documents.files import read_bytes
from handrail.documents.plan import read_plan
from handrail.errors import BadInput
from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.reporting import text
from handrail.reporting.findings import assessment_document, assessment_page
from handrail.running.preflight import of_estate
from handrail.running.session import Session

UNREACHABLE = "transport/unreachable"


def preflight(output: Output, file: str, accept: Sequence[str], guides: Sequence[str], format: str) -> int:
    """0 when nothing forbids a run; 3 when something does, or is not known."""
    if is_plan(file):
        if accept:
            raise BadInput("--accept is for an estate: what a plan accepts stands in it.", "Give it to 'plan'.")
        plan = read_plan(file)
        with opened(output) as session:
            found = asyncio.run(session.preflight(plan))
    else:
        estate, _ = read(file, guides)
        resolve = secret_store(output).resolve
        found = asyncio.run(of_estate(estate, resolve, tuple(options.acceptances(accept))))
    _show(output, found.assessment, format)
    return BLOCKED if found.assessment.verdict == "blocked" else 0


def passes(output: Output, session: Session, plan: Plan, format: str, only: Collection[str] | None = None) -> bool:
    """Look before hosts are touched, and tell. `only`: the hosts of a run that goes on; what could not be read of them
    holds it up no more. A way back is not held up at all: it goes as far as it can."""
    found = asyncio.run(session.preflight(plan, only)).assessment
    blocking = [one for one in found.findings if one.blocks and not (only and one.unknown and one.rule != UNREACHABLE)]
    if blocking and plan.goes_back is None:
        _show(output, found, format)
        what = "Nothing was begun" if only is None else "The run was not gone on with"
        output.complain(f"handrail: {what}: the way to the hosts has to be clear first.")
        return False
    for one in found.findings:
        if one.level != "note":
            mark = "accepted" if one.accepted else one.level
            output.complain(text.harmless(f"handrail: {mark}: {one.message} {one.remedy} ({one.rule}, {one.subject})"))
    return True


def is_plan(file: str) -> bool:
    """A plan is JSON and has steps; an estate is YAML, of which JSON is a part, and has none."""
    data = read_bytes(file).lstrip()
    if not data.startswith(b"{"):
        return False
    try:
        document = json.loads(data)
    except ValueError:
        return True  # whoever reads it as a plan says what is wrong with it
    return isinstance(document, dict) and "steps" in document


def _show(output: Output, assessment: Assessment, format: str) -> None:
    if format == "json":
        output.json(assessment_document(assessment))
    else:
        page = assessment_page(assessment, "Preflight")
        output.lines(text.render(page, width=output.width, colour=output.colour))

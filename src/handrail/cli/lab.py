"""`rehearse --on MAP`: a plan rehearsed on real lab hosts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from handrail.actions.catalogue import signatures
from handrail.cli import options, settings
from handrail.cli.output import Output
from handrail.cli.progress import telling
from handrail.documents.files import write_bytes
from handrail.documents.plan import read_plan
from handrail.errors import BadInput
from handrail.guides import catalogue as guide_catalogue
from handrail.model.plan import Plan
from handrail.rehearsing.lab import lab_plan, preparing_plan, read_lab
from handrail.rehearsing.lab_run import LabRehearsal, LabRun, Stage
from handrail.rehearsing.results import SCHEMA
from handrail.reporting import text
from handrail.reporting.lab import lab_page
from handrail.running.runner import Progress
from handrail.running.session import open_session

_TITLES: dict[Stage, str] = {
    "prepare": "Prepare the lab",
    "run": "Carry the plan out in the lab",
    "rollback": "Take it back",
}


def rehearse_on(
    output: Output, plan_file: str, map_file: str, to: str | None, guides: Sequence[str], format: str
) -> int:
    """0 when the plan came to its end in the lab and back, or ended where it had said that there is no way back."""
    if format == "html":
        raise BadInput("A rehearsal in a lab is told as text or JSON.", "Leave --format out, or say json.")
    plan, lab = read_plan(plan_file), read_lab(map_file)
    if plan.goes_back is not None:
        raise BadInput("This plan is a way back.", "Rehearse the plan of its run; it is taken back in the lab too.")
    catalogue = guide_catalogue.load(options.folders(guides), signatures=signatures())
    made = lab_plan(plan, lab, catalogue)
    preparing = preparing_plan(made, lab)

    @contextlib.contextmanager
    def told(stage: Stage, run: str, carried: Plan) -> Iterator[Progress]:
        aside = format == "json"
        (output.complain if aside else output.line)(text.harmless(f"{_TITLES[stage]}: run {run}"))
        output.flush()
        with telling(output, carried, aside=aside) as teller:
            yield teller

    with open_session(settings.home()) as session:
        found = asyncio.run(LabRun(session, plan.digest, settings.who(), told).rehearse(preparing, made))
    if format == "json":
        rendered = json.dumps(_document(found), ensure_ascii=False, indent=2) + "\n"
    else:
        lines = text.render(lab_page(found), width=output.width, colour=output.colour and to is None)
        rendered = "".join(line + "\n" for line in lines)
    if to is not None:
        write_bytes(to, rendered.encode(), "The rehearsal")
        output.line(f"Written to {to}")
    elif format == "json":
        output.json(_document(found))
    else:
        output.lines(rendered.splitlines())
    return found.exit_code


def _document(found: LabRehearsal) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "plan": found.plan,
        "lab": {
            "plan": found.lab,
            "runs": list(found.runs),
            "stood": found.stood or None,
            "took": [{"step": one.step, "seconds": one.seconds, "expected": one.expected} for one in found.took],
        },
        "cases": [
            {"step": one.step, "fault": one.fault, "then": one.then, "result": one.result, "because": one.because}
            for one in found.cases
        ],
        "passed": sum(one.result == "pass" for one in found.cases),
        "failed": sum(one.result == "fail" for one in found.cases),
    }

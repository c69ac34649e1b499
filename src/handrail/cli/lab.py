"""`rehearse --on MAP`: a plan rehearsed on real lab hosts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from handrail.actions.catalogue import signatures
from handrail.cli import options, settings
from handrail.cli.assessing import BLOCKED
from handrail.cli.output import Output
from handrail.cli.preflight import passes
from handrail.cli.progress import telling
from handrail.cli.rehearsed import plan_to_rehearse, put
from handrail.cli.sessions import opened
from handrail.errors import BadInput
from handrail.guides import catalogue as guide_catalogue
from handrail.model.plan import Plan
from handrail.rehearsing.lab import lab_plan, preparing_plan, read_lab
from handrail.rehearsing.lab_run import LabRun, Stage, to_json
from handrail.reporting import text
from handrail.reporting.lab import lab_page
from handrail.running.runner import Progress

_TITLES: dict[Stage, str] = {
    "prepare": "Prepare the lab",
    "run": "Carry the plan out in the lab",
    "rollback": "Take it back",
}


def rehearse_on(
    output: Output, plan_file: str, map_file: str, to: str | None, guides: Sequence[str], format: str
) -> int:
    """0 when the plan came to its end in the lab and back, or ended where it had said that there is no way back; 3 when
    the way to its hosts is not clear, before any of them is touched."""
    if format == "html":
        raise BadInput("A rehearsal in a lab is told as text or JSON.", "Leave --format out, or say json.")
    plan, lab = plan_to_rehearse(plan_file, to), read_lab(map_file)
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

    with opened(output) as session:
        if not passes(output, session, made, format):
            return BLOCKED
        found = asyncio.run(LabRun(session, plan.digest, settings.who(), told).rehearse(preparing, made))
    put(output, to_json(found) if format == "json" else lab_page(found), to)
    return found.exit_code

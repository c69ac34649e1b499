"""`rollback`: the plan that takes a run back, and what status and run say of the way back."""

from __future__ import annotations

import shlex
from pathlib import Path

from handrail.cli.output import Output
from handrail.cli.sessions import existing, store_option
from handrail.documents.plan import plan_to_json, write_plan
from handrail.model.finding import Assessment
from handrail.reporting import text
from handrail.reporting.findings import assessment_document
from handrail.reporting.plan import plan_page
from handrail.reporting.rollback import no_way_back_page, rollback_page
from handrail.reporting.runbook import runbook_lines
from handrail.restoring.rollback import NoWayBack

BLOCKED = 3


def rollback(output: Output, run: str, target: str | None, store: str | None, format: str) -> int:
    with existing(output, store, run) as session:
        run_id = session.find(run)
        found = session.rollback(run_id)
        estate = session.plan(run_id).estate
    if isinstance(found, NoWayBack):
        if format == "json":
            output.json(assessment_document(Assessment(estate.name, {}, found.findings)))
        else:
            page = no_way_back_page(run_id, found.findings)
            output.lines(text.render(page, width=output.width, colour=output.colour))
        return BLOCKED
    if target is not None:
        write_plan(found.plan, Path(target))
    if format == "json":
        output.json(plan_to_json(found.plan))
    elif format in ("markdown", "html"):
        output.lines(runbook_lines(found.plan, format))
    else:
        command = f"handrail run {shlex.quote(target)}{store_option(store)}" if target is not None else ""
        write = f"handrail rollback {shlex.quote(run_id)} -o back.plan{store_option(store)}"
        page = rollback_page(found, plan_page(found.plan), command or write, is_written=target is not None)
        output.lines(text.render(page, width=output.width, colour=output.colour))
    return 0

"""`rehearse`: a plan broken on purpose, on its twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from handrail.cli import options
from handrail.cli.output import Output
from handrail.cli.rehearsed import counting, plan_to_rehearse, put
from handrail.model.plan import Plan
from handrail.rehearsing import matrix as matrices
from handrail.rehearsing.faults import chosen
from handrail.rehearsing.results import Rehearsal, to_json
from handrail.rehearsing.sampling import sample
from handrail.reporting import rehearsal_html
from handrail.reporting.page import Page
from handrail.reporting.rehearsal import case_page, rehearsal_page, verdict


def rehearse(
    output: Output,
    plan_file: str,
    faults: str,
    case: str | None,
    to: str | None,
    guides: Sequence[str],
    format: str,
) -> int:
    """0 when all cases pass, or end without a way back where the plan had said so; 1 otherwise."""
    listed = chosen(faults)
    whole = plan_to_rehearse(plan_file, to)
    few = sample(whole)
    plan = few.plan
    matrix = matrices.prepare(plan, _declared(plan, guides), listed)
    if case is not None and not matrix.unfaulted:
        matrix = matrices.one_case(matrix, case)
    cases = []
    if not matrix.unfaulted and (listed or case):
        with counting(output, "steps", to is None and format == "text") as progress:
            cases = matrices.try_all(matrix, progress=progress)
    if case is not None:
        cases = [one for one in cases if one.fault == case.rpartition(":")[2]]
    found = matrices.rehearsal_of(matrix, cases)
    if few.hosts < few.of:
        found = replace(found, plan=whole.digest, sampled=(few.hosts, few.of))
    put(output, _shown(found, plan_file, format, alone=case is not None), to)
    if found.exit_code:
        output.complain(f"handrail: {verdict(found)}")
    return found.exit_code


def _declared(plan: Plan, guides: Sequence[str]) -> Mapping[str, Path]:
    from handrail.running.targets import declared

    return declared(plan, tuple(options.folders(guides)))


def _shown(found: Rehearsal, plan_file: str, format: str, *, alone: bool) -> Page | Mapping[str, Any] | str:
    if format == "html":
        return rehearsal_html.render(found, plan_file)
    if format == "json":
        return to_json(found)
    return case_page(found) if alone else rehearsal_page(found, plan_file)

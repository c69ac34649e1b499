"""`rehearse`: a plan broken on purpose, on its twin."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from handrail.cli import options
from handrail.cli.output import Output
from handrail.documents.files import write_bytes
from handrail.documents.plan import read_plan
from handrail.errors import BadInput
from handrail.model.plan import Plan
from handrail.rehearsing import matrix as matrices
from handrail.rehearsing.faults import chosen
from handrail.rehearsing.matrix import Progress
from handrail.rehearsing.results import Rehearsal, to_json
from handrail.reporting import rehearsal_html, text
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
    plan = read_plan(plan_file)
    if plan.goes_back is not None:
        raise BadInput(
            "This plan is a way back: it begins where its run stands, not with the estate.",
            "Rehearse the plan of that run; its ways back are rehearsed with it.",
        )
    matrix = matrices.prepare(plan, _declared(plan, guides), listed)
    if case is not None and not matrix.unfaulted:
        matrix = matrices.one_case(matrix, case)
    cases = []
    if not matrix.unfaulted and (listed or case):
        with _counting(output, to is None and format == "text") as progress:
            cases = matrices.try_all(matrix, progress=progress)
    if case is not None:
        cases = [one for one in cases if one.fault == case.rpartition(":")[2]]
    found = matrices.rehearsal_of(matrix, cases)
    _show(output, found, plan_file, to, format, alone=case is not None)
    if found.exit_code:
        output.complain(f"handrail: {verdict(found)}")
    return found.exit_code


def _declared(plan: Plan, guides: Sequence[str]) -> Mapping[str, Path]:
    from handrail.running.targets import declared

    return declared(plan, tuple(options.folders(guides)))


def _show(output: Output, found: Rehearsal, plan_file: str, to: str | None, format: str, *, alone: bool) -> None:
    if format == "html":
        rendered = rehearsal_html.render(found, plan_file)
    elif format == "json":
        if to is None:
            output.json(to_json(found))
            return
        import json

        rendered = json.dumps(to_json(found), ensure_ascii=False, indent=2) + "\n"
    else:
        page = case_page(found) if alone else rehearsal_page(found, plan_file)
        lines = text.render(page, width=output.width, colour=output.colour and to is None)
        rendered = "".join(line + "\n" for line in lines)
    if to is None:
        output.lines(rendered.splitlines())
        return
    write_bytes(to, rendered.encode(), "The rehearsal")
    output.line(f"Written to {to}")


@contextlib.contextmanager
def _counting(output: Output, speaks: bool) -> Iterator[Progress | None]:
    """On a terminal, how many steps have been tried; the line is wiped out in the end."""
    if not speaks or not output.live or output.out is None:
        yield None
        return
    out = output.out

    def told(done: int, total: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            out.write(f"\r\x1b[K{done} of {total} steps tried")
            out.flush()

    yield told
    with contextlib.suppress(OSError, ValueError):
        out.write("\r\x1b[K")
        out.flush()

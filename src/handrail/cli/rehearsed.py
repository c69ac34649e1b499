"""What all ways to rehearse share: which plans can be rehearsed, progress, and where what was found goes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from handrail.actions import signatures
from handrail.cli.output import Output
from handrail.documents.files import refuse_unwritable, write_bytes
from handrail.documents.plan import read_plan
from handrail.errors import BadInput
from handrail.model.plan import Plan
from handrail.reporting import text
from handrail.reporting.page import Page
from handrail.running.admission import check_revisions

Progress = Callable[[int, int], None]

WHAT = "The rehearsal"


def plan_to_rehearse(path: str, to: str | None) -> Plan:
    """The plan in the file. BadInput when it is a way back, when it was made with other actions than ours, or when what
    is found could not be written to `to`."""
    if to is not None:
        refuse_unwritable(to, WHAT, path)
    plan = read_plan(path)
    if plan.goes_back is not None:
        raise BadInput(
            "This plan is a way back: it begins where its run stands, not with the estate.",
            "Rehearse the plan of that run; its ways back are rehearsed with it.",
        )
    check_revisions(plan, signatures())
    return plan


def put(output: Output, found: Page | Mapping[str, Any] | str, to: str | None) -> None:
    """A page as text, a mapping as JSON, HTML as it is: on standard output, or in the file `to`."""
    if isinstance(found, Mapping):
        found = output.redact(found)
        if to is None:
            output.json(found)
            return
        rendered = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    elif isinstance(found, str):
        rendered = found
    else:
        lines = text.render(found, width=output.width, colour=output.colour and to is None)
        rendered = "".join(line + "\n" for line in lines)
    if to is None:
        output.lines(rendered.splitlines())
        return
    write_bytes(to, output.redact(rendered).encode(), WHAT)
    output.line(text.harmless(f"Written to {to}"))


@contextlib.contextmanager
def counting(output: Output, what: str, speaks: bool) -> Iterator[Progress | None]:
    """On a terminal, how many of `what` have been tried; the line is wiped out in the end."""
    if not speaks or not output.live or output.out is None:
        yield None
        return
    out = output.out

    def told(done: int, total: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            out.write(f"\r\x1b[K{done:,} of {total:,} {what} tried")
            out.flush()

    yield told
    with contextlib.suppress(OSError, ValueError):
        out.write("\r\x1b[K")
        out.flush()

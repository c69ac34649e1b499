"""What a rehearsal on lab hosts showed."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.rehearsing.lab_run import LabRehearsal
from handrail.rehearsing.results import Result, Then
from handrail.reporting.page import Heading, Item, Items, Page, Paragraph, Table

SLOWEST = 12
"""Steps whose times are shown, the slowest first; JSON has all."""

_WHAT: Mapping[Then, str] = {"resume": "carried out and verified", "rollback": "taken back and verified"}
_SAID: Mapping[Result, str] = {
    "pass": "passed",
    "fail": "failed",
    "no-way-back-as-planned": "no way back, as planned",
    "not-rehearsed": "not rehearsed",
}


def lab_page(found: LabRehearsal) -> Page:
    yield Heading("Rehearsed on lab hosts", 1)
    if found.stood:
        yield Paragraph(f"It did not come to a judgement: {found.stood}")
    items = (
        Item(f"{_WHAT[one.then]}: {_SAID[one.result]}" + (f". {one.because}" if one.because else ""))
        for one in found.cases
    )
    if found.cases:
        yield Items(tuple(items))
        yield Paragraph("Judged by the plan's own checks and by verification: a real host has no other ground truth.")
    slow = sorted(found.took, key=lambda one: -one.seconds)[:SLOWEST]
    if slow:
        yield Heading("What took longest")
        rows = tuple((f"{one.seconds:.1f} s", f"{one.expected:.0f} s", one.step) for one in slow)
        yield Table(("took", "expected", "step"), rows)
    yield Paragraph(f"Runs in the journal: {', '.join(found.runs) or 'none'}.")

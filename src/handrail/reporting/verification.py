"""What a later look at a run found: does it still hold?"""

from __future__ import annotations

from handrail.model.plan import Plan
from handrail.reporting import words
from handrail.reporting.page import Heading, Item, Items, Page, Paragraph, Rows, Tone
from handrail.running.verify import Verification

_TONES: dict[str, Tone] = {"holds": "good", "broken": "bad", "unknown": "bad", "superseded": "quiet"}
_ORDER = ("broken", "unknown", "holds", "superseded")


def verification_page(found: Verification, plan: Plan) -> Page:
    """What does not hold comes first."""
    counts = {verdict: sum(check.verdict == verdict for check in found.checks) for verdict in _ORDER}
    yield Heading(f"Verification of run {found.run}", 1)
    if not found.checks:
        yield Paragraph("No lasting step of this run is done, so there is nothing to look at.", "warn")
        return
    wrong = counts["broken"] + counts["unknown"]
    if wrong:
        unknown = f", {counts['unknown']} of them because it could not be seen" if counts["unknown"] else ""
        yield Paragraph(f"{words.count(wrong, 'thing does', 'things do')} not hold{unknown}.", "bad")
    else:
        yield Paragraph("Everything holds.", "good")
    steps = {step.id: step for step in plan.steps}
    items = []
    for check in sorted(found.checks, key=lambda one: _ORDER.index(one.verdict)):
        step = steps.get(check.step)
        where = f"{step.host}: " if step and step.host else ""
        rows = (("because", check.because), ("id", check.step if check.verdict in ("broken", "unknown") else ""))
        title = f"{where}{step.title if step else check.step}"
        items.append(Item(title, check.verdict, _TONES[check.verdict], (Rows(rows),)))
    yield Items(tuple(items))

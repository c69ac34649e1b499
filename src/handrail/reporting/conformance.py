"""How far the twin of a host answers as the host does, for people."""

from __future__ import annotations

from handrail.probing.conform import Conformance
from handrail.reporting import words
from handrail.reporting.page import Heading, Item, Items, Page, Paragraph, Tone

_TONES: dict[str, Tone] = {"differs": "bad", "unknown": "warn", "not modelled": "quiet"}


def conformance_page(found: Conformance) -> Page:
    yield Heading(f"The twin of {found.host}", 1)
    asked = words.count(len(found.compared), "question")
    if found.exit_code == 0:
        same = found.count("same")
        yield Paragraph(f"It answers as the host does: {asked}, {same} answered alike.", "good")
    else:
        parts = [f"{found.count('differs')} answered otherwise", f"{found.count('unknown')} not answered by the host"]
        yield Paragraph(f"Of {asked}: {', '.join(parts)}.", "bad")
    if found.bits < 32:
        yield Paragraph(f"Of exit codes, only {found.bits} bits come through this line; no more was compared.", "warn")
    for verdict in ("differs", "unknown", "not modelled"):
        some = [one for one in found.compared if one.verdict == verdict]
        if some:
            yield Heading(verdict.capitalize(), 2)
            yield Items(
                tuple(
                    Item(
                        str(one.question),
                        verdict,
                        _TONES[verdict],
                        tuple(Paragraph(text) for text in one.differences[:10]),
                    )
                    for one in some
                )
            )

"""Which secrets a plan or an estate refers to, and whether they can be used here. Never what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handrail.reporting import words
from handrail.reporting.page import Heading, Item, Items, Page, Paragraph, Rows, Tone
from handrail.running.needed_secrets import Found

SCHEMA = "handrail/secrets/v1"

_MISSING: tuple[str, Tone] = ("missing", "bad")
_FOUND: tuple[str, Tone] = ("found", "good")


def secrets_page(found: Sequence[Found], what: str) -> Page:
    """What cannot be used comes first."""
    yield Heading(f"Secrets of {what}", 1)
    missing = [one for one in found if one.because]
    if not found:
        yield Paragraph("It refers to none.", "good")
        return
    if missing:
        yield Paragraph(f"{len(missing)} of {words.count(len(found), 'secret')} cannot be used here.", "bad")
    else:
        yield Paragraph(f"{words.count(len(found), 'secret')}, and each can be used here.", "good")
    items = []
    for one in sorted(found, key=lambda each: not each.because):
        rows = (("because", one.because), ("for", words.listed(list(one.need.by), 6)))
        mark, tone = _MISSING if one.because else _FOUND
        items.append(Item(one.need.reference, mark, tone, (Rows(rows),)))
    yield Items(tuple(items))


def secrets_document(found: Sequence[Found]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "secrets": [
            {
                "reference": one.need.reference,
                "for": list(one.need.by),
                "usable": not one.because,
                "because": one.because or None,
            }
            for one in found
        ],
        "usable": sum(not one.because for one in found),
        "unusable": sum(bool(one.because) for one in found),
    }

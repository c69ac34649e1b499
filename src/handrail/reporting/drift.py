"""What a plan rests on and is no longer so, for whoever has to decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handrail.reporting.page import Block, Heading, Item, Items, Paragraph

STEPS = 3
"""Steps that are named for each fact."""


def drift_blocks(drift: Mapping[str, Any]) -> Iterator[Block]:
    """Of the JSON that the journal keeps: every fact with what was planned, what is seen, by which command, and which
    steps rest on it."""
    changed: Sequence[Mapping[str, Any]] = drift.get("changed", ())
    silent: Sequence[Mapping[str, Any]] = drift.get("silent", ())
    yield Heading("Not gone on")
    if changed:
        yield Paragraph("What pending steps rest on has changed since the plan was made:", "bad")
        yield Items(tuple(_changed(one) for one in changed))
    for one in silent:
        facts = ", ".join(one["facts"])
        yield Paragraph(f"{one['host']} did not answer ({one['because']}), so nobody knows: {facts}.", "bad")


def _changed(one: Mapping[str, Any]) -> Item:
    steps = list(one["steps"])
    more = f" and {len(steps) - STEPS} more" if len(steps) > STEPS else ""
    inside = (
        Paragraph(f"seen on {one['host']} by: {' ; '.join(one['commands'])}", "quiet"),
        Paragraph(f"rests on it: {', '.join(steps[:STEPS])}{more}", "quiet"),
    )
    says = f"{one['fact']}: planned {_shown(one['planned'])}, seen {_shown(one['seen'])}"
    return Item(says, "changed", "bad", inside)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)

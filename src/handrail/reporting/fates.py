"""What becomes of customisations: what a plan is to do with them, and what a run did."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from handrail.comparing.fates import FATES, Fate, counted
from handrail.model.plan import Step
from handrail.reporting.outline import Outline
from handrail.reporting.page import Block, Heading, Paragraph, Table


def fate_blocks(fates: Iterable[tuple[str, Fate]], level: int = 2) -> Iterator[Block]:
    """The fate table, the worst first; nothing where there is no customisation. Each row comes with its host."""
    rows = sorted(fates, key=lambda one: (FATES.index(one[1].fate), one[0], one[1].asset, one[1].item))
    if not rows:
        return
    yield Heading("Customisations", level)
    bad = any(one.fate == "needs-a-person" for _, one in rows)
    yield Paragraph(f"{counted(one for _, one in rows)}.", "warn" if bad else "plain")
    yield Table(
        ("fate", "on", "asset", "item", "was", "is now", "because, and what to do"),
        tuple(
            (
                one.fate,
                host,
                one.asset,
                one.item,
                one.was or "-",
                one.is_now or "-",
                ". ".join(text.rstrip(".") for text in (one.because, one.what_to_do) if text),
            )
            for host, one in rows
        ),
    )


def _value(value: Any) -> str:
    return "" if value is None or isinstance(value, Mapping) else str(value)


def _file(step: Step) -> str:
    return ntpath.basename(_value(step.with_.get("file")))


def _locales(step: Step) -> str:
    named = step.with_.get("locales")
    return ", ".join(map(str, named)) if isinstance(named, list | tuple) else "all locales"


_Told = Callable[[Step], tuple[str, str, str]]

EXPECTED: Mapping[str, _Told] = {
    "config.merge": lambda step: (
        _file(step),
        "every change that was made to it",
        "carried or merged into what ships now; a person is asked about what both sides changed",
    ),
    "config.redirects": lambda step: (
        _file(step),
        f"binding redirect of {_value(step.with_.get('assembly')) or 'every assembly'}",
        "there, whether the installer keeps the edited file or overwrites it",
    ),
    "folder.compare": lambda step: (
        _value(step.with_.get("asset")) or ntpath.basename(_value(step.with_.get("folder"))),
        "every file",
        "carried",
    ),
    "rcdc.compare": lambda _: (
        "RCDC and resource strings",
        "all locales",
        "carried, renamed locales under their new name; what is lost is named",
    ),
    "rcdc.resubmit": lambda _: ("RCDC and resource strings", "all locales", "what setup replaced is written again"),
    "language_pack.present": lambda step: ("language pack", _locales(step), "installed again, each locale by its name"),
}
"""Of actions that decide over customisations: asset, item and what is expected."""


def expected_blocks(outline: Outline, level: int = 2) -> Iterator[Block]:
    """What a plan is to do with customisations, and in which step; nothing when it has no such step."""
    rows = []
    for step in outline.plan.steps:
        # A look at the language packs that are there beforehand promises nothing for afterwards.
        if step.uses in EXPECTED and (step.uses != "language_pack.present" or step.lasting):
            asset, item, expected = EXPECTED[step.uses](step)
            rows.append((step.host or "-", asset, item, expected, f"step {outline.numbers[step.id]}"))
    if rows:
        yield Heading("Customisations", level)
        yield Table(("on", "asset", "item", "expected", "by"), tuple(dict.fromkeys(rows)))

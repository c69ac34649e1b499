"""The way back of a run: its plan and its price, or why there is none; and what a run says of it on its own pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from handrail.model.finding import Finding
from handrail.reporting import words
from handrail.reporting.findings import finding_blocks
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph
from handrail.restoring.cost import Cost, told, when
from handrail.restoring.rollback import Back

SHOWN = 12
"""Assets of which is told one by one when they return to."""


def rollback_page(back: Back, plan: Page, command: str, *, is_written: bool) -> Page:
    """The plan of a way back, with its price before it. `command`: what to do next."""
    run = back.plan.goes_back.run if back.plan.goes_back else ""
    blocks = iter(plan)
    yield from islice(blocks, 2)
    yield Paragraph(f"This plan takes run {run} back.", "strong")
    yield from _price(back.cost)
    yield from blocks
    yield Heading("What now")
    yield Paragraph("Go back:" if is_written else "Nothing was written. To carry this out, write it to a file first:")
    yield Code((command,))


def _price(cost: Cost) -> Iterator[Block]:
    yield Paragraph(told(cost))
    if not cost.restored:
        return
    yield Heading("What returns")
    items = [Item(f"{words.asset(one.asset)}: as it was at {when(one.moment)}") for one in cost.restored[:SHOWN]]
    if len(cost.restored) > SHOWN:
        items.append(Item(f"and {words.count(len(cost.restored) - SHOWN, 'asset')} more"))
    yield Items(tuple(items))


def no_way_back_page(run: str, findings: Sequence[Finding]) -> Page:
    yield Heading(f"No way back for run {run}", 1)
    yield Paragraph("Nothing was changed by asking.", "quiet")
    yield from finding_blocks(findings)


def going_back_blocks(run: str, cost: Cost, everywhere: str = "") -> Iterator[Block]:
    """What a run that can be taken back says of it: the price, and the command. Nothing when there is nothing to take
    back."""
    if not cost.steps and not cost.lost:
        return
    yield Heading("Going back")
    yield Paragraph(told(cost), "bad" if cost.lost else "plain")
    if not cost.lost:
        yield Code((f"handrail rollback {run} -o back.plan{everywhere}", f"handrail run back.plan{everywhere}"))

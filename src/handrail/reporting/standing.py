"""A large run: how it stands, with what many hosts have in common told once."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from handrail.model.journal import StepState
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows, Table, Tone
from handrail.reporting.words import count, listed
from handrail.running.standing import BUSY, RunStanding, Standing, WaveStanding

STATES: Mapping[str, tuple[str, Tone]] = {
    "running": ("Running.", "plain"),
    "waiting": ("Waiting for a person.", "warn"),
    "failed": ("Failed: it stopped, and nothing goes on by itself.", "bad"),
    "in-doubt": ("In doubt: nobody can tell whether a step took effect.", "bad"),
    "succeeded": ("Succeeded.", "good"),
    "rolled-back": ("Rolled back.", "good"),
}
TONES: Mapping[str, Tone] = {
    "done": "good",
    "skipped": "quiet",
    "failed": "bad",
    "in-doubt": "bad",
    "waiting": "warn",
    "begun": "strong",
    "pending": "quiet",
}

NAMED: Mapping[StepState, int] = {"failed": 40, "in-doubt": 40}
"""Hosts that are named of those that stand alike; of other states fewer."""

ANSWERS = 10
"""Questions that are shown with the commands that answer them."""


def moved_paragraph(to: str) -> Paragraph:
    """Of a run that went to another store."""
    return Paragraph(f"Moved to the store {to}: it goes on there, and not here. Below is how it stood then.", "warn")


def standing_page(
    found: RunStanding, everywhere: str = "", resuming: str = "", *, carried: bool = True, moved_to: str | None = None
) -> Page:
    """How a large run stands, for `handrail status`. `everywhere`: ` --store URL`; `resuming`: ` --ask`; `carried`:
    somebody carries it on now; `moved_to`: the store that it went to."""
    yield Heading(f"Run {found.run}", 1)
    yield Rows((("estate", found.estate), ("plan", found.plan), ("steps", counted(found.counts))))
    if moved_to is not None:
        yield moved_paragraph(moved_to)
    elif found.state == "running" and not carried:
        yield Paragraph("Interrupted: no process carries it on. What was begun is looked at before it goes on.", "warn")
    else:
        yield Paragraph(*STATES[found.state])
    yield from wave_blocks(found.waves, found.failed_hosts, found.hosts, found.limit)
    if found.busy:
        yield Heading("Now")
        yield Items(tuple(folded_items(found.busy)))
    if found.latest:
        yield Heading(f"The last {len(found.latest)} that ended")
        yield Items(tuple(folded_items(found.latest)))
    if moved_to is None:
        yield from _what_now(found, everywhere, resuming)


def counted(counts: Mapping[StepState, int]) -> str:
    order: tuple[StepState, ...] = ("done", "skipped", *BUSY, "pending")
    return ", ".join(f"{counts[name]:,} {name}" for name in order if counts.get(name)) or "no steps"


def wave_blocks(waves: Iterable[WaveStanding], failed: int, hosts: int, limit: int | None) -> Iterator[Block]:
    """How far each wave is, and whether the failure budget is used up."""
    rows = tuple(
        (one.name, *(f"{number:,}" if number else "" for number in (one.through, one.at_work, one.failed, one.to_come)))
        for one in waves
    )
    if rows:
        yield Heading("Waves")
        yield Table(("wave", "through", "at work", "failed", "to come"), rows)
    if limit is not None and failed >= limit:
        yield Paragraph(
            f"The failure budget is used up: {count(limit, 'host')} of {hosts:,} may fail, and {failed:,} have. "
            "Nothing was begun on any other.",
            "bad",
        )


def folded_items(steps: Iterable[Standing]) -> Iterator[Item]:
    """Steps that differ only in their host are shown as one, the first of them in full."""
    alike: dict[tuple[str, str], list[Standing]] = {}
    for one in steps:
        alike.setdefault((one.state, one.alike), []).append(one)
    for group in alike.values():
        first = group[0]
        where = f"{first.host}: " if first.host else ""
        others = [one.host or one.id for one in group[1:]]
        rows = (
            ("also on", listed(others, NAMED.get(first.state, 6))),
            ("id", first.id if first.state != "done" else ""),
        )
        because = (Paragraph(first.because, "plain" if first.state in NAMED else "quiet"),) if first.because else ()
        number = f"{len(group):,} x " if len(group) > 1 else ""
        yield Item(f"{number}{where}{first.title}", first.state, TONES[first.state], (*because, Rows(rows)))


def _what_now(found: RunStanding, everywhere: str, resuming: str) -> Iterator[Block]:
    run = shlex.quote(found.run)
    yield Heading("What now")
    asking = [one for one in found.busy if one.state in ("waiting", "in-doubt")]
    for one in asking[:ANSWERS]:
        yield Paragraph(one.question or one.title, "warn")
        yes = "yes" if one.kind == "hold" and one.state == "waiting" else "done"
        yield Code(
            tuple(f"handrail answer {run} {shlex.quote(one.id)} {word}{everywhere}" for word in (yes.ljust(4), "no  "))
        )
    if len(asking) > ANSWERS:
        yield Paragraph(f"And {count(len(asking) - ANSWERS, 'question')} more.")
    if found.state == "succeeded":
        yield Paragraph("Look, now and later, whether it still holds:")
        yield Code((f"handrail verify {run}{everywhere}",))
    else:
        yield Paragraph(
            "Mend what is in the way, then go on where it stopped:"
            if found.state == "failed"
            else "If nobody carries it on any more, go on where it stands:"
        )
        yield Code((f"handrail resume {run}{everywhere}{resuming}",))
    yield Paragraph("Every step with its state, which takes a while:", "quiet")
    yield Code((f"handrail status {run}{everywhere} --format json",))

"""What simulated runs came to: how many seeds passed, what befell them, and the story of each failure."""

from __future__ import annotations

import shlex
from collections import Counter

from handrail.rehearsing.mishaps import WAYS
from handrail.rehearsing.results import Result
from handrail.rehearsing.seeds import SeedCase, Seeds, command
from handrail.reporting import words
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows, Table, Tone

_RESULTS: dict[Result, tuple[str, Tone]] = {
    "pass": ("passed", "good"),
    "fail": ("failed", "bad"),
    "no-way-back-as-planned": ("had no way back, as planned", "plain"),
    "not-rehearsed": ("came to something that the twin does not know", "warn"),
}


def seeds_page(found: Seeds, plan_file: str, seconds: float | None = None) -> Page:
    """All seeds; the failures, made as short as they can be, come last, each with what reproduces it."""
    yield Heading(f"Simulated runs of {found.estate}", 1)
    taking = f", in {words.duration(seconds)}" if seconds is not None else ""
    seeds = [case.seed for case in found.cases]
    which = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}" if seeds else "no seeds"
    yield Paragraph(f"{words.count(len(seeds), 'run')} ({which}){taking}.")
    counts = found.counts
    times = Counter(case.result for case in found.cases)
    lines = [Item(said, f"{times[name]:,}", tone) for name, (said, tone) in _RESULTS.items() if times[name]]
    yield Items(tuple(lines))
    back = sum(case.then == "rollback" for case in found.cases)
    yield Paragraph(f"{back:,} of them were taken back on their way, the others gone on with to their end.")
    struck = found.struck
    if struck:
        yield Heading("What befell them")
        rows = tuple((name, f"{struck[name]:,}", f"a worker {way.says}") for name, way in WAYS.items() if struck[name])
        yield Table(("fault", "times", "what happens"), rows)
    if found.failures:
        yield Heading("What failed")
        like = len(found.failures) < counts.failed
        yield Paragraph(
            f"{words.count(counts.failed, 'seed')} failed. Of those that say the same, one is shown, with as few "
            "faults as still make it fail."
            if like
            else "Each is shown with as few faults as still make it fail."
        )
        for case in found.failures:
            yield from _told(case, plan_file, 3)


def verdict(found: Seeds) -> str:
    """All of it in one sentence."""
    return f"{words.count(len(found.cases), 'seed')}: {found.counts.passed:,} passed, {found.counts.failed:,} failed."


def seed_page(case: SeedCase, plan_file: str) -> Page:
    """One seed with its story."""
    yield from _told(case, plan_file, 1)


def _told(case: SeedCase, plan_file: str, level: int) -> list[Block]:
    said, tone = _RESULTS[case.result]
    then = "taken back" if case.then == "rollback" else "gone on with"
    numbers = case.only if case.only is not None else tuple(range(1, len(case.mishaps) + 1))
    faults = tuple(
        Item(
            str(case.mishaps[number - 1]) + ("" if number in case.struck else " (it did not come to pass)"),
            str(number),
            "plain" if number in case.struck else "quiet",
        )
        for number in numbers
    )
    blocks: list[Block] = [Heading(f"Seed {case.seed}", level), Paragraph(f"It {said}; the run was {then}.", tone)]
    blocks += [Paragraph(f"{because[:1].upper()}{because[1:]}.".replace("..", "."), "bad") for because in case.because]
    if faults:
        blocks += [Paragraph("Its faults:"), Items(faults)]
    elif case.result == "fail":
        blocks.append(Paragraph("It fails without any fault."))
    blocks += [Code(case.story), Rows((("again", command(shlex.quote(plan_file), case)),))]
    blocks.append(Rows((("fingerprint", case.fingerprint[:16]),)))
    return blocks

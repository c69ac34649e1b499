"""What a rehearsal found: steps by faults, and every failure with the command that shows it again."""

from __future__ import annotations

import shlex
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.rehearsing.results import Case, Failure, Rehearsal, Result, failures_of
from handrail.reporting import words
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Table, Tone

MARKS: Mapping[Result, str] = {
    "pass": "+",
    "no-way-back-as-planned": "1",
    "not-rehearsed": "?",
    "fail": "X",
}
"""How a result is shown in the matrix; `.` is a fault that cannot befall the step."""

_WORST: Sequence[Result] = ("fail", "not-rehearsed", "no-way-back-as-planned", "pass")
SHOWN = 12
"""Failures for the same reason are told once; so many reasons are told."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step of the matrix. `cells` maps a fault to its cases; `others`: how many steps it stands for besides itself.
    `because`: why it was not rehearsed."""

    step: str
    title: str
    cells: Mapping[str, tuple[Case, ...]]
    others: int = 0
    because: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one hop of one installation, or of the way back. `title` is what their ids begin with."""

    title: str
    rows: tuple[Row, ...]
    back: bool = False


def parts(rehearsal: Rehearsal) -> Iterator[Part]:
    """The matrix, in the order of the plan."""
    for back, steps in ((False, rehearsal.steps), (True, rehearsal.back)):
        tried: dict[str, dict[str, list[Case]]] = {}
        for case in rehearsal.cases:
            if (case.of == "rollback") == back:
                tried.setdefault(case.step, {}).setdefault(case.fault, []).append(case)
        grouped: dict[str, list[Row]] = {}
        for step in steps:
            if step in tried:
                cells = {fault: tuple(cases) for fault, cases in tried[step].items()}
                others = len(rehearsal.stand_for.get(step, ())) if not back else 0
                because = "" if back else rehearsal.not_rehearsed.get(step, "")
                row = Row(step, rehearsal.titles.get(step, ""), cells, others, because)
                grouped.setdefault(step.rpartition("/")[0], []).append(row)
        for title, rows in grouped.items():
            yield Part(title, tuple(rows), back)


def worst(cases: Iterable[Case]) -> Result:
    found = {one.result for one in cases}
    return next(one for one in _WORST if one in found)


def verdict(rehearsal: Rehearsal) -> str:
    """All of it in one sentence."""
    if rehearsal.unfaulted:
        return "Nothing was tried: even without a fault the run does not come to its end."
    counts = rehearsal.counts
    said = [f"{words.count(len(rehearsal.cases) - len(rehearsal.not_rehearsed), 'case')}"]
    said.append(f"{counts.passed:,} passed, {counts.failed or 'none'} failed")
    if counts.as_planned:
        said.append(f"{counts.as_planned:,} without a way back, as planned")
    if counts.not_rehearsed:
        said.append(f"{counts.not_rehearsed:,} not rehearsed")
    return "; ".join(said) + "."


def tone(rehearsal: Rehearsal) -> Tone:
    counts = rehearsal.counts
    if counts.failed or rehearsal.unfaulted:
        return "bad"
    return "warn" if rehearsal.not_rehearsed or not counts.passed else "good"


def rehearsal_page(rehearsal: Rehearsal, plan_file: str) -> Page:
    yield Heading(f"Rehearsal of the plan for {rehearsal.estate}", 1)
    yield Paragraph(f"Plan {rehearsal.plan}")
    if rehearsal.sampled:
        yield Paragraph(sampled(rehearsal))
    if rehearsal.unfaulted:
        yield Paragraph(f"Without any fault: {rehearsal.unfaulted}", "bad")
        yield Paragraph(verdict(rehearsal), "bad")
        return
    if rehearsal.faults:
        yield from _legend(rehearsal)
        yield from _matrix(rehearsal)
    yield from _not_rehearsed(rehearsal)
    yield from _failures(rehearsal, plan_file)
    if not rehearsal.faults:
        said = (
            "comes to its end, and the twin is as the plan promised" if not rehearsal.not_rehearsed else "goes so far"
        )
        yield Paragraph(f"Without a fault the run {said}.", tone(rehearsal) if rehearsal.not_rehearsed else "good")
        return
    yield Paragraph(verdict(rehearsal), tone(rehearsal))


def sampled(rehearsal: Rehearsal) -> str:
    """On which hosts it was tried, when not on all."""
    tried, of = rehearsal.sampled or (0, 0)
    return (
        f"Tried on {tried:,} of {of:,} hosts: two of each kind and wave stand for those with the same steps, facts and "
        "hops. What many hosts do to each other at once is not shown by this."
    )


def _letters(rehearsal: Rehearsal) -> dict[str, str]:
    return dict(zip(rehearsal.faults, string.ascii_lowercase, strict=False))


def _legend(rehearsal: Rehearsal) -> Iterator[Block]:
    tried = Counter(one.fault for one in rehearsal.cases)
    letters = _letters(rehearsal)
    rows = tuple((letters[name], name, f"{tried[name]:,}", says) for name, says in rehearsal.faults.items())
    yield Table(("", "fault", "cases", "at this step ..."), rows)


def _matrix(rehearsal: Rehearsal) -> Iterator[Block]:
    letters = _letters(rehearsal)
    yield Heading("Steps by faults")
    yield Paragraph(
        "+ came to the promised end, and back to the beginning; 1 no way back, as planned; ? not rehearsed; X failed; "
        ". cannot happen here.",
        "quiet",
    )
    head = "".join(letters.values())
    for part in parts(rehearsal):
        rows = [row for row in part.rows if not row.because]
        if not rows:
            continue
        yield Heading(f"{part.title}{', going back' if part.back else ''}", 3)
        listed = [(_marks(row, letters), _name(row)) for row in rows]
        yield Table((head, "step"), tuple(listed))


def _name(row: Row) -> str:
    name = row.step.rpartition("/")[2]
    return f"{name} (and {words.count(row.others, 'other')} like it)" if row.others else name


def _marks(row: Row, letters: Mapping[str, str]) -> str:
    return "".join(MARKS[worst(row.cells[fault])] if fault in row.cells else "." for fault in letters)


def unknown(rehearsal: Rehearsal) -> list[tuple[str, str]]:
    """What was not rehearsed, and why: each reason once."""
    found = [(step, because) for step, because in rehearsal.not_rehearsed.items()]
    found += [(f"the way back from {one.step}", one.because) for one in rehearsal.unknown_ways_back]
    causes: dict[str, list[str]] = {}
    for what, because in found:
        causes.setdefault(because, []).append(what)
    more = {because: len(whats) - 1 for because, whats in causes.items()}
    return [
        (whats[0] + (f" and {words.count(more[because], 'other')}" if more[because] else ""), because)
        for because, whats in causes.items()
    ]


def _not_rehearsed(rehearsal: Rehearsal) -> Iterator[Block]:
    found = unknown(rehearsal)
    if found:
        yield Heading("Not rehearsed")
        yield Items(tuple(Item(f"{what}: {because}", "?", "warn") for what, because in found[:SHOWN]))
    if len(found) > SHOWN:
        yield Paragraph(f"And {words.count(len(found) - SHOWN, 'more reason')}; --format json has all cases.")


def led_to(failure: Failure) -> str:
    """The faults that led to a failure, and how often."""
    more = f" ({failure.times:,} cases)" if failure.times > 1 else ""
    return f"{words.listed(failure.faults, 3)}, then {failure.case.then}{more}"


def command(case: Case, plan_file: str) -> str:
    return f"handrail rehearse {shlex.quote(plan_file)} --case {shlex.quote(case.name)}"


def _failures(rehearsal: Rehearsal, plan_file: str) -> Iterator[Block]:
    found = failures_of(rehearsal.cases)
    if not found:
        return
    yield Heading("What failed")
    for one in found[:SHOWN]:
        yield Paragraph(f"{one.case.step}: {led_to(one)}", "bad")
        yield Paragraph(f"{one.case.because[:1].upper()}{one.case.because[1:]}")
        yield Code((command(one.case, plan_file),))
    if len(found) > SHOWN:
        yield Paragraph(f"And {words.count(len(found) - SHOWN, 'more reason')}; --format json has all cases.")


def case_page(rehearsal: Rehearsal) -> Page:
    """The stories of the cases that were asked for."""
    tones: Mapping[Result, Tone] = {"pass": "good", "fail": "bad", "no-way-back-as-planned": "warn"}
    for case in rehearsal.cases:
        yield Heading(f"{case.step}: {rehearsal.faults.get(case.fault, case.fault)}, then {case.then}")
        if case.story:
            yield Items(tuple(Item(one) for one in case.story))
        because = f": {case.because}" if case.because else "."
        yield Paragraph(f"{case.result}{because}", tones.get(case.result, "warn"))
    if not rehearsal.cases:
        yield Paragraph("This fault cannot befall this step.", "warn")

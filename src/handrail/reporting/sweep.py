"""What a sweep brought to light: every plan of a guide's scenarios, what its rehearsal came to, and all in numbers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from handrail.rehearsing.results import Counts, Failure, case_to_json, counts_to_json
from handrail.rehearsing.seeds import SeedCase
from handrail.rehearsing.sweep import Swept
from handrail.reporting import words
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Table
from handrail.reporting.rehearsal import led_to

SHOWN = 5
"""Failures of one plan that are told; there may be many of one cause."""


def swept_page(swept: Swept) -> Page:
    """One plan, and what failed."""
    yield Items((_item(swept),))


def _item(swept: Swept) -> Item:
    if swept.untried:
        return Item(f"{_names(swept)}: {swept.untried}", "none", "warn")
    inside: list[Block] = []
    if swept.unfaulted:
        inside.append(Paragraph(f"Without any fault: {swept.unfaulted}"))
    inside += [Paragraph(f"A way back was not rehearsed: {one}") for one in swept.unknown[:SHOWN]]
    for one in swept.failures[:SHOWN]:
        inside.append(Paragraph(f"{one.case.step}: {led_to(one)}: {one.case.because}"))
        inside.append(Code((command(swept, one),)))
    inside += [Paragraph(f"Seed {one.seed}: {'; '.join(one.because)}") for one in swept.shortest[:SHOWN]]
    return Item(
        f"{_names(swept)}: {_sentence(swept)}",
        "pass" if swept.passed else "FAIL",
        "good" if swept.passed else "bad",
        tuple(inside),
    )


def command(swept: Swept, failure: Failure) -> str:
    """What shows the failing case again, as a story."""
    return f"handrail guide test {shlex.quote(swept.same.files[0])} --case {shlex.quote(failure.case.name)}"


def _names(swept: Swept) -> str:
    first, *others = swept.same.names
    if not others:
        return first
    return f"{first} (and {words.listed([one.rpartition('/')[2] for one in others], 3)}: the same plan)"


def _sentence(swept: Swept) -> str:
    counts = swept.counts
    if swept.unfaulted:
        return f"{words.count(swept.same.steps, 'step')}; nothing was tried."
    said = [words.count(swept.same.steps, "step"), f"{counts.cases:,} cases"]
    said.append(f"{counts.passed:,} passed" + (f", {counts.failed:,} failed" if counts.failed else ""))
    if counts.as_planned:
        said.append(f"{counts.as_planned:,} without a way back, as planned")
    if counts.not_rehearsed:
        said.append(f"{counts.not_rehearsed:,} not rehearsed")
    if swept.seeds is not None:
        failed = f", {swept.seeds.failed:,} failed" if swept.seeds.failed else ""
        said.append(f"{swept.seeds.cases:,} seeds{failed}")
    if swept.stops:
        said.append(f"it stands at {swept.stops.rpartition('/')[2]}, as the scenario says")
    return f"{'; '.join(said)}; {words.duration(swept.seconds)}."


# -- all of it ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    """What a guide's plans came to together; `untried` are plans without a twin."""

    scenarios: int = 0
    plans: int = 0
    steps: int = 0
    untried: int = 0
    counts: Counts = field(default_factory=Counts)
    seeds: Counts = field(default_factory=Counts)

    def add(self, swept: Swept) -> None:
        self.scenarios += len(swept.same.files)
        if swept.untried:
            self.untried += 1
            return
        self.plans += 1
        self.steps += swept.same.steps
        self.counts += swept.counts
        self.seeds += swept.seeds or Counts()


def _sums(swept: Sequence[Swept]) -> dict[str, _Sum]:
    found: dict[str, _Sum] = {}
    for one in sorted(swept, key=lambda one: one.same.guide):
        found.setdefault(one.same.guide, _Sum()).add(one)
    return found


def sums_page(swept: Sequence[Swept]) -> Page:
    """All plans in numbers, guide by guide."""
    yield Heading("Rehearsed")
    total = _Sum()
    for one in swept:
        total.add(one)
    rows = [(name, _numbers(one)) for name, one in [*_sums(swept).items(), ("all", total)]]
    shown = [name for name in rows[-1][1] if rows[-1][1][name] or name in _ALWAYS]
    yield Table(("guide", *shown), tuple((name, *(f"{row[one]:,}" for one in shown)) for name, row in rows))
    if total.untried:
        yield Paragraph(f"{words.count(total.untried, 'plan')} without a twin, not counted.", "quiet")
    yield Paragraph(swept_verdict(swept), "good" if all(one.passed for one in swept) else "bad")


_ALWAYS = ("scenarios", "plans", "steps", "cases", "passed")


def _numbers(one: _Sum) -> dict[str, int]:
    counts = one.counts
    return {
        "scenarios": one.scenarios,
        "plans": one.plans,
        "steps": one.steps,
        "cases": counts.cases,
        "passed": counts.passed,
        "as planned": counts.as_planned,
        "not rehearsed": counts.not_rehearsed,
        "failed": counts.failed,
        "seeds": one.seeds.cases,
        "failed seeds": one.seeds.failed,
    }


def swept_verdict(swept: Sequence[Swept]) -> str:
    failed = [one.same.names[0] for one in swept if not one.passed]
    tried = words.count(sum(not one.untried for one in swept), "plan")
    said = f"{tried} rehearsed, {len(failed) or 'none'} failed"
    return f"{said}: {words.listed(failed, 12)}." if failed else f"{said}."


def swept_document(swept: Sequence[Swept], faults: Sequence[str]) -> dict[str, Any]:
    """The part `rehearsal` of the JSON of `handrail guide test`."""
    total = _Sum()
    for one in swept:
        total.add(one)
    return {
        "faults": list(faults),
        "plans": [_document(one) for one in sorted(swept, key=lambda one: one.same.names)],
        "totals": {
            "scenarios": total.scenarios,
            "plans": total.plans,
            "steps": total.steps,
            "cases": total.counts.cases,
            **counts_to_json(total.counts),
            "seeds": counts_to_json(total.seeds),
            "untried": total.untried,
        },
    }


def _document(swept: Swept) -> dict[str, Any]:
    return {
        "guide": swept.same.guide,
        "scenarios": list(swept.same.names),
        "plan": swept.plan or None,
        "steps": swept.same.steps,
        "result": "untried" if swept.untried else "pass" if swept.passed else "fail",
        "untried": swept.untried or None,
        "unfaulted": swept.unfaulted or None,
        "stops": swept.stops or None,
        "cases": swept.counts.cases,
        **counts_to_json(swept.counts),
        "failures": [
            {**case_to_json(one.case), "times": one.times, "again": command(swept, one)} for one in swept.failures
        ],
        "unknown_ways_back": list(swept.unknown),
        "seeds": None if swept.seeds is None else counts_to_json(swept.seeds),
        "failing_seeds": [_seed(one) for one in swept.shortest],
        "seconds": round(swept.seconds, 1),
    }


def _seed(one: SeedCase) -> dict[str, Any]:
    return {"seed": one.seed, "only": list(one.only or ()), "because": "; ".join(one.because)}

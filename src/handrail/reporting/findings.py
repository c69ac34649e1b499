"""Findings: what assessment says, blockers first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from handrail.documents.plan import finding_to_json
from handrail.model.finding import Assessment, Finding
from handrail.reporting import words
from handrail.reporting.page import Block, Heading, Item, Items, Page, Paragraph, Rows, Tone

SCHEMA = "handrail/assessment/v1"

# Of one rule that speaks of a whole fleet, this many findings are shown in full.
SHOWN = 5

_VERDICTS: Mapping[str, tuple[str, Tone]] = {
    "clear": ("Clear: nothing stands in the way.", "good"),
    "risky": ("Risky: nothing forbids it, but read the risks below.", "warn"),
    "blocked": ("Blocked.", "bad"),
}


def assessment_document(assessment: Assessment) -> dict[str, Any]:
    """The JSON of `handrail assess`."""
    return {
        "schema": SCHEMA,
        "estate": assessment.estate,
        "aim": dict(assessment.aim),
        "verdict": assessment.verdict,
        "findings": [finding_to_json(finding) for finding in assessment.findings],
    }


def assessment_page(assessment: Assessment, title: str = "Assessment") -> Page:
    yield Heading(f"{title} of {assessment.estate}", 1)
    yield Rows(aim_rows(assessment.aim))
    yield Paragraph(*verdict_of(assessment))
    yield from finding_blocks(assessment.findings)


def verdict_of(assessment: Assessment) -> tuple[str, Tone]:
    """What was found, in a sentence."""
    blocking = [finding for finding in assessment.findings if finding.blocks]
    verdict, tone = _VERDICTS[assessment.verdict]
    if not blocking:
        return verdict, tone
    unknown = sum(finding.unknown for finding in blocking)
    because = f", {unknown:,} of them because something is not known" if unknown else ""
    return f"Blocked by {words.count(len(blocking), 'finding')}{because}.", tone


def aim_rows(aim: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """One row per release that is aimed at, so that a fleet of deployments stays short."""
    deployments: dict[str, list[str]] = {}
    for deployment, release in aim.items():
        deployments.setdefault(release, []).append(deployment)
    return tuple(("aim", f"{words.listed(names)} to {release}") for release, names in deployments.items())


def finding_blocks(findings: Iterable[Finding], level: int = 2) -> Iterator[Block]:
    """Headings and items: blockers, risks, what was accepted, notes."""
    groups: dict[str, list[Finding]] = {"Blockers": [], "Risks": [], "Accepted": [], "Notes": []}
    for finding in findings:
        if finding.blocks:
            groups["Blockers"].append(finding)
        elif finding.accepted:
            groups["Accepted"].append(finding)
        else:
            groups["Risks" if finding.level == "risk" else "Notes"].append(finding)
    for title, group in groups.items():
        if group:
            yield Heading(title, level)
            yield Items(tuple(_folded(group)))


def _folded(findings: list[Finding]) -> Iterator[Item]:
    by_rule: dict[tuple[str, bool], list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault((finding.rule, finding.unknown), []).append(finding)
    for (rule, _), group in by_rule.items():
        alike: dict[tuple[str, ...], list[Finding]] = {}
        for finding in group:
            alike.setdefault(_without_names(finding), []).append(finding)
        told = list(alike.values())
        shown = told if len(told) <= SHOWN + 1 else told[:SHOWN]
        for first, *others in shown:
            yield _item(first, [other.subject for other in others])
        if len(shown) < len(told):
            rest = [finding.subject for findings in told[len(shown) :] for finding in findings]
            yield Item(f"{rule} also concerns {words.listed(rest)}.", _mark(group[0]), _tone(group[0]))


def _without_names(finding: Finding) -> tuple[str, ...]:
    """What the finding says, whomever it says it of."""
    subject = finding.subject
    names = (subject, subject.rpartition("/")[2], re.split("[@:]", subject)[-1])
    any_name = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in names if name))
    return (any_name.sub("*", finding.message), any_name.sub("*", finding.remedy), words.source(finding.source))


def _item(finding: Finding, others: Sequence[str] = ()) -> Item:
    """One finding, and of whom else it is true."""
    rows = (
        ("same for", words.listed(others)),
        ("do", finding.remedy),
        ("source", words.source(finding.source)),
    )
    return Item(
        f"{finding.rule}  {finding.subject}", _mark(finding), _tone(finding), (Paragraph(finding.message), Rows(rows))
    )


def _mark(finding: Finding) -> str:
    if finding.accepted:
        return "accepted"
    return "unknown" if finding.unknown else finding.level


def _tone(finding: Finding) -> Tone:
    if finding.accepted:
        return "warn"
    return {"blocker": "bad", "risk": "warn", "note": "quiet"}[finding.level]  # type: ignore[return-value]

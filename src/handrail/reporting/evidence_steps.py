"""What was done, step by step, as HTML: every event of a step with what was seen, said and given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from handrail.model.journal import Event, StepStatus
from handrail.model.plan import Step
from handrail.reporting import words
from handrail.reporting.evidence import WRONG, Gathered
from handrail.reporting.evidence_pages import moment, tone_of
from handrail.reporting.html import escape, inline, render
from handrail.reporting.outline import NO_HOST, Lane
from handrail.reporting.page import Rows, Table
from handrail.reporting.person import person_blocks
from handrail.running.clock import moment as clock

HEAD, TAIL = 1_600, 2_400
"""Characters of a long output that are shown of its beginning and its end."""

VALUE = 400
"""Characters of a value that are shown."""

WRONGS = 1_000
"""Steps with a failure that are told one by one; evidence.json has all of them."""


def lane_lines(found: Gathered, lane: Lane) -> Iterator[str]:
    """The steps of one host, and how the same steps went on hosts like it."""
    title = "Of no host" if lane.host == NO_HOST else f"On {lane.host}"
    if lane.like:
        title += f", and the same on {words.count(len(lane.like), 'host')} more"
    yield f"<h3>{escape(title)}</h3>"
    if lane.like:
        yield f'<p class="quiet">{escape("Like it: " + words.listed(lane.like, 12))}.</p>'
        yield from render([_cohort(found, lane)])
    yield f'<div class="wide" role="region" tabindex="0" aria-label="Steps, {escape(title)}"><table class="steps">'
    yield "<thead><tr>"
    yield "".join(
        f'<th scope="col">{name}</th>' for name in ("no.", "step", "state", "begun (UTC)", "took", "what was seen")
    )
    yield "</tr></thead><tbody>"
    for step in lane.steps:
        yield _row(found, step, found.schedule.one(step.id))
    yield "</tbody></table></div>"
    for step in lane.steps:
        if found.kept.get(step.id):
            yield from step_lines(found, step)


def _cohort(found: Gathered, lane: Lane) -> Table:
    """How often each step of a cohort ended in which state."""
    rows = []
    for number, step in enumerate(lane.steps):
        counts: dict[str, int] = {}
        for host in (lane.host, *lane.like):
            # Hosts of a cohort have the same steps in the same order.
            state = found.schedule.one(found.on[host][number].id).state
            counts[state] = counts.get(state, 0) + 1
        rows.append((step.title, ", ".join(f"{times:,} {state}" for state, times in counts.items())))
    return Table(("step, on all of them", "how it ended"), tuple(rows))


def _row(found: Gathered, step: Step, status: StepStatus) -> str:
    number = found.outline.numbers[step.id]
    name = escape(step.title)
    if found.kept.get(step.id):
        name = f'<a href="#step-{number}">{name}</a>'
    again = f" ({status.attempts} attempts)" if status.attempts > 1 else ""
    cells = (
        f'<th scope="row">{number}</th><td>{name}</td>',
        f'<td><b class="mark {tone_of(status.state)}">{status.state}</b>{again}</td>',
        f"<td>{moment(status.begun)}</td><td>{_took(status)}</td><td>{escape(_cut(status.because, VALUE))}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _took(status: StepStatus) -> str:
    if not status.begun or not status.ended:
        return ""
    seconds = (clock(status.ended) - clock(status.begun)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else words.duration(seconds)


def wrong_lines(found: Gathered) -> Iterator[str]:
    """Every failure and doubt of steps that are not told above."""
    above = found.shown
    others = [id for id in found.wrong if id not in above]
    for id in others[:WRONGS]:
        yield from step_lines(found, found.outline.steps[id])
    if len(others) > WRONGS:
        yield f'<p class="warn">And {len(others) - WRONGS:,} more steps with a failure, in evidence.json.</p>'


def step_lines(found: Gathered, step: Step) -> Iterator[str]:
    """One step: what it is, and every event that tells of it."""
    number = found.outline.numbers[step.id]
    status = found.schedule.one(step.id)
    errata = ", ".join(f"{one.id} ({words.source(one.source)})" for one in found.outline.errata_of(step))
    yield f'<article class="step" id="step-{number}"><h4>{number}. {inline(step.title)}'
    yield f'<b class="mark {tone_of(status.state)}">{status.state}</b></h4>'
    rows = (
        ("id", step.id),
        ("on", step.host or ""),
        ("action", f"{step.uses} (revision {step.revision})"),
        ("source", words.source(step.source)),
        ("erratum applied", errata),
        ("with", "" if step.kind == "person" else _told(step.with_)),
    )
    yield from render([Rows(rows)])
    if step.kind == "person":
        yield from render(person_blocks(step))
    yield '<ol class="events">'
    for event in found.kept[step.id]:
        yield from _event(event)
    yield "</ol></article>"


def _event(event: Event) -> Iterator[str]:
    entry, data = event.entry, event.entry.data
    kind = "bad" if entry.kind in WRONG else tone_of(entry.kind)
    attempt = f", attempt {entry.attempt}" if entry.attempt > 1 else ""
    yield f'<li><p class="when"><b class="mark {kind}">{entry.kind}</b> {moment(event.at)}{attempt}'
    yield f'<span class="quiet">event {event.position:,}</span></p>'
    before: Mapping[str, Any] = data.get("before") or {}
    rows: list[tuple[str, str]] = []
    if before:
        rows.append(("seen before", f"{before.get('because', '')} ({before.get('state', '')})"))
        rows.append(("in detail", _told(before.get("evidence"))))
    rows.append(("who", str(data.get("who", ""))))
    rows.append(("said", str(data.get("answer", ""))))
    rows.append(("note", str(data.get("note", ""))))
    rows.append(("already so", "yes: nothing was done" if data.get("already") else ""))
    rows.append(("known error", str(data.get("error") or "")))
    rows.append(("because" if entry.kind in (*WRONG, "skipped") else "seen", _cut(str(data.get("because", "")), 2_000)))
    rows.append(("exit code", "" if data.get("exit") is None else str(data["exit"])))
    rows.append(("in detail", _told(data.get("evidence"))))
    rows.append(("known late", _told(data.get("late"))))
    rows.append(("gave", _told(data.get("outputs"))))
    rows.append(("also", _told(data.get("details"))))
    yield from render([Rows(tuple(rows))])
    if data.get("log"):
        yield from _output(str(data["log"]), event.position)
    yield "</li>"


def _output(text: str, position: int) -> Iterator[str]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = lines.strip("\n")
    note = ""
    if len(shown) > HEAD + TAIL:
        left = len(shown) - HEAD - TAIL
        whole = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        note = (
            f"{left:,} characters are left out here. The whole output stands in event {position:,} of evidence.json "
            f"(data.log, SHA-256 {whole})."
        )
        shown = f"{shown[:HEAD]}\n[… {left:,} characters left out …]\n{shown[-TAIL:]}"
    yield "<details open><summary>output</summary><pre><code>"
    yield "\n".join(escape(line) for line in shown.split("\n")) + "</code></pre>"
    yield f'<p class="quiet">{note}</p></details>' if note else "</details>"


def _told(values: Any) -> str:
    """A mapping as one line for each of its values."""
    if not isinstance(values, Mapping) or not values:
        return ""
    return "\n".join(f"{name}: {_cut(_text(value), VALUE)}" for name, value in values.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    whole = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[:most]}… ({len(text):,} characters, SHA-256 {whole})"

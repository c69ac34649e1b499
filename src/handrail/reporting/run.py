"""A run: how far it is, what it waits for, and the commands that go on from here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handrail.model.journal import RunStatus, StepStatus
from handrail.model.plan import Plan, Step
from handrail.reporting.custody import custody_blocks
from handrail.reporting.fates import fate_blocks
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows
from handrail.reporting.person import decision_blocks, person_blocks
from handrail.reporting.rollback import going_back_blocks
from handrail.reporting.standing import ANSWERS, folded_items, moved_paragraph
from handrail.reporting.standing import STATES as STATES
from handrail.reporting.standing import TONES as TONES
from handrail.reporting.waves import standing_blocks
from handrail.reporting.words import count
from handrail.restoring.cost import Cost
from handrail.running.fates import fates_of
from handrail.running.holds import demand_named
from handrail.running.standing import HOST, Standing

# Of the steps that ended well, only the last ones are news.
LATEST = 5

# Busy steps that are shown one by one; of more, those that differ only in their host are shown as one.
SINGLY = 12


@dataclass(frozen=True, slots=True)
class Going:
    """What the commands shown at the end need besides the run: `everywhere` (` --store URL`), `resuming` (` --ask`).
    `cost`: what going back would cost, where that is a question."""

    everywhere: str = ""
    resuming: str = ""
    cost: Cost | None = None


def run_page(status: RunStatus, plan: Plan, going: Going = Going(), *, carried: bool = True) -> Page:
    """How a run stands, for `handrail status`. `carried`: a process carries it on now."""
    yield Heading(f"Run {status.run}", 1)
    back = (("takes back", status.goes_back),) if status.goes_back else ()
    yield Rows((("estate", plan.estate.name), ("plan", status.plan), *back, ("steps", _counts(status))))
    if status.moved_to is not None:
        yield moved_paragraph(status.moved_to)
    elif status.state == "running" and not carried:
        yield Paragraph("Interrupted: no process carries it on. What was begun is looked at before it goes on.", "warn")
    else:
        yield Paragraph(*STATES[status.state])
    yield from standing_blocks(status, plan)
    yield from _standing(status, plan)
    yield from _fates(status, plan)
    yield from custody_blocks(status, plan)
    yield from next_blocks(status, plan, going)


def outcome_page(status: RunStatus, plan: Plan, going: Going = Going(), *, stopped: bool = False) -> Page:
    """How a run stands when its process leaves it; what happened was told before."""
    steps = {step.id: step for step in plan.steps}
    bad = [one for one in status.steps if one.state in ("failed", "in-doubt")]
    yield Heading(f"Run {status.run}: {_counts(status)}", 1)
    if stopped and status.state == "running":
        yield Paragraph("Stopped because you asked for it; everything begun is in the journal.", "warn")
    else:
        yield Paragraph(*STATES[status.state])
    if bad:
        yield Items(tuple(_items(bad, steps)))
    yield from standing_blocks(status, plan)
    yield from _fates(status, plan)
    yield from custody_blocks(status, plan)
    yield from next_blocks(status, plan, going)


def _fates(status: RunStatus, plan: Plan) -> Iterator[Block]:
    hosts = {step.id: step.host or "-" for step in plan.steps}
    yield from fate_blocks((hosts.get(step, "-"), fate) for step, fate in fates_of(status))


def _counts(status: RunStatus) -> str:
    counts: dict[str, int] = {}
    for step in status.steps:
        counts[step.state] = counts.get(step.state, 0) + 1
    return ", ".join(f"{number:,} {name}" for name, number in counts.items()) or "no steps"


def _standing(status: RunStatus, plan: Plan) -> Iterator[Block]:
    steps = {step.id: step for step in plan.steps}
    busy = [one for one in status.steps if one.state in ("begun", "waiting", "failed", "in-doubt")]
    ended = sorted((one for one in status.steps if one.state in ("done", "skipped")), key=lambda one: one.ended or "")
    if not (ended or busy):
        return
    if len(ended) > LATEST:
        yield Heading(f"Now, and the last {LATEST} that ended")
    else:
        yield Heading("Steps")
    yield Items((*(step_item(one, steps.get(one.id)) for one in ended[-LATEST:]), *_items(busy, steps)))


def _items(busy: Sequence[StepStatus], steps: Mapping[str, Step]) -> Iterator[Item]:
    if len(busy) <= SINGLY:
        yield from (step_item(one, steps.get(one.id)) for one in busy)
        return
    yield from folded_items(_standing_of(one, steps.get(one.id)) for one in busy)


def _standing_of(one: StepStatus, step: Step | None) -> Standing:
    if step is None:
        return Standing(one.id, one.id, one.id, None, "do", one.state, one.because)
    alike = step.title.replace(step.host, HOST) if step.host else step.title
    return Standing(one.id, step.title, alike, step.host, step.kind, one.state, one.because)


def step_item(status: StepStatus, step: Step | None) -> Item:
    """One step of a run, with what there is to know about how it stands."""
    where = f"{step.host}: " if step and step.host else ""
    again = f" (attempt {status.attempts})" if status.attempts > 1 else ""
    because = Paragraph(status.because, "plain" if status.state in ("failed", "in-doubt") else "quiet")
    rows = Rows((("error", status.error or ""), ("id", status.id if status.state != "done" else "")))
    inside = ((because,) if status.because and status.state != "done" else ()) + (rows,)
    return Item(f"{where}{step.title if step else status.id}{again}", status.state, TONES[status.state], inside)


def next_blocks(status: RunStatus, plan: Plan, going: Going = Going()) -> Iterator[Block]:
    """What to do now: commands to copy. Nothing where the run went to another store."""
    if status.moved_to is not None:
        return
    if status.taken_back_by is not None:
        yield from _taken_back(status, going)
        return
    run = shlex.quote(status.run)
    resume = Code((f"handrail resume {run}{going.everywhere}{going.resuming}",))
    steps = {step.id: step for step in plan.steps}
    asking = [one for one in status.steps if one.state in ("waiting", "in-doubt")]
    if going.cost is not None:
        yield from going_back_blocks(run, going.cost, going.everywhere)
    yield Heading("What now")
    for one in asking[:ANSWERS]:
        command = f"handrail answer {run} {shlex.quote(one.id)}"
        step = steps.get(one.id)
        asks = _filled(step, status) if step is not None and step.kind == "person" else step
        yield from _question(one, asks, command, going.everywhere, status.started_by)
    if len(asking) > ANSWERS:
        yield Paragraph(f"And {count(len(asking) - ANSWERS, 'question')} more.")
    if asking:
        yield Paragraph("When that is answered, and no other process carries the run on:")
        yield resume
    elif status.state == "failed":
        yield Paragraph("Mend what is in the way, then go on where it stopped:")
        yield resume
    elif status.state == "running":
        yield Paragraph("If no process carries it on any more, go on where it stands:")
        yield resume
    elif status.state == "succeeded":
        yield Paragraph("Look, now and later, whether it still holds:")
        yield Code((f"handrail verify {run}{going.everywhere}",))


def _taken_back(status: RunStatus, going: Going) -> Iterator[Block]:
    other = shlex.quote(status.taken_back_by or "")
    yield Heading("What now")
    if status.state == "rolled-back":
        yield Paragraph(f"Run {other} has taken it back. Look whether all is as it was before:")
        yield Code((f"handrail verify {other}{going.everywhere}",))
    else:
        yield Paragraph(f"Run {other} is taking it back; it goes on with that one:", "warn")
        yield Code((f"handrail resume {other}{going.everywhere}{going.resuming}",))


def _filled(step: Step, status: RunStatus) -> Step:
    """With what was late as far as the run has come to know it: a person needs the very path."""
    outputs = {one.id: one.outputs for one in status.steps}

    def fill(given: Any) -> Any:
        if isinstance(given, Mapping):
            if set(given) == {"late"}:
                name, _, output = str(given["late"]).rpartition(".")
                return outputs.get(name, {}).get(output, given)
            return {name: fill(one) for name, one in given.items()}
        return [fill(one) for one in given] if isinstance(given, list | tuple) else given

    return replace(step, with_={name: fill(one) for name, one in step.with_.items()})


def _question(status: StepStatus, step: Step | None, command: str, end: str, starter: str) -> Iterator[Block]:
    def answers(**meanings: str) -> Code:
        width = max(map(len, meanings))
        return Code(tuple(f"{command} {word.ljust(width)}{end}   # {means}" for word, means in meanings.items()))

    title = step.title if step else status.id
    if status.state == "in-doubt" or step is None or step.kind not in ("hold", "person"):
        yield Paragraph(f"{title}: did it happen? {status.because}".strip(), "bad")
        yield answers(done="it happened", no="it did not")
    elif step.kind == "person":
        yield Paragraph(title, "warn")
        yield from person_blocks(step)
        yield from decision_blocks(step)
        yield answers(done="it is done: look now", no="it cannot be done")
    else:
        yield Paragraph(str(step.with_.get("question") or title), "warn")
        if status.demands:
            yield Paragraph(demand_named(status.demands).says(starter, status.agreed), "strong")
        yield answers(yes="go on", no="halt here")

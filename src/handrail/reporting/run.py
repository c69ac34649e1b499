"""A run: how far it is, what it waits for, and the commands that go on from here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from handrail.model.journal import RunStatus, StepStatus
from handrail.model.plan import Plan, Step
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows, Tone
from handrail.reporting.person import person_blocks

# Of the steps that ended well, only the last ones are news.
LATEST = 5

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


def run_page(status: RunStatus, plan: Plan, options: str = "") -> Page:
    """`options` is what the commands shown at the end need besides the run, such as ` --store URL`."""
    state, tone = STATES[status.state]
    counts: dict[str, int] = {}
    for step in status.steps:
        counts[step.state] = counts.get(step.state, 0) + 1
    yield Heading(f"Run {status.run}", 1)
    yield Rows(
        (
            ("estate", plan.estate.name),
            ("plan", status.plan),
            ("steps", ", ".join(f"{number:,} {name}" for name, number in counts.items())),
        )
    )
    yield Paragraph(state, tone)
    yield from _standing(status, plan)
    yield from next_blocks(status, plan, options)


def _standing(status: RunStatus, plan: Plan) -> Iterator[Block]:
    steps = {step.id: step for step in plan.steps}
    busy = [one for one in status.steps if one.state in ("begun", "waiting", "failed", "in-doubt")]
    ended = sorted((one for one in status.steps if one.state in ("done", "skipped")), key=lambda one: one.ended or "")
    shown = [*ended[-LATEST:], *busy]
    if not shown:
        return
    if len(ended) > LATEST:
        yield Heading(f"Now, and the last {LATEST} that ended")
    else:
        yield Heading("Steps")
    yield Items(tuple(step_item(one, steps.get(one.id)) for one in shown))


def step_item(status: StepStatus, step: Step | None) -> Item:
    """One step of a run, with what there is to know about how it stands."""
    where = f"{step.host}: " if step and step.host else ""
    again = f" (attempt {status.attempts})" if status.attempts > 1 else ""
    because = Paragraph(status.because, "plain" if status.state in ("failed", "in-doubt") else "quiet")
    rows = Rows((("error", status.error or ""), ("id", status.id if status.state != "done" else "")))
    inside = ((because,) if status.because and status.state != "done" else ()) + (rows,)
    return Item(f"{where}{step.title if step else status.id}{again}", status.state, TONES[status.state], inside)


def next_blocks(status: RunStatus, plan: Plan, options: str = "") -> Iterator[Block]:
    """What to do now: commands to copy."""
    run = f"{shlex.quote(status.run)}{options}"
    steps = {step.id: step for step in plan.steps}
    asking = [one for one in status.steps if one.state in ("waiting", "in-doubt")]
    yield Heading("What now")
    for one in asking:
        yield from _question(one, steps.get(one.id), run)
    if asking:
        yield Paragraph("When it is answered, and no other process carries the run on:")
        yield Code((f"handrail resume {run}",))
    elif status.state == "failed":
        yield Paragraph("Mend what is in the way, then go on where it stopped:")
        yield Code((f"handrail resume {run}",))
    elif status.state == "running":
        yield Paragraph("If the process that carried it out is gone, go on where it stood:")
        yield Code((f"handrail resume {run}",))
    elif status.state == "succeeded":
        yield Paragraph("Look again, now and later, whether it still holds:")
        yield Code((f"handrail verify {run}",))


def _question(status: StepStatus, step: Step | None, run: str) -> Iterator[Block]:
    step_id = shlex.quote(status.id)
    run_id, _, options = run.partition(" ")
    end = f" {options}" if options else ""

    def answer(word: str) -> str:
        return f"handrail answer {run_id} {step_id} {word}{end}"

    title = step.title if step else status.id
    if status.state == "in-doubt":
        yield Paragraph(f"{title}: did it happen? {status.because}".strip(), "bad")
        yield Code((answer("done") + "   # it happened", answer("no") + "     # it did not"))
        return
    if step is not None and step.kind == "person":
        yield Paragraph(title, "warn")
        yield from person_blocks(step)
        yield Code((answer("done") + "   # it is done: look now",))
        return
    yield Paragraph(str(step.with_.get("question", title)) if step else title, "warn")
    yield Code((answer("yes") + "   # go on", answer("no") + "    # halt here"))

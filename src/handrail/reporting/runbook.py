"""The plan as a runbook: followed by hand from beginning to end, without the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handrail.model.plan import Condition, Plan, Remedy, Step
from handrail.reporting import html, markdown, words
from handrail.reporting.byhand import by_hand, lines, sentence, used
from handrail.reporting.evidence_style import STYLE
from handrail.reporting.fates import expected_blocks
from handrail.reporting.findings import aim_rows, finding_blocks
from handrail.reporting.going_back import going_back_blocks
from handrail.reporting.outline import Outline
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows, Table
from handrail.reporting.person import instruction_items, person_blocks
from handrail.reporting.plan import erratum_blocks, hop_items, way_back_blocks, way_back_text
from handrail.running.holds import demand_of

_ENDED = {"done": "was done", "skipped": "was skipped", "failed": "failed"}

# Parameters that only tell the program how to go about it.
_NOT_FOR_HANDS = {"fates", "instructions", "kind", "patience", "renamed", "tool"}


def runbook_lines(plan: Plan, format: str) -> Iterator[str]:
    """The lines of the runbook: as `markdown`, or as one document in `html` that needs nothing else."""
    page = runbook_page(plan)
    if format == "markdown":
        return markdown.render(page)
    return html.document(f"Runbook: {plan.estate.name}", STYLE, ("<main>", *html.render(page), "</main>"))


def runbook_page(plan: Plan) -> Page:
    outline = Outline(plan)
    yield Heading(f"Runbook: {plan.estate.name}", 1)
    yield Rows(
        (
            *aim_rows(plan.aim),
            ("plan", plan.digest),
            (
                "steps",
                f"{words.count(len(plan.steps), 'step')}, about {words.duration(outline.seconds())} without waits",
            ),
        )
    )
    yield Paragraph(
        "Do the steps in the order of their numbers; leave a step with `only if` out when that is not so. A step "
        "counts as done when you have seen what it says under `worked`, not when a command returned. If something else "
        "happens and the step does not name it, stop there: everything before the point of no return can be taken back."
        + (" `Getting back by hand`, after the steps, says how." if _needs_restoring(plan) else "")
    )
    if plan.findings:
        yield Heading("Before you begin")
        yield from finding_blocks(plan.findings, 3)
    yield Heading("What is done, and why so")
    yield Items(tuple(hop_items(plan.hops)))
    yield from expected_blocks(outline)
    yield from way_back_blocks(outline)
    yield Heading("Steps")
    readers = outline.readers()
    for step in plan.steps:
        yield from _step(outline, step, readers.get(step.id, []))
    yield from going_back_blocks(
        outline, lambda given: shown_value(outline, given), lambda one: condition_text(outline, one)
    )
    yield from erratum_blocks(outline)


def _step(outline: Outline, step: Step, readers: list[tuple[str, Step]]) -> Iterator[Block]:
    number = outline.numbers[step.id]
    if number == outline.point_of_no_return:
        yield Paragraph("POINT OF NO RETURN: once the next step has begun, there is no complete way back.", "bad")
    yield Heading(f"{number}. {step.title}", 3)
    needed: dict[str, list[str]] = {}
    for output, reader in readers:
        needed.setdefault(output, []).append(str(outline.numbers[reader.id]))
    notes = [f"{output} (for step {words.listed(list(dict.fromkeys(at)), 12)})" for output, at in needed.items()]
    yield Rows(
        (
            ("where", step.host or "anywhere"),
            ("what", step.installation + (", inside downtime" if step.downtime else "")),
            ("only if", words.listed([condition_text(outline, one) for one in step.when], 12)),
            ("id", f"`{step.id}`"),
        )
    )
    if step.says and step.uses != "person.do":
        yield Paragraph(step.says)
    for erratum in outline.errata_of(step):
        yield Paragraph(f"The document is wrong here; see {erratum.id} at the end. {erratum.we_do}")
    yield from doing_blocks(outline, step)
    yield Rows(
        (
            ("note down", words.listed(notes, 12)),
            ("why now", "; ".join(f"after {outline.name(one.after)}: {one.reason}" for one in step.because)),
            ("way back", way_back_text(outline, step)),
            ("source", words.source(step.source)),
        )
    )
    if step.remedies:
        yield Paragraph("If it does not work:")
        yield Items(tuple(_remedy(outline, remedy) for remedy in step.remedies))


def doing_blocks(outline: Outline, step: Step) -> Iterator[Block]:
    """How the step is done without the program: what to type, and how to see that it worked."""

    def show(given: Any) -> str:
        return shown_value(outline, given)

    if step.uses == "hold":
        yield Paragraph(f"Decide: {show(step.with_.get('question', step.title))}")
        back = outline.point_of_no_return is None or outline.numbers[step.id] < outline.point_of_no_return
        can = "; what was done so far can be taken back" if back else ""
        demand = demand_of(step, outline.plan.estate)
        whose = f" A yes is that of {demand.waits_for}; a no is anybody's." if demand.names else ""
        yield Paragraph(f"Yes: go on with the next step. No: stop here{can}.{whose}")
        return
    if step.uses == "person.do":
        yield from person_blocks(step, show)
        return
    yield from instruction_items(step, show)
    entry = by_hand(step.uses, step.with_)
    known = outline.plan.estate.hosts.get(step.host or "")
    windows = known is not None and known.is_windows
    values = {**entry.defaults, **step.with_}
    do = lines(entry.do, values, show)
    look = lines(entry.look, values, show)
    where = f"On {step.host}, in an elevated command prompt:" if windows else f"On {step.host}:"
    if do:
        yield Paragraph(where)
        yield Code(do)
    shown = used(entry) | _NOT_FOR_HANDS
    rest = {name: given for name, given in step.with_.items() if given not in (None, "") and name not in shown}
    if rest:
        yield Paragraph("Values:")
        yield Table(("what", "value"), tuple((name, show(given)) for name, given in rest.items()))
    if not do and not look and not entry.expect:
        yield Paragraph(f"Action: `{step.uses}`.")
    if look:
        yield Paragraph("Then look:" if do else where)
        yield Code(look)
    yield Rows((("worked", sentence(entry.expect, values, show) or _expected(step)),))


def _needs_restoring(plan: Plan) -> bool:
    return any(step.way_back.kind == "restore" for step in plan.steps)


def _expected(step: Step) -> str:
    return {
        "check": "What the title says is so.",
        "back-up": "There is a new backup, made just now and not empty.",
        "prove": "The backup was read back and is whole.",
        "reboot": "The host is up again.",
    }.get(step.kind, "What the title says is so when you look at it.")


def _remedy(outline: Outline, remedy: Remedy) -> Item:
    signs = [f"exit code {' or '.join(str(code) for code in remedy.exit)}"] if remedy.exit else []
    if remedy.log:
        signs.append(f"the log matches `{remedy.log}`")
    steps = words.listed([outline.name(one) for one in remedy.steps], 12)
    times = "once" if remedy.retries == 1 else f"up to {remedy.retries} times"
    again = f"{steps}; then this step again, {times}" if steps else f"this step again, {times}"
    rows = (
        ("cause", remedy.says),
        ("seen by", " or ".join(signs)),
        ("do", again if remedy.retries else "nothing helps by itself: mend the cause, then do this step again"),
        ("wait", words.duration(remedy.wait) if remedy.wait and remedy.retries else ""),
        ("source", words.source(remedy.source) if remedy.source else ""),
    )
    return Item(remedy.error, inside=(Rows(rows),))


def condition_text(outline: Outline, condition: Condition) -> str:
    """A condition as words: `step 4 (Map the drive) noted mapped = yes`."""
    name = outline.name(condition.step)
    parts = []
    if condition.ended:
        parts.append(f"{name} " + " or ".join(_ENDED.get(state, f"ended {state}") for state in condition.ended))
    if condition.error:
        parts.append(f"{name} failed with {condition.error!r}")
    if condition.output:
        parts.append(f"{name} noted {condition.output} = {words.value(condition.equals)}")
    return " and ".join(parts)


def shown_value(outline: Outline, given: Any) -> str:
    """A parameter for people; a late one says where it comes from."""
    if isinstance(given, Mapping) and set(given) == {"late"}:
        made_by, _, output = str(given["late"]).rpartition(".")
        number = outline.numbers.get(made_by)
        return f"<{output} noted at step {number}>" if number else f"<{output} of {made_by}>"
    return words.value(given)

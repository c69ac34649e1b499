"""Why a plan, or one of its steps, is as it is: as a page and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from handrail.documents.plan import citation_to_json, finding_to_json, step_to_json
from handrail.model.plan import Erratum, Fact, Hop, Plan, Remedy
from handrail.planning.explain import PlanExplanation, StepExplanation
from handrail.planning.going_back import Cost
from handrail.reporting import words
from handrail.reporting.findings import finding_blocks
from handrail.reporting.outline import Outline
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows
from handrail.reporting.person import person_blocks
from handrail.reporting.plan import IS_A_WAY_BACK, hop_items
from handrail.reporting.runbook import condition_text, shown_value
from handrail.running.holds import demand_of

SCHEMA = "handrail/explanation/v1"


def explanation_page(found: PlanExplanation | StepExplanation, plan: Plan) -> Page:
    outline = Outline(plan)
    return _plan_page(found, outline) if isinstance(found, PlanExplanation) else _step_page(found, outline)


def _plan_page(found: PlanExplanation, outline: Outline) -> Page:
    plan = outline.plan
    yield Heading(f"Why the plan for {plan.estate.name} is as it is", 1)
    yield Rows((("plan", plan.digest), ("steps", f"{found.steps:,}")))
    if found.hops:
        yield Heading("The method")
        yield Items(tuple(hop_items(found.hops)))
    yield Heading("The order")
    reasons = outline.reasons()
    if reasons:
        items = []
        for one in reasons:
            more = f" (and {words.count(one.times - 1, 'pair')} like it)" if one.times > 1 else ""
            rows = (("because", one.reason), ("source", words.source(one.source)))
            items.append(Item(f"{one.first} before {one.then}{more}", inside=(Rows(rows),)))
        yield Items(tuple(items))
    else:
        yield Paragraph("No rule orders one installation before another; steps follow their procedures.")
    if found.accepted:
        yield Heading("Accepted by name")
        yield from finding_blocks(found.accepted, 3)
    yield Heading("The way back")
    if plan.goes_back is not None:
        yield Paragraph(IS_A_WAY_BACK)
    else:
        yield Paragraph(found.one_way, "bad" if found.point_of_no_return else "good")
        point = found.point_of_no_return
        where = f"just before {outline.name(point)}" if point else "from its end"
        yield Paragraph(_takes(found.back, where))
        yield Code(("handrail rollback RUN",))
    yield from _errata(found.errata)
    yield Heading("More")
    yield Paragraph("Why one step is there: `handrail explain PLAN STEP`, with its id, its ending or its number.")


def _step_page(found: StepExplanation, outline: Outline) -> Page:
    step = found.step
    number = outline.numbers.get(step.id)
    yield Heading(f"Step {number}: {step.title}" if number else f"A step of the way back: {step.title}", 1)
    yield Rows(
        (
            ("id", step.id),
            ("where", step.host or "no host"),
            ("kind", step.kind + (", inside downtime" if step.downtime else "")),
            ("action", f"{step.uses}, revision {step.revision}"),
            ("waits for", demand_of(step, outline.plan.estate).waits_for if step.kind == "hold" else ""),
            ("only if", "; ".join(condition_text(outline, one) for one in step.when)),
            ("takes", f"about {words.duration(step.takes)}" if step.takes else ""),
            ("source", words.source(step.source)),
        )
    )
    if step.kind == "person":
        yield from person_blocks(step, lambda given: shown_value(outline, given))
    elif step.says:
        yield Paragraph(step.says)
    values = tuple((name, shown_value(outline, one)) for name, one in step.with_.items())
    if values and step.kind != "person":
        yield Heading("With")
        yield Rows(values)
    yield Heading("Why it stands here")
    items = [Item(sentence) for sentence in found.stands_here]
    for one in found.because:
        rows = Rows((("source", words.source(one.source)),))
        items.append(Item(f"After {outline.name(one.after)}: {one.reason}", inside=(rows,)))
    yield Items(tuple(items))
    if found.followers:
        yield Paragraph(f"Waiting for it: {words.listed([outline.name(one) for one in found.followers])}.")
    yield Heading("The way back")
    yield from _step_way_back(found, outline)
    if found.remedies:
        yield Heading("If it fails")
        yield Items(tuple(_remedy(outline, remedy) for remedy in found.remedies))
    if found.rests_on or found.leaves:
        yield Heading("Facts")
        yield Rows((("rests on", _facts(found.rests_on)), ("leaves", _facts(found.leaves))))
    yield from _errata(found.errata)


def _step_way_back(found: StepExplanation, outline: Outline) -> Iterator[Block]:
    if outline.plan.goes_back is not None:
        yield Paragraph(IS_A_WAY_BACK)
        return
    yield Paragraph(
        _way_back(found, outline),
        "bad" if found.past_no_return or (found.step.changes and not found.restores_from) else "plain",
    )
    if found.back:
        yield Items(tuple(Item(one.title, f"{number}.") for number, one in enumerate(found.back, 1)))
    if not found.is_back:
        yield from _no_return(found, outline)
        yield Paragraph(f"{_takes(found.before, 'just before this step')} A run is taken back by:")
        yield Code(("handrail rollback RUN",))


def _way_back(found: StepExplanation, outline: Outline) -> str:
    if not found.restores_from:
        return found.way_back
    assets = words.listed([words.asset(one) for one in found.step.changes], 12)
    points = words.listed([outline.name(one) for one in found.restores_from], 12)
    if not found.back:
        return f"Restoring {assets} from what {points} proved."
    way = outline.way(found.step)
    takes = f", about {words.duration(way.seconds)}" if way is not None and way.seconds else ""
    steps = words.count(len(found.back), "step")
    return f"{steps} of its own{takes}, with what {points} proved, bring back {assets}:"


def _no_return(found: StepExplanation, outline: Outline) -> Iterator[Block]:
    point = outline.plan.point_of_no_return
    if found.past_no_return:
        yield Paragraph("It comes after the point of no return.", "bad")
    elif point == found.step.id:
        yield Paragraph("It is the point of no return: once it has begun there is no complete way back.", "bad")
    elif point is not None:
        yield Paragraph(f"It comes before the point of no return, which is {outline.name(point)}.")
    else:
        yield Paragraph("The plan has no point of no return.", "good")


def _takes(cost: Cost, where: str) -> str:
    """What going back costs at some place, in a sentence."""
    if cost.is_nothing:
        return f"There is nothing to take back {where}."
    restored = words.listed([words.asset(one) for one in cost.assets])
    back = f" It puts back {restored}." if restored else ""
    return f"Going back {where} takes about {words.duration(cost.seconds)}.{back}"


def _remedy(outline: Outline, remedy: Remedy) -> Item:
    steps = words.listed([outline.name(one) for one in remedy.steps], 12)
    times = "once" if remedy.retries == 1 else f"up to {remedy.retries} times"
    then = f"{steps}, then again, {times}" if steps else f"again, {times}"
    rows = (
        ("cause", remedy.says),
        ("then", then if remedy.retries else "nothing by itself: mend the cause and resume"),
        ("source", words.source(remedy.source) if remedy.source else ""),
    )
    return Item(remedy.error, inside=(Rows(rows),))


def _facts(facts: Sequence[Fact]) -> str:
    return "; ".join(f"{fact.address} = {words.value(fact.value)}" for fact in facts)


def _errata(errata: Sequence[Erratum]) -> Iterator[Block]:
    if not errata:
        return
    yield Heading("Where a document is wrong")
    yield Items(
        tuple(
            Item(
                f"{one.id}: {words.source(one.source)}",
                inside=(Rows((("it says", one.says), ("we do", one.we_do), ("because", one.because))),),
            )
            for one in errata
        )
    )


def explanation_document(found: PlanExplanation | StepExplanation) -> dict[str, Any]:
    """The JSON of `handrail explain`."""
    document: dict[str, Any] = {"schema": SCHEMA}
    if isinstance(found, PlanExplanation):
        return document | {
            "hops": [_hop(hop) for hop in found.hops],
            "order": [
                {
                    "then": one.then,
                    "after": list(one.after),
                    "reason": one.reason,
                    "source": citation_to_json(one.source),
                }
                for one in found.order
            ],
            "accepted": [finding_to_json(finding) for finding in found.accepted],
            "point_of_no_return": found.point_of_no_return,
            "one_way": found.one_way,
            "going_back": {"command": "handrail rollback RUN", **_cost(found.back)},
            "errata": [_erratum(one) for one in found.errata],
        }
    return document | {
        "step": step_to_json(found.step),
        "hop": _hop(found.hop) if found.hop else None,
        "stands_here": list(found.stands_here),
        "followers": list(found.followers),
        "way_back": found.way_back,
        "past_no_return": found.past_no_return,
        "back": [step_to_json(one) for one in found.back],
        "going_back": {"command": "handrail rollback RUN", **_cost(found.before)},
        "errata": [_erratum(one) for one in found.errata],
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {"seconds": cost.seconds, "undone": cost.undone, "back": cost.back, "restores": list(cost.assets)}


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "installation": hop.installation,
        "from": hop.from_,
        "to": hop.to,
        "build": hop.build,
        "method": hop.method,
        "why": hop.why,
        "not": [{"method": no.method, "because": no.because} for no in hop.not_],
        "source": citation_to_json(hop.source),
    }


def _erratum(one: Erratum) -> dict[str, Any]:
    return {
        "id": one.id,
        "says": one.says,
        "we_do": one.we_do,
        "because": one.because,
        "source": citation_to_json(one.source),
    }

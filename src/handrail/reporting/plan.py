"""The plan for people: what is done, in which order and why, what it costs, and how to go back."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.model.plan import Hop, Plan, Step
from handrail.reporting import words
from handrail.reporting.fates import expected_blocks
from handrail.reporting.findings import aim_rows, finding_blocks
from handrail.reporting.outline import NO_HOST, Lane, Outage, Outline, Way, is_remedy
from handrail.reporting.page import Block, Code, Heading, Item, Items, Page, Paragraph, Rows
from handrail.reporting.waves import wave_blocks
from handrail.restoring.custody import PROGRAM
from handrail.running.holds import demand_of

IS_A_WAY_BACK = "This plan is itself a way back and has none. Bring it to its end: `handrail resume RUN`."


def plan_page(plan: Plan) -> Page:
    outline = Outline(plan)
    hosts = {step.host for step in plan.steps if step.host}
    guides = words.listed([f"{guide.name} ({guide.digest[:19]})" for guide in plan.guides])
    yield Heading(f"Plan for {plan.estate.name}", 1)
    yield Rows(
        (
            *aim_rows(plan.aim),
            ("plan", plan.digest),
            ("guides", guides),
            ("steps", f"{words.count(len(plan.steps), 'step')} on {words.count(len(hosts), 'host')}"),
            ("secrets", _sealed_for(plan)),
            ("takes", f"about {words.duration(outline.seconds())}, people's time not counted"),
        )
    )
    if not plan.steps:
        yield Paragraph("Nothing is to be done: everything is where it shall be.", "good")
    if plan.hops:
        yield Heading("Hops")
        yield Items(tuple(hop_items(plan.hops)))
    yield from finding_blocks(plan.findings)
    yield from _order(outline)
    yield from expected_blocks(outline)
    yield from _steps(outline)
    yield from way_back_blocks(outline)
    yield from erratum_blocks(outline)


def _sealed_for(plan: Plan) -> str:
    """Who will be able to open what the plan seals; nothing when it seals nothing."""
    if all(step.uses != "secret.seal" for step in plan.steps):
        return ""
    names = [PROGRAM, *plan.estate.custodians]
    alone = "" if plan.estate.custodians else " alone: name custodians in the estate, or keep a copy of its identity"
    return f"sealed for {words.listed(names)}{alone}"


def hop_items(hops: tuple[Hop, ...]) -> Iterator[Item]:
    """Hops that differ only in their host are shown as one."""
    alike: dict[tuple[object, ...], list[Hop]] = {}
    for hop in hops:
        component = hop.installation.rpartition("@")[0]
        told = (component, hop.from_, hop.to, hop.build, hop.method, _without_host(hop, hop.why))
        alike.setdefault((*told, *((no.method, _without_host(hop, no.because)) for no in hop.not_)), []).append(hop)
    for group in alike.values():
        yield _hop_item(group[0], [hop.installation for hop in group[1:]])


def _without_host(hop: Hop, text: str) -> str:
    return text.replace(hop.installation.rpartition("@")[2], "\0")


def _hop_item(hop: Hop, like: list[str]) -> Item:
    """One hop with why this method and why not the others; `like` are installations that hop the same way."""
    to = f"{hop.to} ({hop.build})" if hop.build and hop.build != hop.to else hop.to
    rows = (
        ("why", hop.why),
        *((f"not {no.method}", no.because) for no in hop.not_),
        ("also", words.listed(like)),
        ("source", words.source(hop.source)),
    )
    return Item(f"{hop.installation}: {hop.from_} to {to} by {hop.method}", inside=(Rows(rows),))


def _order(outline: Outline) -> Iterator[Block]:
    yield from wave_blocks(outline.plan)
    reasons = outline.reasons()
    if not reasons:
        return
    yield Heading("Order")
    items = []
    for one in reasons:
        more = f" (and {words.count(one.times - 1, 'pair')} like it)" if one.times > 1 else ""
        text = f"{one.first} before {one.then}{more}: {one.reason}"
        items.append(Item(text, inside=(Rows((("source", words.source(one.source)),)),)))
    yield Items(tuple(items))


def _steps(outline: Outline) -> Iterator[Block]:
    for lane in outline.lanes():
        yield Heading(_lane_title(lane))
        yield Items(tuple(_step_item(outline, step) for step in lane.steps))


def _lane_title(lane: Lane) -> str:
    if lane.host == NO_HOST:
        return "Steps of no host"
    if not lane.like:
        return f"Steps on {lane.host}"
    return f"Steps on {lane.host}, and the same on {words.listed(lane.like)}"


def _step_item(outline: Outline, step: Step) -> Item:
    number = outline.numbers[step.id]
    notes = []
    if step.kind in ("hold", "person"):
        notes.append(f"waits for {demand_of(step, outline.plan.estate).waits_for}")
    elif step.kind != "do":
        notes.append(step.kind)
    if step.downtime:
        notes.append("downtime")
    if step.changes and step.way_back.kind == "none":
        notes.append("no way back")
    if is_remedy(step):
        notes.append("only after a known error")
    text = step.title + (f" [{', '.join(notes)}]" if notes else "")
    inside: list[Block] = []
    if number == outline.point_of_no_return:
        inside.append(Paragraph("POINT OF NO RETURN", "bad"))
    return Item(text, f"{number}.", "quiet", tuple(inside))


def way_back_blocks(outline: Outline, level: int = 2) -> Iterator[Block]:
    """Downtime, restore points, the point of no return and the way back."""
    outages = outline.outages()
    if outages:
        yield Heading("Downtime", level)
        yield Items(tuple(_outage_items(outline, outages)))
    points = list(outline.restore_points())
    if points:
        yield Heading("Restore points", level)
        yield Items(tuple(_restore_point_items(outline, points)))
    if outline.plan.steps:
        yield Heading("The way back", level)
        yield from _way_back(outline)


def _outage_items(outline: Outline, outages: list[Outage]) -> Iterator[Item]:
    """Outages that differ only in their host are shown as one; several of one host are several."""
    alike: dict[tuple[object, ...], list[Outage]] = {}
    met: dict[str, int] = {}
    for one in outages:
        component, _, host = one.installation.rpartition("@")
        ends = (outline.steps[end].title.replace(host, "\0") for end in (one.first, one.last))
        met[one.installation] = met.get(one.installation, 0) + 1
        alike.setdefault((component, met[one.installation], one.seconds, *ends), []).append(one)
    for group in alike.values():
        one = group[0]
        text = (
            f"{one.installation}: about {words.duration(one.seconds)}, "
            f"from {outline.name(one.first)} to {outline.name(one.last)}"
        )
        yield Item(text, inside=(Rows((("also", words.listed([other.installation for other in group[1:]])),)),))


def _restore_point_items(outline: Outline, points: list[Step]) -> Iterator[Item]:
    """Restore points that differ only in their host are shown as one."""
    restored = outline.restored_from()
    alike: dict[tuple[object, ...], list[Step]] = {}
    for point in points:
        component, _, host = point.installation.rpartition("@")
        used = tuple(step.title.replace(host, "\0") for step in restored.get(point.id, ()))
        proved = tuple(str(one).replace(host, "\0") for one in point.protects)
        alike.setdefault((component, point.title.replace(host, "\0"), proved, used), []).append(point)
    for group in alike.values():
        point = group[0]
        text = f"{outline.name(point.id)} proves {words.listed([words.asset(one) for one in point.protects])}"
        back = words.listed([f"{outline.numbers[step.id]}" for step in restored.get(point.id, ())], 12)
        also = words.listed([one.installation for one in group[1:]])
        yield Item(text, inside=(Rows((("takes back", f"step {back}" if back else ""), ("also", also))),))


def _way_back(outline: Outline) -> Iterator[Block]:
    if outline.plan.goes_back is not None:
        yield Paragraph(IS_A_WAY_BACK)
        return
    point = outline.plan.point_of_no_return
    if point is None:
        yield Paragraph("Point of no return: none. Every step of this plan has a way back.", "good")
        yield Paragraph(f"Going back from its end takes about {words.duration(outline.cost().seconds)}.")
    else:
        yield Paragraph(
            f"Point of no return: {outline.name(point)}. Once it has begun there is no complete way back.", "bad"
        )
        before = outline.cost(outline.steps[point])
        takes = f"Going back just before it takes about {words.duration(before.seconds)}."
        yield Paragraph("Just before it nothing has to be taken back." if before.is_nothing else takes)
    yield Paragraph("From wherever a run stands, this makes the plan that takes it back; it is shown before it is run:")
    yield Code(("handrail rollback RUN",))
    undone = [step for step in outline.plan.steps if step.way_back.kind == "undo" and step.kind == "do"]
    restored = [step for step in outline.plan.steps if step.way_back.kind == "restore"]
    if undone:
        yield Paragraph(f"{words.count(len(undone), 'step is', 'steps are')} undone by their opposite, the last first.")
    if restored:
        yield Paragraph(
            f"{words.count(len(restored), 'step is', 'steps are')} taken back by restoring what was backed up and "
            "proved before: database, binaries and keys together."
        )
        ways = tuple(_way_items(outline))
        if ways:
            yield Items(ways)
    lost = outline.without_way_back()
    if lost:
        yield Paragraph(f"No way back: {words.listed([outline.name(step.id) for step in lost])}.", "bad")


def _way_items(outline: Outline) -> Iterator[Item]:
    """The ways back of hops; those that differ only in their host are shown as one."""
    alike: dict[tuple[object, ...], list[Way]] = {}
    for way in outline.ways():
        host = way.begins.installation.rpartition("@")[2]
        titles = tuple(step.title.replace(host, "\0") for step in way.steps)
        told = (way.begins.installation.rpartition("@")[0], _hop_of(way.begins), titles, len(way.proofs))
        alike.setdefault(told, []).append(way)
    for group in alike.values():
        way = group[0]
        restored = [asset for step in way.steps if step.uses == "restore" for asset in step.changes]
        acts = tuple(Item(step.title, f"{number}.", "quiet") for number, step in enumerate(way.steps, 1))
        rows = (
            ("once begun", outline.name(way.begins.id)),
            ("takes", f"about {words.duration(way.seconds)}" if way.seconds else ""),
            ("puts back", words.listed([words.asset(one) for one in restored], 12)),
            ("from", words.listed([outline.name(one) for one in way.proofs], 12)),
            ("also", words.listed([one.begins.installation for one in group[1:]])),
        )
        hop = outline.hop(way.begins)
        there = f" back to {hop.from_}" if hop is not None else ""
        title = f"{way.begins.installation}, from {_hop_of(way.begins)}{there}: {words.count(len(way.steps), 'step')}"
        yield Item(title, inside=(Rows(rows), Items(acts)))


def _hop_of(step: Step) -> str:
    return step.id.removeprefix(f"{step.installation}/").partition("/")[0]


def way_back_text(outline: Outline, step: Step) -> str:
    """How one step is taken back, in a sentence; empty when it changes nothing."""
    if step.way_back.kind == "undo" and step.kind == "do":
        return "undone by its opposite, if it changed anything"
    if step.way_back.kind == "restore":
        points = words.listed([outline.name(one) for one in step.way_back.from_])
        way = outline.way(step)
        if way is None:
            return f"restored from {points}"
        takes = f", about {words.duration(way.seconds)}" if way.seconds else ""
        return f"by {words.count(len(way.steps), 'step')} of its own{takes}, from {points}"
    if step.way_back.kind == "undo":
        return ""
    return f"none for {words.listed([words.asset(one) for one in step.changes])}" if step.changes else ""


def erratum_blocks(outline: Outline, level: int = 2) -> Iterator[Block]:
    errata = outline.errata()
    if not errata:
        return
    yield Heading("Where a document is wrong", level)
    items = []
    for erratum, steps in errata:
        rows: tuple[tuple[str, str], ...] = (
            ("it says", erratum.says),
            ("we do", erratum.we_do),
            ("because", erratum.because),
        )
        if steps:
            rows = (*rows, ("steps", words.listed([str(outline.numbers[step.id]) for step in steps], 12)))
        items.append(Item(f"{erratum.id}: {words.source(erratum.source)}", inside=(Rows(rows),)))
    yield Items(tuple(items))

"""Getting back by hand: the steps of each hop's way back, with what to type; then what was stopped is started again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from handrail.model.plan import Condition, Step
from handrail.reporting import words
from handrail.reporting.byhand import by_hand, lines, sentence
from handrail.reporting.outline import Outline, Way, late_values
from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph
from handrail.reporting.person import person_blocks

Show = Callable[[Any], str]
Tell = Callable[[Condition], str]
Act = tuple[str, tuple[Block, ...]]

_RESTORE = "restore"
_OPPOSITE = {
    "service.stop": "service.start",
    "iis.stop": "iis.start",
    "postgresql.stop": "postgresql.start",
}


def going_back_blocks(outline: Outline, show: Show, tell: Tell) -> Iterator[Block]:
    """Nothing when no step of the plan needs a restore. `show` makes a text of a value, `tell` of a condition."""
    ways = outline.ways()
    alone = [step for step in outline.plan.steps if step.way_back.kind == "restore" and not step.way_back.by]
    if not ways and not alone:
        return
    yield Heading("Getting back by hand")
    yield Paragraph(
        "Decide this in time. `handrail rollback RUN` makes a plan of it that fits what a run has done; this is for "
        "when there is no program. Prove again first that every backup you need can be read. Begin with what began "
        "last. If several hops of one installation have begun, go back only from the earliest of them: it brings what "
        "was there before all of them. Database, files and keys of one restore point belong together: never put one of "
        "them back alone."
    )
    for way in reversed(ways):
        yield from _way(outline, way, show, tell)
    for step in reversed(alone):
        yield Heading(f"Back from step {outline.numbers[step.id]}: {step.title}", 3)
        acts = (*_stop_again(outline, step, show), *_put_back_all(outline, step, show))
        yield _numbered((*acts, *_start_again(outline, step, show), (_as_before(outline, step), ())))


def _way(outline: Outline, way: Way, show: Show, tell: Tell) -> Iterator[Block]:
    step = way.begins
    takes = f", about {words.duration(way.seconds)}" if way.seconds else ""
    yield Heading(f"Back from step {outline.numbers[step.id]}: {step.title} ({step.installation}{takes})", 3)
    yield Paragraph(
        f"Once step {outline.numbers[step.id]} has begun, whether it worked or not. What later steps of this hop only "
        "started or opened, stop or close first."
    )
    acts: list[Act] = []
    back: set[str] = set()
    for one in way.steps:
        if not any(condition.error for condition in one.when):
            acts += _acts(outline, one, step, show, tell, back)
    started = {_same(one) for one in way.steps}
    again = (one for one in _stopped(outline, step) if _same(one, _OPPOSITE[one.uses]) not in started)
    acts += [_start(one, show) for one in reversed(list(again))]
    yield _numbered((*acts, (_as_before(outline, step), ())))


def _acts(outline: Outline, step: Step, begun: Step, show: Show, tell: Tell, back: set[str]) -> Iterator[Act]:
    """What one step of the way back means for hands. `back`: the backups that were put back; one may hold several
    assets."""
    when = words.listed([tell(one) for one in step.when], 12)
    only = f" Only if {when}." if when else ""
    where = f"On {step.host}: " if step.host and step.host not in step.title else ""
    if step.uses == _RESTORE:
        backups = [
            one for one in _hop(outline, begun) if one.kind == "back-up" and set(one.protects) & set(step.changes)
        ]
        for backup in reversed(backups):
            text, inside = _put_back(outline, backup, show)
            if backup.id in back:
                text, inside = f"It came back with what step {outline.numbers[backup.id]} secured: see that it did.", ()
            back.add(backup.id)
            yield f"{step.title.rstrip('.')}. {text}{only}", inside
        if not backups:
            yield f"{where}{step.title.rstrip('.')}.{only}", ()
        return
    if step.uses == "hold":
        yield f"Decide: {show(step.with_.get('question', step.title))}{only}", ()
        return
    if step.uses == "person.do":
        yield f"{where}{step.title.rstrip('.')}.{only}", tuple(person_blocks(step, show))
        return
    entry = by_hand(step.uses, step.with_)
    values = {**entry.defaults, **step.with_}
    typed = (*lines(entry.do, values, show), *lines(entry.look, values, show))
    worked = sentence(entry.expect, values, show)
    inside = (Code(typed),) if typed else ()
    text = f"{where}{step.title.rstrip('.')}.{only}" + (f" Worked: {worked}" if worked else "")
    if not typed and not worked:
        given = "; ".join(f"{name} {show(one)}" for name, one in step.with_.items() if one not in (None, ""))
        text += f" With {given}." if given else ""
    yield text, inside


def _numbered(acts: tuple[Act, ...]) -> Items:
    return Items(tuple(Item(text, f"{at}.", inside=inside) for at, (text, inside) in enumerate(acts, 1)))


def _stop_again(outline: Outline, step: Step, show: Show) -> Iterator[Act]:
    for one in _stopped(outline, step):
        text = f"On {one.host}, stop again what step {outline.numbers[one.id]} stopped."
        yield text, _code(one.uses, one.with_, show)


def _put_back_all(outline: Outline, step: Step, show: Show) -> Iterator[Act]:
    for name in step.way_back.from_:
        yield _put_back(outline, _made_by(outline, outline.steps[name]), show)


def _start_again(outline: Outline, step: Step, show: Show) -> Iterator[Act]:
    for one in reversed(_stopped(outline, step)):
        yield _start(one, show)


def _start(stopped: Step, show: Show) -> Act:
    return f"On {stopped.host}, start it again.", _code(_OPPOSITE[stopped.uses], stopped.with_, show)


def _as_before(outline: Outline, step: Step) -> str:
    hop = outline.hop(step)
    build = hop.from_ if hop is not None else ""
    text = f"See that it runs as before{f', at {build}' if build else ''}."
    if step.way_back.by:
        return text
    return (
        f"{text} If it does not start so, install that build from its own medium onto what you put back: a setup "
        "program also leaves marks outside the product's folder."
    )


def _put_back(outline: Outline, backup: Step, show: Show) -> Act:
    number = outline.numbers[backup.id]
    noted = {"file": f"<file noted at step {number}>", "made": f"<folder noted at step {number}>"}
    entry = by_hand(backup.uses, backup.with_)
    text = f"On {backup.host}, put back what step {number} ({backup.title}) secured."
    back = lines(entry.back, {**entry.defaults, **backup.with_, **noted}, show)
    if not back:
        return f"{text} {entry.back_says or 'Its note names where it lies.'}", ()
    return text, (Code(back),)


def _made_by(outline: Outline, prove: Step) -> Step:
    """The backup that a restore point proves: the step whose output it reads."""
    for late in late_values(prove.with_):
        made_by = outline.steps.get(late.rpartition(".")[0])
        if made_by is not None and made_by.kind == "back-up":
            return made_by
    return prove


def _stopped(outline: Outline, step: Step) -> list[Step]:
    """What the hop has surely stopped before a step."""
    number = outline.numbers[step.id]
    return [
        one
        for one in _hop(outline, step)
        if one.uses in _OPPOSITE and not one.when and outline.numbers[one.id] < number
    ]


def _hop(outline: Outline, step: Step) -> list[Step]:
    """The steps of the same installation and hop."""
    prefix = step.id.rpartition("/")[0] + "/"
    return [one for one in outline.of_installation(step.installation) if one.id.startswith(prefix)]


def _same(step: Step, uses: str = "") -> tuple[object, ...]:
    """What makes two steps do the same: the action, where, and with what name or data."""
    return uses or step.uses, step.host, str(step.with_.get("name") or step.with_.get("data") or "")


def _code(uses: str, with_: Mapping[str, Any], show: Show) -> tuple[Block, ...]:
    entry = by_hand(uses, with_)
    return (Code(lines((*entry.do, *entry.look), {**entry.defaults, **with_}, show)),)

"""Getting back by hand: for each step that only a restore takes back, what to stop, put back, start and look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from handrail.model.plan import Step
from handrail.reporting.byhand import by_hand, lines
from handrail.reporting.outline import Outline, late_values
from handrail.reporting.page import Block, Code, Heading, Item, Items, Paragraph

Show = Callable[[Any], str]

_OPPOSITE = {
    "service.stop": "service.start",
    "iis.stop": "iis.start",
    "postgresql.stop": "postgresql.start",
}


def going_back_blocks(outline: Outline, show: Show) -> Iterator[Block]:
    """Nothing when no step of the plan needs a restore."""
    restored = [step for step in outline.plan.steps if step.way_back.kind == "restore"]
    if not restored:
        return
    yield Heading("Getting back by hand")
    yield Paragraph(
        "Decide this in time: it needs about as long as the backups did. Go back from the last of these steps that has "
        "begun, then from the ones before it; do each to its end. Database, files and keys of one restore point belong "
        "together: never put one of them back alone."
    )
    for step in reversed(restored):
        yield Heading(f"Back from step {outline.numbers[step.id]}: {step.title}", 3)
        yield Items(
            tuple(
                Item(text, f"{at}.", inside=inside) for at, (text, inside) in enumerate(_acts(outline, step, show), 1)
            )
        )


def _acts(outline: Outline, step: Step, show: Show) -> Iterator[tuple[str, tuple[Block, ...]]]:
    stopped = [
        one
        for one in _hop(outline, step)
        if one.uses in _OPPOSITE and outline.numbers[one.id] < outline.numbers[step.id]
    ]
    for one in stopped:
        yield (
            f"On {one.host}, stop again what step {outline.numbers[one.id]} stopped.",
            _code(one.uses, one.with_, show),
        )
    for name in step.way_back.from_:
        backup = _made_by(outline, outline.steps[name])
        yield _put_back(outline, backup, show)
    for one in reversed(stopped):
        yield f"On {one.host}, start it.", _code(_OPPOSITE[one.uses], one.with_, show)
    build = next((hop.from_ for hop in outline.plan.hops if _is_of(hop.installation, hop.to, step)), "")
    yield (
        f"See that it runs as before{f', at {build}' if build else ''}. If it does not start so, install that build "
        "from its own medium onto what you put back: a setup program also leaves marks outside the product's folder.",
        (),
    )


def _put_back(outline: Outline, backup: Step, show: Show) -> tuple[str, tuple[Block, ...]]:
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


def _hop(outline: Outline, step: Step) -> list[Step]:
    """The steps of the same installation and hop that always run."""
    prefix = step.id.rpartition("/")[0] + "/"
    return [one for one in outline.plan.steps if one.id.startswith(prefix) and not one.when]


def _is_of(installation: str, to: str, step: Step) -> bool:
    return step.id.startswith(f"{installation}/{to}/")


def _code(uses: str, with_: Mapping[str, Any], show: Show) -> tuple[Block, ...]:
    entry = by_hand(uses, with_)
    return (Code(lines((*entry.do, *entry.look), {**entry.defaults, **with_}, show)),)

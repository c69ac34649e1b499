"""What a person is to do: instructions one by one, and the values to type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from handrail.model.plan import Step
from handrail.reporting import words
from handrail.reporting.page import Block, Item, Items, Paragraph, Rows, Table


def person_blocks(step: Step, show: Callable[[Any], str] = words.value) -> Iterator[Block]:
    """`show` makes a text of a value; a runbook says of late values where they were noted."""
    if step.says:
        yield Paragraph(step.says)
    yield from instruction_items(step, show)
    typed = step.with_.get("values")
    if isinstance(typed, Mapping) and typed:
        yield Paragraph("Values to type:")
        yield Table(("field", "value"), tuple((str(name), show(one)) for name, one in typed.items()))


def decision_blocks(step: Step) -> Iterator[Block]:
    """Of a step in which a person decides what a merge could not: which file, where a proposal lies, what is asked."""
    if "proposal" not in step.with_:
        return
    yield Rows(tuple((name, words.value(step.with_[name])) for name in ("file", "proposal") if step.with_.get(name)))
    asked = step.with_.get("questions")
    if isinstance(asked, Sequence) and not isinstance(asked, str) and asked:
        yield Items(tuple(Item(words.value(one)) for one in asked))


def instruction_items(step: Step, show: Callable[[Any], str] = words.value) -> Iterator[Block]:
    """The instructions of a step that has any, numbered."""
    given = step.with_.get("instructions", ())
    instructions: Iterable[Any] = [given] if isinstance(given, str | Mapping) else given
    numbered = tuple(Item(show(text), f"{number}.") for number, text in enumerate(instructions, 1))
    if numbered:
        yield Items(numbered)

"""Asks a guide's expressions of facts, each only once for equal values of the names that it reads.

That is what makes cohorts cheap: ten thousand installations with equal facts cost one evaluation and many look-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from handrail.assessing.facts import MISSING, Facts, Kept
from handrail.guides.catalogue import CompiledGuide
from handrail.guides.language import Expression, Known, Text, Unknown

Answer = Known[Any] | Unknown
Kept_ = TypeVar("Kept_")

_ENOUGH = 5_000


@dataclass(frozen=True, slots=True)
class Reads:
    """The names that something reads, split into layer and key."""

    names: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> Reads:
        ordered = tuple(sorted(names))
        return cls(ordered, tuple((prefix, key) for prefix, _, key in (name.partition(".") for name in ordered)))


class Judge:
    """One guide's expressions and texts, with their answers kept by what they read."""

    def __init__(self, compiled: CompiledGuide, kept: Kept | None = None) -> None:
        self.compiled = compiled
        self.keep = kept or Kept()
        self._expressions: dict[str, tuple[Expression, Reads, dict[Any, Answer]]] = {}
        self._texts: dict[str, tuple[Text, Reads, dict[Any, Answer]]] = {}
        self._phrases: dict[str, dict[Any, str]] = {}
        self._held: dict[int, tuple[Any, Any]] = {}

    def forget(self) -> None:
        """Let go of all answers; what was compiled is kept."""
        for _, _, answers in (*self._expressions.values(), *self._texts.values()):
            answers.clear()
        self._phrases.clear()

    def ask(self, text: str, facts: Facts) -> Answer:
        """What an expression yields."""
        entry = self._expressions.get(text)
        if entry is None:
            expression = self.compiled.language.expression(text)
            entry = self._expressions[text] = (expression, Reads.of(expression.names), {})
        expression, reads, known = entry
        key = self.key(reads, facts)
        answer = known.get(key)
        if answer is None:
            answer = _room(known)[key] = self._settled(expression.evaluate(facts.chosen(reads.names)))
        return answer

    def render(self, template: str, facts: Facts) -> Answer:
        """What a text with `{{ }}` in it yields."""
        if "{{" not in template:
            return Known(template)
        text, reads, known = self._text(template)
        key = self.key(reads, facts)
        answer = known.get(key)
        if answer is None:
            answer = _room(known)[key] = self._settled(text.render(facts.chosen(reads.names)))
        return answer

    def phrase(self, template: str, facts: Facts) -> str:
        """A text for people: what cannot be filled in reads "(unknown)"."""
        if "{{" not in template:
            return template
        text, reads, _ = self._text(template)
        phrases = self._phrases.setdefault(template, {})
        key = self.key(reads, facts)
        phrase = phrases.get(key)
        if phrase is None:
            phrase = _room(phrases)[key] = text.show(facts.chosen(reads.names))
        return phrase

    def value(self, template: Any, facts: Facts) -> Answer:
        """A parameter: texts are rendered wherever they stand in lists and mappings."""
        if isinstance(template, str):
            return self.render(template, facts)
        if isinstance(template, Mapping):
            if "late" in template:
                return Known(template)
            answer = self.value(list(template.values()), facts)
            return answer if isinstance(answer, Unknown) else Known(dict(zip(template, answer.value, strict=True)))
        if isinstance(template, (list, tuple)):
            answers = [self.value(one, facts) for one in template]
            missing = _missing(answers)
            return Unknown(missing) if missing else Known([one.value for one in answers if isinstance(one, Known)])
        return Known(template)

    def names(self, expressions: Iterable[str | None] = (), texts: Iterable[Any] = ()) -> frozenset[str]:
        """All names that these read. Texts may be any parameter value."""
        found: set[str] = set()
        for text in expressions:
            if text is not None:
                if text not in self._expressions:
                    compiled = self.compiled.language.expression(text)
                    self._expressions[text] = (compiled, Reads.of(compiled.names), {})
                found.update(self._expressions[text][1].names)
        for value in texts:
            found.update(self._names_of(value))
        return frozenset(found)

    def _names_of(self, value: Any) -> set[str]:
        if isinstance(value, str):
            return set(self._text(value)[1].names) if "{{" in value else set()
        if isinstance(value, Mapping):
            return set().union(*(self._names_of(one) for one in value.values())) if value else set()
        if isinstance(value, (list, tuple)):
            return set().union(*(self._names_of(one) for one in value)) if value else set()
        return set()

    def _text(self, template: str) -> tuple[Text, Reads, dict[Any, Answer]]:
        entry = self._texts.get(template)
        if entry is None:
            text = self.compiled.language.text(template)
            entry = self._texts[template] = (text, Reads.of(text.names), {})
        return entry

    def key(self, reads: Reads, facts: Facts) -> tuple[Any, ...]:
        """Equal for two facts exactly when the values of all that is read are."""
        layers = facts.layers
        key = []
        for prefix, name in reads.parts:
            layer = layers.get(prefix)
            value = MISSING if layer is None else layer.get(name, MISSING)
            if value.__class__ is str or value is MISSING or value is None:
                key.append(value)
            elif isinstance(value, (list, tuple, dict)):
                # Equal containers count as one object; both must live as long as their ids are keys.
                held = self._held.get(id(value))
                if held is None:
                    held = self._held[id(value)] = (value, self.keep(value))
                key.append((list, id(held[1])))
            else:
                key.append((value.__class__, value))
        return tuple(key)

    def _settled(self, answer: Answer) -> Answer:
        if isinstance(answer, Known) and isinstance(answer.value, (list, dict)):
            return Known(self.keep(answer.value))
        return answer


def _room(known: dict[Any, Kept_]) -> dict[Any, Kept_]:
    """What is read by few is asked again and again; what is different everywhere is not worth keeping."""
    if len(known) >= _ENOUGH:
        known.clear()
    return known


def _missing(answers: Iterable[Answer]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for answer in answers:
        if isinstance(answer, Unknown):
            found.update(dict.fromkeys(answer.missing))
    return tuple(found)

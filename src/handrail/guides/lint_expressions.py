"""Lint of everything that is CEL: does it compile, is its result of the right kind, does it compare versions as such,
and may what it names be read at that place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from handrail.documents.read import Keys
from handrail.errors import suggestion
from handrail.guides.expansion import Placed, expand, step_keys
from handrail.guides.language import Expression, Language
from handrail.guides.mistakes import BadExpression
from handrail.guides.notes import Notes
from handrail.guides.reader import GuideDocument
from handrail.guides.syntax import Node
from handrail.guides.variables import MEDIUM_KEYS
from handrail.model.guide import Guide, MediumNeed, StepTemplate
from handrail.model.version import key

_ORDER = {"_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">="}
_EQUAL = {"_==_": "==", "_!=_": "!="}
_VERSION_FUNCTIONS = ("at_least", "below", "same_as")
_VERSION = re.compile(r"\d+(\.\d+)+\Z")
_YES_NO, _LIST, _TEXT = "yes-no", "list", "text"
_PAIR = frozenset({"a", "b"})
_INSIDE_ONLY = {
    "a": "works_with",
    "b": "works_with",
    "item": "a step with `each`",
    "media": "a procedure",
    "hop": "a hop",
}


def check_expressions(document: GuideDocument, language: Language, notes: Notes) -> None:
    _Expressions(document, language, notes).all()


class _Expressions:
    def __init__(self, document: GuideDocument, language: Language, notes: Notes) -> None:
        self.document = document
        self.guide: Guide = document.guide
        self.language = language
        self.notes = notes

    def all(self) -> None:
        guide = self.guide
        for edge, keys in zip(guide.edges, self.document.edge_keys, strict=True):
            self._cel((*keys, "when"), edge.when, _YES_NO, {"hop"})
            if edge.announces is not None:
                for name in ("says", "remedy"):
                    self._text((*keys, "announces", name), getattr(edge.announces, name), {"hop", "media"})
            self._procedure(edge.procedure, edge.media, edge.component, f"the edge {edge.id!r}")
            forward = guide.procedures.get(edge.procedure)
            back = guide.procedures.get(forward.back) if forward is not None and forward.back else None
            if forward is not None and forward.back and back is not None:
                media = {**edge.media, **back.media}
                self._procedure(forward.back, media, edge.component, f"the way back of the edge {edge.id!r}")
        for number, rule in enumerate(guide.requirements):
            at: Keys = ("requirements", number)
            scope = {"hop"} if rule.ask == "hop" else set()
            self._cel((*at, "when"), rule.when, _YES_NO, scope)
            self._cel((*at, "must"), rule.must, _YES_NO, scope)
            for name in ("says", "remedy", "settle"):
                self._text((*at, name), getattr(rule, name), scope)
            if rule.mend is not None:
                self._text((*at, "mend", "says"), rule.mend.says, {*scope, "media"})
                self._procedure(rule.mend.procedure, rule.mend.media, None, f"the rule {rule.rule}")
        for number, pair in enumerate(guide.works_with):
            self._cel(("works_with", number, "must"), pair.must, _YES_NO, set(_PAIR), only=_PAIR)
            self._text(("works_with", number, "says"), pair.says, set(_PAIR))
        for name, procedure in guide.procedures.items():
            self._text(("procedures", name, "title"), procedure.title, {"hop", "media"})
            for need, wanted in procedure.media.items():
                for one in ("release", "component", "product", "build"):
                    self._text(("procedures", name, "media", need, one), getattr(wanted, one) or "", {"hop"})
            self._steps(procedure.steps, step_keys(name), set())

    def _steps(self, steps: tuple[StepTemplate, ...], keys: Keys, scope: set[str]) -> None:
        for number, step in enumerate(steps):
            place: Keys = (*keys, number)
            inside = {*scope, "hop", "media"}
            self._cel((*place, "each"), step.each, _LIST, inside)
            if step.each is not None or self._may_have_item(step):
                inside.add("item")
            self._cel((*place, "if"), step.if_, _YES_NO, inside)
            self._cel((*place, "host"), step.host, _TEXT, inside)
            self._text((*place, "title"), step.title, inside)
            self._text((*place, "says"), step.says, inside)
            self._values((*place, "with"), step.with_, inside)
            self._values((*place, "leaves"), step.leaves, inside)
            for name in step.leaves:
                if name not in self.language.variables:
                    advice = suggestion(name, self.language.variables)
                    self.notes.add((*place, "leaves", name), f"{name!r} is not a fact.", advice, at_key=True)
            for which, remedy in enumerate(step.on_error):
                self._steps(remedy.steps, (*place, "on_error", which, "steps"), inside)

    def _may_have_item(self, step: StepTemplate) -> bool:
        """Whether every inclusion of the step's procedure that exists repeats it; seen per edge in `_procedure`."""
        return any(
            placed.step is step and placed.has_item for name in self.guide.procedures for placed in self._expanded(name)
        )

    def _expanded(self, name: str) -> list[Placed]:
        cache: dict[str, list[Placed]] = self.__dict__.setdefault("_cache", {})
        if name not in cache:
            cache[name] = expand(self.guide, name).steps
        return cache[name]

    def _procedure(self, name: str, media: Mapping[str, MediumNeed], component: str | None, whose: str) -> None:
        """What the steps name must be there for this edge or mend: its media, its component's values."""
        one = self.guide.components.get(component) if component is not None else None
        for placed in self._expanded(name):
            for keys, expression in self._written(placed.step, placed.keys):
                for read in sorted(expression.names):
                    group, _, rest = read.partition(".")
                    if group == "media" and rest not in media:
                        advice = suggestion(rest, media) or "It has none; add it under `media`."
                        self.notes.add(keys, f"The step reads {read}, which {whose} does not ask for.", advice)
                    missing = group == "component" and rest not in ("id", "title") and one is not None
                    if missing and one is not None and rest not in one.values:
                        message = f"The step reads {read}, which {component!r} of {whose} has no value for."
                        self.notes.add(keys, message, suggestion(rest, one.values))

    def _written(self, step: StepTemplate, keys: Keys) -> Iterator[tuple[Keys, Expression]]:
        for name, text in (("each", step.each), ("if", step.if_), ("host", step.host)):
            if text is not None:
                yield from self._compiled((*keys, name), text, template=False)
        for name, text in (("title", step.title), ("says", step.says)):
            yield from self._compiled((*keys, name), text, template=True)
        for at, text in _texts((*keys, "with"), step.with_):
            yield from self._compiled(at, text, template=True)
        for at, text in _texts((*keys, "leaves"), step.leaves):
            yield from self._compiled(at, text, template=True)

    def _compiled(self, keys: Keys, text: str, template: bool) -> Iterator[tuple[Keys, Expression]]:
        try:
            expressions = self.language.text(text).expressions if template else (self.language.expression(text),)
        except BadExpression:
            return
        yield from ((keys, expression) for expression in expressions)

    def _values(self, keys: Keys, value: Any, scope: set[str]) -> None:
        for at, text in _texts(keys, value):
            self._text(at, text, scope)

    def _cel(
        self, keys: Keys, text: str | None, result: str, scope: set[str], *, only: frozenset[str] | None = None
    ) -> None:
        if text is None:
            return
        if text.lstrip().startswith("{{"):
            advice = "Write the expression without `{{ }}`."
            self.notes.inside(keys, BadExpression(f"{str(keys[-1])!r} is an expression as it is.", advice, 0))
            return
        try:
            expression = self.language.expression(text)
        except BadExpression as error:
            self.notes.inside(keys, error)
            return
        if expression.result not in (result, "any", "null"):
            message = (
                f"{str(keys[-1])!r} must give {_WORDS[result]}, and this gives {_WORDS.get(expression.result, 'else')}."
            )
            self.notes.inside(keys, BadExpression(message, "", 0))
        self._expression(keys, expression, scope, 0)
        for name in sorted(expression.names):
            if only is not None and name.split(".")[0] not in only:
                message = f"`{name}` cannot be read here; only a and b can."
                self.notes.inside(keys, BadExpression(message, "Ask for a.release, b.build and the like.", 0))

    def _text(self, keys: Keys, text: str, scope: set[str]) -> None:
        if "{{" not in text:
            if "}}" in text:
                self.notes.inside(keys, BadExpression("`}}` has no `{{` before it.", "", text.find("}}")))
            return
        try:
            compiled = self.language.text(text)
        except BadExpression as error:
            self.notes.inside(keys, error)
            return
        begin = 0
        for expression in compiled.expressions:
            begin = text.find(expression.source, text.find("{{", begin))
            self._expression(keys, expression, scope, begin)

    def _expression(self, keys: Keys, expression: Expression, scope: set[str], begin: int) -> None:
        for name in sorted(expression.names):
            group = name.split(".")[0]
            if group in _INSIDE_ONLY and group not in scope:
                offset = max(0, expression.source.find(name))
                message = f"`{name}` can be read only in {_INSIDE_ONLY[group]}."
                self.notes.inside(keys, BadExpression(message, "", offset), begin)
        for name, entry in expression.lookups:
            if name.startswith("media.") and entry not in MEDIUM_KEYS:
                message = f"A medium has no {entry!r}."
                offset = max(0, expression.source.find(name))
                self.notes.inside(keys, BadExpression(message, suggestion(entry, MEDIUM_KEYS), offset), begin)
        for error in Comparisons(expression, self.language, self.guide.versioning).mistakes():
            self.notes.inside(keys, error, begin)


class Comparisons:
    """Comparisons that CEL would answer, wrongly: versions as text, and values of types that never meet."""

    def __init__(self, expression: Expression, language: Language, scheme: str) -> None:
        self.expression = expression
        self.syntax = expression.syntax
        self.kinds = language.variables
        self.scheme = scheme

    def mistakes(self) -> Iterator[BadExpression]:
        for node in self.syntax.root.walk():
            if node.kind != "call" or len(node.children) != 2:
                continue
            left, right = node.children
            if node.name in _ORDER:
                yield from self._order(node, left, right)
            elif node.name in _EQUAL:
                yield from self._equal(node, left, right)
            elif node.name == "@in":
                yield from self._in(node, left, right)
            elif node.name in _VERSION_FUNCTIONS:
                yield from self._function(node, left, right)

    def _order(self, node: Node, left: Node, right: Node) -> Iterator[BadExpression]:
        kinds = (self._kind(left), self._kind(right))
        if not {"whole", "number", "other"} & set(kinds):
            advice = 'Compare versions with `.at_least("4.6.673.0")` or `.below("4.6.673.0")`.'
            yield self._bad(node, f"`{_ORDER[node.name]}` compares text letter by letter.", advice)
            return
        numbers = {"whole", "number"}
        for one, other in (kinds, kinds[::-1]):
            if one in numbers and other in _WORDS and other not in numbers:
                message = f"`{_ORDER[node.name]}` does not go between {_WORDS[one]} and {_WORDS[other]}."
                yield self._bad(node, message, "Compare numbers with numbers.")
                return

    def _equal(self, node: Node, left: Node, right: Node) -> Iterator[BadExpression]:
        for one, other in ((left, right), (right, left)):
            kind = self._kind(one)
            if kind == "version" and (self._kind(other) == "version" or _looks_like_version(other)):
                advice = 'Write `.same_as("4.6.673.0")`.'
                yield self._bad(node, f"`{_EQUAL[node.name]}` compares versions letter by letter.", advice)
                return
            if one.kind == "ident" and other.kind == "const" and other.value is not None:
                expected, given = _plain(kind), self._kind(other)
                if expected in ("text", "yes-no", "whole", "number") and not _meet(expected, given):
                    message = f"{one.name} is {_WORDS[expected]} and never equals {_WORDS.get(given, 'that')}."
                    yield self._bad(node, message, "Correct one of the two.")
                    return

    def _in(self, node: Node, left: Node, right: Node) -> Iterator[BadExpression]:
        kind = self._kind(left)
        if right.kind != "list":
            return
        if kind == "version" and any(_looks_like_version(entry) for entry in right.children):
            advice = 'Write `["4.6.34.0", …].exists(one, one.same_as(…))`.'
            yield self._bad(node, "`in` compares versions letter by letter.", advice)
        for entry in right.children:
            if left.kind == "ident" and entry.kind == "const" and entry.value is not None:
                expected, given = _plain(kind), self._kind(entry)
                if expected in ("text", "yes-no", "whole", "number") and not _meet(expected, given):
                    message = f"{left.name} is {_WORDS[expected]} and never equals {_WORDS.get(given, 'that')}."
                    yield self._bad(entry, message, "Correct one of the two.")

    def _function(self, node: Node, left: Node, right: Node) -> Iterator[BadExpression]:
        ours = left.kind == "ident" and left.name.split(".")[0] in ("installation", "hop", "a", "b")
        for side in (left, right):
            if side.kind == "const":
                scheme = self.scheme if ours and side is right else "dotted"
                try:
                    key(scheme if isinstance(side.value, str) else "dotted", str(side.value))
                    if not isinstance(side.value, str):
                        raise ValueError(f"{side.value!r} is not text; write the version in quotes")
                except (ValueError, KeyError) as error:
                    yield self._bad(side, f"`{node.name}`: {error}.", 'Write a version such as "4.8".')
            elif self._kind(side) in ("yes-no", "whole", "number", "list", "map"):
                yield self._bad(side, f"`{node.name}` compares versions, not {_WORDS[self._kind(side)]}.", "")

    def _kind(self, node: Node) -> str:
        if node.kind == "ident" and node.name in self.kinds:
            return self.kinds[node.name].removesuffix("?")
        return self.syntax.types.get(node.id, "any")

    def _bad(self, node: Node, message: str, advice: str) -> BadExpression:
        return BadExpression(message, advice, self.syntax.offsets.get(node.id, 0))


_WORDS = {
    "text": "text",
    "yes-no": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "list": "a list",
    "map": "a map",
    "null": "null",
    "version": "a version",
}


def _plain(kind: str) -> str:
    return "text" if kind == "version" else kind


def _meet(expected: str, given: str) -> bool:
    numbers = ("whole", "number")
    return expected == given or (expected in numbers and given in numbers) or given in ("any", "null", "version")


def _looks_like_version(node: Node) -> bool:
    return node.kind == "const" and isinstance(node.value, str) and bool(_VERSION.match(node.value))


def _texts(keys: Keys, value: Any) -> Iterator[tuple[Keys, str]]:
    """Every text in a value, with its keys; late values are not templates."""
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, Mapping):
        if set(value) != {"late"}:
            for name, entry in value.items():
                yield from _texts((*keys, name), entry)
    elif isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            yield from _texts((*keys, number), entry)

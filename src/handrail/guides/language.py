"""Asking CEL, with three answers: a known value, unknown with what is missing, or a fault of the guide.

An absent fact is unknown; null is known absence. A lookup that finds nothing (a key, an index) is unknown too. `&&` and
`||` do what one hopes: `true || unknown` is true. A collection that was not read completely, `{"partial": [...]}`,
answers only what the part that was read decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from handrail.errors import BadInput
from handrail.guides import functions, partial
from handrail.guides.mistakes import BadExpression, explain
from handrail.guides.syntax import Node, Syntax, decode
from handrail.guides.template import Piece, split
from handrail.model.guide import FactType

V = TypeVar("V", covariant=True)
_ERROR = cel.Type.ERROR
_TYPES: Mapping[str, Any] = {
    "text": cel.Type.STRING,
    "version": cel.Type.STRING,
    "whole": cel.Type.INT,
    "yes-no": cel.Type.BOOL,
    # Whole numbers and others do not compare in CEL unless one of them is dynamic; so `age > 7` works.
    "number": cel.Type.DYN,
    "list": cel.Type.List(cel.Type.DYN),
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "any": cel.Type.DYN,
}
_PYTHON: Mapping[type, str] = {
    str: "text",
    bool: "yes-no",
    int: "whole",
    float: "number",
    list: "list",
    dict: "map",
    object: "any",
}
# The compiler rewrites `has(host.os)` of a declared name into the name itself, so it is looked for in the text.
_HAS = re.compile(r"(?<![\w.])has\s*\(")
_STRINGS = re.compile(r"""('{3}|"{3}).*?\1|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|//[^\n]*""", re.S)
_RESULTS = {"STRING": "text", "BOOL": "yes-no", "INT": "whole", "UINT": "whole", "DOUBLE": "number", "NULL": "null"}


@dataclass(frozen=True, slots=True)
class Known(Generic[V]):
    value: V


@dataclass(frozen=True, slots=True)
class Unknown:
    """`missing` are the facts that would settle it, such as `host.os` or `host.software["iis"]`."""

    missing: tuple[str, ...]


class Language:
    """The expressions that may be written over `variables` (dotted name to type). Compiled texts are kept.

    `defaults` are values of facts that are not stated. `name` is whose language it is, for messages.
    """

    def __init__(
        self,
        variables: Mapping[str, str | FactType | type],
        *,
        defaults: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> None:
        self.variables: dict[str, str] = {key: _spelled(kind) for key, kind in variables.items()}
        self.defaults = dict(defaults or {})
        self.name = name
        self._env = cel.NewEnv(
            variables={key: _cel_type(kind) for key, kind in self.variables.items()},
            extensions=[functions.extension(), ext_strings.ExtStrings()],
        )
        self._expressions: dict[str, Expression] = {}
        self._texts: dict[str, Text] = {}

    def expression(self, text: str) -> Expression:
        """Compile CEL. BadExpression says what is wrong and at which character."""
        found = self._expressions.get(text)
        if found is None:
            found = self._expressions[text] = self._compile(text)
        return found

    def text(self, template: str) -> Text:
        """Compile a text with `{{ CEL }}` in it. BadExpression counts characters from the template's beginning."""
        found = self._texts.get(template)
        if found is None:
            found = self._texts[template] = Text(template, self._pieces(template))
        return found

    def program(self, serialized: bytes) -> Any:
        """A part of a compiled expression, to be evaluated alone."""
        return self._env.deserialize(serialized)

    def _compile(self, text: str) -> Expression:
        try:
            program = self._env.compile(text)
            syntax = decode(program.serialize())
        except (RuntimeError, ValueError, UnicodeError) as error:
            raise explain(text, str(error), self.variables) from None
        has = _HAS.search(_STRINGS.sub(lambda quoted: " " * len(quoted[0]), text))
        if has:
            raise BadExpression(
                "`has()` would turn a fact that was not read into a no.",
                "Ask for the value itself: a fact that is not there is unknown, and null is known absence.",
                has.start(),
            )
        return Expression(text, program, syntax, self)

    def _pieces(self, template: str) -> tuple[str | Expression, ...]:
        return tuple(self._inner(piece) if piece.is_expression else piece.text for piece in split(template))

    def _inner(self, piece: Piece) -> Expression:
        try:
            return self.expression(piece.text)
        except BadExpression as error:
            raise BadExpression(error.message, error.advice, piece.offset + error.offset) from None


@dataclass(frozen=True, slots=True)
class Expression:
    """`names` are the facts that it reads, `lookups` the keys that it reads in them. `result` is its type: text, whole,
    number, yes-no, list, map, null or any."""

    source: str
    _program: Any = field(repr=False)
    syntax: Syntax = field(repr=False)
    _language: Language = field(repr=False)
    names: frozenset[str] = frozenset()
    lookups: tuple[tuple[str, str], ...] = ()
    result: str = "any"

    def __post_init__(self) -> None:
        known = self._language.variables
        names, lookups = set(), []
        for node in self.syntax.root.walk():
            if node.kind == "ident" and node.name in known:
                names.add(node.name)
            looked = _lookup(node)
            if looked and looked[0] in known:
                lookups.append(looked)
        object.__setattr__(self, "names", frozenset(names))
        object.__setattr__(self, "lookups", tuple(dict.fromkeys(lookups)))
        kind = self._program.return_type().name()
        object.__setattr__(self, "result", _RESULTS.get(kind, kind.split("<")[0].lower() if "<" in kind else "any"))

    def evaluate(self, facts: Mapping[str, Any]) -> Known[Any] | Unknown:
        """The value, or what is missing. BadInput when the guide is at fault: it asks what cannot be answered."""
        data: dict[str, Any] = {}
        incomplete: set[str] = set()
        heavy: dict[str, Any] = {}
        defaults = self._language.defaults
        for name in self.names:
            if name in facts:
                value = facts[name]
            elif name in defaults:
                value = defaults[name]
            else:
                continue
            kind = type(value)
            if kind is not str and kind is not bool and value is not None:
                whole = partial.read_part(value)
                if whole is not None:
                    incomplete.add(name)
                    value = whole
                elif _is_heavy(value):
                    heavy[name] = value
                    value = {} if isinstance(value, Mapping) else []
                value = _plain(value)
            data[name] = value
        if heavy:  # of ten thousand hosts, say: often the rest of the expression decides already
            unread = frozenset((*incomplete, *heavy))
            decided = partial.evaluate(self.syntax, unread, lambda node: self._part(node, data))
            if decided is not partial.UNDECIDED:
                return Known(decided)
            data.update({name: _plain(value) for name, value in heavy.items()})
        if incomplete:
            decided = partial.evaluate(self.syntax, frozenset(incomplete), lambda node: self._part(node, data))
            return Known(decided) if decided is not partial.UNDECIDED else Unknown(self._missing(data, incomplete))
        return self._answer(self._program, data)

    def _part(self, node: Node, data: Mapping[str, Any]) -> Any:
        answer = self._answer(self._language.program(self.syntax.rooted_at(node)), data)
        return answer.value if isinstance(answer, Known) else partial.UNDECIDED

    def _answer(self, program: Any, data: Mapping[str, Any]) -> Known[Any] | Unknown:
        try:
            result = program.eval(data=data)
            value = result.plain_value()
            if result.type() != _ERROR:
                return Known(value)
        except (RuntimeError, ValueError, TypeError) as error:
            value = str(error)
        if _is_lookup(value):
            return Unknown(self._missing(data, ()))
        raise self._fault(value, data)

    def _missing(self, data: Mapping[str, Any], incomplete: set[str] | tuple[()]) -> tuple[str, ...]:
        missing = {name for name in self.names if name not in data} | set(incomplete)
        for name, key in self.lookups:
            if isinstance(data.get(name), dict) and key not in data[name]:
                missing.add(f'{name}["{key}"]')
        return tuple(sorted(missing)) or tuple(sorted(self.names)) or (self.source,)

    def _fault(self, because: str, data: Mapping[str, Any]) -> BadInput:
        whose = f"The guide {self._language.name!r} is at fault" if self._language.name else "The guide is at fault"
        absent = [name for name in sorted(self.names) if name in data and data[name] is None]
        for name in absent:
            if f"'{name}'" in because or "null" in because or "SELECT" in because:
                return BadInput(
                    f"{whose}: `{self.source}` cannot be answered where {name} is null (known to be absent).",
                    f"Write `{name} != null && …`, or declare the fact nullable.",
                )
        short = because.split("\n")[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("UNKNOWN: ")
        return BadInput(f"{whose}: `{self.source}` cannot be answered: {short[:300]}.", "Correct the expression.")


@dataclass(frozen=True, slots=True)
class Text:
    """A text with expressions in it. When it is exactly one expression, it gives that value itself and not its text."""

    source: str
    pieces: tuple[str | Expression, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(piece.names for piece in self.pieces if isinstance(piece, Expression)))

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(piece for piece in self.pieces if isinstance(piece, Expression))

    def render(self, facts: Mapping[str, Any]) -> Known[Any] | Unknown:
        """The text (or the one value), or what is missing."""
        if len(self.pieces) == 1 and isinstance(self.pieces[0], Expression):
            return self.pieces[0].evaluate(facts)
        parts: list[str] = []
        missing: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            answer = piece.evaluate(facts)
            if isinstance(answer, Unknown):
                missing.extend(answer.missing)
            else:
                parts.append(show(answer.value))
        return Unknown(tuple(dict.fromkeys(missing))) if missing else Known("".join(parts))

    def show(self, facts: Mapping[str, Any], unknown: str = "(unknown)") -> str:
        """The text for people, with `unknown` in place of what is not known."""
        parts = []
        for piece in self.pieces:
            answer = Known(piece) if isinstance(piece, str) else piece.evaluate(facts)
            parts.append(unknown if isinstance(answer, Unknown) else show(answer.value))
        return "".join(parts)


def show(value: Any) -> str:
    """A value as it stands inside a text."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(show(entry) for entry in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {show(entry)}" for key, entry in value.items())
    return str(value)


def _lookup(node: Node) -> tuple[str, str] | None:
    if node.kind == "select" and node.children and node.children[0].kind == "ident":
        return node.children[0].name, node.name
    if node.kind == "call" and node.name == "_[_]" and len(node.children) == 2:
        of, key = node.children
        if of.kind == "ident" and key.kind == "const" and isinstance(key.value, str):
            return of.name, key.value
    return None


_HEAVY = 200
"""Entries of a collection from which on it is left out of an expression at first."""


def _is_lookup(error: str) -> bool:
    return error.startswith(("UNKNOWN: No value with name", "NOT_FOUND:", "UNKNOWN: Index error")) or (
        functions.NOT_A_VERSION in error
    )


def _is_heavy(value: Any) -> bool:
    """Whether handing the value over costs more than finding out whether it is needed."""
    if isinstance(value, Mapping):
        return len(value) + sum(len(one) for one in value.values() if isinstance(one, list | tuple)) > _HEAVY
    return isinstance(value, list | tuple | set | frozenset) and len(value) > _HEAVY


def _plain(value: Any) -> Any:
    """Lists and dicts as CEL takes them."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return value


def _spelled(kind: str | FactType | type) -> str:
    if isinstance(kind, FactType):
        return kind.type + ("?" if kind.nullable else "")
    return kind if isinstance(kind, str) else _PYTHON.get(kind, "any")


def _cel_type(kind: str) -> Any:
    return cel.Type.DYN if kind.endswith("?") else _TYPES.get(kind, cel.Type.DYN)

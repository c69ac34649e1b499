"""Collections that were not read completely.

A fact `{"partial": [...]}` is a list of which only these entries were read (`{"partial": {...}}` likewise). What they
decide is known: one entry that matches makes `exists` true, one that does not makes `all` false, one that is
there makes `in` true, a key that was read has its value. Everything else about such a collection is undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handrail.guides.syntax import Node, Syntax


class _Undecided:
    def __repr__(self) -> str:
        return "UNDECIDED"


UNDECIDED: Any = _Undecided()
_RANGE, _START = 0, 1


def read_part(value: Any) -> Any | None:
    """The part that was read when `value` is a collection that was not read completely, else None."""
    if isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get("partial"), list | tuple | Mapping):
        return value["partial"]
    return None


def evaluate(syntax: Syntax, incomplete: frozenset[str], ask: Callable[[Node], Any]) -> Any:
    """The value of an expression that reads `incomplete` facts, or UNDECIDED. `ask` evaluates one node with the part
    that was read as if it were all."""
    return _Asking(incomplete, ask).value(syntax.root)


class _Asking:
    def __init__(self, incomplete: frozenset[str], ask: Callable[[Node], Any]) -> None:
        self.incomplete = incomplete
        self.ask = ask

    def value(self, node: Node) -> Any:
        if not self._concerned(node):
            return self.ask(node)
        if node.kind == "comprehension":
            return self._quantifier(node)
        if node.kind == "select" or (node.kind == "call" and node.name == "_[_]"):
            return self._entry(node)
        if node.kind == "call":
            return self._call(node)
        return UNDECIDED

    def _call(self, node: Node) -> Any:
        if node.name == "_&&_":
            return self._either(node, False)
        if node.name == "_||_":
            return self._either(node, True)
        if node.name == "!_":
            inner = self.value(node.children[0])
            return UNDECIDED if inner is UNDECIDED else not inner
        if node.name == "_?_:_":
            condition, yes, no = node.children
            chosen = self.value(condition)
            return UNDECIDED if chosen is UNDECIDED else self.value(yes if chosen else no)
        if node.name in ("@in", "_in_") and self._is_incomplete(node.children[1]):
            return self._only(node, True)
        if all(not self._concerned(child) or self._reads_entry(child) for child in node.children):
            # Only entries are read that either were read, or are not found and so unknown.
            return self.ask(node)
        return UNDECIDED

    def _either(self, node: Node, decisive: bool) -> Any:
        values = [self.value(child) for child in node.children]
        if any(value is decisive for value in values):
            return decisive
        return UNDECIDED if any(value is UNDECIDED for value in values) else not decisive

    def _quantifier(self, node: Node) -> Any:
        rest = node.children[_RANGE + 1 :]
        start = node.children[_START]
        if not self._is_incomplete(node.children[_RANGE]) or any(self._concerned(child) for child in rest):
            return UNDECIDED
        if start.kind != "const" or not isinstance(start.value, bool):
            return UNDECIDED
        return self._only(node, not start.value)

    def _only(self, node: Node, decisive: bool) -> Any:
        """The answer over what was read counts only when more entries could not change it."""
        if self._concerned(node.children[0]) and not self._is_incomplete(node.children[0]):
            return UNDECIDED
        return decisive if self.ask(node) is decisive else UNDECIDED

    def _entry(self, node: Node) -> Any:
        return self.ask(node) if self._reads_entry(node) else UNDECIDED

    def _reads_entry(self, node: Node) -> bool:
        if node.kind == "select":
            return self._is_incomplete(node.children[0]) or self._reads_entry(node.children[0])
        if node.kind == "call" and node.name == "_[_]":
            of, key = node.children
            return not self._concerned(key) and (self._is_incomplete(of) or self._reads_entry(of))
        return False

    def _is_incomplete(self, node: Node) -> bool:
        return node.kind == "ident" and node.name in self.incomplete

    def _concerned(self, node: Node) -> bool:
        return any(self._is_incomplete(one) for one in node.walk())

"""What CEL's compiler says, in words for a guide author, and at which character."""

from __future__ import annotations

import re
from collections.abc import Iterable

from handrail.errors import BadInput, suggestion

_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?=\n \||\nERROR:|\s*\[[A-Z_]+\]\s*\Z|\Z)", re.S)
_UNDECLARED = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']*)' applied to '([^']*)'")
_OPERATOR = re.compile(r"@?_?([!=<>+\-*/%&|?:\[\]]+|in)_?")
_TYPES = (
    (re.compile(r"\blist\([^()]*\)"), "a list"),
    (re.compile(r"\bmap\([^()]*\)"), "a map"),
    (re.compile(r"\bstring\b"), "text"),
    (re.compile(r"\bnull_type\b"), "null"),
    (re.compile(r"\buint\b|\bint\b"), "a whole number"),
    (re.compile(r"\bdouble\b"), "a number"),
    (re.compile(r"\bbool\b"), "true or false"),
    (re.compile(r"\bdyn\b"), "any value"),
)
_FUNCTIONS = (
    *("at_least", "below", "same_as", "size", "matches", "startsWith", "endsWith", "contains", "exists", "all"),
    *("exists_one", "filter", "map", "join", "split", "replace", "lowerAscii", "upperAscii", "trim", "string"),
)


class BadExpression(BadInput):
    """An expression that is wrong; `offset` is the character (from 0) of the text where."""

    def __init__(self, message: str, advice: str = "", offset: int = 0) -> None:
        super().__init__(message, advice)
        self.offset = offset


def explain(text: str, error: str, variables: Iterable[str]) -> BadExpression:
    """The first thing that the compiler complains of, in our words."""
    match = _ERROR.search(error)
    if match is None or int(match[1]) < 1:
        if "ecursion" in error:
            return BadExpression("This expression is nested too deeply.", "Split it into several rules.")
        return BadExpression(f"This is not CEL: {_short(error)}.", "Correct the expression.")
    offset = _offset(text, int(match[1]), int(match[2]))
    message = match[3]
    undeclared = _UNDECLARED.search(message)
    if undeclared:
        return _undeclared(text, undeclared[1], offset, sorted(variables))
    overload = _OVERLOAD.search(message)
    if overload:
        return _no_overload(overload[1], overload[2], offset)
    if "Syntax error" in message:
        return _syntax(text, message, offset)
    return BadExpression(f"This is not CEL: {_short(message)}.", "Correct the expression.", offset)


def _undeclared(text: str, name: str, offset: int, known: list[str]) -> BadExpression:
    begin = text.rfind(name, 0, offset + len(name))
    begin = begin if begin >= 0 else offset
    after = text[begin + len(name) :].lstrip()
    if after.startswith("("):
        return BadExpression(f"`{name}()` cannot be used here.", _functions(name), begin)
    if text[:begin].rstrip().endswith("-") and "." not in name:
        advice = 'A name with a hyphen is read as a key: write `host.software["dotnet-framework"]`.'
        return BadExpression(f"`{name}` is not known.", advice, begin)
    members = [one for one in known if one.startswith(name + ".")]
    if members:
        return BadExpression(f"`{name}` is a group of facts.", f"Name one of them: {_listed(members)}.", begin)
    group = [one for one in known if one.split(".")[0] == name.split(".")[0]]
    return BadExpression(f"`{name}` is not a fact that this guide declares.", suggestion(name, group or known), begin)


def _functions(name: str) -> str:
    if name in _FUNCTIONS:
        return "It exists, but does not take these arguments."
    return suggestion(name, _FUNCTIONS, limit=20)


def _no_overload(function: str, types: str, offset: int) -> BadExpression:
    inner = types.strip("()") if types.count("(") == 1 else types[1:-1]
    for pattern, word in _TYPES:
        inner = pattern.sub(word, inner)
    operator = _OPERATOR.fullmatch(function)
    if operator and ", " in inner:
        words = " and ".join(inner.split(", ", 1))
        advice = "Compare like with like; null goes only with a fact declared nullable." if "=" in function else ""
        return BadExpression(f"`{operator[1]}` does not go between {words}.", advice, offset)
    name = operator[1] if operator else function
    return BadExpression(f"`{name}` does not take {inner or 'nothing'}.", "Check the types of the facts.", offset)


def _syntax(text: str, message: str, offset: int) -> BadExpression:
    if "<EOF>" in message or offset >= len(text):
        return BadExpression("The expression ends too early.", "Something is missing at its end.", offset)
    found = re.search(r"(?:input|token recognition error at:|extraneous input) '([^']*)'", message)
    what = f": `{found[1].strip()}` was not expected" if found and found[1].strip() else ""
    return BadExpression(f"This is not CEL{what}.", "Check quotes, brackets and operators (`&&`, `||`, `!`).", offset)


def _offset(text: str, line: int, column: int) -> int:
    begin = 0
    for _ in range(line - 1):
        begin = text.find("\n", begin) + 1
    return max(0, min(len(text), begin + column - 1))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def _short(message: str) -> str:
    line = message.strip().split("\n")[0].removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: ")
    return re.sub(r"\s*\[[A-Z_]+\]\s*$", "", line)[:200].rstrip(". ")

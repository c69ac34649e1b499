"""`wevtutil qe`: events that a simple XPath query picks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from handrail.errors import NotRehearsed
from handrail.twin.machine import Machine
from handrail.twin.things import Event
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain

_LEVELS = {1: "Critical", 2: "Error", 3: "Warning", 4: "Information"}
_LOGS = ("application", "system", "security", "setup")
Test = Callable[[Event], bool]


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    if len(arguments) < 2 or arguments[0].lower() not in ("qe", "query-events"):
        raise not_rehearsed("wevtutil", arguments)
    log = arguments[1]
    options = dict(one.lstrip("/").split(":", 1) for one in arguments[2:] if ":" in one)
    options = {name.lower(): value for name, value in options.items()}
    if not set(options) <= {"q", "f", "c", "rd", "query", "format"} or options.get("f", "text").lower() != "text":
        raise not_rehearsed("wevtutil", arguments)
    if log.lower() not in _LOGS and log.lower() not in {one.log.lower() for one in machine.all(Event)}:
        return complain(15007, "Failed to read events. The specified channel could not be found.")
    test = _test(options.get("q", options.get("query", "*")).strip('"'))
    found = [one for one in machine.all(Event) if one.log.lower() == log.lower() and test(one)]
    if options.get("rd", "false").lower() == "true":
        found.reverse()
    if "c" in options:
        found = found[: int(options["c"])]
    return Reply(0, "".join(_text(machine, at, one) for at, one in enumerate(found)))


def _text(machine: Machine, at: int, event: Event) -> str:
    lines = [
        f"Event[{at}]",
        f"  Log Name: {event.log}",
        f"  Source: {event.provider}",
        f"  Date: {event.time}",
        f"  Event ID: {event.id}",
        "  Task: N/A",
        f"  Level: {_LEVELS[event.level]}",
        "  Opcode: N/A",
        "  Keyword: Classic",
        "  User: N/A",
        "  User Name: N/A",
        f"  Computer: {machine.name}",
        "  Description: ",
        event.message,
        "",
    ]
    return "".join(line + "\r\n" for line in lines)


def _test(query: str) -> Test:
    if query in ("*", ""):
        return lambda _: True
    found = re.fullmatch(r"\*\[System\[(.*)\]\]", query.strip(), re.DOTALL)
    if found is None:
        raise NotRehearsed(f"The twin's event log does not understand the query: {query[:300]}")
    tests = [_term(one.strip()) for one in _top(found[1], " and ")]
    return lambda event: all(test(event) for test in tests)


def _top(text: str, word: str) -> list[str]:
    """Split where no bracket is open."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(text):
        depth += (text[at] in "([") - (text[at] in ")]")
        if depth == 0 and text.startswith(word, at):
            parts.append(text[start:at])
            start = at = at + len(word)
            continue
        at += 1
    return [*parts, text[start:]]


def _term(text: str) -> Test:
    if text.startswith("(") and text.endswith(")"):
        return _either([_term(one.strip()) for one in _top(text[1:-1], " or ")])
    if found := re.fullmatch(r"(Level|EventID)\s*(=|<=|>=|<|>)\s*(\d+)", text):
        return _number(found[1], found[2], int(found[3]))
    if found := re.fullmatch(r"Provider\[(.*)\]", text):
        names = re.findall(r"@Name\s*=\s*['\"]([^'\"]*)['\"]", found[1])
        return lambda event: event.provider.lower() in [one.lower() for one in names]
    if found := re.fullmatch(r"TimeCreated\[(.*)\]", text):
        bounds = re.findall(r"@SystemTime\s*(>=|<=|>|<)\s*['\"]([^'\"]*)['\"]", found[1])
        return lambda event: all(_compare(_moment(event.time), sign, _moment(bound)) for sign, bound in bounds)
    raise NotRehearsed(f"The twin's event log does not understand {text[:200]!r}")


def _either(tests: Sequence[Test]) -> Test:
    return lambda event: any(test(event) for test in tests)


def _number(name: str, sign: str, bound: int) -> Test:
    return lambda event: _compare(event.level if name == "Level" else event.id, sign, bound)


def _moment(text: str) -> str:
    """Times as text that compares: in UTC, with six digits for parts of a second."""
    whole, _, rest = text.rstrip("Zz").partition("+")[0].partition(".")
    return f"{whole}.{rest.ljust(6, '0')[:6]}"


def _compare(one: str | int, sign: str, other: str | int) -> bool:
    if isinstance(one, str) != isinstance(other, str):
        return False
    less, same = str(one) < str(other), one == other
    if isinstance(one, int) and isinstance(other, int):
        less = one < other
    return {"=": same, ">=": not less, "<=": less or same, ">": not less and not same, "<": less}[sign]

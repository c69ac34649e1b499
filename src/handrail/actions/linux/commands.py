"""A product's own commands on Linux, each with another one that shows what came of it.

No shell is between: every entry of `run` reaches the program as it is written. An exit code is never the proof. What
brings a state about names in `until` the command that looks whether it is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from handrail.actions import jobs
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.protocol import ActFailed, Action, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Command, Host
from handrail.probing.shell import complaint, execute, said

MISSING, FORBIDDEN = 127, 126
"""What shells and hosts say of a program that is not there, or that we may not start."""

WITHIN = 3600
"""Seconds that a command gets, when nothing else is said."""

_ARGV = {"type": "array", "items": {"type": "string"}}
_SAYS = {"type": "string", "format": "regex"}
_LOOK = {
    "type": "object",
    "properties": {
        "run": _ARGV,
        "exit": {"type": "array", "items": {"type": "integer"}},
        "says": _SAYS,
        "cwd": {"type": "string"},
    },
    "required": ["run"],
    "additionalProperties": False,
}
_PAIR = {
    "type": "object",
    "properties": {"run": _ARGV, "until": _LOOK},
    "required": ["run", "until"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class CheckCommand(Check):
    """Run a command that only looks, and see that it says what it should.

    Nothing is changed by us, and must not be by the command: it is run again whenever somebody wants to know. Its value
    is what the group `(?P<value>…)` of `says` matched, or else the first line; later steps read it as `value`.

    `run`: the program and its arguments; no shell reads them. `exit`: the codes that are right. `says`: a regular
    expression that a part of its output has to match. `equals`: what the value has to be. `cwd`: the folder in which it
    is run. `within`: how many seconds it gets.
    """

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    outputs: ClassVar[tuple[str, ...]] = ("value",)

    run: tuple[str, ...]
    exit: tuple[int, ...] = (0,)
    says: str | None = field(default=None, metadata={"schema": _SAYS})
    equals: str | None = None
    cwd: str | None = None
    within: int = 120

    def __post_init__(self) -> None:
        _program(self.run, "command.check")
        _pattern(self.says, "command.check")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        seen = await _looked(host, self.run, self.exit, self.says, self.cwd, self.within)
        if seen.state != "done" or self.equals is None:
            return seen
        value = str(seen.outputs["value"])
        if value == self.equals:
            return seen
        because = f"{self.run[0]} said {value!r}, and not {self.equals!r}"
        return Observation("not_done", because, seen.evidence, seen.outputs)


@dataclass(frozen=True, slots=True)
class RunCommand(Base):
    """Run a command of the product until another one, which only looks, says that its work is done.

    That one is asked before, too: what is so already is not done again. The command goes on when our line breaks. If it
    or the machine is stopped half-way and the other one says no, it is run again. So let that look at what the command
    leaves at its very end, and name under the step's `changes` what half of it may destroy.

    `run`: the program and its arguments; no shell reads them. `until`: its `run` looks, its `exit` are the codes that
    are right (0 alone otherwise), its `says` a regular expression for what it prints. `cwd`: the folder in which both
    are run. `within`: how many seconds the command gets.
    """

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    outputs: ClassVar[tuple[str, ...]] = ("value",)

    run: tuple[str, ...]
    until: Mapping[str, Any] = field(metadata={"schema": _LOOK})
    cwd: str | None = None
    within: int = WITHIN

    def __post_init__(self) -> None:
        _program(self.run, "command.run")
        _check_look(self.until, "command.run")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return await _state(host, receipt, self.run, self.until, self.cwd, self.within)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await _carry_out(host, receipt, self.run, self.cwd, self.within)


@dataclass(frozen=True, slots=True)
class UndoableCommand(Base):
    """Run a command of the product whose work another command takes back: stop and start, disable and enable.

    All else is as for a command that is only run. On the way back the other one is carried out, if the state was not
    there before.

    `run`: the program and its arguments. `until`: the command that looks whether the state is there. `undo`: the two of
    the opposite. `about`: what is switched (a service, a link) where several commands switch the same thing in several
    ways; so a way back knows which of them has the last word. `cwd`: the folder in which all of them are run.
    `within`: how many seconds the command gets.
    """

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    outputs: ClassVar[tuple[str, ...]] = ("value",)

    run: tuple[str, ...]
    until: Mapping[str, Any] = field(metadata={"schema": _LOOK})
    undo_: Mapping[str, Any] = field(metadata={"schema": _PAIR})
    about: str | None = None
    cwd: str | None = None
    within: int = WITHIN

    def __post_init__(self) -> None:
        _program(self.run, "command.undoable")
        _check_look(self.until, "command.undoable")
        if not {"run", "until"} <= set(self.undo_):
            raise BadInput(
                "command.undoable: undo needs run and until.", "Say what takes it back, and what shows that."
            )
        _program(self.undo_["run"], "command.undoable: undo")
        _check_look(self.undo_["until"], "command.undoable: undo")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return await _state(host, receipt, self.run, self.until, self.cwd, self.within)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await _carry_out(host, receipt, self.run, self.cwd, self.within)

    def undo(self, before: Observation) -> Action | None:
        if before.state != "not_done":
            return None
        # The mirror image, so that a stop and a start of one run are known to take each other back.
        back = {"run": list(self.run), "until": dict(self.until)}
        there = tuple(self.undo_["run"])
        return UndoableCommand(there, dict(self.undo_["until"]), back, self.about, self.cwd, self.within)

    def concerns(self) -> str:
        return self.about or json.dumps(sorted([list(self.run), list(self.undo_["run"])]))


async def _state(
    host: Host, receipt: Receipt, run: tuple[str, ...], until: Mapping[str, Any], cwd: str | None, within: int
) -> Observation:
    # What is still being changed is not looked at: its own command is waited for.
    await jobs.ended(host, receipt, Command(run, timeout=float(within)))
    exits = tuple(until.get("exit") or (0,))
    return await _looked(host, tuple(until["run"]), exits, until.get("says"), until.get("cwd", cwd), 120)


async def _looked(
    host: Host, argv: tuple[str, ...], exits: tuple[int, ...], says: str | None, cwd: str | None, within: int
) -> Observation:
    answer = await execute(host, Command(argv, cwd=cwd, timeout=float(within)))
    evidence = {"command": list(argv), "exit": answer.code, "said": said(answer)}
    if answer.code == FORBIDDEN and FORBIDDEN not in exits:
        raise Undetermined(f"{argv[0]} could not be started on {host.name}: {complaint(answer)}")
    if answer.code == MISSING and MISSING not in exits:
        return Observation("not_done", f"there is no program {argv[0]} on {host.name}", evidence)
    text = answer.text
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if answer.code not in exits:
        because = f"{argv[0]} ended with {answer.code}" + (f": {said(answer, 200)}" if said(answer) else "")
        return Observation("not_done", because, evidence, {"value": first})
    if says is None:
        return Observation(
            "done", f"{argv[0]} ended with {answer.code}{': ' + first if first else ''}", evidence, {"value": first}
        )
    found = re.search(says, text, re.MULTILINE)
    if found is None:
        shown = said(answer, 200) or "nothing"
        return Observation(
            "not_done", f"{argv[0]} said {shown!r}, which does not match {says!r}", evidence, {"value": first}
        )
    value = found.groupdict().get("value") or first
    return Observation("done", f"{argv[0]} said: {found[0].strip() or first}", evidence, {"value": value})


async def _carry_out(host: Host, receipt: Receipt, run: tuple[str, ...], cwd: str | None, within: int) -> Evidence:
    state = await jobs.carry_out(host, receipt, Command(run, cwd=cwd, timeout=float(within)))
    evidence = Evidence(exit=state.code, log=state.text)
    if not state.succeeded:
        last = next((line.strip() for line in reversed(state.text.splitlines()) if line.strip()), "")
        raise ActFailed(f"{run[0]} ended with {state.code}" + (f": {last[:300]}" if last else ""), evidence)
    return evidence


def _program(argv: Any, where: str) -> None:
    if not argv or not str(argv[0]).strip():
        raise BadInput(f"{where}: run names no program.", "Write the program and its arguments as a list.")


def _pattern(says: Any, where: str) -> None:
    if says is None:
        return
    try:
        re.compile(says)
    except (re.error, TypeError) as wrong:
        raise BadInput(
            f"{where}: says is no regular expression: {wrong}.", "Put what is meant literally after \\."
        ) from None


def _check_look(look: Any, where: str) -> None:
    if not isinstance(look, Mapping) or not isinstance(look.get("run"), (list, tuple)):
        raise BadInput(f"{where}: until needs run.", "Name the command that shows whether the work is done.")
    unknown = sorted(set(look) - {"run", "exit", "says", "cwd"})
    if unknown:
        raise BadInput(f"{where}: until has no {unknown[0]!r}.", "It takes run, exit, says and cwd.")
    _program(look["run"], f"{where}: until")
    if not all(isinstance(one, str) for one in look["run"]):
        raise BadInput(f"{where}: run of until must be a list of texts.", "Put numbers between quotes.")
    exits = look.get("exit", [])
    if not isinstance(exits, (list, tuple)) or not all(type(one) is int for one in exits):
        raise BadInput(f"{where}: exit of until must be a list of whole numbers.", "Write exit: [0, 3].")
    _pattern(look.get("says"), where)

"""A case: what is asked of a host, and what Windows answers to it.

Expectations are those of Windows. Answers are read by the functions that actions read them with. Where Wine is known to
behave otherwise, the case says why, and what Wine does instead; it never says that Windows does so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tests.support.scripted_host import Known

from handrail.actions.protocol import Receipt
from handrail.errors import FileMissing
from handrail.hosts.protocol import Command, Exited, Host
from handrail.probing.shell import Undetermined, decoded

State = Literal["absent", "sp2", "sp3", "any"]
"""Which build of the product is installed. `any`: the case does not care."""

RECEIPT = Receipt("conformance", "case", 1, Known(), "2020-01-01T00:00:00Z", {})
"""For actions that are looked through and nothing more."""

UNDETERMINED = "undetermined"
"""What a question gives that could not be answered."""


class Place(Protocol):
    """Where cases are tried. `wine`: it is Wine and no model of Windows. `bits`: how many of an exit code get through;
    an sshd on Linux hands on 8 of them, that of Windows 32."""

    name: str
    wine: bool
    bits: int
    host: Host

    async def fresh(self, state: State) -> None:
        """The product as wanted, its media in C:\\lab-media, and an empty folder C:\\conform."""
        ...

    async def restart(self) -> None: ...

    async def version_in(self, path: str) -> str:
        """The version that the program file carries."""
        ...

    def held(self, path: str) -> AbstractAsyncContextManager[None]:
        """Some program keeps the file open meanwhile."""
        ...

    async def without_runtime(self, missing: bool) -> None:
        """Take away what the packages have as their launch condition, or give it back."""
        ...


@dataclass(frozen=True, slots=True)
class Differs:
    """Wine does otherwise, and why that is known. What is None is as on Windows."""

    because: str
    code: int | None = None
    gives: Any = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A command, its exit code, and what `reads` makes of its output. `code` None: nothing rests upon it."""

    argv: tuple[str, ...]
    code: int | None = 0
    reads: Callable[[str], Any] | None = None
    gives: Any = None
    wine: Differs | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A question as actions ask it. `cut`: what it gives where exit codes have only 8 bits, if something else."""

    what: Callable[[Host], Awaitable[Any]]
    gives: Any
    wine: Differs | None = None
    cut: Any = None


@dataclass(frozen=True, slots=True)
class Write:
    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    path: str
    gives: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such file."""

    path: str


@dataclass(frozen=True, slots=True)
class Together:
    """Commands that do not care about each other, asked at once."""

    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class At:
    """Something of the place itself, which no console tool can tell or do."""

    what: Callable[[Place], Awaitable[Any]]
    gives: Any = None
    wine: Differs | None = None


Step = Ask | Look | Write | Read | Gone | Together | At


@dataclass(frozen=True, slots=True)
class Case:
    """`needs` and `leaves`: which build is installed before and afterwards. `not_on_wine`: why it cannot be asked
    there. `road`: it is about the way to the host as much as about the host. `bits`: of an exit code, which it is
    about."""

    name: str
    steps: tuple[Step, ...]
    needs: State = "any"
    leaves: State = "any"
    not_on_wine: str | None = None
    road: bool = False
    bits: int = 8


def ask(*argv: str, **more: Any) -> Ask:
    return Ask(argv, **more)


def cmd(*argv: str, **more: Any) -> Ask:
    return Ask(("cmd", "/c", *argv), **more)


async def try_step(place: Place, step: Step) -> None:
    """AssertionError when the place answers otherwise than it should."""
    match step:
        case Ask():
            outcome = await place.host.execute(Command(step.argv, timeout=120.0))
            assert isinstance(outcome, Exited), f"{step.argv} gave {outcome}"
            differs = step.wine if place.wine else None
            code = differs.code if differs is not None and differs.code is not None else step.code
            shown = decoded(outcome.out + outcome.err)
            right = code is None or outcome.code == code & ((1 << place.bits) - 1)
            assert right, f"{step.argv} ended with {outcome.code}, not {code}: {shown}"
            if step.reads is not None:
                _same(step.argv, step.reads(decoded(outcome.out)), step.gives, differs)
        case Look():
            wanted = step.cut if step.cut is not None and place.bits < 32 else step.gives
            _same("looked", await _answer(step.what(place.host)), wanted, step.wine if place.wine else None)
        case Write():
            await place.host.write(step.path, step.data)
        case Read():
            seen = await place.host.read(step.path)
            assert seen == step.gives, f"{step.path} holds {seen[:200]!r}, not {step.gives[:200]!r}"
        case Gone():
            try:
                await place.host.read(step.path)
            except FileMissing:
                return
            raise AssertionError(f"{step.path} is there")
        case Together():
            await asyncio.gather(*(try_step(place, one) for one in step.asks))
        case At():
            _same("at the place", await step.what(place), step.gives, step.wine if place.wine else None)


async def _answer(question: Awaitable[Any]) -> Any:
    try:
        return await question
    except Undetermined:
        return UNDETERMINED


def _same(what: object, seen: Any, wanted: Any, differs: Differs | None) -> None:
    if differs is not None and differs.gives is not None:
        wanted = differs.gives
    assert seen == wanted, f"{what} gave {seen!r}, not {wanted!r}"


class Trial:
    """Tries cases one after the other at one place; what a failed case leaves is not trusted."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._state: State | None = None

    async def of(self, case: Case) -> None:
        if self._state is None or case.needs not in ("any", self._state):
            await self._place.fresh("absent" if case.needs == "any" else case.needs)
            self._state = "absent" if case.needs == "any" else case.needs
        before, self._state = self._state, None
        for number, step in enumerate(case.steps, 1):
            try:
                await try_step(self._place, step)
            except AssertionError as wrong:
                raise AssertionError(f"{case.name}, step {number}, on {self._place.name}: {wrong}") from None
        self._state = before if case.leaves == "any" else case.leaves

    async def close(self) -> None:
        await self._place.host.close()

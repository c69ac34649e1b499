"""What was read of a host: each value with the command that gave it and when; and what could not be read, and why."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from handrail.errors import HostError, HostUnreachable
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Host, Outcome
from handrail.probing.shell import Undetermined

Now = Callable[[], datetime]

SHOWN = 160
"""Characters of a command that are shown."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`commands` gave the value, as a person would type them, on `host`; `at` when (ISO 8601, UTC)."""

    value: Any
    commands: tuple[str, ...]
    host: str
    at: str

    def saying(self, value: Any) -> Reading:
        """Another value that follows from what was read."""
        return replace(self, value=value)


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a fact could not be read, and the command that would settle it. `silent`: the host did not answer."""

    because: str
    settle: str
    silent: bool = False


@dataclass(slots=True)
class Sheet:
    """What was read of one thing: facts by name. `remarks` are worth knowing and no facts."""

    readings: dict[str, Reading] = field(default_factory=dict)
    unread: dict[str, Unread] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def value(self, name: str) -> Any:
        """None when it was not read."""
        found = self.readings.get(name)
        return found.value if found else None


def utc_now() -> datetime:
    return datetime.now(UTC)


class Witness:
    """A host that is only looked at. It remembers what it was asked, and asks nothing twice within one sitting."""

    def __init__(self, host: Host, now: Now = utc_now) -> None:
        self.name = host.name
        self.windows = host.windows
        self.asked: list[str] = []
        self.silent = False
        self._host = host
        self._now = now
        self._answers: dict[tuple[tuple[str, ...], bytes], Outcome] = {}

    async def execute(self, command: Command) -> Outcome:
        self.asked.append(shown(command, self.windows))
        key = (command.argv, command.stdin)
        if key not in self._answers:
            outcome = await self._host.execute(command)
            self.silent = not isinstance(outcome, Exited)
            if self.silent:
                return outcome
            self._answers[key] = outcome
        return self._answers[key]

    async def read(self, path: str) -> bytes:
        self.asked.append(f"type {path}" if self.windows else f"cat {shlex.quote(path)}")
        return await self._host.read(path)

    async def write(self, path: str, data: bytes) -> None:  # noqa: ARG002
        raise AssertionError(f"a probe writes {path}")

    async def put(self, source: Path, path: str) -> None:  # noqa: ARG002
        raise AssertionError(f"a probe writes {path}")

    async def get(self, path: str, target: Path) -> None:
        await self._host.get(path, target)

    async def boot_id(self) -> str:
        return await self._host.boot_id()

    async def close(self) -> None:
        await self._host.close()

    async def probe(self, work: Callable[[], Awaitable[Any]], settle: str = "") -> Reading | Unread:
        """What `work` gives, and by which command; or why it could not be read. HostUnreachable when the host was never
        reached."""
        first = len(self.asked)
        self.silent = False
        try:
            value = await work()
        except HostUnreachable:
            raise
        except (Undetermined, HostError) as error:
            last = self.asked[-1] if len(self.asked) > first else ""
            return Unread(str(error).rstrip("."), settle or last, self.silent)
        commands = tuple(dict.fromkeys(self.asked[first:]))
        return Reading(value, commands, self.name, self._now().isoformat(timespec="seconds"))

    async def into(self, sheet: Sheet, name: str, work: Callable[[], Awaitable[Any]], settle: str = "") -> Any:
        """Read `name` into the sheet; the value, or None."""
        found = await self.probe(work, settle)
        if isinstance(found, Unread):
            sheet.unread[name] = found
            return None
        sheet.readings[name] = found
        return found.value

    async def perhaps(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """What `work` gives; None when that cannot be told. For what is worth a remark only."""
        found = await self.probe(work)
        return found.value if isinstance(found, Reading) else None


def shown(command: Command, windows: bool) -> str:
    """The command as a person would type it, or the name of the reviewed script that it is."""
    known = powershell.recognise(command.argv)
    argv = command.argv
    if known is not None:
        text = subprocess.list2cmdline((f"script:{known[0]}", *known[1]))
    elif argv[:2] == ("sh", "-c") and len(argv) > 3:
        text = shlex.join((f"script:{argv[3]}", *argv[4:]))
    elif windows:
        text = subprocess.list2cmdline(argv)
    else:
        text = shlex.join(argv)
    if command.stdin:
        text += " <<< " + " ".join(command.stdin.decode("utf-8", "replace").split())
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"

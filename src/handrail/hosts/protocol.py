"""The seam: what a host can be asked, and what it can answer.

`Lost` means that the outcome is unknown. It is a value of its own: never an exit code and never success.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

MOST = 64 * 1024 * 1024
"""Bytes of output that we keep in memory, when nothing else is said."""


@dataclass(frozen=True, slots=True)
class Command:
    """`argv` is a program and its arguments, unquoted. `timeout` is in seconds. `user`: run as that account where the
    host can (local: only root can). `secrets` are values that must not reach any log. `most`: bytes kept of each
    stream; of a longer one the end."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    timeout: float = 60.0
    secrets: tuple[str, ...] = ()
    most: int = MOST


@dataclass(frozen=True, slots=True)
class Exited:
    """`cut`: bytes of `out` that were dropped from its beginning, because there were more than `Command.most`. What is
    cut is never taken for whole."""

    code: int
    out: bytes = b""
    err: bytes = b""
    cut: int = 0

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        return self.err.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class TimedOut:
    """It did not end in time and was asked to stop; what it did until then is unknown."""

    after: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The line was lost, or the host fell silent: the command may or may not have run."""

    because: str


Outcome = Exited | TimedOut | Lost


class Host(Protocol):
    """One machine. Paths are the host's own. Errors: HostUnreachable, FileMissing (`errors.py`)."""

    name: str
    windows: bool

    async def execute(self, command: Command) -> Outcome: ...

    async def read(self, path: str) -> bytes: ...

    async def write(self, path: str, data: bytes) -> None:
        """Atomically: a reader sees the old content or the new, never half."""
        ...

    async def put(self, source: Path, path: str) -> None: ...

    async def get(self, path: str, target: Path) -> None: ...

    async def boot_id(self) -> str:
        """A text that differs after every boot."""
        ...

    async def close(self) -> None: ...

"""Asking a host through its console tools, and reading what they print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handrail.hosts.protocol import Command, Exited, Host, TimedOut

MINUTES = 60.0


class Undetermined(Exception):
    """Something could not be found out: a line was lost, or an answer is not understood. The text says what."""


async def run(
    host: Host,
    *argv: str,
    timeout: float = 2 * MINUTES,  # noqa: ASYNC109  the host keeps it, not this event loop
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
) -> Exited:
    """The exit of a command. `Undetermined` when the line was lost or it did not end in time (seconds)."""
    return await execute(host, Command(argv, stdin, env or {}, timeout=timeout, secrets=tuple(secrets)))


async def execute(host: Host, command: Command) -> Exited:
    """The same of a command. Also `Undetermined` when it printed more than was kept: half an answer is none. Whoever
    is content with the end asks the host himself."""
    outcome = await host.execute(command)
    tool = command.argv[0]
    if isinstance(outcome, Exited):
        if outcome.cut:
            raise Undetermined(f"{tool} on {host.name} printed too much: the first {outcome.cut} bytes are missing")
        return outcome
    if isinstance(outcome, TimedOut):
        raise Undetermined(f"{tool} on {host.name} did not end within {outcome.after:g} seconds")
    raise Undetermined(f"{tool} on {host.name}: no answer ({outcome.because})")


def decoded(data: bytes) -> str:
    """Text of a Windows tool or log: UTF-16 and UTF-8 by their marks, UTF-16 by its zeros, else UTF-8, else the old
    console code page. Never raises."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:].decode("utf-8", "replace")
    if len(data) > 3 and data[1:40:2].count(0) == len(data[1:40:2]):
        return data.decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp437", "replace")


def said(exited: Exited, limit: int = 400) -> str:
    """What a tool said, on one line, for a sentence."""
    text = " ".join((decoded(exited.out) + " " + decoded(exited.err)).split())
    return text if len(text) <= limit else text[:limit] + "…"


def complaint(exited: Exited) -> str:
    """Why a tool failed, for a sentence: what it said, or how it ended when that was nothing."""
    return said(exited) or f"it said nothing, and ended with {exited.code}"

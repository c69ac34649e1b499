"""Commands on a Windows over SSH: a channel for each, through cmd.exe, the shell that OpenSSH for Windows starts.

When a channel is closed, that server ends what runs in it; there is no other way to end a command by its channel.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncssh

from handrail.errors import BadInput, HostError
from handrail.hosts.output import Kept
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut
from handrail.hosts.ssh_shell import LineLost
from handrail.hosts.windows_line import for_cmd

_EXIT_STATUS = "_process_exit_status_request"


def line_of(command: Command) -> str:
    """The command as one line for cmd.exe. BadInput when it cannot be said, or would show a secret."""
    parts = []
    for name, value in command.env.items():
        if any(secret in value for secret in command.secrets):
            raise BadInput(f"{command.argv[0]}: a secret in its environment would show in the process list.")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or re.search(r'["%\r\n\0]', value):
            raise BadInput(f"{name} cannot be put into the environment of a Windows command.")
        parts.append(f'set "{name}={value}"')
    if command.cwd:
        parts.append(for_cmd(("cd", "/d", command.cwd)))
    return " && ".join((*parts, for_cmd(command.argv)))


class Running(asyncssh.SSHClientSession[bytes]):
    """A command in its channel."""

    def __init__(self, most: int) -> None:
        self._out, self._err = Kept(most), Kept(most)
        self._code: int | None = None
        self._closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.channel: asyncssh.SSHClientChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan
        # asyncssh keeps the last eight bits of an exit code: 3010 would arrive as 194, and 1024 as success. It looks
        # its own method up by that name, on the channel.
        if not callable(getattr(chan, _EXIT_STATUS, None)):
            raise HostError("This version of asyncssh does not say whole exit codes.", "Install asyncssh 2.24.")
        setattr(chan, _EXIT_STATUS, self._exit_status)

    def _exit_status(self, packet: Any) -> bool:
        self._code = packet.get_uint32()
        packet.check_end()
        return True

    def data_received(self, data: bytes, datatype: int | None) -> None:
        (self._out if datatype is None else self._err).add(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(str(exc or "") or "its session was closed")

    async def ended(self, command: Command) -> Outcome:
        """Wait for the end. Without an exit code it is lost, however politely the channel was closed."""
        assert self.channel is not None
        try:
            async with asyncio.timeout(command.timeout):
                because = await asyncio.shield(self._closed)
        except TimeoutError:
            self._give_up()
            return TimedOut(command.timeout)
        except asyncio.CancelledError:
            self._give_up()
            raise
        if self._code is None:
            return Lost(because)
        (out, cut), (err, _) = self._out.take(), self._err.take()
        return Exited(self._code, out, err, cut)

    def _give_up(self) -> None:
        assert self.channel is not None
        if not self.channel.is_closing():
            self.channel.terminate()
            self.channel.close()


async def begin(connection: asyncssh.SSHClientConnection, command: Command) -> Running:
    """Raises asyncssh.ChannelOpenError when nothing was begun, LineLost when it may have been."""
    line = line_of(command)
    made: list[Running] = []

    def make() -> Running:
        made.append(Running(command.most))
        return made[0]

    try:
        channel, _ = await connection.create_session(make, line, encoding=None)
    except (asyncssh.Error, OSError) as error:
        # The session stood, so the command was on its way.
        if made:
            raise LineLost(str(error)) from error
        raise
    if command.stdin:
        channel.write(command.stdin)
    channel.write_eof()
    return made[0]

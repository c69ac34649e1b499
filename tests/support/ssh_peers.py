"""Peers for SSH that do what real ones seldom do: ask for passwords, fall silent, cut the line at a given byte."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh


class Asking(asyncssh.SSHServer):
    """Lets in whoever says the password, in one of the two ways."""

    def __init__(self, password: str, way: str) -> None:
        self._password = password
        self._way = way

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._way == "password"

    def validate_password(self, username: str, password: str) -> bool:
        return password == self._password

    def kbdint_auth_supported(self) -> bool:
        return self._way == "keyboard"

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return list(responses) == [self._password]


async def in_a_shell(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Does on this machine what it is told, as an sshd would."""
    command = process.command or "false"
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec("sh", "-c", command, stdin=pipe, stdout=pipe, stderr=pipe)
    await process.redirect(stdin=running.stdin, stdout=running.stdout, stderr=running.stderr)
    process.exit(await running.wait())


Handler = Callable[[asyncssh.SSHServerProcess[bytes]], Awaitable[None] | None]


@asynccontextmanager
async def peer(
    folder: Path, password: str = "open sesame", way: str = "password", handler: Handler = in_a_shell, **more: object
) -> AsyncIterator[int]:
    """A pretend sshd; gives its port. Its host key is in `known_hosts` of the folder."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(
        lambda: Asking(password, way),
        "127.0.0.1",
        0,
        server_host_keys=[key],
        process_factory=handler,
        encoding=None,
        **more,
    )
    port = server.sockets[0].getsockname()[1]
    public = key.export_public_key("openssh").decode()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    try:
        yield port
    finally:
        server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await server.wait_closed()


@contextmanager
def silent() -> Iterator[int]:
    """A port where lines are taken and nothing is ever said."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@dataclass
class Relay:
    """Passes bytes on to `port` until `budget` of them have gone one way or the other; then both lines are cut.
    None: for ever."""

    port: int
    budget: int | None = None
    passed: int = 0
    took: int = 0
    """Bytes that passed in what was measured last."""
    listening: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def arm(self, budget: int | None) -> None:
        self.budget, self.passed = budget, 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers |= {writer, there_writer}
        await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))
        self._writers -= {writer, there_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.budget is not None and self.passed + len(data) > self.budget:
                    writer.write(data[: max(0, self.budget - self.passed)])
                    await writer.drain()
                    self.passed = self.budget
                    self.cut()
                    return
                self.passed += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        for one in self._writers:
            one.close()


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[Relay]:
    made = Relay(port)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.listening = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()

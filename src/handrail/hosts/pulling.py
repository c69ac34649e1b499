"""A file offered to one host, once, over HTTP: how large files get to Windows.

The address is ours as that host sees us, on a port of the moment, under a path that nobody can guess; the first who
asks for it gets it, nobody else does, and with the offer the port is gone. The risk that stays: the line is not
encrypted, so whoever can listen on it can read the file. Media are not secret; what is secret goes through the shell,
which is. What arrives is compared with a SHA-256 that went another way, so nobody can change it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from handrail.errors import HostUnreachable

_PIECE = 1024 * 1024
_HEAD = 8192
_ASKING = 30.0
"""Seconds that a connection has to say what it wants."""


@dataclass(slots=True)
class Offer:
    """`taken`: somebody has asked for it by its path."""

    url: str
    taken: bool = False


@contextlib.asynccontextmanager
async def offer(source: Path, to: str) -> AsyncIterator[Offer]:
    """Offer `source` to the host at the address `to` as long as this lasts."""
    ours = await asyncio.to_thread(_our_address, to)
    path = "/" + secrets.token_urlsafe(32)
    offered = Offer("")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_ASKING):
                head = await reader.readuntil(b"\r\n\r\n")
            method, _, rest = head.decode("latin-1").partition(" ")
            asked = rest.partition(" ")[0]
            if method != "GET" or offered.taken or not hmac.compare_digest(asked, path):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            offered.taken = True
            await _send(source, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            with contextlib.suppress(OSError):
                writer.close()
                await writer.wait_closed()

    server = await asyncio.start_server(answer, ours, 0, limit=_HEAD)
    port = server.sockets[0].getsockname()[1]
    offered.url = f"http://{f'[{ours}]' if ':' in ours else ours}:{port}{path}"
    try:
        yield offered
    finally:
        server.close()


async def _send(source: Path, writer: asyncio.StreamWriter) -> None:
    with source.open("rb") as file:
        size = source.stat().st_size
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {size}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        while piece := await asyncio.to_thread(file.read, _PIECE):
            writer.write(piece)
            await writer.drain()


def _our_address(to: str) -> str:
    """Our address on the way to there; nothing is sent."""
    try:
        family, kind, number, _, place = socket.getaddrinfo(to, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, number) as probe:
            probe.connect(place)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise HostUnreachable(f"There is no way to {to}: {error.strerror or error}.") from error

"""Files of a Windows host that has nothing but a command line: WinRM, or SSH without SFTP.

Content travels as Base64 through standard input and output of small reviewed scripts, never on a command line, and its
SHA-256 is compared at the other end. A large file is fetched by the host itself (`hosts.pulling`); where it cannot
reach us it goes the slow way, in parts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os
import re
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from handrail.errors import FileMissing, HostError, HostUnreachable
from handrail.hosts import powershell, pulling
from handrail.hosts.protocol import Command, Exited, Host, Outcome

PART = 4 * 1024 * 1024
"""Bytes that one command carries."""
LARGE = 20 * 1024 * 1024
"""Bytes from which on a file is fetched by the host instead of being sent through its shell."""

AGAIN = "Ask again: handrail resume."

WITHIN = 900.0
"""Seconds that one command may take that carries a part."""
_PULLING = 4 * 3600.0
_HEAD = re.compile(r"\ufeff?([0-9]{1,18})\|([^|]{1,40})\|([0-9A-Fa-f]{64})$")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a file. `size` and `written` are the whole file's."""

    data: bytes
    size: int
    written: str


async def read_part(host: Host, path: str, offset: int, most: int, within: float = WITHIN) -> Part:
    """At most `most` bytes from `offset` on; fewer only at the end. FileMissing when there is no such file."""
    command = powershell.command("read-part", path, str(offset), str(most), timeout=within)
    part = part_in(_exited(host, path, "read", await host.execute(command)).out)
    if part is None:
        raise HostError(f"{host.name}: what was read of {path} did not arrive whole.", "Try again.")
    return part


def part_in(answer: bytes) -> Part | None:
    """What the script `read-part` has answered; None when it did not arrive whole."""
    head, _, rest = answer.partition(b"\n")
    found = _HEAD.match(head.decode("utf-8", "replace").strip())
    try:
        data = base64.b64decode(b"".join(rest.split()), validate=True)
    except binascii.Error:
        return None
    if found is None or hashlib.sha256(data).hexdigest() != found[3].lower():
        return None
    return Part(data, int(found[1]), found[2])


async def read(host: Host, path: str) -> bytes:
    return b"".join([one async for one in _pieces(host, path)])


async def get(host: Host, path: str, target: Path) -> None:
    """The file of the host becomes `target` whole, or not at all."""
    handle, name = tempfile.mkstemp(prefix=target.name + ".", dir=target.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            async for one in _pieces(host, path):
                await asyncio.to_thread(file.write, one)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


async def write(host: Host, path: str, data: bytes) -> None:
    """Under another name first, then in the old one's place. The folders above it are made."""
    digest = hashlib.sha256(data).hexdigest()
    if len(data) > PART:
        await _in_parts(host, path, _cut(data), digest)
        return
    command = powershell.command("write-file", path, digest, timeout=WITHIN, stdin=_lines(data))
    _exited(host, path, "written", await host.execute(command))


async def put(host: Host, source: Path, path: str, address: str) -> None:
    """Send a file; a large one is fetched by the host, which we reach at `address`."""
    digest, size = await asyncio.to_thread(_measured, source)
    if size > LARGE:
        part = _part_of(path)
        try:
            async with pulling.offer(source, address) as offered:
                command = powershell.command("pull-url", offered.url, part, timeout=_PULLING)
                answer = await host.execute(command)
            if isinstance(answer, Exited) and answer.code == 0:
                await _take(host, part, path, digest)
                return
            if not isinstance(answer, Exited) or offered.taken:
                _exited(host, path, "fetched", answer)
        finally:
            await _tidy(host, part)
    await _in_parts(host, path, _file_pieces(source), digest)


class BootId:
    """When a host was started, as its id of this boot. Remembers which tool the host has."""

    def __init__(self) -> None:
        self._has_wmic = True

    async def ask(self, host: Host) -> str:
        """HostUnreachable when it does not answer; HostError when it does not say."""
        if self._has_wmic:
            # Local time with its distance from universal time; wmic was removed from Windows Server 2025.
            answer = await _answer(host, Command(("wmic", "os", "get", "lastbootuptime", "/value"), timeout=60.0))
            found = re.search(r"LastBootUpTime=([0-9]{14}\.[0-9]{6})([+-][0-9]{3})", answer.text.replace("\0", ""))
            if found:
                return universal(found[1], int(found[2]))
        answer = await _answer(host, powershell.command("boot-time", timeout=120.0))
        found = re.search(r"([0-9]{14}\.[0-9]{6})([+-][0-9]{3})", answer.text)
        if answer.code != 0 or not found:
            raise HostError(
                f"{host.name} does not say when it was started, so a restart could not be noticed.",
                "Look whether WMI works there: wmic os get lastbootuptime.",
            )
        self._has_wmic = False
        return universal(found[1], int(found[2]))


def universal(local: str, minutes: int) -> str:
    """A time as WMI writes it, in universal time: the same moment has the same text in summer and in winter."""
    moment = datetime.strptime(local, "%Y%m%d%H%M%S.%f") - timedelta(minutes=minutes)
    return moment.strftime("%Y%m%d%H%M%S.%f+000")


async def _pieces(host: Host, path: str) -> AsyncIterator[bytes]:
    first = await read_part(host, path, 0, PART)
    yield first.data
    at = len(first.data)
    while at < first.size:
        one = await read_part(host, path, at, PART)
        if (one.size, one.written) != (first.size, first.written) or not one.data:
            raise HostError(f"{host.name}: {path} was changed while it was read.", "Read it when nothing writes it.")
        yield one.data
        at += len(one.data)


async def _in_parts(host: Host, path: str, pieces: AsyncIterator[bytes], digest: str) -> None:
    part = _part_of(path)
    at = 0
    try:
        async for one in pieces:
            command = powershell.command("write-part", part, str(at), timeout=WITHIN, stdin=_lines(one))
            _exited(host, path, "written", await host.execute(command))
            at += len(one)
        await _take(host, part, path, digest)
    except BaseException:
        await _tidy(host, part)
        raise


async def _take(host: Host, part: str, path: str, digest: str) -> None:
    command = powershell.command("take-part", part, path, digest, timeout=WITHIN)
    _exited(host, path, "written", await host.execute(command))


async def _tidy(host: Host, part: str) -> None:
    """Best effort: what stays behind has a name that nobody takes for the file."""
    try:
        await host.execute(Command(("cmd", "/c", "if", "exist", part, "cmd", "/c", "del", "/q", part), timeout=60.0))
    except HostError:
        return


def _part_of(path: str) -> str:
    return f"{path}.{uuid.uuid4().hex}"


async def _cut(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), PART):
        yield data[at : at + PART]


async def _file_pieces(source: Path) -> AsyncIterator[bytes]:
    with source.open("rb") as file:
        while one := await asyncio.to_thread(file.read, PART):
            yield one


def _measured(source: Path) -> tuple[str, int]:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()


def _lines(data: bytes) -> bytes:
    """Base64 in lines that PowerShell hands on one by one."""
    size = 3 * 16384
    return b"".join(base64.b64encode(data[at : at + size]) + b"\r\n" for at in range(0, len(data), size))


async def _answer(host: Host, command: Command) -> Exited:
    outcome = await host.execute(command)
    if not isinstance(outcome, Exited):
        raise HostUnreachable(f"{host.name} did not answer to {command.argv[0]}.", AGAIN)
    return outcome


def _exited(host: Host, path: str, verb: str, outcome: Outcome) -> Exited:
    if not isinstance(outcome, Exited):
        raise HostUnreachable(f"{host.name} did not answer when {path} was to be {verb}.", AGAIN)
    if outcome.code == powershell.ABSENT:
        raise FileMissing(f"{host.name}: {path} is not there.")
    if outcome.code == powershell.DAMAGED:
        raise HostError(f"{host.name}: {path} did not arrive as it was sent; it was not taken over.", "Try again.")
    if outcome.code != 0 or outcome.cut:
        because = " ".join(outcome.error_text.split())[:300].rstrip(".") or f"exit code {outcome.code}"
        raise HostError(f"{host.name}: {path} could not be {verb}: {because}.")
    return outcome

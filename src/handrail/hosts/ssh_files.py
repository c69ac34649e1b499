"""Files of a host over SFTP: whole or not at all.

What is written goes to a file beside the target first. It takes the target's place only after the host (or, where it
has no tools for that, we, reading it back) found the same SHA-256 there, and it is on disk. A line that drops leaves
the old content, and at worst the file beside it, which is taken away as soon as the host is reached again.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import posixpath
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import asyncssh

from handrail.errors import BadInput, FileMissing, HostError, HostUnreachable
from handrail.hosts.protocol import Command, Exited, Host

T = TypeVar("T")

PIECE = 4 * 1024 * 1024
"""Bytes that are read from a file of ours at a time."""
BLOCK = 32 * 1024
"""Bytes that every file server takes and gives at a time."""
AHEAD = 64
"""Blocks that are under way at a time."""
STALL = 60.0
"""Seconds that those may take. A silent line is noticed sooner, by its missing signs of life."""
SLOWEST = 20_000_000
"""Bytes a second that a host hashes at least."""

# $1 what was brought, $2 whose place it takes, $3 its SHA-256. A new file is its owner's alone, a replaced one keeps
# its mode.
_REPLACE = """
set -eu
trap 'rm -f "$1"' EXIT
have=$(sha256sum < "$1")
if [ "${have%% *}" != "$3" ]; then echo "what arrived there differs from what was sent" >&2; exit 65; fi
if [ -e "$2" ]; then chmod --reference="$2" "$1"; fi
sync "$1"
mv -fT "$1" "$2"
trap - EXIT
sync "$(dirname "$2")"
"""


_GONE = (
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
    asyncssh.ConnectionLost,
    ConnectionError,
    TimeoutError,
    HostUnreachable,
)
"""How a transfer learns that its line is lost."""


class _Stalled(Exception):
    pass


def sftp_path(path: str, windows: bool) -> str:
    """The path as sshd's file server spells it. BadInput for a share: that server does not know them."""
    if not windows:
        return path
    if path.startswith(("\\\\", "//")):
        raise BadInput(
            f"{path} is on a share, and files of shares cannot be brought over SSH.", "Use a path on a drive."
        )
    plain = path.replace("\\", "/")
    return "/" + plain if re.match(r"[A-Za-z]:", plain) else plain


class Files:
    """The files of one host. `lend` gives an SFTP session for one transfer; `left` are files beside targets that
    could not be taken away yet."""

    def __init__(self, host: Host, lend: Callable[[], AbstractAsyncContextManager[asyncssh.SFTPClient]]) -> None:
        self._host = host
        self._lend = lend
        self.left: list[str] = []

    async def read(self, path: str) -> bytes:
        there = sftp_path(path, self._host.windows)
        async with self._session(path, "read") as sftp, sftp.open(there, "rb", block_size=0) as file:
            return b"".join([piece async for piece in _pieces(file)])

    async def write(self, path: str, data: bytes) -> None:
        with tempfile.SpooledTemporaryFile(max_size=len(data) + 1) as source:
            source.write(data)
            source.seek(0)
            await self._bring(source, path)

    async def put(self, source: Path, path: str) -> None:
        with source.open("rb") as file:
            await self._bring(file, path)

    async def get(self, path: str, target: Path) -> None:
        there = sftp_path(path, self._host.windows)
        handle, name = tempfile.mkstemp(prefix=target.name + ".", dir=target.parent)
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                digest = hashlib.sha256()
                async with self._session(path, "read") as sftp, sftp.open(there, "rb", block_size=0) as source:
                    async for piece in _pieces(source):
                        digest.update(piece)
                        file.write(piece)
                file.flush()
                os.fsync(file.fileno())
                size = file.tell()
            if not self._host.windows:
                await self._same(path, digest.hexdigest(), size)
            new.replace(target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    async def must_be_there(self, path: str) -> None:
        """Raises FileMissing when it is not."""
        async with self._session(path, "read") as sftp:
            await _in_time(sftp.stat(sftp_path(path, self._host.windows)))

    async def tidy(self, sftp: asyncssh.SFTPClient) -> None:
        """Take away what transfers left beside their targets when the line dropped. Never raises."""
        while self.left:
            with suppress(asyncssh.Error, OSError, _Stalled):
                await _in_time(sftp.remove(self.left[-1]))
            self.left.pop()

    # -- bringing -----------------------------------------------------------------------------------------------

    async def _bring(self, source: BinaryIO | tempfile.SpooledTemporaryFile[bytes], path: str) -> None:
        there = sftp_path(path, self._host.windows)
        folder, name = posixpath.split(there)
        new = posixpath.join(folder, f"{name[:180]}.handrail-{secrets.token_hex(4)}")
        # Until we know better it lies there: also when we are called off in the middle.
        lies = True
        try:
            async with self._session(path, "written", room=folder or ".") as sftp:
                try:
                    digest, size = await self._send(sftp, source, new)
                    if self._host.windows:
                        await self._replace_there(sftp, new, there, digest)
                except (asyncssh.SFTPError, HostError) as error:
                    if not isinstance(error, _GONE):
                        with suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                            await _in_time(sftp.remove(new))
                        lies = False
                    raise
            if not self._host.windows:
                await self._replace(new, path, digest, size)
            lies = False
        finally:
            if lies:
                self.left.append(new)

    async def _send(
        self, sftp: asyncssh.SFTPClient, source: BinaryIO | tempfile.SpooledTemporaryFile[bytes], new: str
    ) -> tuple[str, int]:
        """The SHA-256 and the size of what was sent."""
        digest, size = hashlib.sha256(), 0
        attributes = asyncssh.SFTPAttrs() if self._host.windows else asyncssh.SFTPAttrs(permissions=0o600)
        if self._host.windows:
            with suppress(asyncssh.SFTPError):  # what opening says is clearer
                await _in_time(sftp.makedirs(posixpath.dirname(new), exist_ok=True))
        async with sftp.open(new, "xb", attributes, block_size=0) as file:
            while piece := await asyncio.to_thread(source.read, PIECE):
                await _write_piece(file, piece, size)
                digest.update(piece)
                size += len(piece)
            if self._host.windows:
                with suppress(asyncssh.SFTPOpUnsupported):
                    await _in_time(file.fsync())
        return digest.hexdigest(), size

    async def _replace(self, new: str, path: str, digest: str, size: int) -> None:
        """Let what was brought take its target's place, if it arrived whole."""
        argv = ("sh", "-c", _REPLACE, "replace", new, path, digest)
        outcome = await self._host.execute(Command(argv, timeout=120.0 + 3 * size / SLOWEST))
        if not isinstance(outcome, Exited):
            raise HostUnreachable(
                f"{self._host.name}: the line was lost while {path} was replaced: "
                "it holds the old content or the new, each whole."
            )
        if outcome.code != 0:
            because = " ".join(outcome.error_text.split()).rstrip(".") or f"exit code {outcome.code}"
            raise HostError(f"{self._host.name}: {path} could not be written: {because}.")

    async def _replace_there(self, sftp: asyncssh.SFTPClient, new: str, there: str, digest: str) -> None:
        """The same by the file server alone, for a host without the tools."""
        seen = hashlib.sha256()
        async with sftp.open(new, "rb", block_size=0) as file:
            async for piece in _pieces(file):
                seen.update(piece)
        if seen.hexdigest() != digest:
            raise HostError(f"{self._host.name}: {there} could not be written: what arrived there differs.")
        await _in_time(sftp.posix_rename(new, there))

    async def _same(self, path: str, digest: str, size: int) -> None:
        outcome = await self._host.execute(Command(("sha256sum", "--", path), timeout=120.0 + 3 * size / SLOWEST))
        if not isinstance(outcome, Exited):
            raise HostUnreachable(f"{self._host.name}: the line was lost before {path} was compared.")
        # A name with a backslash or a line end is announced by a backslash.
        seen = outcome.text.lstrip("\\").partition(" ")[0]
        if outcome.code != 0 or seen != digest:
            raise HostError(
                f"{self._host.name}: {path} changed while it was fetched.",
                "Fetch it again once nobody writes to it.",
            )

    # -- sessions -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _session(self, path: str, verb: str, room: str = "") -> AsyncIterator[asyncssh.SFTPClient]:
        """A session whose errors are told in our words."""
        name = self._host.name
        async with self._lend() as sftp:
            try:
                yield sftp
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
                if verb == "read":
                    raise FileMissing(f"{name}: {path} is not there.") from error
                raise HostError(f"{name}: {path} could not be {verb}: No such file or directory.") from error
            except asyncssh.SFTPPermissionDenied as error:
                raise HostError(f"{name}: {path} could not be {verb}: Permission denied.") from error
            except _GONE as error:
                if isinstance(error, HostError):
                    raise
                untouched = "" if verb == "read" else " It was not touched."
                raise HostUnreachable(f"{name}: the line was lost before {path} was {verb}.{untouched}") from error
            except _Stalled as error:
                raise HostUnreachable(
                    f"{name}: {path} could not be {verb}: the host did not go on for {STALL:g} seconds."
                ) from error
            except asyncssh.SFTPError as error:
                because = await _because(sftp, error, room)
                raise HostError(f"{name}: {path} could not be {verb}: {because}.") from error


async def _because(sftp: asyncssh.SFTPClient, error: asyncssh.SFTPError, room: str) -> str:
    """OpenSSH says "Failure" of nearly everything; a full disk can be seen."""
    said = " ".join(str(error.reason).split()).rstrip(".") or type(error).__name__
    if room and isinstance(error, asyncssh.SFTPFailure):
        with suppress(asyncssh.Error, _Stalled):
            system = await _in_time(sftp.statvfs(room))
            if system.bavail * system.frsize < PIECE:
                return f"No space left on device ({system.bavail * system.frsize} bytes)"
    return "the host refused and did not say why" if said == "Failure" else said


async def _pieces(file: asyncssh.SFTPClientFile) -> AsyncIterator[bytes]:
    """The content from its beginning to its end, wherever that is: some files do not say how long they are.

    asyncssh could ask for many blocks at a time by itself; when a line drops, each of its questions would print what
    became of it."""
    at, ahead = 0, 1
    while True:
        asked = (file.read(BLOCK, at + number * BLOCK) for number in range(ahead))
        for block in await _together(asked):
            assert isinstance(block, bytes)  # it was opened without an encoding
            if not block:
                return
            yield block
            at += len(block)
            if len(block) < BLOCK:
                ahead = 1
                break
        else:
            ahead = min(2 * ahead, AHEAD)


async def _write_piece(file: asyncssh.SFTPClientFile, data: bytes, offset: int) -> None:
    for start in range(0, len(data), AHEAD * BLOCK):
        part = data[start : start + AHEAD * BLOCK]
        await _together(file.write(part[at : at + BLOCK], offset + start + at) for at in range(0, len(part), BLOCK))


async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Wait for all; the first that failed speaks for the others."""
    answers = await _in_time(asyncio.gather(*work, return_exceptions=True))
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def _in_time(work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(STALL):
            return await work
    except TimeoutError as error:
        raise _Stalled from error

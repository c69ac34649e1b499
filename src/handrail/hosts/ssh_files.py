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
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import asyncssh

from handrail.errors import BadInput, FileMissing, HostError, HostUnreachable
from handrail.hosts.protocol import Command, Exited, Host

T = TypeVar("T")

PIECE = 4 * 1024 * 1024
"""Bytes that travel together."""
STALL = 60.0
"""Seconds that one piece may take. A silent line is noticed sooner, by its missing signs of life."""
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


_GONE = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, HostUnreachable)


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
        pieces: list[bytes] = []
        async with self._session(path, "read") as sftp, sftp.open(there, "rb") as file:
            while piece := await _piece(file):
                pieces.append(piece)
        return b"".join(pieces)

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
                async with self._session(path, "read") as sftp, sftp.open(there, "rb") as source:
                    while piece := await _piece(source):
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
        async with sftp.open(new, "xb", attributes) as file:
            while piece := await asyncio.to_thread(source.read, PIECE):
                await _in_time(file.write(piece))
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
        async with sftp.open(new, "rb") as file:
            while piece := await _piece(file):
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
            except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ConnectionLost) as error:
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


async def _piece(file: asyncssh.SFTPClientFile) -> bytes:
    data = await _in_time(file.read(PIECE))
    assert isinstance(data, bytes)  # it was opened without an encoding
    return data


async def _in_time(work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(STALL):
            return await work
    except TimeoutError as error:
        raise _Stalled from error

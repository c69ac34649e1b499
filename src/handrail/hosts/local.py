"""The machine that we run on.

Commands run in a session and process group of their own, so that a time-out ends their children too and a signal to us
does not reach them. As root, a host can act as another account (`connect.user` of the estate): programs and files are
then used with that account's rights, not with root's.
"""

from __future__ import annotations

import asyncio
import io
import os
import pwd
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from handrail.errors import FileMissing, HostError, HostUnreachable
from handrail.hosts.output import Kept
from handrail.hosts.protocol import Command, Exited, Outcome, TimedOut

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PIECE = 256 * 1024
"""Bytes that are moved at a time."""
KILL_AFTER = 5.0
"""Seconds between asking a command to end and ending it."""

# A new file is its owner's alone; one that is replaced keeps its mode. $1 is the path.
WRITE = """
set -eu
umask 077
new=$(mktemp "$1.XXXXXX")
trap 'rm -f "$new"' EXIT
cat > "$new"
if [ -e "$1" ]; then chmod --reference="$1" "$new"; fi
sync "$new"
mv -fT "$new" "$1"
trap - EXIT
sync "$(dirname "$1")"
"""


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class LocalHost:
    """This machine, as `user` (our own account when None). Raises HostUnreachable when we may not act as that user."""

    windows = False

    def __init__(self, name: str, user: str | None = None) -> None:
        self.name = name
        self._account = _account(name, user)
        self._switch = self._account.uid != os.geteuid()
        if self._switch and os.geteuid() != 0:
            raise HostUnreachable(
                f"{name}: this is {pwd.getpwuid(os.geteuid()).pw_name}, which may not act as {self._account.name}.",
                f"Run handrail as root or as {self._account.name}, or leave out connect.user.",
            )

    async def execute(self, command: Command) -> Outcome:
        """Never raises for what the command does; HostError when it cannot even be started."""
        return await self._execute(command)

    async def _execute(
        self, command: Command, source: IO[bytes] | None = None, sink: IO[bytes] | None = None
    ) -> Outcome:
        """The same with standard input from a file, or standard output into one."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                stdin=source or asyncio.subprocess.PIPE,
                stdout=sink or asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=command.cwd or "/",
                env=self._environment() | dict(command.env),
                start_new_session=True,
                **self._rights(),
            )
        except FileNotFoundError as error:
            if command.cwd and not Path(command.cwd).is_dir():
                raise FileMissing(f"{self.name}: the folder {command.cwd} is not there.") from error
            return Exited(127, b"", f"{command.argv[0]}: not found".encode())
        except PermissionError:
            return Exited(126, b"", f"{command.argv[0]}: permission denied for {self._account.name}".encode())
        except OSError as error:
            raise HostError(f"{self.name}: {command.argv[0]} could not be started: {error.strerror}.") from error
        out, err = Kept(command.most), Kept(command.most)
        try:
            async with asyncio.timeout(command.timeout):
                await asyncio.gather(
                    _feed(process.stdin, command.stdin), _drain(process.stdout, out), _drain(process.stderr, err)
                )
                await process.wait()
        except TimeoutError:
            await _end(process)
            return TimedOut(command.timeout)
        except asyncio.CancelledError:
            await _end(process)
            raise
        code = process.returncode
        # As a shell has it: ended by signal N is 128 + N.
        kept, cut = out.take()
        return Exited(128 - code if code is not None and code < 0 else code or 0, kept, err.take()[0], cut)

    async def read(self, path: str) -> bytes:
        if self._switch:
            return await self._as_user(path, "read", ("cat", "--", path))
        try:
            return await asyncio.to_thread(Path(path).read_bytes)
        except OSError as error:
            raise self._trouble(path, "read", error.strerror or str(error), missing=not Path(path).exists()) from error

    async def write(self, path: str, data: bytes) -> None:
        """On disk when this returns. A new file can be read by its owner alone; an old one keeps its mode."""
        if self._switch:
            await self._as_user(path, "written", ("sh", "-c", WRITE, "write", path), data)
            return
        try:
            await asyncio.to_thread(_write, Path(path), io.BytesIO(data))
        except OSError as error:
            raise self._trouble(path, "written", error.strerror or str(error), missing=False) from error

    async def put(self, source: Path, path: str) -> None:
        with source.open("rb") as file:
            if self._switch:
                await self._as_user(path, "written", ("sh", "-c", WRITE, "write", path), source=file)
                return
            try:
                await asyncio.to_thread(_write, Path(path), file)
            except OSError as error:
                raise self._trouble(path, "written", error.strerror or str(error), missing=False) from error

    async def get(self, path: str, target: Path) -> None:
        if self._switch:
            with tempfile.TemporaryFile() as part:
                await self._as_user(path, "read", ("cat", "--", path), sink=part)
                part.seek(0)
                await asyncio.to_thread(_write, target, part)
            return
        try:
            file = await asyncio.to_thread(Path(path).open, "rb")
        except OSError as error:
            raise self._trouble(path, "read", error.strerror or str(error), missing=not Path(path).exists()) from error
        with file:
            await asyncio.to_thread(_write, target, file)

    async def boot_id(self) -> str:
        try:
            return BOOT_ID.read_text().strip()
        except OSError as error:
            raise HostError(f"{self.name}: {BOOT_ID} cannot be read, so a reboot could not be noticed.") from error

    async def close(self) -> None:
        return None

    def _environment(self) -> dict[str, str]:
        # Not ours: what a step does must not depend on who started handrail, and from which shell.
        name, home = self._account.name, self._account.home
        return {"PATH": PATH, "HOME": home, "USER": name, "LOGNAME": name, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def _rights(self) -> dict[str, Any]:
        if not self._switch:
            return {}
        return {"user": self._account.uid, "group": self._account.gid, "extra_groups": self._account.groups}

    async def _as_user(
        self,
        path: str,
        verb: str,
        argv: tuple[str, ...],
        stdin: bytes = b"",
        source: IO[bytes] | None = None,
        sink: IO[bytes] | None = None,
    ) -> bytes:
        outcome = await self._execute(Command(argv, stdin=stdin, timeout=600, most=sys.maxsize), source, sink)
        if isinstance(outcome, Exited) and outcome.code == 0:
            return outcome.out
        because = outcome.error_text.strip() if isinstance(outcome, Exited) else "no answer within ten minutes"
        # Root may look where the account may not: that is "forbidden", not "missing".
        raise self._trouble(path, verb, because, missing=verb == "read" and not Path(path).exists())

    def _trouble(self, path: str, verb: str, because: str, *, missing: bool) -> HostError:
        if missing:
            return FileMissing(f"{self.name}: {path} is not there.")
        return HostError(f"{self.name}: {path} could not be {verb} as {self._account.name}: {because}.")


def _account(host: str, user: str | None) -> _Account:
    try:
        entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    except KeyError:
        raise HostUnreachable(f"{host}: there is no account {user!r} on this machine.") from None
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the whole process group: politely, then surely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(KILL_AFTER):
                await process.wait()
                return


async def _feed(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    """Give a command its input; one that does not want all of it is left in peace."""
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
    stream.close()


async def _drain(stream: asyncio.StreamReader | None, kept: Kept) -> None:
    while stream is not None and (data := await stream.read(PIECE)):
        kept.add(data)


def _write(path: Path, data: IO[bytes]) -> None:
    """Under another name first, then renamed over: readers see the old content or the new."""
    handle, name = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(data, file, PIECE)
            with suppress(FileNotFoundError):
                os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""A host reached over SSH: one kept line, opened when it is first needed and opened anew when it was lost.

On Linux commands run in kept shells (`ssh_shell.py`), several side by side; a Windows gets a channel for each
(`ssh_windows.py`). An exit code that never came is `Lost`. What ran when its line was lost is ended before anything
else is asked, so that what is seen afterwards does not change any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import asyncssh

from handrail.errors import HostError, HostUnreachable
from handrail.hosts import ssh_windows
from handrail.hosts.local import BOOT_ID
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut
from handrail.hosts.ssh_connecting import Line, Patience, open_line
from handrail.hosts.ssh_files import Files
from handrail.hosts.ssh_shell import END, LineLost, Shell, open_shell
from handrail.hosts.ssh_way import Stop
from handrail.hosts.windows_files import BootId
from handrail.hosts.windows_jobs import JobAccount

T = TypeVar("T")

SESSIONS = 8
"""Commands at a time. An sshd allows ten sessions on a line if nobody told it otherwise; files need one of them, and
ending a command that hangs another one."""

END_WITHIN = 20.0
"""Seconds that ending a command may take."""


class SshHost:
    """The host at the end of `way`. Nothing is opened before the first question. `sessions`: commands at a time."""

    def __init__(
        self,
        name: str,
        way: tuple[Stop, ...],
        resolve: Callable[[str], str],
        *,
        windows: bool = False,
        sessions: int | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self.windows = windows
        self._way = way
        self._resolve = resolve
        self._sessions = sessions or SESSIONS
        self._patience = patience or Patience()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._files = Files(self, self._lend)
        self._boot = BootId()
        self._orphans: list[tuple[Shell, float]] = []
        self._fresh()

    def _fresh(self) -> None:
        self._line: Line | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(self._sessions)
        self._transfers = asyncio.Lock()
        self._idle: list[Shell] = []
        self._busy = 0
        self._sftp: asyncssh.SFTPClient | None = None

    def job_account(self) -> JobAccount | None:
        """Whom detached commands of a Windows run as, when the estate says that it is not the system."""
        end = self._way[-1]
        if not self.windows or end.connect.jobs != "user":
            return None
        assert end.connect.password
        return JobAccount(end.user, self._resolve(end.connect.password))

    # -- commands -----------------------------------------------------------------------------------------------

    async def execute(self, command: Command) -> Outcome:
        """Raises HostUnreachable when nothing was begun, FileMissing when the command's folder is not there."""
        self._same_loop()
        async with self._slots:
            if self.windows:
                return await self._execute_windows(command)
            self._busy += 1
            try:
                shell = await self._shell()
                try:
                    return await self._run(shell, command)
                finally:
                    self._give_back(shell)
            finally:
                self._busy -= 1

    async def _run(self, shell: Shell, command: Command) -> Outcome:
        try:
            async with asyncio.timeout(command.timeout):
                return await shell.run(self.name, command)
        except TimeoutError:
            if await self._end(shell):
                return TimedOut(command.timeout)
            return Lost(f"it did not end within {command.timeout:g} seconds, and could not be told to")
        except asyncio.CancelledError:
            await self._end(shell)
            raise
        except LineLost as lost:
            self._orphans.append((shell, self._patience.grace))
            return Lost(f"{lost}")

    async def _execute_windows(self, command: Command) -> Outcome:
        if command.cwd:
            await self._files.must_be_there(command.cwd)
        self._busy += 1
        try:
            running = await self._opened(lambda line: ssh_windows.begin(line.connection, command))
            return await running.ended(command)
        except LineLost as lost:
            return Lost(f"{lost}")
        finally:
            self._busy -= 1

    async def _end(self, shell: Shell) -> bool:
        """End what runs in the shell, its children too, and the shell. False when the host could not be asked."""
        shell.usable = False
        try:
            async with asyncio.timeout(END_WITHIN):
                return await self._end_by(await self._spare(), shell, 0)
        except BaseException as error:
            self._orphans.append((shell, 0))
            if isinstance(error, TimeoutError | HostError | asyncssh.Error | OSError | LineLost):
                return False
            raise

    async def _end_by(self, other: Shell, shell: Shell, grace: float) -> bool:
        waits = (str(int(grace * 5)), str(int(self._patience.kill_after * 5)))
        argv = ("sh", "-c", END, "end", str(shell.number), shell.began, *waits)
        try:
            return (await other.run(self.name, Command(argv))).code == 0
        finally:
            self._give_back(other)

    def _give_back(self, shell: Shell) -> None:
        if shell.usable:
            self._idle.append(shell)
        else:
            shell.close()

    async def _spare(self) -> Shell:
        """A shell beside those that are counted."""
        line = await self._open()
        while self._idle:
            if (shell := self._idle.pop()).usable:
                return shell
        try:
            return await open_shell(line.connection, self.name)
        except asyncssh.ChannelOpenError:
            # No session is left on this line: another one, for this alone.
            extra = await open_line(self._way, self._resolve, self._patience)
            try:
                shell = await open_shell(extra.connection, self.name)
            except BaseException:
                await extra.close()
                raise
            shell.once = True
            shell.closed.add_done_callback(lambda _: extra.abandon())
            return shell

    async def _shell(self) -> Shell:
        """A shell that does nothing."""

        async def idle_or_new(line: Line) -> Shell:
            while self._idle:
                if (shell := self._idle.pop()).usable:
                    return shell
            return await open_shell(line.connection, self.name)

        return await self._opened(idle_or_new)

    async def _opened(self, how: Callable[[Line], Awaitable[T]]) -> T:
        """What `how` opens on the line. Waits when the host gives us fewer sessions than we were told; raises
        HostUnreachable when it gives none."""
        pause, waited, lost = 0.05, 0.0, 0
        while True:
            line = await self._open()
            try:
                async with asyncio.timeout(self._patience.connect):
                    return await how(line)
            except TimeoutError as error:
                raise HostUnreachable(
                    f"{self.name}: no session within {self._patience.connect:g} seconds.",
                    "Look at the host, and at the start files of the account: something waits.",
                ) from error
            except (asyncssh.ChannelOpenError, asyncssh.ConnectionLost, OSError) as error:
                if line.lost.is_set():
                    lost += 1
                elif await self._make_room():
                    continue
                if lost > 2 or (not self._busy_elsewhere() and waited >= self._patience.connect):
                    because = " ".join(str(error).split()).rstrip(".")
                    raise HostUnreachable(
                        f"{self.name}: the host opens no session for a command: {because}.",
                        "Look at MaxSessions of its sshd, and at connect.sessions.",
                    ) from error
            await asyncio.sleep(pause)
            waited += pause
            pause = min(2 * pause, 0.25)

    def _busy_elsewhere(self) -> bool:
        """Somebody holds a session that he will give back."""
        return self._busy > 1

    async def _make_room(self) -> bool:
        """Give the session back that files were brought over, if nobody brings any."""
        if self._sftp is None or self._transfers.locked():
            return False
        await self._close_sftp()
        return True

    # -- the line -----------------------------------------------------------------------------------------------

    def _same_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._fresh()

    async def _open(self) -> Line:
        """The line, opened if there is none. Raises HostUnreachable."""
        if self._line is not None and not self._line.lost.is_set():
            return self._line
        async with self._opening:
            if self._line is not None and not self._line.lost.is_set():
                return self._line
            self._line, self._sftp = None, None
            self._idle.clear()
            line = await open_line(self._way, self._resolve, self._patience)
            try:
                await self._settle(line)
            except BaseException:
                await line.close()
                raise
            self._line = line
        return line

    async def _settle(self, line: Line) -> None:
        """End what still runs of lines that were lost, before anybody looks at what it did."""
        while self._orphans and not self.windows:
            orphan, grace = self._orphans[0]
            if orphan.number:
                try:
                    async with asyncio.timeout(grace + END_WITHIN):
                        shell = await open_shell(line.connection, self.name)
                        await self._end_by(shell, orphan, grace)
                except (TimeoutError, LineLost, asyncssh.Error, OSError) as error:
                    raise HostUnreachable(
                        f"{self.name}: what ran there when its line was lost could not be ended.",
                        "Look at the host, then go on.",
                    ) from error
            del self._orphans[0]

    async def close(self) -> None:
        line, self._line, self._sftp = self._line, None, None
        self._idle.clear()
        if line is not None and self._loop is asyncio.get_running_loop():
            await line.close()

    # -- files --------------------------------------------------------------------------------------------------

    async def read(self, path: str) -> bytes:
        return await self._files.read(path)

    async def write(self, path: str, data: bytes) -> None:
        """On disk when this returns. A new file can be read by its owner alone; an old one keeps its mode."""
        await self._files.write(path, data)

    async def put(self, source: Path, path: str) -> None:
        await self._files.put(source, path)

    async def get(self, path: str, target: Path) -> None:
        await self._files.get(path, target)

    async def boot_id(self) -> str:
        if self.windows:
            return await self._boot.ask(self)
        outcome = await self.execute(Command(("cat", str(BOOT_ID)), timeout=30.0))
        if not isinstance(outcome, Exited):
            raise HostUnreachable(f"{self.name} did not answer when asked for its boot.")
        if outcome.code != 0:
            raise HostError(f"{self.name}: {BOOT_ID} cannot be read, so a reboot could not be noticed.")
        return outcome.text.strip()

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """The session for files, one transfer at a time."""
        self._same_loop()
        async with self._transfers:
            line = await self._open()
            if self._sftp is None:
                self._sftp = await self._open_sftp(line)
                await self._files.tidy(self._sftp)
            try:
                yield self._sftp
            except BaseException as error:
                # What was called off in the middle is still under way: nothing new goes over that session.
                if not isinstance(error, HostError) or isinstance(error, HostUnreachable):
                    await self._close_sftp()
                raise

    async def _open_sftp(self, line: Line) -> asyncssh.SFTPClient:
        for left in (5, 4, 3, 2, 1, 0):
            try:
                async with asyncio.timeout(self._patience.connect):
                    return await line.connection.start_sftp_client(path_errors="surrogateescape")
            except asyncssh.ChannelOpenError as error:
                if self._idle:
                    self._idle.pop().close()
                elif not left:
                    raise HostUnreachable(
                        f"{self.name}: the host opens no session for files: {error.reason}.",
                        "Look at MaxSessions and at the Subsystem sftp of its sshd.",
                    ) from error
                await asyncio.sleep(0.1)
            except (asyncssh.Error, OSError, TimeoutError) as error:
                if line.lost.is_set():
                    raise HostUnreachable(f"{self.name}: the line was lost.") from error
                raise HostError(
                    f"{self.name}: its sshd offers no SFTP, over which files travel.",
                    "Add a Subsystem sftp to its configuration.",
                ) from error
        raise AssertionError("unreachable")

    async def _close_sftp(self) -> None:
        sftp, self._sftp = self._sftp, None
        if sftp is not None:
            sftp.exit()
            with suppress(Exception):
                async with asyncio.timeout(1.0):
                    await sftp.wait_closed()

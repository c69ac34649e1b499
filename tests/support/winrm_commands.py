"""What the pretend Windows Remote Management runs: processes of this machine, or functions of a test.

The line is read as cmd.exe and the C runtime would (`windows_shell`), so our quoting is proved on the way.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.support import windows_shell

from handrail.hosts.protocol import Exited

MOST_BUFFERED = 4 << 20
_NOTHING = re.compile(r" < nul$", re.IGNORECASE)
_BUILT_IN = re.compile("(if|mkdir|del|copy|move|dir|rmdir|type|ver|vol|cd|exit|echo)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as the operating system gets it. `shell` is the remote shell that it runs in, `line` the command as it
    was sent, for a cmd.exe that reads it by itself."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    shell: str = ""
    line: str = ""


Function = Callable[[Asked], Awaitable[Exited]]


def argv_of(line: str) -> tuple[str, ...]:
    """What the line means. A line with signs of cmd.exe in it stays a line: `cmd /c LINE`."""
    line = _NOTHING.sub("", line)
    found = windows_shell.read(windows_shell.after_c(line))
    if found.signs or not found.commands[0]:
        return ("cmd", "/c", line)
    raw = found.commands[0]
    name = windows_shell.first_word(raw)
    if name.lower() == "if":
        return ("cmd", "/c", *windows_shell.argv(raw))
    if _BUILT_IN.fullmatch(name):
        return ("cmd", "/c", *windows_shell.words(raw))
    return tuple(windows_shell.argv(raw))


class Running:
    """A command that was begun. `output` waits to be fetched; `code` comes with its end."""

    def __init__(self) -> None:
        self.output: list[tuple[str, bytes]] = []
        self.code: int | None = None
        self.news = asyncio.Event()

    async def feed(self, data: bytes, end: bool) -> None:
        raise NotImplementedError

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.kill()

    def kill(self) -> None:
        raise NotImplementedError

    async def fetch(self, budget: int, patience: float) -> tuple[list[tuple[str, bytes]], bool] | None:
        """Output, and whether that was all; None when nothing came within `patience` seconds."""
        if not self.output and self.code is None:
            self.news.clear()
            try:
                async with asyncio.timeout(patience):
                    await self.news.wait()
            except TimeoutError:
                return None
        pieces = []
        while self.output and budget > 0:
            name, data = self.output.pop(0)
            if len(data) > budget:
                self.output.insert(0, (name, data[budget:]))
                data = data[:budget]
            pieces.append((name, data))
            budget -= len(data)
        return pieces, not self.output and self.code is not None


class Process(Running):
    """A process of this machine, in a session of its own. `deaf`: it does not hear Ctrl-C."""

    def __init__(self, asked: Asked, deaf: bool = False) -> None:
        super().__init__()
        self._asked = asked
        self._deaf = deaf
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, with_input: bool) -> None:
        pipe = asyncio.subprocess.PIPE
        asked = self._asked
        argv = ("sh", "-c", asked.argv[2]) if asked.argv[:2] == ("cmd", "/c") else asked.argv
        try:
            self._process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=asked.cwd,
                env={**os.environ, **asked.env},
                start_new_session=True,
                stdin=pipe if with_input else asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
            )
        except FileNotFoundError:
            self.output.append(("stderr", f"'{argv[0]}' is not recognized\r\n".encode()))
            self.code = 1
            return
        self._pumping = asyncio.create_task(self._pump(self._process))

    async def _pump(self, process: asyncio.subprocess.Process) -> None:
        async def copy(name: str, stream: asyncio.StreamReader) -> None:
            while data := await stream.read(32768):
                self.output.append((name, data))
                self.news.set()
                while sum(len(one) for _, one in self.output) > MOST_BUFFERED:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)

        assert process.stdout and process.stderr
        await asyncio.gather(copy("stdout", process.stdout), copy("stderr", process.stderr))
        self.code = await process.wait()
        self.news.set()

    async def feed(self, data: bytes, end: bool) -> None:
        assert self._process is not None and self._process.stdin is not None
        if data and self._process.returncode is None:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        if end:
            self._process.stdin.close()

    def interrupt(self) -> None:
        if not self._deaf:
            self.kill()

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)


class Answer(Running):
    """A function of a test, called when all input is there."""

    def __init__(self, function: Function, asked: Asked) -> None:
        super().__init__()
        self._function = function
        self._asked = asked
        self._input = b""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        asked = self._asked
        one = Asked(asked.argv, self._input, asked.env, asked.cwd, asked.shell, asked.line)
        try:
            done = await self._function(one)
        except Exception as error:
            done = Exited(255, b"", f"the test's function failed: {type(error).__name__}: {error}".encode())
        if done.out:
            self.output.append(("stdout", done.out))
        if done.err:
            self.output.append(("stderr", done.err))
        self.code = done.code
        self.news.set()

    async def feed(self, data: bytes, end: bool) -> None:
        self._input += data
        if end:
            self.start()

    def kill(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self.code = -1073741510
        self.news.set()

"""A Windows host that answers from a script: command -> outcome. It knows no Windows; tests say what Windows says.

Commands are written as one line, arguments apart by blanks; a reviewed PowerShell script as `script NAME ARG ...`.
An answer is an outcome, a text (exit code 0), an exit code, or a list of them: one after the other, the last for ever.
Jobs are scripted by the command line that they run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handrail.actions.protocol import Receipt, Secrets
from handrail.errors import BadInput, FileMissing, HostUnreachable
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Lost, Outcome
from handrail.hosts.windows_jobs import JOBS
from handrail.restoring.custody import Custody

Answer = Outcome | str | int
Answers = Mapping[str, Answer | list[Answer]]


class NotScripted(AssertionError):
    """The action said something that the test did not expect."""


def line(argv: tuple[str, ...]) -> str:
    known = powershell.recognise(argv)
    return " ".join(("script", known[0], *known[1])) if known else " ".join(argv)


def outcome(answer: Answer) -> Outcome:
    if isinstance(answer, str):
        return Exited(0, answer.replace("\n", "\r\n").encode())
    return Exited(answer) if isinstance(answer, int) else answer


@dataclass
class ScriptedHost:
    """`otherwise` answers what is not scripted (None: that is a mistake of the test). `commands` is what was asked."""

    answers: Answers = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: Answers = field(default_factory=dict)
    otherwise: Outcome | None = None
    boots: list[str] = field(default_factory=lambda: ["boot-1"])
    name: str = "sync01"
    windows: bool = True
    commands: list[str] = field(default_factory=list)
    stdin: list[bytes] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    @property
    def changing(self) -> list[str]:
        """The commands that are no mere questions."""
        questions = (
            r"sc query|reg query|script (file-version|hash-tree|msi-version|mounted-media)|cmd /c dir|subst$|schtasks"
        )
        return [one for one in self.commands if not re.match(questions, one)]

    async def execute(self, command: Command) -> Outcome:
        asked = line(command.argv)
        ours = None if asked in self.answers or isinstance(self.otherwise, Lost) else self._ours(command.argv)
        if ours is not None:
            return ours
        self.commands.append(asked)
        if command.stdin:
            self.stdin.append(command.stdin)
        if asked in self.answers:
            return self._next(asked, self.answers[asked])
        if self.jobs:
            job = self._job(command.argv)
            if job is not None:
                return job
        if self.otherwise is None:
            raise NotScripted(asked)
        return self.otherwise

    def _next(self, key: str, answer: Answer | list[Answer]) -> Outcome:
        if not isinstance(answer, list):
            return outcome(answer)
        at = self.asked.get(key, 0)
        self.asked[key] = at + 1
        return outcome(answer[min(at, len(answer) - 1)])

    def _ours(self, argv: tuple[str, ...]) -> Outcome | None:
        """Questions after a job's own files, and the rights on them: they are no commands of an action."""
        known = powershell.recognise(argv)
        if known is not None and known[0] == "own-folders":
            return Exited(0)
        if known is not None and known[0] == "read-part" and known[1][0].startswith(JOBS):
            data = self.files.get(known[1][0])
            if data is None:
                return Exited(powershell.ABSENT)
            part = data[int(known[1][1]) :][: int(known[1][2])]
            head = f"{len(data)}|1|{hashlib.sha256(part).hexdigest()}\n"
            return Exited(0, head.encode() + base64.encodebytes(part))
        if argv[:3] == ("cmd", "/c", "type") and argv[3].startswith(JOBS):
            return Exited(0, self.files[argv[3]]) if argv[3] in self.files else Exited(1)
        if argv[:4] == ("cmd", "/c", "dir", "/b") and argv[4].startswith(JOBS):
            return Exited(0 if argv[4] in self.files else 1)
        return None

    def _job(self, argv: tuple[str, ...]) -> Outcome | None:
        """A scheduler that runs what job.cmd says as soon as it is told to."""
        if argv[:3] == ("cmd", "/c", "mkdir") and argv[3].startswith(JOBS):
            return Exited(1 if any(one.startswith(argv[3]) for one in self.files) else 0)
        if argv[0] != "schtasks":
            return None
        folder = JOBS + "\\" + argv[argv.index("/tn") + 1].removeprefix("Handrail-")
        if argv[1] == "/query":
            return Exited(1, b"", b"ERROR: The system cannot find the file specified.")
        if argv[1] == "/run":
            text = self.files[folder + "\\job.cmd"].decode()
            found = re.search(r'^(?:cd /d .* && )?(.*) > "[^"]*\\out\.txt" 2>&1', text, re.MULTILINE)
            assert found
            ended = self._next(found[1], self.jobs[found[1]])
            self.commands.append("job: " + found[1])
            self.files[folder + "\\running"] = b""
            self.files[folder + "\\out.txt"] = ended.out if isinstance(ended, Exited) else b""
            if isinstance(ended, Exited):
                self.files[folder + "\\exit.txt"] = f"{ended.code}\r\n".encode()
        return Exited(0)

    async def read(self, path: str) -> bytes:
        if isinstance(self.otherwise, Lost) and path not in self.files:
            raise HostUnreachable(f"{self.name} does not answer.")
        if path not in self.files:
            raise FileMissing(f"{path} is not on {self.name}.")
        return self.files[path]

    async def write(self, path: str, data: bytes) -> None:
        if isinstance(self.otherwise, Lost):
            raise HostUnreachable(f"{self.name} does not answer.")
        self.files[path] = data

    async def put(self, source: Path, path: str) -> None:
        self.files[path] = source.read_bytes()

    async def get(self, path: str, target: Path) -> None:
        target.write_bytes(await self.read(path))

    async def boot_id(self) -> str:
        if isinstance(self.otherwise, Lost):
            raise HostUnreachable(f"{self.name} does not answer.")
        return self.boots.pop(0) if len(self.boots) > 1 else self.boots[0]

    async def close(self) -> None:
        return None


class Known(Secrets):
    """Secrets of a test; what one of them sealed, all can open."""

    custody = Custody()

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    def resolve(self, reference: str) -> str:
        name = reference.removeprefix("env:")
        if name not in self.secrets:
            raise BadInput(f"{name} is not set.")
        return self.secrets[name]

    def seal(self, data: bytes) -> bytes:
        return self.custody.seal(data)

    def unseal(self, data: bytes) -> bytes:
        return self.custody.unseal(data)

    def holders(self) -> Mapping[str, str]:
        return self.custody.holders()


def receipt(
    step: str = "identity/sync@sync01/2016-sp3/patch",
    attempt: int = 1,
    before: Mapping[str, Any] | None = None,
    **secrets: str,
) -> Receipt:
    """`secrets` are what env:NAME stands for."""
    return Receipt("20261120-1", step, attempt, Known(**secrets), "2026-11-20T22:00:00Z", before or {})

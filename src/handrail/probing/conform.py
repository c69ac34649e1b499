"""Does the twin answer as the host does? The same harmless questions are put to both, and their answers compared.

The twin is a model: of a real machine it has a small part. So what only the host has is no difference, and what only
the twin has is one: there the twin claims what is not so. Where the twin says that it does not know a command, it is
honest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from handrail.errors import HandrailError, HostUnreachable, NotRehearsed
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Host, Lost
from handrail.probing.harmless import is_harmless, is_harmless_script
from handrail.probing.shapes import Shape, shape

SCHEMA = "handrail/conformance/v1"
PATIENCE = 120.0
"""Seconds that one question may take."""

MOST = 1000
"""Questions that are asked of one host."""

Verdict = Literal["same", "differs", "unknown", "not modelled"]


@dataclass(frozen=True, slots=True)
class Question:
    """A command line; of a reviewed script its name and its arguments."""

    words: tuple[str, ...]
    script: bool = False

    @property
    def harmless(self) -> bool:
        return is_harmless_script(self.words) if self.script else is_harmless(self.words)

    @property
    def command(self) -> Command:
        if self.script:
            return powershell.command(self.words[0], *self.words[1:], timeout=PATIENCE)
        return Command(self.words, timeout=PATIENCE)

    def __str__(self) -> str:
        shown = " ".join(f'"{one}"' if " " in one or not one else one for one in self.words)
        return f"script {shown}" if self.script else shown


@dataclass(frozen=True, slots=True)
class Compared:
    """`differences` say how the twin answers otherwise, or why it is not known."""

    question: Question
    verdict: Verdict
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conformance:
    """`bits`: how many of an exit code come through the line; an sshd that runs on no Windows hands on 8 of them."""

    host: str
    compared: tuple[Compared, ...]
    bits: int = 32

    @property
    def exit_code(self) -> int:
        """1 where the twin differs, and where a question was not answered: unknown is not fine."""
        return int(any(one.verdict in ("differs", "unknown") for one in self.compared))

    def count(self, verdict: Verdict) -> int:
        return sum(one.verdict == verdict for one in self.compared)


_NOWHERE = r"HKLM\SOFTWARE\Handrail\NoSuchKey"
GENERAL: tuple[Question, ...] = (
    Question(("reg", "query", r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion", "/v", "CurrentBuildNumber")),
    Question(("reg", "query", r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion", "/v", "InstallationType")),
    Question(("reg", "query", r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall", "/s", "/reg:64")),
    Question(("reg", "query", r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall", "/s", "/reg:32")),
    Question(("reg", "query", _NOWHERE)),
    Question(("reg", "query", _NOWHERE, "/v", "Nothing")),
    Question(("sc", "query", "HandrailNoSuchService")),
    Question(("sc", "qc", "HandrailNoSuchService")),
    Question(("wmic", "os", "get", "LastBootUpTime", "/value")),
    Question(("subst",)),
    Question(("schtasks", "/query", "/tn", "HandrailNoSuchTask", "/fo", "csv", "/v", "/nh")),
    Question(("cmd", "/c", "dir", "/b", r"C:\HandrailNoSuchFolder")),
    Question(("file-version", r"C:\HandrailNoSuchFile.exe"), script=True),
    Question(("hash-tree", r"C:\HandrailNoSuchFolder"), script=True),
    Question(("mounted-media",), script=True),
    Question(("readiness",), script=True),
    Question(("transport-facts",), script=True),
)
"""What every Windows can be asked, whatever is installed there: above all, how it says that something is not there."""


def questions_in(lines: Iterable[Mapping[str, Any]]) -> Iterator[Question]:
    """The harmless questions of a transcript, each once, in order."""
    seen: set[Question] = set()
    for line in lines:
        words, script = line.get("script") or line.get("argv"), "script" in line
        if line.get("ask") != "execute" or line.get("cut") or line.get("stdin") or not isinstance(words, list):
            continue
        question = Question(tuple(map(str, words)), script)
        if question not in seen and question.harmless:
            seen.add(question)
            yield question


async def conform(host: Host, twin: Host, questions: Sequence[Question]) -> Conformance:
    """Put every question to both. Raises HostUnreachable when the host falls silent."""
    bits = await _bits(host)
    found = [await _compare(host, twin, one, bits) for one in dict.fromkeys(questions[:MOST]) if one.harmless]
    return Conformance(host.name, tuple(found), bits)


async def _bits(host: Host) -> int:
    """How many bits of an exit code come through: `exit` changes nothing."""
    outcome = await host.execute(Command(("cmd", "/c", "exit", str(_LARGE)), timeout=PATIENCE))
    return 8 if isinstance(outcome, Exited) and outcome.code == _LARGE & 0xFF else 32


_LARGE = 1060


async def _compare(host: Host, twin: Host, question: Question, bits: int) -> Compared:
    try:
        pretended = await twin.execute(question.command)
    except NotRehearsed as honest:
        return Compared(question, "not modelled", (honest.message,))
    try:
        real = await host.execute(question.command)
    except HostUnreachable:
        raise
    except HandrailError as error:
        return Compared(question, "unknown", (str(error),))
    if not isinstance(real, Exited) or not isinstance(pretended, Exited):
        because = f"the line was lost ({real.because})" if isinstance(real, Lost) else "it did not answer in time"
        return Compared(question, "unknown", (because,))
    differences = tuple(differences_of(question, real, pretended, bits))
    return Compared(question, "differs" if differences else "same", differences)


def differences_of(question: Question, real: Exited, pretended: Exited, bits: int = 32) -> Iterator[str]:
    """How the twin's answer is otherwise, in words."""
    all_of_it = (1 << bits) - 1
    if real.code & all_of_it != pretended.code & all_of_it:
        yield f"exit code {real.code}, on the twin {pretended.code}"
        return
    here = shape(question.words, real, question.script)
    there = shape(question.words, pretended, question.script)
    yield from _of_shapes(here, there)


def _of_shapes(here: Shape, there: Shape) -> Iterator[str]:
    for name, value in there.items():
        if name not in here:
            yield f"{name}: only the twin has it ({value})"
        elif here[name] != value:
            yield f"{name}: {here[name] or 'nothing'}, on the twin {value or 'nothing'}"


def conformance_to_json(found: Conformance) -> dict[str, Any]:
    """The document `handrail/conformance/v1`."""
    return {
        "schema": SCHEMA,
        "host": found.host,
        "conforms": found.exit_code == 0,
        "exit_code_bits": found.bits,
        "questions": [
            {"asked": str(one.question), "verdict": one.verdict, "differences": list(one.differences)}
            for one in found.compared
        ],
    }

"""Transcripts: what a run asked of each host and what came back, one line of JSON for each question.

They are for people who want to know afterwards what exactly was said, and for `handrail conform`, which asks the
harmless ones again. The journal is what counts: a transcript that cannot be written, on a full disk say, stops no run.

Every text goes through the session's redactor before it is written. Of long outputs the beginning and the end are kept;
where those are cut a secret may be cut in two, so that more is searched than is kept. What a job on Windows printed
travels as Base64 and is kept as the text that it is. What was written into files is never kept, only how much it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from handrail.errors import FileMissing, StoreUnwritable
from handrail.hosts import powershell
from handrail.hosts.protocol import Command, Exited, Host, Lost, Outcome, TimedOut
from handrail.probing.shell import decoded
from handrail.running.clock import Clock, SystemClock, stamp
from handrail.running.home import make_folder
from handrail.running.redaction import Redact, keep
from handrail.running.so_far import SoFar

KEPT = 8 * 1024
"""Bytes that are kept of the beginning and of the end of an output."""

MARGIN = 16 * 1024
"""Bytes that are searched for secrets beyond what is kept: no secret is longer, in whatever form."""

SO_FAR = 4 * 1024
"""Characters that are kept of what a job has printed so far, each time."""

LONGEST_ARGUMENT = 2_000
MOST = 32 * 1024 * 1024
"""Bytes that the transcript of one host may have; then it says so and ends."""

Heard = Callable[[str, Mapping[str, Any]], None]
"""Hears every line, and of which host it is; also those that there is no room for."""


class Transcripts:
    """The transcripts of one run, a file for each host. Several processes may write to one."""

    def __init__(
        self,
        folder: Path,
        redact: Redact = keep,
        clock: Clock | None = None,
        most: int = MOST,
        heard: Heard = lambda *_: None,
    ) -> None:
        self._folder = folder
        self._heard = heard
        self._redact = redact
        self._clock = clock or SystemClock()
        self._most = most
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self.trouble = ""

    def of(self, hosts: Callable[[str], Host]) -> Callable[[str], Host]:
        """The hosts, each with somebody who writes down what is asked of it."""
        return lambda name: TranscribedHost(hosts(name), self)

    def path(self, host: str) -> Path:
        return path_of(self._folder, host)

    def now(self) -> str:
        return stamp(self._clock.now())

    def note(self, host: str, line: Mapping[str, Any]) -> None:
        """Append a line. Never raises for what a disk does."""
        self._heard(host, line)
        if host in self._ended:
            return
        try:
            data = json.dumps(line, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace") + b"\n"
            self._append(host, data)
        except (OSError, StoreUnwritable, ValueError) as error:
            because = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.trouble = self.trouble or f"The transcript of {host} ends early: {because}."
            self._ended.add(host)

    def _append(self, host: str, data: bytes) -> None:
        first = host not in self._begun
        if first:
            make_folder(self._folder)
            self._begun.add(host)
        handle = os.open(self.path(host), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            if size + len(data) > self._most:
                self._ended.add(host)
                data = b'{"full": true}\n'
            if first and size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data  # a process died half-way through its last line
            os.write(handle, data)
        finally:
            os.close(handle)

    def text(self, value: str, secrets: tuple[str, ...] = ()) -> str:
        for one in secrets:
            value = value.replace(one, "***") if one else value
        return str(self._redact(value))

    def output(self, data: bytes, secrets: tuple[str, ...], cut: int = 0) -> dict[str, Any]:
        """What is kept of an output: all of a short one, both ends of a long one. `cut`: bytes that stood before
        `data`; then what it begins with may be the rest of a secret, and only its end is kept."""
        kept: dict[str, Any] = {"size": len(data) + cut}
        if cut:
            return kept | {"tail": self._tail(data, secrets)}
        if len(data) <= 2 * (KEPT + MARGIN):
            whole = decoded(data)
            text = self.text(whole, secrets)
            kept |= {"text": text} if len(data) <= 2 * KEPT else {"head": text[:KEPT], "tail": text[-KEPT:]}
            hidden = text != whole
        else:
            kept["head"] = self.text(decoded(data[: KEPT + MARGIN]), secrets)[:-MARGIN]
            kept["tail"] = self._tail(data, secrets)
            hidden = False
        # Of something short that holds a secret, its digest would be enough to guess it.
        if data and not hidden:
            kept["sha256"] = hashlib.sha256(data).hexdigest()
        return kept

    def _tail(self, data: bytes, secrets: tuple[str, ...]) -> str:
        """The end of what was cut off before: its first bytes are searched and not kept."""
        window = _from_a_character(data[-(KEPT + MARGIN) :])
        whole, kept = decoded(window), decoded(_from_a_character(window[MARGIN:]))
        return self.text(whole, secrets)[len(whole) - len(kept) :]


def _end_of(kept: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is asked again and again is kept in short."""
    text = kept.get("tail", kept.get("text", ""))
    return kept if "text" in kept and len(text) <= SO_FAR else {"size": kept["size"], "tail": text[-SO_FAR:]}


def _from_a_character(data: bytes) -> bytes:
    """Half a character at the beginning would make all of it look as if it were no UTF-8."""
    at = next((at for at in range(min(4, len(data))) if not 0x80 <= data[at] < 0xC0), 0)
    return data if b"\0" in data else data[at:]


class TranscribedHost:
    """A host, and what is asked of it written down after each answer."""

    def __init__(self, host: Host, transcripts: Transcripts) -> None:
        self.name = host.name
        self.windows = host.windows
        self.behind = host
        self._to = transcripts
        self._so_far = SoFar()

    async def execute(self, command: Command) -> Outcome:
        known = powershell.recognise(command.argv) if self.windows else None
        words = (known[0], *known[1]) if known else command.argv
        line = self._asked(command, words, "script" if known else "argv")
        began = time.monotonic()
        try:
            outcome = await self.behind.execute(command)
        except BaseException as error:
            self._note(began, line, {"outcome": "raised", "because": self._to.text(f"{type(error).__name__}: {error}")})
            raise
        self._note(began, line, self._answered(words, outcome, command.secrets))
        return outcome

    async def read(self, path: str) -> bytes:
        began = time.monotonic()
        try:
            data = await self.behind.read(path)
        except FileMissing:
            self._note(began, self._line("read", path), {"outcome": "missing"})
            raise
        self._note(began, self._line("read", path), {"outcome": "read", "size": len(data)})
        return data

    async def write(self, path: str, data: bytes) -> None:
        began = time.monotonic()
        await self.behind.write(path, data)
        self._note(began, self._line("write", path), {"outcome": "written", "size": len(data)})

    async def put(self, source: Path, path: str) -> None:
        began = time.monotonic()
        await self.behind.put(source, path)
        self._note(began, self._line("put", path), {"outcome": "sent"})

    async def get(self, path: str, target: Path) -> None:
        began = time.monotonic()
        await self.behind.get(path, target)
        self._note(began, self._line("get", path), {"outcome": "fetched"})

    async def boot_id(self) -> str:
        began = time.monotonic()
        found = await self.behind.boot_id()
        self._note(began, {"at": self._to.now(), "ask": "boot-id"}, {"outcome": found})
        return found

    async def close(self) -> None:
        await self.behind.close()

    def _asked(self, command: Command, words: Sequence[str], kind: str) -> dict[str, Any]:
        shown = [self._to.text(one, command.secrets) for one in words]
        cut = [one if len(one) <= LONGEST_ARGUMENT else one[:LONGEST_ARGUMENT] + "…" for one in shown]
        line: dict[str, Any] = {"at": self._to.now(), "ask": "execute", kind: cut}
        if cut != shown:
            line["cut"] = True
        if command.cwd:
            line["cwd"] = self._to.text(command.cwd, command.secrets)
        if command.stdin:
            line["stdin"] = len(command.stdin)
        if command.env:
            line["env"] = sorted(command.env)
        return line

    def _answered(self, words: tuple[str, ...], outcome: Outcome, secrets: tuple[str, ...]) -> dict[str, Any]:
        match outcome:
            case Exited():
                kept, at_work = self._so_far.of(words, outcome)
                said: dict[str, Any] = {"outcome": "exited", "code": kept.code}
                out = self._to.output(kept.out, secrets, kept.cut)
                said["out"] = _end_of(out) if at_work else out
                said |= {"err": self._to.output(kept.err, secrets)} if kept.err else {}
                return said | ({"at_work": True} if at_work else {})
            case TimedOut(after):
                return {"outcome": "timed-out", "after": after}
            case Lost(because):
                return {"outcome": "lost", "because": self._to.text(because, secrets)}

    def _line(self, ask: str, path: str) -> dict[str, Any]:
        return {"at": self._to.now(), "ask": ask, "path": self._to.text(path)}

    def _note(self, began: float, line: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        self._to.note(self.name, {**line, "took": round(time.monotonic() - began, 4), **answer})


def read_transcript(path: Path) -> list[dict[str, Any]]:
    """Its lines, in order; what a crash left half-written is left out. OSError when it cannot be read."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(one, dict) and "ask" in one:
            found.append(one)
    return found


def path_of(folder: Path, host: str) -> Path:
    """Where the transcript of `host` lies in the folder of its run's transcripts: each host has a file of its own."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", host).lstrip(".")[:100] or "host"
    if safe != host:
        safe += "-" + hashlib.sha256(host.encode("utf-8", "replace")).hexdigest()[:8]
    return folder / f"{safe}.jsonl"

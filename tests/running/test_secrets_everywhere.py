"""Secrets of nasty shapes are said by every step in every way; then each byte that was written is searched for them.

What is searched: the home folder (store, write-ahead log, transcripts, details of faults), everything that commands
printed, what jobs left on the hosts, and the command lines and environments of all processes while it went on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.encodings import NASTY, forms
from tests.support.leaking import ROOT, leaking_plan

from handrail.documents.plan import write_plan
from handrail.model.estate import Connect

IN_FILES = ("QUOTES", "PERCENT", "UNICODE", "BASE64", "SHORT", "PLAIN")
YOUNG = 30
"""Looks at a process from which on it is left in peace."""
TELLING = 6
"""Bytes of a form from which on it is no coincidence to find it among millions of others."""


@dataclass
class Watcher:
    """Reads the command line and the environment of every process, again and again."""

    lines: set[bytes] = field(default_factory=set)
    environments: set[bytes] = field(default_factory=set)
    looks: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        seen: Counter[str] = Counter()
        while not self._stop.is_set():
            self.looks += 1
            for process in Path("/proc").glob("[0-9]*"):
                seen[process.name] += 1
                # It may become another program in its first moments, and hardly later.
                if seen[process.name] < YOUNG and int(process.name) != os.getpid():
                    self._look(process)
            time.sleep(0.01)

    def _look(self, process: Path) -> None:
        try:
            line = (process / "cmdline").read_bytes()
            if line and line not in self.lines:
                self.lines.add(line)
                self.environments.add((process / "environ").read_bytes())
        except OSError:
            return

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self.watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


@dataclass
class Ground:
    """Where secrets lie, and what is written while they are used."""

    folder: Path
    watcher: Watcher = field(default_factory=Watcher)
    told: list[bytes] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    crash: str = ""

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def plan(self) -> Path:
        return self.folder / "leaky.plan"

    @property
    def marks(self) -> Path:
        return self.folder / "marks"

    def prepare(self, connect: Connect, names: Collection[str] = tuple(NASTY)) -> None:
        for one in ("home", "marks", "secrets"):
            (self.folder / one).mkdir(mode=0o700)
        for name in (*IN_FILES, "BACKSLASH"):
            file = self.folder / "secrets" / name
            file.write_text(NASTY[name])
            file.chmod(0o600)
        helper = ["cat", str(self.folder / "secrets" / "{{name}}")]
        config = self.home / "config.yaml"
        config.write_text(json.dumps({"secrets": {"kept": {"run": helper}}}))
        config.chmod(0o600)
        references = {name: f"file:{self.folder}/secrets/{name}" for name in IN_FILES}
        references |= {"LINES": "env:LINES", "BACKSLASH": "exec:kept/BACKSLASH"}
        ways = {f"says-{name.lower()}": ("says", references[name]) for name in names}
        for how, name in (("fails", "QUOTES"), ("refuses", "UNICODE"), ("falls", "PERCENT"), ("shows", "PLAIN")):
            ways[how] = (how, references[name])
        ways |= {"jobs": ("jobs", references["UNICODE"]), "lasts": ("lasts", references["QUOTES"])}
        self.crash = references["PLAIN"]
        write_plan(leaking_plan(ways, self.marks, connect), self.plan)

    def handrail(self, *arguments: object, wait: bool = True, **environment: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.leaking", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "HANDRAIL_HOME": str(self.home), "LINES": NASTY["LINES"], **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if wait:
            self.hear(process)
        return process

    def hear(self, process: subprocess.Popen[bytes]) -> bytes:
        out, err = process.communicate(timeout=120)
        self.told += [out, err]
        return out + err

    def written(self) -> Iterator[tuple[str, bytes]]:
        """Everything, by where it is."""
        for number, one in enumerate(self.told):
            yield f"output {number}", one
        spool = Path(f"/var/tmp/handrail-jobs-{os.geteuid()}")
        jobs = [path for path in spool.glob("leaky-*") if path.stat().st_mtime >= self.began - 1]
        for place in (self.home, self.marks, self.plan, *jobs):
            for path in [place] if place.is_file() else place.rglob("*"):
                yield str(path), str(path).encode()
                if path.is_file():
                    yield str(path), path.read_bytes()
        for line in self.watcher.lines:
            yield "command line", line

    def found(self) -> set[tuple[str, str, str]]:
        """Place, secret and form of all that stands somewhere."""
        everything = list(self.written())
        found = set()
        for name, secret in NASTY.items():
            shapes = {shape: form for shape, form in forms(secret) if len(form) >= TELLING or form == secret.encode()}
            for place, data in everything:
                found |= {(place, name, shape) for shape, form in shapes.items() if form in data}
        for name in IN_FILES:  # that of Handrail itself holds what its user put there
            if any(NASTY[name].encode() in one for one in self.watcher.environments):
                found.add(("environment", name, "UTF-8"))
        return found


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.01)


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def connected(stack: ExitStack, via: str, folder: Path) -> Connect:
    if via == "local":
        return Connect()
    from tests.support.sshd import sshd

    return stack.enter_context(sshd(folder / "sshd")).connect()


@pytest.mark.slow
@pytest.mark.parametrize("via", ["local", pytest.param("ssh", marks=pytest.mark.real)])
def test_no_secret_is_written_anywhere(ground: Ground, via: str) -> None:
    with ExitStack() as stack:
        names = ("QUOTES", "UNICODE", "LINES") if via == "ssh" else tuple(NASTY)
        ground.prepare(connected(stack, via, ground.folder), names)
        stack.enter_context(ground.watcher.watching())
        first = ground.handrail("secrets", ground.plan, "then", "run", ground.plan, wait=False)
        wait_for(ground.marks / "lasts.begun", first)
        first.kill()
        ground.hear(first)
        run, back = run_of(ground), ground.home / "back.plan"
        resumed = ground.handrail("resume", run, "--format", "json")
        looks = f"status then status --format json then journal {run} then verify {run} then rollback {run} -o {back}"
        looks += f" then report {run} -o {ground.home}/report then report --check {ground.home}/report"
        ground.handrail(*looks.split(), "then", "approve", ground.plan, CRASH=ground.crash)

    # It was really done, and really said: otherwise there would be nothing to find.
    assert resumed.returncode == 1
    done = {path.name for path in ground.marks.iterdir()}
    assert {"shows", "jobs", "lasts", *(f"says-{name.lower()}" for name in names)} <= done
    assert list(ground.home.glob("logs/fault-*"))
    assert sum(one.count(b"***") for _, one in ground.written()) > 100
    assert b"***" in (ground.home / "report" / "evidence.html").read_bytes()
    assert ground.watcher.looks > 20
    assert ground.found() == set()


@pytest.mark.slow
def test_without_redaction_it_would_be_found(ground: Ground) -> None:
    """Otherwise the test above could not fail."""
    with ground.watcher.watching():
        ground.prepare(Connect())
        ground.handrail(*("run", ground.plan, "then", "approve", ground.plan), UNREDACTED="1", CRASH=ground.crash)

    found = ground.found()
    places = {place for place, _, _ in found}
    assert {name for _, name, _ in found} == set(NASTY)
    assert {"output 0", "command line"} <= places
    assert any("store.db" in place for place in places) and any("logs/fault-" in place for place in places)
    assert any("transcripts" in place for place in places)
    assert {"UTF-8", "JSON", "base64 of utf-16-le behind 1", "URL of a form", "hex"} <= {shape for _, _, shape in found}


def run_of(ground: Ground) -> str:
    from handrail.running.journal import open_journal

    journal = open_journal(str(ground.home / "store.db"))
    try:
        return journal.runs()[-1].run
    finally:
        journal.close()

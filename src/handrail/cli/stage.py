"""The stage of the demo: a home of its own, the commands as a user types them, and what they print."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handrail.cli.output import Output
from handrail.errors import HandrailError
from handrail.reporting.text import harmless, paint

HANDRAIL = (sys.executable, "-m", "handrail.cli.main")
WAITING = 4
WIDTH = 100
ENDED = re.compile(r"\d\d:\d\d:\d\d +\S+ +(done|skipped) ")


class DemoFailed(HandrailError):
    """Something did not come out as the story says; the demo ends with this sentence and exit code 1."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo keeps what it makes: `out` for files to look at, `home` for Handrail's store."""

    output: Output
    out: Path
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def chapter(self, title: str) -> None:
        self.output.lines(("", paint(title, "strong", self.output.colour), "-" * min(len(title), WIDTH)))

    def tell(self, text: str = "") -> None:
        self.output.lines(text.splitlines() or [""])
        self.output.flush()

    def handrail(self, *arguments: str, expect: int = 0, lines: int | None = None) -> str:
        """Run a command, show its first `lines` lines (all when None); its output. DemoFailed when it ends otherwise
        than with `expect`."""
        done = self._run(arguments)
        printed = done.stdout.rstrip().splitlines()
        surprise = done.returncode != expect
        shown = printed if surprise else printed[:lines]
        self._print(*shown)
        if len(shown) < len(printed):
            self._print(f"… {len(printed) - len(shown)} more lines")
        if surprise:
            raise DemoFailed(f"`handrail {arguments[0]}` ended with {done.returncode}; the story expects {expect}.")
        return done.stdout

    def try_(self, *arguments: str) -> int:
        """Run a command with its last lines shown; its exit code."""
        done = self._run(arguments)
        self._print(*done.stdout.rstrip().splitlines()[-6:])
        return done.returncode

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a reading command, without showing it; an empty one when there is none."""
        done = subprocess.run(
            [*HANDRAIL, *arguments, "--format", "json"], env=self._environment(), capture_output=True, encoding="utf-8"
        )
        return json.loads(done.stdout) if done.stdout else {}

    def newest_run(self) -> str | None:
        found = self.ask("status").get("run")
        return None if found is None else str(found)

    def killed_half_way(self, *arguments: str, steps: int) -> str:
        """Start a run and kill it, as an accident would, when half of `steps` have ended; the id of the run."""
        self._type(arguments)
        with subprocess.Popen(
            [*HANDRAIL, *arguments],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as running:
            assert running.stdout is not None
            ended, printed = 0, []
            for line in running.stdout:
                printed.append(line)
                ended += bool(ENDED.match(line))
                if ended >= steps // 2:
                    break
            running.kill()
        if ended < steps // 2:
            self._print(*(line.rstrip() for line in printed[-20:]))
            raise DemoFailed("The run ended before it could be killed half-way.")
        found = self.ask("status")
        if not found:
            raise DemoFailed("The run did not begin.")
        ended = sum(step["state"] in ("done", "skipped") for step in found["steps"])
        how = "with SIGKILL " if hasattr(signal, "SIGKILL") else ""
        self._print(f"… killed {how}when {ended} of {steps} steps had ended")
        return str(found["run"])

    def report(self, run: str, name: str) -> None:
        """Write the evidence of a run into the folder `name`, and have it checked."""
        folder = str(self.out / name)
        self.handrail("report", run, "-o", folder)
        self.handrail("report", "--check", folder)

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        self._type(arguments)
        return subprocess.run(
            [*HANDRAIL, *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def _type(self, arguments: tuple[str, ...]) -> None:
        shown = [argument.replace(str(self.out) + os.sep, self.out.name + os.sep) for argument in arguments]
        self.output.line()
        self._print(f"$ handrail {shlex.join(shown)}")
        self.output.flush()

    def _print(self, *lines: str) -> None:
        self.output.lines(f"  {harmless(line)}".rstrip() for line in lines)
        self.output.flush()

    def _environment(self) -> dict[str, str]:
        plain = {"NO_COLOR": "1", "COLUMNS": str(WIDTH), "PYTHONIOENCODING": "utf-8"}
        return {**os.environ, **self.environment, "HANDRAIL_HOME": str(self.home), **plain}

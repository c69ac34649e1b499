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
from typing import Any, ClassVar

HANDRAIL = Path(sys.executable).with_name("handrail")
WIDTH = 100
ENDED = re.compile(r"\d\d:\d\d:\d\d +\S+ +(done|skipped) ")


class DemoFailed(Exception):
    """Something did not come out as the story says; the demo ends with this sentence and exit code 1."""


def chapter(title: str) -> None:
    print(
        f"\n\033[1m{title}\033[0m\n{'─' * min(len(title), WIDTH)}"
        if sys.stdout.isatty()
        else f"\n{title}\n{'-' * len(title)}"
    )


def tell(text: str) -> None:
    print(text)


@dataclass(frozen=True)
class Stage:
    """Where the demo keeps what it makes: `out` for files to look at, `home` for Handrail's store."""

    out: Path
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    WAITING: ClassVar[int] = 4

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "HANDRAIL_HOME": str(self.home), "NO_COLOR": "1", "COLUMNS": "100"}

    def _show(self, arguments: tuple[str, ...]) -> list[str]:
        shown = [argument.replace(str(self.out) + os.sep, self.out.name + os.sep) for argument in arguments]
        print(f"\n  $ handrail {shlex.join(shown)}", flush=True)
        return [str(HANDRAIL), *arguments]

    def handrail(self, *arguments: str, expect: int = 0, lines: int | None = None) -> str:
        """Runs a command, shows its first `lines` lines (all when None) and returns its output."""
        done = subprocess.run(
            self._show(arguments), env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        printed = done.stdout.rstrip().splitlines()
        for line in printed[:lines]:
            print("  " + line)
        if lines is not None and len(printed) > lines:
            print(f"  … {len(printed) - lines} more lines")
        if done.returncode != expect:
            if lines is not None:
                print("\n".join(printed[lines:]))
            raise DemoFailed(f"`handrail {arguments[0]}` ended with {done.returncode}; the story expects {expect}.")
        return done.stdout

    def try_(self, *arguments: str) -> int:
        """Runs a command with its last lines shown; its exit code."""
        done = subprocess.run(
            self._show(arguments), env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for line in done.stdout.rstrip().splitlines()[-6:]:
            print("  " + line)
        return done.returncode

    def ask(self, *arguments: str) -> Any:
        """The JSON answer of a reading command, without showing it; an empty one when there is none."""
        done = subprocess.run(
            [str(HANDRAIL), *arguments, "--format", "json"], env=self._environment(), capture_output=True, text=True
        )
        return json.loads(done.stdout) if done.stdout else {}

    def newest_run(self) -> str | None:
        found = self.ask("status").get("run")
        return None if found is None else str(found)

    def killed_half_way(self, *arguments: str, steps: int) -> str:
        """Starts a run and kills it with SIGKILL when half of `steps` have ended; the id of the run."""
        running = subprocess.Popen(
            self._show(arguments), env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert running.stdout is not None
        ended = 0
        for line in running.stdout:
            ended += bool(ENDED.match(line))
            if ended >= steps // 2:
                break
        running.send_signal(signal.SIGKILL)
        if running.wait() != -signal.SIGKILL:
            raise DemoFailed("The run ended before it could be killed half-way.")
        run = self.newest_run()
        if run is None:
            raise DemoFailed("The run did not begin.")
        print(f"  … killed with SIGKILL when {self.ended(run)} of {steps} steps had ended")
        return run

    def ended(self, run: str) -> int:
        return sum(step["state"] in ("done", "skipped") for step in self.ask("status", run)["steps"])

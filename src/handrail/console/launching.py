"""Runs are carried out by processes of their own, or by workers: the console may die, and they go on.

Beside the store, in HOME/console/runs/, lie for every run that we had carried on: RUN.json, which process does it, and
RUN.log, what it says. A process is known by its number and by when it began, so that another one under the same number
is never taken for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from handrail.errors import BadInput, HandrailError, StoreLocked
from handrail.model.plan import Plan
from handrail.running import people
from handrail.running.home import make_folder
from handrail.running.session import Session
from handrail.running.store import is_shared

SHOWN = 40
"""Lines of what a process said that are shown."""
_TAIL = 16 * 1024
ENDING = 10.0
"""Seconds for which a process that was given an answer is watched: it may be about to end without having seen it."""

NO_WORKER = "No worker listens. Start one with: handrail worker --store URL"


class Launching:
    """Starts, resumes and stops runs. `store`: its URL, None for the home's own. `guides`: folders of an author."""

    def __init__(self, session: Session, store: str | None = None, guides: tuple[Path, ...] = ()) -> None:
        self._guides = guides
        self._session = session
        self._store = store
        self._folder = session.home.path / "console" / "runs"
        self._lock = threading.Lock()
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def by_workers(self) -> bool:
        return is_shared(self._store)

    def start(self, plan: Plan, who: str, target: str, ask: bool = False) -> tuple[str, str]:
        """Begin a run of `plan` on `target`, and have it carried out; its id, and in a sentence what happens now.
        `ask`: on the twin real people are asked, now and whenever it is resumed from here. Errors as `Session.start`;
        BadInput when workers are to ask."""
        if ask and target != "twin":
            raise BadInput("On real hosts people are always asked.", "Leave that out.")
        if ask and self.by_workers:
            raise BadInput("Workers play people on the twin.", "Run it on a store of this machine to be asked.")
        run = self._session.start(plan, who, target=target, workers=self.by_workers)
        return run, self._carry_on(run, who, ask)

    def resume(self, run: str, who: str) -> str:
        """Have a run go on; what happens now, in a sentence. BadInput when it is being taken back, or has ended;
        StoreLocked when a process is at it already."""
        self._session.refuse_departed(run)
        self._session.refuse_return(run)
        if self._session.schedule(run).state == "succeeded":
            raise BadInput(f"Run {run} has come to its end: there is nothing to go on with.")
        if self.is_at_it(run) and not self._session.is_for_workers(run):
            raise StoreLocked(f"Run {run} is being carried on already.")
        people.ordered(self._session.journal, run, "resumed", who)
        return self._carry_on(run, who)

    def take_up(self, run: str) -> str:
        """After an answer: have a run that was begun or resumed here go on, if nobody is at it; what happens now."""
        if self.is_at_it(run):
            if self.is_ours(run):
                # It may have looked for answers for the last time, and be about to end.
                threading.Thread(target=self._see_to, args=(run,), daemon=True).start()
            return "The run takes it up."
        if self._session.is_for_workers(run):
            return NO_WORKER
        mark = self._mark(run)
        if not mark:
            return "No process carries the run on now: resume it."
        self._launch(run, bool(mark.get("ask")))
        return "The run goes on."

    def stop(self, run: str, who: str) -> str:
        """Have our process end after the steps that it is at, as Ctrl-C does. BadInput when it is not ours."""
        with self._lock:
            number = self._number(run)
            if number is None:
                raise BadInput(
                    f"No process that was started here carries run {run} on.",
                    "Stop it where it was started, with Ctrl-C.",
                )
            people.ordered(self._session.journal, run, "stopped", who)
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGINT)
        return "It begins nothing more; what is at work ends first."

    def is_ours(self, run: str) -> bool:
        """Whether a process that was started here carries the run on now."""
        with self._lock:
            return self._number(run) is not None

    def is_at_it(self, run: str) -> bool:
        """Whether somebody carries the run on now, or is just about to."""
        return self._session.is_attended(run) or self.is_ours(run)

    def said(self, run: str) -> list[str]:
        """The last lines of what our processes said of the run."""
        try:
            with (self._folder / f"{run}.log").open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
                return stream.read().decode("utf-8", "replace").splitlines()[-SHOWN:]
        except OSError:
            return []

    # -- within -------------------------------------------------------------------------------------------------

    def _see_to(self, run: str) -> None:
        """Have a run go on whose process has ended with an answer that it did not see."""
        end = time.monotonic() + ENDING
        while self.is_at_it(run):
            if time.monotonic() > end:
                return
            time.sleep(0.2)
        with contextlib.suppress(HandrailError):
            if self._session.schedule(run).state == "running":
                self._launch(run, bool(self._mark(run).get("ask")))

    def _carry_on(self, run: str, who: str, ask: bool = False) -> str:
        if self._session.is_for_workers(run):
            self._session.hand_over(run, who, again=True)
            return "Workers carry it out." if self._session.listeners() else NO_WORKER
        self._launch(run, ask or bool(self._mark(run).get("ask")))
        return "A process of its own carries it out; it goes on without the console."

    def _launch(self, run: str, ask: bool) -> None:
        command = [sys.executable, "-m", "handrail.cli.main", "resume", run, *(["--ask"] if ask else [])]
        if self._store is not None:
            command += ["--store", self._store]
        for folder in self._guides:
            command += ["--guides", str(folder)]
        environment = {**os.environ, "HANDRAIL_HOME": str(self._session.home.path), "NO_COLOR": "1"}
        make_folder(self._folder)
        with self._lock, (self._folder / f"{run}.log").open("ab") as log:
            Path(log.name).chmod(0o600)
            child = subprocess.Popen(
                command,
                env=environment,
                cwd=self._session.home.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._children[child.pid] = child
            mark = {"pid": child.pid, "began": _began(child.pid), "ask": ask}
            (self._folder / f"{run}.json").write_text(json.dumps(mark), encoding="utf-8")

    def _number(self, run: str) -> int | None:
        """The process of ours that carries the run on, as long as it lives."""
        for child in list(self._children.values()):
            if child.poll() is not None:
                del self._children[child.pid]
        mark = self._mark(run)
        number, began = mark.get("pid"), mark.get("began")
        if not isinstance(number, int):
            return None
        if number in self._children:
            return number
        return number if began is not None and _began(number) == began else None

    def _mark(self, run: str) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / f"{run}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _began(number: int) -> str | None:
    """When a process began, as the system counts it; None when there is none, or this cannot be told."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]

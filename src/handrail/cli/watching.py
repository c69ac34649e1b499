"""`status --watch`: follows a run that other processes carry on, from its journal alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from handrail.cli.output import Output, speaks_unicode, unsteering
from handrail.cli.pace import Pace
from handrail.cli.progress import Plain, Teller, board
from handrail.cli.sessions import existing
from handrail.errors import StoreUnreachable, StoreUnwritable
from handrail.model.journal import Event, RunState
from handrail.model.plan import Plan
from handrail.reporting.text import harmless
from handrail.running.chain import Chains
from handrail.running.scheduler import Schedule
from handrail.running.session import Session

SCHEMA = "handrail/change/v1"

CODES: Mapping[RunState, int] = {
    "running": 0,
    "succeeded": 0,
    "rolled-back": 0,
    "failed": 1,
    "waiting": 4,
    "in-doubt": 5,
}
"""The exit code that the command which carries the run on would have ended with."""

POLL = 0.5
"""Seconds between looks at the journal."""

CALM = 2
"""Looks that found nothing new, after which a run that waits does so for a person: on a twin they answer at once."""

AWAY = 3.0
"""Seconds between looks whether any process carries the run on."""

NOBODY = "No process carries the run on now."


def watch(output: Output, run: str | None, store: str | None, format: str) -> int:
    """Follow a run until it has ended, or nothing more can be done without a person. The run does not mind."""
    from handrail.cli import running

    with existing(output, store, run) as session:
        run = session.find(run)
        watched = Watched(output, session, run)
        try:
            if format == "json":
                watched.as_json()
            elif output.live:
                watched.on_a_screen()
            else:
                watched.in_lines()
        except KeyboardInterrupt:
            output.complain(f"handrail: Watched no longer. Run {run} does not mind, and goes on as it did.")
            return 1
        code = CODES[session.status(run).state]
    if format != "json" and output.out is not None:
        output.line()
        running.status(output, run, store, format)
    return code


class Watched:
    """One run, read as it grows."""

    def __init__(self, output: Output, session: Session, run: str) -> None:
        self._output = output
        self._session = session
        self._run = run
        self._plan: Plan = session.plan(run)
        self._schedule = Schedule(self._plan)
        self._hosts = {step.id: step.host for step in self._plan.steps}
        self._pace = Pace(self._plan, time.time(), pretend=session.journal.row(run).target == "twin")
        self._chains = Chains(run)
        self._nobody = False
        self._looked = -AWAY
        self._gone = ""
        self._moved = ""

    def on_a_screen(self) -> None:
        self._title()
        self._catch_up()
        with board(self._output, self._pace, self._note) as teller:
            self._tell(teller)

    def in_lines(self) -> None:
        self._title()
        self._catch_up()
        self._tell(Plain(self._output, self._pace))

    def as_json(self) -> None:
        """A line for how it stands now, then one for every change."""
        self._catch_up()
        self._line(None)
        for event in self._events():
            self._pace.tell(event)
            if event.entry.kind != "taken":
                self._line(event)

    def _title(self) -> None:
        self._output.line(harmless(f"Run {self._run} of {self._plan.estate.name}. Ctrl-C ends the watching alone."))
        self._output.flush()

    def _catch_up(self) -> None:
        for event in self._new():
            self._pace.tell(event)
        self._look()

    def _tell(self, teller: Teller) -> None:
        for event in self._events():
            teller(event, self._schedule)

    def _events(self) -> Iterator[Event]:
        """Every further event, until there can be no more, or nobody reads what we write."""
        calm = 0
        while self._output.out is not None:
            found = self._new()
            yield from found
            if found:
                calm = 0
                continue
            if self._is_over() and (self._schedule.ended or self._moved or calm >= CALM):
                return
            calm += 1
            self._look()
            time.sleep(POLL)

    def _is_over(self) -> bool:
        return bool(self._moved) or self._schedule.ended or self._schedule.state != "running"

    def _new(self) -> list[Event]:
        try:
            found = self._session.journal.since(self._run, self._chains.position)
        except (StoreUnreachable, StoreUnwritable) as error:
            if not self._gone:
                self._output.complain(f"handrail: {harmless(str(error))}")
            self._gone = str(error)
            return []
        self._gone = ""
        for event in found:
            self._chains.take(event)
            self._schedule.apply(event)
            if event.entry.kind in ("moved", "arrived"):  # to another store, or back to this one
                self._moved = str(event.entry.data.get("to", ""))
        return found

    def _look(self) -> None:
        """Say once, on a log, when nobody carries the run on."""
        if time.monotonic() - self._looked < AWAY or self._gone or self._is_over():
            return
        self._looked = time.monotonic()
        was, self._nobody = self._nobody, not self._session.is_attended(self._run)
        if self._nobody and not was and not self._output.live:
            self._output.complain(f"handrail: {NOBODY} Go on with: handrail resume {self._run}")

    def _note(self) -> str:
        return self._gone or (NOBODY if self._nobody else "")

    def _line(self, event: Event | None) -> None:
        pace, state = self._pace, self._schedule.state
        left = None if state != "running" else pace.left(time.time())
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "run": self._run,
            "state": state,
            "steps": {name: number for name, number in pace.states.items() if number},
            "seconds_to_go": None if left is None else round(left),
        }
        if event is not None:
            document["change"] = {
                "at": event.at,
                "kind": event.entry.kind,
                "step": event.entry.step,
                "host": self._hosts.get(event.entry.step or ""),
                "attempt": event.entry.attempt,
            }
        shown = self._output.redact(document)
        self._output.line(unsteering(json.dumps(shown, ensure_ascii=not speaks_unicode(self._output.out))))
        self._output.flush()

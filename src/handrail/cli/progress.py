"""Progress: lines as things happen; on a terminal, below them, how far the run is and one line for each busy host.

Rich is loaded only for a terminal. Whatever goes wrong with showing must never stop a run.
"""

from __future__ import annotations

import contextlib
import textwrap
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TextIO

from handrail.cli.output import Output, fitting
from handrail.cli.pace import Busy, Pace, moment_of
from handrail.model.journal import Event, RunStatus
from handrail.model.plan import Plan
from handrail.reporting.story import Line, line_of
from handrail.reporting.text import harmless, paint
from handrail.reporting.words import count, duration

BUSY_SHOWN = 12
"""So many busy hosts have a line of their own, those that have been at it for longest; the others are counted."""

SOON = 30.0
"""Steps that end within so many seconds are told once, when they have ended."""

REDRAW = 0.25
"""Seconds between drawings."""

CROWD = 50
"""On more hosts than these, a host's steps are not told one by one: only its end, and whatever goes wrong or asks."""

TIGHT = 24
"""With less room than this beside host and word, what is said goes below them."""

Teller = Callable[[Event, object], None]
"""Takes an event as it is committed (and the schedule, which it does not need)."""


@contextlib.contextmanager
def telling(
    output: Output, plan: Plan, *, aside: bool = False, pretend: bool = False, before: RunStatus | None = None
) -> Iterator[Teller]:
    """A progress callback for a runner. `aside`: standard output belongs to JSON, the story goes to standard error.
    `pretend`: the run is on the twin, where time is not what the plan says. `before`: what had happened already."""
    pace = Pace(plan, time.time(), pretend=pretend)
    if before is not None:
        pace.resumes(before)
    if aside or not output.live:
        yield Plain(output, pace, aside=aside)
        return
    with board(output, pace) as teller:
        yield teller


class Plain:
    """One line after the other, also for logs."""

    def __init__(self, output: Output, pace: Pace, *, aside: bool = False) -> None:
        self._output = output
        self._pace = pace
        self._aside = aside
        self._steps = {step.id: step for step in pace.plan.steps}
        longest = max((len(step.host or "-") for step in pace.plan.steps), default=1)
        self._hosts = min(longest, 24, max(output.width // 4, 8))

    def __call__(self, event: Event, _: object = None) -> None:
        self._pace.tell(event)
        line = self.line(event)
        step = self._steps.get(event.entry.step or "")
        soon = step is not None and step.takes < SOON and event.entry.attempt <= 1
        if line is not None and not (line.busy and soon):
            self.tell(line)

    def line(self, event: Event) -> Line | None:
        """What is told of an event that the pace has been told already."""
        step = self._steps.get(event.entry.step or "")
        line = line_of(event, step)
        if step is None or step.host is None or self._pace.hosts <= CROWD:
            return line
        if event.entry.kind in ("done", "skipped") and self._pace.is_through(step.host):
            at = f"{datetime.fromtimestamp(moment_of(event.at)):%H:%M:%S}"
            return Line(at, step.host, "through", "good", "All of its steps have ended.", False)
        return line if event.entry.kind not in ("begun", "done", "skipped") else None

    def tell(self, line: Line) -> None:
        for text in self.texts(line):
            if self._aside:
                self._output.complain(text)
            else:
                self._output.line(text)
        if not self._aside:
            self._output.flush()

    def texts(self, line: Line) -> list[str]:
        """The line as it is shown: beside host and word, or below them where the screen is narrow."""
        head = f"{line.at}  {harmless(line.host).ljust(self._hosts)}  "
        room = self._output.width - len(head) - 10
        below = room < TIGHT
        indent = "  " if below else " " * (len(head) + 10)
        said = harmless(self._output.redact(line.text))  # before it is taken apart into lines
        room = self._output.width - len(indent)
        told = textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False) or [""]
        word = paint(line.word.ljust(8), line.tone, self._output.colour and not self._aside)
        if below:
            return [f"{head}{word}".rstrip(), *(indent + text for text in told)]
        return [f"{head}{word}  {told[0]}", *(indent + text for text in told[1:])]


@contextlib.contextmanager
def board(output: Output, pace: Pace, note: Callable[[], str] = str) -> Iterator[Teller]:
    """Lines as things happen; below them, drawn over, how far the run is and who is busy. `note`: one more sentence."""
    from rich.console import Console, ConsoleDimensions
    from rich.live import Live
    from rich.text import Text

    class Screen(Console):
        @property
        def size(self) -> ConsoleDimensions:
            return ConsoleDimensions(*output.size())

        @size.setter
        def size(self, _: Any) -> None: ...

    screen: Any = Forgiving(output.out)
    console = Screen(file=screen, no_color=not output.colour, highlight=False, emoji=False, markup=False)
    plain = Plain(output, pace)
    drawing = Drawing(pace, note)
    encoding = getattr(output.out, "encoding", None)
    told: deque[str] = deque()
    over = threading.Event()

    def drawn() -> Any:
        width, height = output.size()
        rows = [fitting(harmless(row), encoding) for row in drawing.rows(time.time(), width - 1, height)]
        return Text("\n".join(rows), style="dim", overflow="crop", no_wrap=True)

    def tell(event: Event, _: object = None) -> None:
        pace.tell(event)
        line = plain.line(event)
        if line is not None and not line.busy:
            told.extend(plain.texts(line))

    def show() -> None:
        lines = [fitting(told.popleft(), encoding) for _ in range(len(told))]
        if lines:
            live.console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)
        live.refresh()

    def draw() -> None:
        """Beside the run, so that it never waits for a terminal."""
        while not over.wait(REDRAW):
            with contextlib.suppress(Exception):  # what cannot be shown now is shown a moment later
                show()

    with Live(get_renderable=drawn, console=console, auto_refresh=False, transient=True) as live:
        drawer = threading.Thread(target=draw, name="progress", daemon=True)
        drawer.start()
        try:
            yield tell
        finally:
            over.set()
            drawer.join()
            with contextlib.suppress(Exception):
                show()


class Drawing:
    """The rows below the story, for a screen of any size."""

    def __init__(self, pace: Pace, note: Callable[[], str] = str) -> None:
        self._pace = pace
        self._note = note
        self._left: float | None = None
        self._asked_at = 0.0
        self._next = 0.0

    def rows(self, now: float, width: int, height: int) -> list[str]:
        busy = list(self._pace.busy.values())
        most = max(min(BUSY_SHOWN, height - 5), 1)
        shown = busy if len(busy) <= most else sorted(busy, key=lambda one: one.since)[:most]
        rows = [_busy(one, now, width) for one in shown]
        if len(busy) > len(shown):
            rows.append(f"   and {count(len(busy) - len(shown), 'more host')}"[:width])
        note = self._note()
        if note:
            rows.extend(textwrap.wrap(note, max(width - 3, 10), initial_indent="   ", subsequent_indent="   "))
        rows.append("   " + self._pace.sentence(now, self._to_go(now), width - 3))
        return rows

    def _to_go(self, now: float) -> float | None:
        """What is left, computed again so seldom that computing it costs little, and counted down meanwhile."""
        if now >= self._next:
            began = time.perf_counter()
            self._left = self._pace.left(now)
            self._asked_at = now
            self._next = now + max(2.0, 50 * (time.perf_counter() - began))
        return None if self._left is None else max(self._left - (now - self._asked_at), 0.0)


def _busy(one: Busy, now: float, width: int) -> str:
    """`   sync01  Back up the database  12 s of about 5 min`: the title gives way first."""
    gone = duration(max(now - one.since, 0.0))
    usual = f" of about {duration(one.takes)}" if one.takes else ""
    host = one.host if len(one.host) <= width // 3 else one.host[: max(width // 3, 4)]
    for end in (gone + usual, gone):
        room = width - len(host) - len(end) - 7
        if room >= min(len(one.title), 12):
            title = one.title if len(one.title) <= room else one.title[: max(room - 1, 1)] + "…"
            return f"   {host}  {title}  {end}"
    return f"   {host}  {gone}"[:width]


class Forgiving:
    """A stream for Rich that may be gone: what it does not take is lost, and nobody is told."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.flush()

"""Progress: lines as things happen; on a terminal, below them, one line for each busy host.

Rich is loaded only for a terminal. Whatever goes wrong with showing must never stop a run.
"""

from __future__ import annotations

import contextlib
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from handrail.cli.output import Output, fitting
from handrail.model.journal import Event
from handrail.model.plan import Plan, Step
from handrail.reporting.story import Line, line_of
from handrail.reporting.text import harmless, paint

# So many busy hosts have a line of their own; the others are counted.
BUSY_SHOWN = 12

# Steps that end within so many seconds are told once, when they have ended.
SOON = 30.0

# What ends is taken off the busy hosts at once, but not more often than after so many seconds.
REDRAW = 0.05


Teller = Callable[[Event, object], None]
"""Takes an event as it is committed (and the schedule, which it does not need)."""


@contextlib.contextmanager
def telling(output: Output, plan: Plan, *, aside: bool = False) -> Iterator[Teller]:
    """A progress callback for a runner. `aside`: standard output belongs to JSON, the story goes to standard error."""
    steps = {step.id: step for step in plan.steps}
    if aside or not output.live:
        yield Plain(output, steps, aside=aside)
        return
    with _live(output, steps) as teller:
        yield teller


class Plain:
    """One line after the other, also for logs."""

    def __init__(self, output: Output, steps: Mapping[str, Step], *, aside: bool = False) -> None:
        self._output = output
        self._steps = steps
        self._aside = aside
        self._hosts = min(max((len(step.host or "-") for step in steps.values()), default=1), 24)

    def __call__(self, event: Event, _: object = None) -> None:
        step = self._steps.get(event.entry.step or "")
        line = line_of(event, step)
        soon = step is not None and step.takes < SOON and event.entry.attempt <= 1
        if line is not None and not (line.busy and soon):
            self.tell(line)

    def tell(self, line: Line) -> None:
        for text in self.texts(line):
            if self._aside:
                self._output.complain(text)
            else:
                self._output.line(text)
        if not self._aside:
            self._output.flush()

    def texts(self, line: Line) -> list[str]:
        head = f"{line.at}  {harmless(line.host).ljust(self._hosts)}  "
        word = line.word.ljust(8)
        room = max(self._output.width - len(head) - 10, 30)
        said = harmless(self._output.redact(line.text))  # before it is taken apart into lines
        first, *more = textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False) or [""]
        colour = self._output.colour and not self._aside
        indent = " " * (len(head) + 10)
        return [f"{head}{paint(word, line.tone, colour)}  {first}", *(indent + text for text in more)]


@contextlib.contextmanager
def _live(output: Output, steps: Mapping[str, Step]) -> Iterator[Teller]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=output.out, no_color=not output.colour, highlight=False, emoji=False, markup=False)
    plain = Plain(output, steps)
    busy: dict[str, tuple[str, float]] = {}
    drawn_at = [0.0]

    def drawn() -> Any:
        encoding = getattr(output.out, "encoding", None)
        rows = []
        for host, (title, since) in list(busy.items())[:BUSY_SHOWN]:
            seconds = round(time.monotonic() - since)
            rows.append(fitting(harmless(f"   {host}  {title}  {seconds} s"), encoding))
        if len(busy) > BUSY_SHOWN:
            rows.append(f"   and {len(busy) - BUSY_SHOWN} more hosts")
        return Text("\n".join(rows), style="dim", overflow="ellipsis", no_wrap=True)

    with Live(get_renderable=drawn, console=console, refresh_per_second=4, transient=True) as live:

        def tell(event: Event, _: object = None) -> None:
            line = line_of(event, steps.get(event.entry.step or ""))
            if line is None:
                return
            if line.busy:
                busy[line.host] = (line.text, time.monotonic())
                return
            if busy.pop(line.host, None) is not None and time.monotonic() - drawn_at[0] > REDRAW:
                drawn_at[0] = time.monotonic()
                live.refresh()
            encoding = getattr(output.out, "encoding", None)
            with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
                for text in plain.texts(line):
                    live.console.print(Text.from_ansi(fitting(text, encoding)), soft_wrap=True)

        yield tell

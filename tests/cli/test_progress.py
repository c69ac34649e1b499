"""Progress on terminals of any size, and in logs: how far, how long, who is busy; never in the way of a run."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pyte
import pytest
from tests.support.plans import MANUAL, sample_plan

from handrail.cli.output import Output
from handrail.cli.pace import Busy, Pace
from handrail.cli.progress import BUSY_SHOWN, CROWD, Drawing, telling
from handrail.model.journal import Entry, Event, EventKind, RunStatus, StepStatus
from handrail.model.plan import Plan, Step

NOW = 1_800_000_000.0
TITLES = ("Stop the service", "Back up the database, which is large, to another disk", "Patch → größer", "Start it")


def plan_of(hosts: int, takes: float = 60.0) -> Plan:
    """Four steps on each host, one after the other."""
    steps: list[Step] = []
    for number in range(hosts):
        host = f"host{number:05}"
        before: tuple[str, ...] = ()
        for place, title in enumerate(TITLES):
            made = Step(f"x@{host}/{place}", title, f"x@{host}", host, "service.stop", 1, "do", MANUAL, takes=takes)
            steps.append(replace(made, after=before))
            before = (made.id,)
    return replace(sample_plan(), steps=tuple(steps), back=(), fleet=None, downtime={})


class Told:
    """Makes the events of a run, at moments as the test says."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._position = 0

    def __call__(self, kind: EventKind, step: Step, at: float) -> None:
        self._position += 1
        stamp = datetime.fromtimestamp(at, UTC).isoformat()
        entry = Entry(kind, step.id, 1, {"because": "It did not stop."} if kind == "failed" else {})
        self._tell(Event("r", step.host or "-", 1, 1, stamp, entry, "", "", self._position))

    def through(self, steps: list[Step], begun: float, each: float) -> None:
        for number, step in enumerate(steps):
            self("begun", step, begun + number * each)
            self("done", step, begun + (number + 1) * each)


class Terminal:
    """A pseudo-terminal, and what is to be seen on it."""

    def __init__(self, columns: int, rows: int = 24, encoding: str = "utf-8") -> None:
        self._ours, theirs = pty.openpty()
        self._theirs = theirs
        self.resize(columns, rows)
        self.stream = os.fdopen(theirs, "w", encoding=encoding, errors="backslashreplace")
        self._screen = pyte.Screen(columns, rows)
        self._feed = pyte.ByteStream(self._screen)
        self.raw = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                found = os.read(self._ours, 65536)
            except OSError:
                return
            self.raw += found
            self._feed.feed(found)

    def until(self, text: str) -> list[str]:
        """The lines on the screen, as soon as `text` is among them."""
        deadline = time.monotonic() + 20
        while text not in "\n".join(self._screen.display):
            assert time.monotonic() < deadline, f"{text!r} was never shown:\n" + "\n".join(self._screen.display)
            time.sleep(0.02)
        return [line.rstrip() for line in self._screen.display]

    def close(self) -> None:
        with_this = self.stream
        with_this.close()
        self._reader.join(5)
        os.close(self._ours)


@contextmanager
def terminal(columns: int, rows: int = 24, encoding: str = "utf-8") -> Iterator[tuple[Terminal, Output]]:
    one = Terminal(columns, rows, encoding)
    try:
        yield one, Output(one.stream, None, width=max(min(columns, 100), 40))
    finally:
        one.close()


@pytest.fixture(autouse=True)
def _a_terminal_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)


# -- on a screen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 60, 100])
@pytest.mark.parametrize("hosts", [1, 20, 10_000])
def test_busy_hosts_and_how_far_it_is_fit_any_screen(hosts: int, columns: int) -> None:
    """One line for each busy host, counted beyond twelve; below them how far; nothing wider than the screen."""
    plan = plan_of(hosts)
    now = time.time()
    with terminal(columns) as (shown, output), telling(output, plan) as tell:
        told = Told(lambda event: tell(event, None))
        firsts = list(plan.steps[::4])[:30]
        for step in firsts:
            told("begun", step, now - 60)
        told("done", plan.steps[0], now)
        told("begun", plan.steps[1], now - 90)
        lines = shown.until(f"1 of {4 * hosts:,} step")
        assert any("host00000  Back up" in line for line in lines)
    assert all(len(line) < columns for line in lines)
    busy = [line for line in lines if line.startswith("   host")]
    assert len(busy) == min(len(firsts), BUSY_SHOWN)
    assert any(line.startswith("   and") for line in lines) is (len(firsts) > BUSY_SHOWN)


def test_a_screen_of_few_rows_is_not_overrun() -> None:
    rows = Drawing(_busy_pace(30)).rows(NOW, 79, 10)
    assert len(rows) <= 8 and rows[-2] == "   and 25 more hosts"


def test_the_terminal_may_become_narrower_while_it_is_drawn_on() -> None:
    plan = plan_of(3)
    with terminal(100) as (shown, output), telling(output, plan) as tell:
        told = Told(lambda event: tell(event, None))
        told("begun", plan.steps[1], time.time())
        shown.until("which is large, to another disk")
        shown.resize(50, 24)
        lines = shown.until("…  ")
    assert not any(len(line) >= 50 for line in lines if "…" in line)


def test_when_it_ends_only_the_story_stays() -> None:
    plan = plan_of(1)
    with terminal(100) as (shown, output):
        with telling(output, plan) as tell:
            Told(lambda event: tell(event, None)).through(list(plan.steps), time.time() - 4, 1.0)
        output.line("The end.")
        lines = [line for line in shown.until("The end.") if line]
    assert len(lines) == 5 and all(" done " in line for line in lines[:4])


def test_a_terminal_of_few_characters_is_told_what_it_can_show() -> None:
    plan = plan_of(1)
    with terminal(80, encoding="ascii") as (shown, output), telling(output, plan) as tell:
        Told(lambda event: tell(event, None))("begun", plan.steps[2], time.time())
        shown.until("Patch -> gr")
    assert shown.raw.isascii()


@pytest.mark.parametrize("colour", [False, True])
def test_colour_is_only_used_where_it_is_wanted(colour: bool) -> None:
    plan = plan_of(1)
    with terminal(80) as (shown, output):
        output.colour = colour
        with telling(output, plan) as tell:
            Told(lambda event: tell(event, None)).through(list(plan.steps)[:1], time.time() - 1, 1.0)
        output.line("The end.")
        shown.until("The end.")
    assert (b"\x1b[32m" in shown.raw) is colour


def test_a_dumb_terminal_is_written_to_like_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    plan = plan_of(1)
    with terminal(80) as (shown, output):
        with telling(output, plan) as tell:
            Told(lambda event: tell(event, None)).through(list(plan.steps), time.time() - 4, 1.0)
        output.line("The end.")
        shown.until("The end.")
    assert b"\x1b" not in shown.raw


def test_a_terminal_that_goes_away_does_not_stop_a_run() -> None:
    plan = plan_of(2)
    shown = Terminal(80)
    output = Output(shown.stream, None)
    with telling(output, plan) as tell:
        told = Told(lambda event: tell(event, None))
        told("begun", plan.steps[0], time.time())
        os.close(shown._ours)
        told.through(list(plan.steps)[1:], time.time(), 1.0)
        time.sleep(0.6)  # so that it is drawn at least once after that


def test_a_run_never_waits_for_a_slow_terminal() -> None:
    """Nobody reads what is written to it; the events go on."""
    plan = plan_of(40)
    ours, theirs = pty.openpty()
    stream = os.fdopen(theirs, "w")
    began = time.monotonic()
    with telling(Output(stream, None), plan) as tell:
        told = Told(lambda event: tell(event, None))
        for _ in range(20):
            told.through(list(plan.steps), time.time(), 1.0)
        took = time.monotonic() - began
        os.close(ours)  # what hangs in writing is let go
    assert took < 5
    with contextlib.suppress(OSError):
        stream.close()


# -- in logs ------------------------------------------------------------------------------------------------------


def in_a_log(plan: Plan, width: int = 80) -> list[str]:
    stream = io.StringIO()
    with telling(Output(stream, None, width=width), plan) as tell:
        Told(lambda event: tell(event, None)).through(list(plan.steps), NOW, 60.0)
    return stream.getvalue().splitlines()


def test_a_log_has_a_line_for_each_step_that_ended_and_for_long_ones_that_began() -> None:
    lines = in_a_log(plan_of(2))
    assert sum(" begun " in line for line in lines) == 8 and sum(" done " in line for line in lines) == 8
    quick = in_a_log(plan_of(2, takes=5.0))
    assert sum(" begun " in line for line in quick) == 0 and sum(" done " in line for line in quick) == 8


def test_of_many_hosts_only_their_end_and_what_went_wrong_is_told() -> None:
    plan = plan_of(CROWD + 1)
    stream = io.StringIO()
    with telling(Output(stream, None), plan) as tell:
        told = Told(lambda event: tell(event, None))
        told.through(list(plan.steps)[:-1], NOW, 60.0)
        told("begun", plan.steps[-1], NOW)
        told("failed", plan.steps[-1], NOW)
    lines = stream.getvalue().splitlines()
    assert len(lines) == CROWD + 1
    assert all("All of its steps have ended." in line for line in lines[:-1])
    assert "failed" in lines[-1] and "It did not stop." in lines[-1]


@pytest.mark.parametrize("width", [40, 50, 60])
def test_narrow_lines_stand_below_their_host(width: int) -> None:
    lines = in_a_log(plan_of(3), width)
    assert max(map(len, lines)) <= width


# -- how far, how long --------------------------------------------------------------------------------------------


def _busy_pace(hosts: int) -> Pace:
    pace = Pace(plan_of(hosts), NOW)
    for step in pace.plan.steps[::4]:
        pace.busy[step.host or ""] = Busy(step.host or "", step.title, NOW - 10, step.takes)
    return pace


def test_what_is_left_is_what_the_plan_says_until_steps_show_otherwise() -> None:
    pace = Pace(plan_of(1, takes=600.0), NOW)
    assert pace.left(NOW) == pytest.approx(2400)
    told = Told(pace.tell)
    told.through(list(pace.plan.steps)[:2], NOW, 1200.0)  # each took twice as long
    left = pace.left(NOW + 2400)
    assert left is not None and 2000 < left <= 2400
    assert pace.sentence(NOW + 2400, left, 80) == "2 of 4 steps, 40 min so far, about 40 min to go"


def test_a_step_at_work_counts_down() -> None:
    pace = Pace(plan_of(1, takes=600.0), NOW)
    Told(pace.tell)("begun", pace.plan.steps[0], NOW)
    assert pace.left(NOW + 300) == pytest.approx(2100)


def test_hosts_that_go_side_by_side_take_no_longer_than_one() -> None:
    assert Pace(plan_of(50, takes=600.0), NOW).left(NOW) == pytest.approx(2400)


def test_hosts_that_were_done_one_after_the_other_say_how_long_the_others_take() -> None:
    pace = Pace(plan_of(10, takes=60.0), NOW)
    told = Told(pace.tell)
    for number in range(5):
        told.through(list(pace.plan.steps)[4 * number : 4 * number + 4], NOW + 240 * number, 60.0)
    assert pace.left(NOW + 1200) == pytest.approx(1200)
    assert pace.through == 5


def test_on_a_twin_nothing_is_expected_before_some_steps_have_passed() -> None:
    pace = Pace(plan_of(1, takes=600.0), NOW, pretend=True)
    assert pace.left(NOW) is None
    Told(pace.tell).through(list(pace.plan.steps)[:3], NOW, 0.1)
    left = pace.left(NOW + 0.3)
    assert left is not None and left < 1


def test_a_resumed_run_counts_what_was_done_but_not_the_time_it_stood() -> None:
    plan = plan_of(2, takes=600.0)
    pace = Pace(plan, NOW)
    pace.resumes(RunStatus("r", "", "running", tuple(StepStatus(step.id, "done") for step in plan.steps[:4])))
    assert (pace.ended, pace.through) == (4, 1)
    assert pace.left(NOW) == pytest.approx(2400)
    assert pace.sentence(NOW + 60, None, 80) == "4 of 8 steps, 60 s so far, 1 of 2 hosts through"


def test_a_failed_step_that_is_tried_again_is_counted_once() -> None:
    pace = Pace(plan_of(1), NOW)
    told = Told(pace.tell)
    kinds: tuple[EventKind, ...] = ("begun", "failed", "begun", "done")
    for kind in kinds:
        told(kind, pace.plan.steps[0], NOW)
    assert dict(+pace.states) == {"pending": 3, "done": 1} and not pace.busy

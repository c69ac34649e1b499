"""One command after another in one remote shell; everything here blocks and belongs to one thread at a time.

What may be said about a command depends on how far we came. Until Windows was asked to begin it, nothing was begun
(HostUnreachable). From then on a dropped line means that nobody knows (`Lost`), unless Windows itself refused. So the
shell is always opened, or looked at, before a command is sent, and a command is never sent twice.
"""

from __future__ import annotations

import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

from pypsrp.shell import CommandState, SignalCode, WinRS
from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet

from handrail.errors import FileMissing, HandrailError
from handrail.hosts import clixml, winrm_faults
from handrail.hosts.output import Kept
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut
from handrail.hosts.winrm_session import NoNewConnection, Session

STALE = 20.0
"""Seconds after which a line that was not used is looked at before a command is trusted to it."""
_INPUT = 64 * 1024
"""Bytes of input in one message: fits the smallest envelope, with all that stands around it."""
_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `connect`: until there is a connection; `answer`: until an operation is answered; `poll`: how long a
    silent command is left alone before we ask again; `grace`: how much later than asked for an answer may come;
    `busy`: how long we wait for a place when a quota is used up; `ending`: that a command has to end when told to."""

    connect: float = 10.0
    answer: float = 20.0
    poll: float = 4.0
    grace: float = 8.0
    busy: float = 45.0
    ending: float = 3.0


@dataclass(frozen=True, slots=True)
class Place:
    """What a shell is opened with: the variables and the folder of the commands that run in it."""

    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None


class Line:
    """`make` makes a session; `page` is the code page of the shell (65001 is UTF-8), None: the machine's own."""

    def __init__(self, name: str, make: Callable[[], Session], patience: Patience, page: int | None) -> None:
        self._name = name
        self._make = make
        self._patience = patience
        self._page = page
        self._session: Session | None = None
        self._shell: WinRS | None = None
        self._used = 0.0

    def run(self, command: Command, text: str, stop: threading.Event) -> Outcome:
        """Carry out the command line `text`. HostUnreachable when nothing of it was begun. `stop` ends it early."""
        place = Place(tuple(sorted(command.env.items())), command.cwd)
        begun = self._begin(place, text, bool(command.stdin), stop)
        if isinstance(begun, Lost):
            return begun
        shell, id = begun
        outcome = self._follow(shell, id, command, stop)
        if shell is not self._shell and self._session is not None:
            self._delete(shell)
        return outcome

    def close(self) -> None:
        """End the shell; what still runs in it ends too. Never raises."""
        if self._shell is not None and self._session is not None:
            self._delete(self._shell)
        self._hang_up()

    def _begin(self, place: Place, text: str, with_input: bool, stop: threading.Event) -> tuple[WinRS, str] | Lost:
        """The shell and the id that Windows gave to the command, or that it may have begun."""
        end = time.monotonic() + self._patience.busy
        pause = 0.0
        while True:
            shell = None
            try:
                shell = self._ready(place)
                self._limits(self._patience.answer)
                return shell, _command(shell, text, with_input)
            except NoNewConnection:
                self._hang_up()
                continue
            except HandrailError:
                raise
            except Exception as error:
                number = winrm_faults.code(error)
                if shell is not None and not winrm_faults.not_begun(error):
                    self._forget(shell)
                    self._hang_up()
                    return Lost(winrm_faults.lost(error))
                if shell is not None and number == winrm_faults.SHELL_NOT_FOUND:
                    self._forget(shell)
                elif shell is not None and number in winrm_faults.QUOTAS:
                    self._delete(shell)  # a new one has a new count of operations
                else:
                    self._hang_up()
                if place.cwd and number in winrm_faults.NO_FOLDER:
                    raise FileMissing(f"{self._name}: the folder {place.cwd} is not there.") from error
                hopeless = number not in (winrm_faults.SHELL_NOT_FOUND, *winrm_faults.QUOTAS)
                if hopeless or time.monotonic() + pause > end or stop.wait(pause):
                    raise winrm_faults.unreachable(self._name, error) from error
                pause = min(pause * 2, 5.0) or 0.5

    def _ready(self, place: Place) -> WinRS:
        """A shell of that kind on a line that works: just opened, or looked at, or used a moment ago."""
        if place != Place():
            return self._open(place)
        if self._shell is not None and (self._session is None or time.monotonic() - self._used > STALE):
            self._look(self._shell)
        if self._shell is None:
            self._shell = self._open(place)
        return self._shell

    def _open(self, place: Place) -> WinRS:
        session = self._session or self._new_session()
        shell = WinRS(
            session.wsman,
            codepage=self._page,
            environment=dict(place.env) or None,
            working_directory=place.cwd,
        )
        self._limits(self._patience.answer)
        shell.open()
        session.settle()
        self._used = time.monotonic()
        return shell

    def _new_session(self) -> Session:
        self._session = self._make()
        return self._session

    def _look(self, shell: WinRS) -> None:
        """Ask after the shell, on a new line if the old one is gone. It is forgotten when it is not there any more."""
        for _ in range(2):
            session = self._session or self._new_session()
            shell.wsman = session.wsman
            try:
                self._limits(self._patience.poll)
                session.wsman.get(_SHELL, selector_set=_selector(shell))
                session.settle()
                return
            except NoNewConnection:
                self._hang_up()
            except Exception as error:
                number = winrm_faults.code(error)
                if number is not None and number not in (winrm_faults.SHELL_NOT_FOUND, winrm_faults.OPERATION_TIMEOUT):
                    # Old versions do not know the question; that they say so shows that the line works.
                    session.settle()
                    return
                self._forget(shell)
                if number is None:
                    self._hang_up()
                return

    def _follow(self, shell: WinRS, id: str, command: Command, stop: threading.Event) -> Outcome:
        out, err = Kept(command.most), Kept(command.most)
        end = time.monotonic() + command.timeout
        try:
            if command.stdin:
                self._limits(self._patience.answer)
                _send(shell, id, command.stdin, stop, end)
            code = None
            while (left := end - time.monotonic()) > 0 and not stop.is_set():
                found = self._receive(shell, id, min(self._patience.poll, left))
                if found is None:
                    continue
                state, code, pieces = found
                out.add(pieces["stdout"])
                err.add(pieces["stderr"])
                if state == CommandState.DONE:
                    break
            else:
                return self._end(shell, id, command.timeout)
        except Exception as error:
            self._forget(shell)
            self._hang_up()
            return Lost(winrm_faults.lost(error))
        if code is None:
            return Lost("Windows said that it ended and not how")
        # Windows keeps a place for the command until it is told that we have read everything.
        try:
            self._limits(self._patience.answer)
            shell.signal(SignalCode.TERMINATE, id)
            self._used = time.monotonic()
        except Exception:
            self._hang_up()
        text, cut = out.take()
        return Exited(signed(code), text, clixml.plain(err.take()[0]), cut)

    def _receive(self, shell: WinRS, id: str, most: float) -> tuple[str, int | None, dict[str, bytes]] | None:
        """What came within `most` seconds; None when nothing did."""
        self._limits(max(0.5, most))
        try:
            return shell.receive("stdout stderr", id)
        except Exception as error:
            if winrm_faults.code(error) != winrm_faults.OPERATION_TIMEOUT:
                raise
            return None

    def _end(self, shell: WinRS, id: str, after: float) -> Outcome:
        """Time is up: Ctrl-C, then the end of the shell and of all that runs in it."""
        try:
            self._limits(self._patience.ending)
            shell.signal(SignalCode.CTRL_C, id)
            end = time.monotonic() + self._patience.ending
            while (left := end - time.monotonic()) > 0:
                found = self._receive(shell, id, left)
                if found is not None and found[0] == CommandState.DONE:
                    break
            self._limits(self._patience.ending)
            shell.signal(SignalCode.TERMINATE, id)
            shell.close()
        except Exception as error:
            self._forget(shell)
            self._hang_up()
            return Lost(f"its time was up, and when it was to be ended {winrm_faults.lost(error)}")
        self._forget(shell)
        return TimedOut(after)

    def _limits(self, operation: float) -> None:
        assert self._session is not None
        self._session.within(round(operation, 1), operation + self._patience.grace)

    def _forget(self, shell: WinRS) -> None:
        if shell is self._shell:
            self._shell = None

    def _delete(self, shell: WinRS) -> None:
        """Windows ends it, and what runs in it."""
        self._forget(shell)
        try:
            self._limits(self._patience.ending)
            shell.close()
        except Exception:
            self._hang_up()

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def signed(code: int) -> int:
    """An exit code as a signed number of 32 bits, as `%ERRORLEVEL%` shows it."""
    return (code + 2**31) % 2**32 - 2**31


def _command(shell: WinRS, text: str, with_input: bool) -> str:
    """Ask Windows to begin. With input, its standard input is a pipe, not a console that reads signs as keys."""
    element = ET.Element(f"{{{_SHELL}}}CommandLine")
    ET.SubElement(element, f"{{{_SHELL}}}Command").text = text
    options = OptionSet()
    options.add_option("WINRS_CONSOLEMODE_STDIN", "FALSE" if with_input else "TRUE")
    options.add_option("WINRS_SKIP_CMD_SHELL", "FALSE")
    answer = shell.wsman.command(shell.resource_uri, element, option_set=options, selector_set=_selector(shell))
    found = answer.find("rsp:CommandResponse/rsp:CommandId", namespaces=NAMESPACES)
    if found is None or not found.text:
        raise ValueError("no id for the command")
    return found.text


def _selector(shell: WinRS) -> SelectorSet:
    selector = SelectorSet()
    selector.add_option("ShellId", str(shell.id))
    return selector


def _send(shell: WinRS, id: str, data: bytes, stop: threading.Event, end: float) -> None:
    for at in range(0, len(data), _INPUT):
        if stop.is_set() or time.monotonic() > end:
            return
        shell.send("stdin", data[at : at + _INPUT], command_id=id, end=at + _INPUT >= len(data))

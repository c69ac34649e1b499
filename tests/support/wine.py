"""A throw-away "Windows machine" out of Wine, behind a real sshd on loopback.

`tests/lab/wine/` makes it once; every test gets a copy of its own, in which Wine's own big files are shared. What it
can and cannot stand for is written in `tests/lab/wine/README.md`: its Windows Installer, service manager, registry and
cmd.exe are real programs, if not Windows'; what the lab put beside them (schtasks, sqlcmd, PowerShell and others) are
stand-ins that prove our plumbing.

A command that would have reached one of Wine's empty stubs fails, and `WineMachine.refused` names it: `machine` holds a
test to there being none.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tests.lab.wine import build as lab
from tests.lab.wine import packages
from tests.support.winrm_commands import Asked

from handrail.hosts.protocol import Exited

LINE = Path(lab.__file__).parent / "line.py"
SFTP = "lab-sftp"
PATIENCE = 60.0
"""Seconds that starting anything may take on a busy machine."""

_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
LogLevel ERROR
ForceCommand {python} -I -S {line} {prefix}
Subsystem sftp {sftp}
"""


BOOTS = r"C:\lab\boots.txt"
"""There as long as the machine is up (`tests/lab/wine/line.py` looks, too)."""


@cache
def base() -> Path:
    """The folder with prefix, tools and packages. RuntimeError when this machine cannot make it."""
    return lab.made()


@dataclass(frozen=True, slots=True)
class Ran:
    """`code` has all 32 bits, as a signed number."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Line:
    """How the machine's sshd is reached."""

    port: int
    user: str
    key: Path
    known_hosts: Path

    @property
    def connect(self) -> str:
        """What stands in an estate."""
        return (
            f'{{via: ssh, address: 127.0.0.1, port: {self.port}, user: "{self.user}", key: "{self.key}", '
            f'known_hosts: "{self.known_hosts}", agent: false}}'
        )


@dataclass(slots=True)
class WineMachine:
    """One machine: `folder` holds its prefix and whatever else is its own. `start` it before anything else."""

    folder: Path
    name: str = "lab"
    line: Line | None = None
    _sshd: subprocess.Popen[bytes] | None = None
    _watch: threading.Thread | None = None
    _gone: threading.Event = field(default_factory=threading.Event)
    _turn: threading.RLock = field(default_factory=threading.RLock)

    @property
    def prefix(self) -> Path:
        return self.folder / "prefix"

    @property
    def environment(self) -> dict[str, str]:
        return lab.environment(self.prefix)

    @property
    def runner(self) -> tuple[str, ...]:
        """What carries out one line, as its last argument (see `tests/lab/wine/line.py`): for the WinRM endpoint."""
        return (sys.executable, "-I", "-S", str(LINE), str(self.prefix))

    # ---- files

    def path(self, windows: str) -> Path:
        """Where a file lies that the machine knows as C:\\...; parts that exist are found in any case."""
        drive, _, rest = windows.replace("/", "\\").partition(":")
        place = self.prefix / "dosdevices" / f"{drive.lower()}:"
        for one in [part for part in rest.split("\\") if part]:
            names = {name.name.casefold(): name.name for name in place.iterdir()} if place.is_dir() else {}
            place = place / names.get(one.casefold(), one)
        return place

    def write(self, windows: str, data: bytes | str) -> Path:
        place = self.path(windows)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data.encode() if isinstance(data, str) else data)
        return place

    def read(self, windows: str) -> bytes:
        return self.path(windows).read_bytes()

    def bring(self, source: Path, windows: str) -> None:
        """Copy a file or a folder to the machine."""
        place = self.path(windows)
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, dirs_exist_ok=True)
        else:
            shutil.copy2(source, place)

    # ---- running

    def run(self, line: str, *, stdin: bytes = b"", cwd: str | None = None, within: float = 120.0) -> Ran:
        """One line for cmd.exe, not over any transport; when the machine restarts just now, after that."""
        with self._turn:
            pass
        told = self.folder / f"exit-{secrets.token_hex(4)}"
        env = {**os.environ, "LAB_EXIT": str(told), **({"LAB_CWD": cwd} if cwd else {})}
        done = subprocess.run(
            [*self.runner, line], input=stdin, env=env, capture_output=True, timeout=within, check=False
        )
        code = _told(told)
        out, err = (one.decode("utf-8", "replace").replace("\r\n", "\n") for one in (done.stdout, done.stderr))
        return Ran(code, out, err)

    def must(self, line: str, *, cwd: str | None = None, within: float = 120.0) -> str:
        """What the line prints; AssertionError unless it ends with 0."""
        ran = self.run(line, cwd=cwd, within=within)
        assert ran.code == 0, f"{line}: {ran}"
        return ran.out

    async def carry_out(self, asked: Asked) -> Exited:
        """A line as a shell of Windows Remote Management hands it on: `runner` of a `winrm_endpoint.Endpoint`."""
        told = self.folder / f"exit-{secrets.token_hex(4)}"
        env = {**os.environ, **asked.env, "LAB_EXIT": str(told), **({"LAB_CWD": asked.cwd} if asked.cwd else {})}
        pipe = subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self.runner, asked.line, env=env, stdin=pipe, stdout=pipe, stderr=pipe
        )
        try:
            out, err = await process.communicate(asked.stdin)
        except asyncio.CancelledError:
            process.kill()
            raise
        code = _told(told)
        return Exited(code, out, err)

    # ---- the machine's own life

    def start(self) -> None:
        """Boot, outside any line: what is started from within one would keep it open."""
        with self._turn:
            # As wmic says when the system was started, which the lab's wmic reads here.
            self.write(BOOTS, f"{datetime.now(UTC):%Y%m%d%H%M%S.%f}+000\n")
            self._quietly("wineserver", "-p")
            self._quietly(lab.WINE, "wineboot")
        if self._watch is None:
            self._watch = threading.Thread(target=self._obey, daemon=True)
            self._watch.start()

    def halt(self) -> None:
        """As if the plug were pulled: no program of the machine goes on."""
        with self._turn:
            self._end_sessions()
            self.path(BOOTS).unlink(missing_ok=True)
            self._quietly("wineserver", "-k")
            self._quietly("wineserver", "-w")

    def _quietly(self, *argv: str) -> None:
        """What it starts in the background must hold nothing of ours."""
        none = subprocess.DEVNULL
        environment = self.environment
        subprocess.run(argv, env=environment, stdin=none, stdout=none, stderr=none, timeout=PATIENCE, check=False)

    def restart(self) -> None:
        """Go down, carry out what waits for a restart, and come up; lines are dropped, and sshd is away meanwhile."""
        with self._turn:
            told = self.line
            self.close_line()
            self.halt()
            # Drives that somebody mapped do not outlive a restart.
            for one in (self.prefix / "dosdevices").iterdir():
                if one.name[1:] == ":" and one.name not in ("c:", "z:"):
                    one.unlink()
            self.start()  # which also replaces the files that an installer found in use
            lists = r"HKLM\Software\HandrailLab"
            self.run(rf"reg delete {lists}\Subst /f & reg delete {lists}\Mounted /f")
            if told is not None:
                self.open_line(told.port)

    def _obey(self) -> None:
        """The machine restarts when its `shutdown` was told to."""
        wish = self.prefix / "drive_c" / "lab" / "shutdown.txt"
        while not self._gone.wait(0.1):
            if wish.exists():
                # Whoever asked for it gets an answer first.
                wait = max(float(wish.read_text() or "0"), 1.0)
                wish.unlink()
                if not self._gone.wait(wait):
                    self.restart()

    def stop(self) -> None:
        self._gone.set()
        if self._watch is not None:
            self._watch.join(PATIENCE)
        self.close_line()
        self.halt()

    # ---- sshd

    def open_line(self, port: int | None = None) -> Line:
        """Start an sshd whose every command goes to this machine's cmd.exe."""
        with self._turn:
            if self.line is not None:
                return self.line
            folder = self.folder / "ssh"
            folder.mkdir(exist_ok=True)
            for name in ("host_key", "id"):
                if not (folder / name).exists():
                    lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name)
            if os.geteuid() == 0:
                Path("/run/sshd").mkdir(exist_ok=True)
            port = port or free_port()
            host_key = (folder / "host_key.pub").read_text().split()[:2]
            (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
            text = _SSHD.format(
                port=port, folder=folder, python=sys.executable, line=LINE, prefix=self.prefix, sftp=SFTP
            )
            (folder / "sshd_config").write_text(text)
            self._sshd = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", folder / "sshd_config"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(folder / "sshd.log").open("ab"),
                start_new_session=True,
            )  # fmt: skip
            _wait_for(port, self._sshd, folder / "sshd.log")
            self.line = Line(port, getpass.getuser(), folder / "id", folder / "known_hosts")
            return self.line

    def drop_lines(self) -> None:
        """Every line that is open now breaks; sshd takes new ones."""
        self._end_sessions()

    def close_line(self) -> None:
        with self._turn:
            self._end_sessions()
            if self._sshd is not None:
                self._sshd.kill()
                self._sshd.wait(PATIENCE)
            self._sshd = self.line = None

    def _end_sessions(self) -> None:
        """Children of sshd, found by their parent: what they started goes on."""
        if self._sshd is not None:
            for pid in children(self._sshd.pid, deep=1):
                for one in (*children(pid, deep=1), pid):
                    if _is_sshd(one):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(one, signal.SIGKILL)

    # ---- the lab's own

    @property
    def refused(self) -> list[str]:
        """Command lines that the lab had no answer to, Wine's empty stubs among them."""
        file = self.prefix / "drive_c" / "lab" / "refused.txt"
        return file.read_text("utf-8", "replace").splitlines() if file.exists() else []

    def add_database(self, name: str, state: str = "ONLINE") -> None:
        """A database that the lab's sqlcmd knows: a name with a state, nothing more."""
        self.write(rf"C:\lab\sql\{name}.txt", f"{state}\n")

    def add_image(self, windows: str, label: str, files: Mapping[str, Path]) -> None:
        """A file that stands for an ISO image: mounting it makes `files` (path on the medium -> source) a drive."""
        stem = windows.rpartition("\\")[2]
        for name, source in files.items():
            self.bring(source, rf"C:\lab\images\{stem}\{name}")
        self.write(windows, f"HANDRAIL LAB IMAGE\n{label}\nC:\\lab\\images\\{stem}\n")


def _told(file: Path) -> int:
    """The exit code that a command left; -1 when the machine went down before it had."""
    text = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return int(text) if text.strip() else -1


def package(product: str, build: str = packages.OLD) -> Path:
    """The folder (as it lies on a medium) of the lab's package: product is `sync` or `service`."""
    one = next(one for one in packages.PRODUCTS if one.id == product)
    return base() / "packages" / product / build / one.folder


def patch(product: str, *, wrong: bool = False) -> Path:
    """The lab's patch from OLD to NEW. `wrong`: one that is made for another version (which Wine passes over: it ends
    with 0 and changes nothing, where Windows ends with 1642)."""
    one = next(one for one in packages.PRODUCTS if one.id == product)
    return base() / "packages" / product / ("wrong-baseline.msp" if wrong else one.patch)


@contextmanager
def machine(*, ssh: bool = True, excused: Sequence[str] = (), name: str = "lab") -> Iterator[WineMachine]:
    """A fresh machine, running; gone afterwards. AssertionError at the end when a program was called that is not there,
    unless a word of its line is `excused`."""
    source = base() / "prefix"
    everybody = lab.cache() / "machines"
    folder = everybody / f"hr-{secrets.token_hex(4)}"
    folder.mkdir(parents=True)
    (folder / "owner").write_text(str(os.getpid()))
    _put_away_the_orphaned(everybody)
    one = WineMachine(folder, name)
    try:
        lab.copy_prefix(source, one.prefix)
        _say_scripts(one)
        one.start()
        if ssh:
            one.open_line()
        yield one
        called = [line for line in one.refused if not any(word in line for word in excused)]
        assert not called, f"programs were called that the lab has not, or only Wine's empty stubs: {called}"
    finally:
        one.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _put_away_the_orphaned(machines: Path) -> None:
    """Machines whose test was killed would run for ever."""
    for folder in machines.iterdir():
        with contextlib.suppress(OSError, ValueError):
            owner = int((folder / "owner").read_text())
            if not Path(f"/proc/{owner}").exists():
                WineMachine(folder).halt()
                for pid in folder.glob("ssh/sshd.pid"):
                    os.kill(int(pid.read_text()), signal.SIGKILL)
                shutil.rmtree(folder, ignore_errors=True)


def _say_scripts(one: WineMachine) -> None:
    """The reviewed scripts, by which the lab's PowerShell knows what it is asked."""
    from handrail.hosts.powershell import SCRIPTS

    for name, text in SCRIPTS.items():
        one.write(rf"C:\lab\scripts\{name}.txt", text)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"sshd does not come up: {log.read_text()[-500:]}")


def children(pid: int, deep: int = 99) -> list[int]:
    """The processes below one, nearest first."""
    try:
        text = " ".join(one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    direct = [int(one) for one in text.split()]
    return direct + ([below for one in direct for below in children(one, deep - 1)] if deep > 1 else [])


def _is_sshd(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("sshd")
    except OSError:
        return False

"""A PostgreSQL server for stores: started once per test process, a fresh database for each test that asks."""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.postgres import Playground, account, place, programs

from handrail.hosts.local import LocalHost

PORT = 54329


@dataclass
class Server:
    """A running server that listens on a socket in its folder, and on no network."""

    ground: Playground
    bin: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def data(self) -> Path:
        return self.ground.folder / "store"

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"store{next(self.numbers)}"
        self.ground.sql(self.bin, f"create database {name} template template0", port=PORT)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.ground.sockets}&port={PORT}"

    def sql(self, database: str, text: str) -> str:
        return self.ground.sql(self.bin, text, database=database, port=PORT)

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def start(self) -> None:
        """After a kill too: what of the old server still ends is waited for."""
        log = str(self.data / "server.log")
        for _ in range(50):
            try:
                self.ground.run(f"{self.bin}/pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "60", "start")
                return
            except RuntimeError:
                time.sleep(0.1)
        raise RuntimeError((self.data / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        """As a power cut would: nothing is said to anybody."""
        pid = self.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
            time.sleep(0.01)


@contextmanager
def serving(major: str = "17", *, durable: bool = False, on_disk: bool = False) -> Iterator[Server]:
    """A server of its own; gone afterwards. `durable`: with real syncs, for kills. `on_disk`: with what those cost, for
    measuring."""
    user = account()
    folder = (Path("/var/tmp") if on_disk else place()) / f"hr-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    (folder / "s").mkdir()
    if user is not None:
        entry = pwd.getpwnam(user)
        for path in (folder, folder / "s"):
            os.chown(path, entry.pw_uid, entry.pw_gid)
    server = Server(Playground(folder, LocalHost("store", user=user)), programs(major)[major])
    ground, bin_, data = server.ground, server.bin, str(server.data)
    try:
        ground.run(f"{bin_}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                   "--wal-segsize=1", "--no-sync")  # fmt: skip
        settings = (
            f"listen_addresses = ''\nunix_socket_directories = '{ground.sockets}'\nport = {PORT}\n"
            f"max_connections = 200\nfsync = {'on' if durable else 'off'}\n"
        )
        ground.run("sh", "-c", 'cat >> "$1/postgresql.conf"', "append", data, stdin=settings.encode())
        server.start()
        yield server
    finally:
        pid = server.data / "postmaster.pid"
        if pid.exists():
            subprocess.run(["kill", "-QUIT", str(server.pid)], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)

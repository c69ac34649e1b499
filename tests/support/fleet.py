"""Workers as processes of their own, on a store of their own; and what happens to them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.databases import Server
from tests.support.on_twin import count

from handrail.model.journal import RunStatus
from handrail.running.home import Home
from handrail.running.session import Session, open_session
from handrail.running.store import address_of
from handrail.twin.shared_store import SharedStore
from handrail.twin.world import opened


@dataclass
class Fleet:
    """`home`: everything of everybody. `silent`: seconds until a silent worker is taken for dead."""

    url: str
    home: Path
    silent: float = 3.0
    lanes: int = 8
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = self.home / "workers.log"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "handrail.cli.main", *arguments, "--store", self.url]

    def hire(self, number: int = 1, *options: str) -> None:
        """Start workers. Each has a home of its own, as on machines of their own."""
        for _ in range(number):
            home = self.home / f"worker{len(self.workers)}"
            with self.log.open("ab") as log:
                self.workers.append(
                    subprocess.Popen(
                        self.command("worker", "--silent", str(self.silent), "--lanes", str(self.lanes), *options),
                        env={**os.environ, "HANDRAIL_HOME": str(home)},
                        stdout=log,
                        stderr=log,
                    )
                )

    def alive(self) -> list[subprocess.Popen[bytes]]:
        return [one for one in self.workers if one.poll() is None]

    def dismiss(self) -> None:
        for one in self.alive():
            one.send_signal(signal.SIGCONT)
            one.kill()
            one.wait()

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        with open_session(Home(self.home / "us"), store=self.url) as session:
            yield session

    def effects(self, run: str) -> Counter[str]:
        """What took effect on the run's twin, how often."""
        twin = opened(SharedStore(address_of(self.url), run))
        try:
            return count(twin.effects(), run)
        finally:
            twin.close()

    def until(self, session: Session, run: str, so: Callable[[], bool], within: float = 60) -> None:
        """Wait until something is so. TimeoutError, with what the workers said, when it does not come about."""
        end = time.monotonic() + within
        while not so():
            if time.monotonic() > end:
                raise TimeoutError(f"{session.status(run).state}; {self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def wait(self, session: Session, run: str, within: float) -> RunStatus:
        """How the run has ended. TimeoutError, with what the workers said, when it has not."""
        self.until(session, run, lambda: run not in session.journal.unended(), within)
        return session.status(run)


def harm(fleet: Fleet, server: Server, chance: random.Random) -> str:
    """Something bad; what it was."""
    kinds = ["kill one", "kill one", "pause one", "kill all", "kill the store"]
    what = chance.choice(kinds)
    alive = fleet.alive()
    if what == "kill one" and alive:
        chance.choice(alive).kill()
        fleet.hire()
    elif what == "pause one" and alive:
        paused = chance.choice(alive)
        paused.send_signal(signal.SIGSTOP)
        time.sleep(fleet.silent * 2.2)  # long enough to be robbed
        paused.send_signal(signal.SIGCONT)
    elif what == "kill all":
        number = len(alive)
        for one in alive:
            one.kill()
        fleet.hire(max(number, 2))
    elif what == "kill the store":
        server.kill()
        time.sleep(chance.uniform(0.2, 1.5))
        server.start()
    return what

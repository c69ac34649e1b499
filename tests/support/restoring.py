"""Backups taken and used on a twin, as the runner does it: looked at, begun with what was seen, acted, looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.support import virtual_time
from tests.support.acting import NoSecrets
from tests.support.twins import SERVICE, Console, a_twin

from handrail.actions import build
from handrail.actions.protocol import Action, Observation, Receipt
from handrail.twin.mechanisms import files
from handrail.twin.things import Entry
from handrail.twin.world import Twin


def a_receipt(step: str, before: Observation | None = None, attempt: int = 1) -> Receipt:
    seen = {"state": before.state, "evidence": before.evidence} if before else {}
    return Receipt("run-1", step, attempt, NoSecrets(), "2026-11-20T22:00:00Z", seen)


class Site:
    """A twin whose Synchronization Service is stopped, and one of its hosts."""

    def __init__(self, host: str = "sync01", twin: Twin | None = None) -> None:
        self.twin = twin or a_twin()
        self.name = host
        self.console = Console(self.twin, host)
        Console(self.twin)("sc", "stop", SERVICE)

    def look(self, action: Action, step: str = "step", before: Observation | None = None) -> Observation:
        return virtual_time.run(action.observe(self.console.host, a_receipt(step, before)))

    def act(self, action: Action, step: str = "step", before: Observation | None = None) -> None:
        virtual_time.run(action.act(self.console.host, a_receipt(step, before)))

    def do(self, action: Action, step: str = "step") -> Observation:
        before = self.look(action, step)
        assert before.state == "not_done", before
        self.act(action, step, before)
        return self.look(action, step, before)

    def done(self, uses: str, with_: Mapping[str, Any], step: str) -> tuple[Action, Observation]:
        action = build(uses, with_)
        seen = self.do(action, step)
        assert seen.state == "done", seen
        return action, seen

    # -- the world, behind the back of every action -------------------------------------------------------------

    def file(self, path: str) -> Entry | None:
        return self.twin.machine(self.name).get(Entry, path)

    def put(self, path: str, text: str, read_only: bool = False) -> None:
        def work(machine: Any) -> None:
            entry = replace(files.of_bytes(path, text.encode(), machine.stamp()), read_only=read_only)
            files.plant(machine, entry)

        self.twin.transact(self.name, "somebody", work)

    def lose(self, path: str) -> None:
        self.twin.transact(self.name, "somebody", lambda machine: machine.drop(Entry, path))

    def content(self, folder: str) -> dict[str, str]:
        """Every file below a folder and its hash."""
        machine = self.twin.machine(self.name)
        return {one.path.lower(): one.sha256 for one in files.below(machine, folder) if not one.folder}

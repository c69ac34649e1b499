"""The event log."""

from __future__ import annotations

from handrail.twin.machine import Machine
from handrail.twin.things import Event

CRITICAL, ERROR, WARNING, INFORMATION = 1, 2, 3, 4


def write(machine: Machine, provider: str, id: int, level: int, message: str, log: str = "Application") -> None:
    number = len(machine.all(Event)) + 1
    machine.put(f"{number:08d}", Event(log, machine.stamp(), provider, id, level, message))

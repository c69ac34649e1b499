"""A restart: another boot, every session gone, pending renames settled, automatic services started again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, events, files, registry, services
from handrail.twin.things import Busy, Entry, Key, Process, Service

MANAGER = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager"
PENDING = "PendingFileRenameOperations"


def boot_id(machine: Machine) -> str:
    """The time of the last start, as WMI writes it."""
    return datetime.fromisoformat(machine.system.booted).strftime("%Y%m%d%H%M%S.%f+000")


def restart(machine: Machine, because: str = "") -> None:
    system = machine.system
    before = datetime.fromisoformat(system.booted)
    now = max(machine.context.now(), before + timedelta(seconds=1))
    _end_sessions(machine)
    _settle_renames(machine)
    machine.put("system", replace(system, boots=system.boots + 1, booted=now.isoformat()))
    events.write(machine, "User32", 1074, events.INFORMATION, f"The system was restarted. {because}".strip(), "System")
    events.write(machine, "EventLog", 6005, events.INFORMATION, "The Event log service was started.", "System")
    machine.did("boot", f"restarted, boot {system.boots + 1}")
    said = len(machine.context.notes)
    for service in machine.all(Service):
        current = machine.get(Service, service.name)
        if current and current.start == "auto" and current.state != "RUNNING":
            services.start(machine.as_system(), current)
    # That services come up again is part of the restart, not something that was done to them.
    del machine.context.notes[said:]


def _end_sessions(machine: Machine) -> None:
    drives.settle_restart(machine)
    for process in machine.all(Process):
        machine.drop(Process, process.name)
    for busy in machine.all(Busy):
        if busy.until is None:
            machine.drop(Busy, "installer")
    for service in machine.all(Service):
        machine.put(service.name, replace(service, state="STOPPED"))


def pend_rename(machine: Machine, source: str, target: str) -> None:
    """Have the file `source` take the place of `target` at the next start."""
    key = registry.find(machine, MANAGER)
    old = key.values.get(PENDING, ("", ""))[1] if key else ""
    new = [*(old.split("\\0") if old else []), f"\\??\\{source}", f"!\\??\\{target}"]
    registry.write(machine, MANAGER, {PENDING: registry.lines(new)})


def _settle_renames(machine: Machine) -> None:
    pending = registry.value(machine, MANAGER, PENDING)
    if pending is None:
        return
    names = pending.split("\\0")
    for source, target in zip(names[::2], names[1::2], strict=False):
        entry = machine.get(Entry, source.removeprefix("\\??\\"))
        if entry is None:
            continue
        machine.drop(Entry, entry.path)
        place = target.removeprefix("!").removeprefix("\\??\\")
        if place:
            files.plant(machine, replace(entry, path=paths.clean(place)))
    key = machine.get(Key, registry.full(MANAGER) or "")
    if key:
        registry.remove_value(machine, key, PENDING)

"""The service manager. Codes are those of Windows: 0, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from handrail.model.version import key
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases, events, files
from handrail.twin.things import LOCAL_SYSTEM, KeySet, Service

T = TypeVar("T")
ABSENT, RUNNING, DISABLED, DEPENDENTS, STOPPED = 1060, 1056, 1058, 1051, 1062
DEPENDENCY, LOGON, SPECIFIC, NO_FILE = 1068, 1069, 1066, 2

MESSAGES = {
    ABSENT: "The specified service does not exist as an installed service.",
    RUNNING: "An instance of the service is already running.",
    DISABLED: "The service cannot be started, either because it is disabled or because it has no enabled devices "
    "associated with it.",
    DEPENDENTS: "A stop control has been sent to a service that other running services are dependent on.",
    STOPPED: "The service has not been started.",
    DEPENDENCY: "The dependency service or group failed to start.",
    LOGON: "The service did not start due to a logon failure.",
    SPECIFIC: "The service has returned a service-specific error code.",
    NO_FILE: "The system cannot find the file specified.",
}
_BUILT_IN = (*LOCAL_SYSTEM, "localservice", "networkservice")


def start(machine: Machine, service: Service) -> int:
    """Starts what it depends on first, as Windows does."""
    if service.state == "RUNNING":
        return RUNNING
    code = _startable(machine, service)
    if code:
        said = f"The {service.display} service failed to start: {MESSAGES[code]}"
        events.write(machine, "Service Control Manager", 7000, events.ERROR, said, "System")
        return code
    machine.put(service.name, replace(service, state="RUNNING"))
    machine.did("service", f"{service.name} started")
    return 0


def _startable(machine: Machine, service: Service) -> int:
    if service.start == "disabled":
        return DISABLED
    for name in service.depends:
        needed = machine.get(Service, name)
        if needed is None or (needed.state != "RUNNING" and start(machine, needed) != 0):
            return DEPENDENCY
    if service.binary and files.find(machine, service.binary) is None:
        return NO_FILE
    if not _may_log_on(machine, service.account):
        return LOGON
    because = unmet(machine, service)
    if because:
        events.write(machine, service.name, 0, events.ERROR, because)
        return SPECIFIC
    return 0


def _may_log_on(machine: Machine, account: str) -> bool:
    name = account.lower()
    if name in _BUILT_IN or name.startswith("nt "):
        return True
    known = machine.context.account(account)
    return known is not None and known.enabled


def unmet(machine: Machine, service: Service) -> str:
    """Why the program itself would give up: its database does not answer or does not fit, its keys are not there."""
    component = machine.components().get(service.component)
    if component is None or not service.needs:
        return ""
    found = databases.of_component(machine, component)
    if "database" in service.needs:
        if found is None:
            return f"The database {component.database} on {component.server} cannot be opened."
        needed = schema_of(machine, service)
        if needed and found[1].schema != needed:
            return f"The database {component.database} has version {found[1].schema}; this program needs {needed}."
    if "keys" in service.needs and found is not None and found[1].key_set:
        own = machine.get(KeySet, service.account)
        if own is None or own.id != found[1].key_set or own.machine != machine.system.machine:
            return "The encryption keys could not be accessed."
    return ""


def schema_of(machine: Machine, service: Service) -> int:
    """The schema number that the service's binary was built for; 0 when none is declared."""
    component = machine.components()[service.component]
    bits = machine.context.declarations.component(component.product, component.name)
    binary = files.find(machine, service.binary)
    if bits is None or bits.database is None or binary is None or not binary.version:
        return 0
    return floor(bits.database.schemas, binary.version, 0)


def floor(table: Mapping[str, T], build: str, default: T) -> T:
    """The entry of the greatest build that is not above `build`."""
    fitting = [least for least in table if key("windows", least) <= key("windows", build)]
    return table[max(fitting, key=lambda one: key("windows", one))] if fitting else default


def stop(machine: Machine, service: Service) -> int:
    if service.state != "RUNNING":
        return STOPPED
    if dependents(machine, service):
        return DEPENDENTS
    machine.put(service.name, replace(service, state="STOPPED"))
    machine.did("service", f"{service.name} stopped")
    return 0


def dependents(machine: Machine, service: Service) -> list[Service]:
    """Running services that depend on it, directly."""
    return [
        one
        for one in machine.all(Service)
        if one.state == "RUNNING" and service.name.lower() in (name.lower() for name in one.depends)
    ]

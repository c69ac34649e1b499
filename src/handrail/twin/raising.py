"""A twin out of an estate file: every host as the estate states it, filled in as its products declare."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from handrail.errors import StoreError, StoreUnwritable
from handrail.model.estate import Estate, Host
from handrail.twin.declarations import Declarations, read_declarations
from handrail.twin.machine import Clock, Context, Machine, short_names
from handrail.twin.mechanisms import booting, files, installer, registry, services, software, systems
from handrail.twin.raising_media import raise_media
from handrail.twin.raising_products import Inhabitants, raise_databases, raise_products
from handrail.twin.state import Draft, State
from handrail.twin.store import AnyStore, Store
from handrail.twin.things import ESTATE, SYSTEM, Account, Entry, Service, System, Volume
from handrail.twin.tools import powershell, wbadmin
from handrail.twin.world import Twin, clock_of_this_machine, declarations_to, is_raised

_FOLDERS = (
    r"C:\Windows\System32",
    r"C:\Windows\Temp",
    r"C:\Windows\Installer",
    r"C:\Program Files",
    r"C:\Program Files (x86)",
    r"C:\ProgramData",
    r"C:\Users\Administrator",
)
_KEYS = (
    registry.UNINSTALL,
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion",
    r"HKLM\SYSTEM\CurrentControlSet\Services",
    installer.PRODUCTS,
    installer.USER_DATA,
)

_ROUNDS = 2
"""Services may need a database on a host whose turn comes later."""


def raise_twin(
    estate: Estate, declarations: Mapping[str, Path], path: Path, clock: Clock = clock_of_this_machine
) -> Twin:
    """Raise the estate in the folder `path` (made if need be), whole or not at all. `declarations` maps products to
    their `twin.yaml`. BadInput for a mistake in one of them; StoreError when a twin is there or cannot be written."""
    if is_raised(path):
        raise StoreError(f"There is a twin in {path} already.", "Open it, or remove that folder.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(f"The folder {path} cannot be made: {error.strerror}.", "Set HANDRAIL_HOME.") from None
    return raise_into(Store(path), estate, declarations, clock)


def raise_into(
    store: AnyStore,
    estate: Estate,
    declarations: Mapping[str, Path],
    clock: Clock = clock_of_this_machine,
    more: Mapping[str, str] | None = None,
) -> Twin:
    """The same, kept in a store that is open and empty. `more`: what else it is to remember."""
    read = read_declarations(declarations)
    state = raise_state(estate, read, clock)
    about = {"estate": estate.name, "hosts": list(estate.hosts), "declarations": declarations_to(read), **(more or {})}
    store.create(about, state.everything())
    return Twin(state, read, tuple(estate.hosts), store=store, clock=clock)


def raise_in_memory(estate: Estate, declarations: Declarations, clock: Clock = clock_of_this_machine) -> Twin:
    """The same, kept nowhere: for rehearsing and for tests."""
    return Twin(raise_state(estate, declarations, clock), declarations, tuple(estate.hosts), clock=clock)


def raise_state(estate: Estate, declarations: Declarations, clock: Clock) -> State:
    state = State()
    draft = Draft(state)
    context = Context(draft, clock, declarations, short_names(estate.hosts))
    for account in estate.accounts.values():
        kind = account.kind or "domain"
        draft.put(ESTATE, "account", account.name.lower(), Account(account.name, kind))
    windows = []
    for host in estate.hosts.values():
        machine = Machine(context, host.name, SYSTEM)
        _raise_system(estate, machine, host)
        if host.is_windows:
            windows.append(machine)
    inhabitants = Inhabitants.of(estate)
    for machine in windows:
        raise_databases(estate, machine, inhabitants)
    for machine in windows:
        raise_products(estate, machine, inhabitants)
        raise_media(estate, machine)
    for _ in range(_ROUNDS):
        for machine in windows:
            _start_services(machine)
    # What raising wrote into event logs belongs to nobody's past.
    draft.forget("event")
    state.apply(draft.changes())
    return state


def _raise_system(estate: Estate, machine: Machine, host: Host) -> None:
    bits = machine.context.declarations.windows.systems.get(host.os or "")
    booted = machine.context.now().replace(microsecond=500000) - timedelta(days=12)
    system = System(
        os=host.os or "",
        build=bits.build if bits else "",
        product=bits.product if bits else host.os or "",
        version=bits.version if bits else "",
        installation_type=bits.installation_type if bits else "Server",
        machine=str(uuid.uuid5(uuid.NAMESPACE_URL, f"handrail:twin:{estate.name}/{host.name}")),
        booted=booted.isoformat(),
    )
    machine.put("system", system)
    if not host.is_windows:
        return
    machine.put("C:", Volume("C:", "System"))
    time = machine.stamp()
    for folder in _FOLDERS:
        files.plant(machine, Entry(folder, folder=True, time=time))
    for key in _KEYS:
        registry.write(machine, key, {})
    registry.write(machine, registry.UNINSTALL, {}, 32)
    registry.write(machine, booting.MANAGER, {"ProtectionMode": registry.number(1)})
    systems.register(machine, system)
    systems.state_service_pack(machine, host.facts.get("service_pack"))
    powershell.state_quotas(machine, host.facts.get("wsman"))
    wbadmin.state(machine, host.facts.get("system_state_backup_age_days"))
    registry.write(machine, r"HKLM\SOFTWARE\Microsoft\Cryptography", {"MachineGuid": registry.text(system.machine)})
    software.lay(machine, "windows", system.build)
    for name, version in host.software.items():
        if version is not None and version is not False:
            software.lay(machine, name, str(version))


def _start_services(machine: Machine) -> None:
    for service in machine.all(Service):
        if service.start == "auto":
            current = machine.get(Service, service.name)
            if current and current.state != "RUNNING":
                services.start(machine, current)

"""Software that products ask for: what is in registry and services when it is there, and its setup programs."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, events, registry
from handrail.twin.mechanisms.components import dotted, fill
from handrail.twin.things import Service, Software


def lay(machine: Machine, name: str, version: str) -> bool:
    """Put the software on the machine at that version. False when nobody declares what that looks like: then only its
    name is kept, for launch conditions."""
    machine.put(name, Software(name, version))
    bits = machine.context.declarations.software(name)
    if bits is None:
        return False
    values = texts(version, bits.versions)
    for one in bits.registry:
        components.put_values(machine, one, values)
    if bits.uninstall:
        entry = {key: registry.text(fill(str(one), values)) for key, one in bits.uninstall.items() if key != "key"}
        key = fill(str(bits.uninstall.get("key", name)), values)
        registry.write(machine, rf"{registry.UNINSTALL}\{key}", entry, bits.view)
    for service in bits.services:
        made = components.made_service(service, values, "", "")
        if machine.get(Service, made.name) is None:
            machine.put(made.name, made)
            components.register_service(machine, made)
    return True


def texts(version: str, versions: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What the declared values are filled with: the version itself, its parts, and what is declared for it."""
    numbers = [str(one) for one in dotted(version)]
    parts = dict(zip(("major", "minor", "patch"), [*numbers, "0", "0", "0"], strict=False))
    known = max((one for one in versions if dotted(one) <= dotted(version)), key=dotted, default=None)
    return {"version": version, **parts, **(versions[known] if known else {})}


def version_of(machine: Machine, name: str) -> str | None:
    found = machine.get(Software, name)
    return found.version if found else None


def missing(machine: Machine, requires: Mapping[str, str]) -> str | None:
    """The first required software that is not there, or is too old."""
    for name, least in requires.items():
        version = version_of(machine, name)
        if version is None or dotted(version) < dotted(least):
            return f"{name} {least}".strip()
    return None


def install(machine: Machine, name: str, version: str) -> int:
    """As a setup program ends: 0, 1638 when a newer one is there."""
    there = version_of(machine, name)
    if there is not None and dotted(there) > dotted(version):
        return 1638
    if there == version:
        return 0
    lay(machine, name, version)
    events.write(machine, "MsiInstaller", 11707, events.INFORMATION, f"Product: {name} -- Installation completed.")
    machine.did("software", f"{name} {version} installed")
    return 0

"""Which Windows a host runs, as its registry says, and another one in its place."""

from __future__ import annotations

from dataclasses import replace

from handrail.errors import NotRehearsed
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import booting, registry
from handrail.twin.things import System

CURRENT_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"


def register(machine: Machine, system: System) -> None:
    values = {
        "CurrentBuildNumber": registry.text(system.build),
        "CurrentBuild": registry.text(system.build),
        "InstallationType": registry.text(system.installation_type),
        "ProductName": registry.text(system.product),
    }
    if system.build:
        registry.write(machine, CURRENT_VERSION, values)


def state_service_pack(machine: Machine, number: object) -> None:
    """As an estate states it; none leaves no trace."""
    if isinstance(number, int) and number > 0:
        registry.write(machine, CURRENT_VERSION, {"CSDVersion": registry.text(f"Service Pack {number}")})


def upgrade(machine: Machine, os: str) -> None:
    """Windows is upgraded where it stands, and starts again: programs, files, profiles and their keys stay."""
    bits = machine.context.declarations.windows.systems.get(os)
    if bits is None:
        raise NotRehearsed(f"The twin knows no Windows {os}.")
    if machine.system.os == os:
        return
    new = replace(machine.system, os=os, build=bits.build, product=bits.product, version=bits.version)
    new = replace(new, installation_type=bits.installation_type)
    machine.put("system", new)
    register(machine, new)
    machine.did("software", f"Windows became {bits.product}")
    booting.restart(machine, "Windows was upgraded.")

"""What Virtual Machine Manager tells through its own cmdlets."""

from __future__ import annotations

from handrail.hosts.protocol import Host
from handrail.model.detection import Detect
from handrail.probing import components, files, systems
from handrail.probing.shell import Undetermined

_NAME = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"


async def library_servers(host: Host, detect: Detect) -> list[str]:
    """Its library servers, but for the management server itself. Raises `Undetermined`, also when its service does not
    run."""
    folder = await components.folder_of(host, detect)
    if folder is None:
        raise Undetermined(f"{host.name} does not say where Virtual Machine Manager is installed")
    text = await files.script(host, "vmm-library-servers", folder)
    if text is None:
        raise Undetermined(
            f"{host.name} lacks the PowerShell module of Virtual Machine Manager, which comes with its console"
        )
    own = {_short(name) for name in (host.name, await systems.text_at(host, _NAME, "ComputerName")) if name}
    names = [line.strip() for line in text.splitlines() if line.strip()]
    return [name for name in names if _short(name) not in own]


def _short(name: str) -> str:
    return name.partition(".")[0].casefold()

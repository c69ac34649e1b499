"""Which media are in the optical drives of a Windows host, real and pretend ones."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.hosts.protocol import Host
from handrail.probing import files
from handrail.probing.shell import Undetermined


@dataclass(frozen=True, slots=True)
class Mounted:
    """A medium in an optical drive. `image` is empty when it is no image."""

    drive: str
    label: str
    image: str


def mounted_in(text: str) -> list[Mounted] | None:
    """What `mounted-media` printed; None when a line is not understood."""
    found = []
    for line in text.splitlines():
        if line.strip():
            drive, _, rest = line.strip().partition("|")
            label, bar, image = rest.partition("|")
            if len(drive) != 2 or not drive[0].isalpha() or drive[1] != ":" or not bar:
                return None
            found.append(Mounted(drive.upper(), label, image))
    return found


async def mounted(host: Host) -> list[Mounted]:
    text = await files.script(host, "mounted-media")
    found = None if text is None else mounted_in(text)
    if found is None:
        raise Undetermined(f"which media are mounted on {host.name} is not understood")
    return found

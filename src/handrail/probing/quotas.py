"""The quotas of Windows Remote Management that products lean on."""

from __future__ import annotations

import re

from handrail.hosts.protocol import Host
from handrail.probing import files
from handrail.probing.shell import Undetermined


async def quotas(host: Host) -> dict[str, int]:
    """The two quotas as Windows Remote Management has them now."""
    text = await files.script(host, "wsman-quotas")
    found = {}
    for name in ("MaxConcurrentOperationsPerUser", "MaxConnections"):
        one = re.search(rf"^{name}=([0-9]{{1,10}})\s*$", text or "", re.MULTILINE)
        if one is None:
            raise Undetermined(f"{host.name} does not say what the quota {name} of Windows Remote Management is")
        found[name] = int(one[1])
    return found

"""Software that requirements name, as guides say it is recognised."""

from __future__ import annotations

import re

from handrail.hosts.protocol import Host
from handrail.model.detection import DetectSoftware
from handrail.model.version import compared
from handrail.probing.reg_text import fits, number, products, values_of


async def version_of(host: Host, detect: DetectSoftware) -> str | bool:
    """The version of a software, False when it is not there. Raises `Undetermined`."""
    if detect.registry is not None:
        value = (await values_of(host, detect.registry.key) or {}).get(detect.registry.value.casefold())
        if value is None:
            return False
        count = number(value)
        if count is None:
            return _digits(value.data)
        least = max((int(one) for one in detect.versions if int(one) <= count), default=None)
        return detect.versions[str(least)] if least is not None else False if detect.versions else str(count)
    newest: str | None = None
    for one in await products(host):
        if any(fits(one.name, pattern) for pattern in detect.uninstall):
            named = [version for pattern, version in detect.versions.items() if fits(one.name, pattern)]
            seen = named[0] if named else short(one.version or "")
            if newest is None or (compared(seen, newest) or 0) > 0:
                newest = seen
    return False if newest is None else newest


def short(version: str) -> str:
    """Without the fourth number where it is 0, as people write it."""
    parts = version.split(".")
    return ".".join(parts[:3]) if len(parts) == 4 and parts[3] == "0" else version


def _digits(text: str) -> str:
    found = re.search(r"[0-9]+(\.[0-9]+)*", text)
    return found[0] if found else text.strip()

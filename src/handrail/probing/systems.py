"""Which system a host runs, as it says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handrail.hosts.protocol import Command, Exited, Host
from handrail.probing.reg_text import values_of
from handrail.probing.shell import Undetermined, decoded

CURRENT_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"

SERVERS: Mapping[int, str] = {
    3790: "windows-server-2003",
    6001: "windows-server-2008",
    6002: "windows-server-2008",
    6003: "windows-server-2008",
    7600: "windows-server-2008-r2",
    7601: "windows-server-2008-r2",
    9200: "windows-server-2012",
    9600: "windows-server-2012-r2",
    14393: "windows-server-2016",
    17763: "windows-server-2019",
    20348: "windows-server-2022",
    26100: "windows-server-2025",
}
"""Build number -> os id. Source: Microsoft, "Windows Server release information"."""


def os_of(build: int, installation: str) -> str | None:
    """The os id of an estate; None when the build is none that we know. `installation` is the registry's
    InstallationType: Client, Server or Server Core."""
    if installation.casefold().startswith("server"):
        return SERVERS.get(build)
    if build >= 22000:
        return "windows-11"
    return "windows-10" if build >= 10240 else None


async def windows_of(host: Host) -> tuple[str | None, int]:
    """The os id of a Windows host (None: none that we know) and its build. Raises `Undetermined`."""
    values = await values_of(host, CURRENT_VERSION) or {}
    build, installation = values.get("currentbuildnumber"), values.get("installationtype")
    if build is None or not build.data.strip().isdecimal():
        raise Undetermined(f"{host.name} does not say which build of Windows it runs")
    # Windows Server 2003 has no such value.
    return os_of(int(build.data), installation.data if installation else "Server"), int(build.data)


async def os_id(host: Host) -> str:
    """The os id of a host, as estates state it. Raises `Undetermined`."""
    if not host.windows:
        return await linux_of(host)
    name, build = await windows_of(host)
    if name is None:
        raise Undetermined(f"{host.name} runs build {build} of Windows, which is none that we know")
    return name


async def service_pack(host: Host) -> int:
    """0 where none is installed."""
    digits = re.search(r"[0-9]+", await text_at(host, CURRENT_VERSION, "CSDVersion") or "")
    return int(digits[0]) if digits else 0


async def text_at(host: Host, key: str, name: str) -> str | None:
    """The data of a registry value; None when it is not there or empty."""
    value = (await values_of(host, key) or {}).get(name.casefold())
    return value.data.strip() or None if value else None


BY_MAJOR = ("debian", "rocky", "rhel", "almalinux", "centos", "fedora", "ol", "amzn", "opensuse-leap", "sles")
"""Systems that estates name with their major version only."""


def linux_in(text: str) -> str | None:
    """The os id out of /etc/os-release; None when it does not name the system."""
    pairs = (line.partition("=") for line in text.splitlines())
    values = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}
    name, version = values.get("ID", ""), values.get("VERSION_ID", "")
    if not name:
        return None
    shown = version.partition(".")[0] if name in BY_MAJOR else version
    return f"{name}-{shown}" if shown else name


async def linux_of(host: Host) -> str:
    found = linux_in((await host.read("/etc/os-release")).decode("utf-8", "replace"))
    if found is None:
        raise Undetermined(f"/etc/os-release on {host.name} does not name the system")
    return found


async def is_windows(host: Host) -> bool | None:
    """What is at the other end of a line that takes either kind of command; None when it is neither. Raises
    HostUnreachable."""
    for argv, windows, sign in ((("uname", "-s"), False, "linux"), (("cmd", "/c", "ver"), True, "windows")):
        outcome = await host.execute(Command(argv, timeout=30.0))
        if isinstance(outcome, Exited) and outcome.code == 0 and sign in decoded(outcome.out).casefold():
            return windows
    return None

"""Which system a host runs, as it says of itself."""

from __future__ import annotations

from collections.abc import Mapping

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

"""What the tools of Windows print, for tests. Shapes as on a real Windows Server 2019; the contents are invented."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.hosts.protocol import Exited

UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
UNINSTALL_64 = f"reg query {UNINSTALL} /s /reg:64"
UNINSTALL_32 = f"reg query {UNINSTALL} /s /reg:32"
CODE = "{5A7CB0A3-7AA2-4F40-8899-02B83694085F}"
NO_KEY = Exited(1, b"", b"ERROR: The system was unable to find the specified registry key or value.\r\n")
STATES = {"STOPPED": 1, "START_PENDING": 2, "STOP_PENDING": 3, "RUNNING": 4, "PAUSED": 7}
NO_SERVICE = Exited(
    1060,
    b"[SC] EnumQueryServicesStatus:OpenService FAILED 1060:\r\n\r\n"
    b"The specified service does not exist as an installed service.\r\n\r\n",
)


def service(state: str, name: str = "FIMService") -> str:
    return (
        f"\nSERVICE_NAME: {name} \n        TYPE               : 10  WIN32_OWN_PROCESS  \n"
        f"        STATE              : {STATES[state]}  {state} \n"
        "                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)\n"
        "        WIN32_EXIT_CODE    : 0  (0x0)\n        SERVICE_EXIT_CODE  : 0  (0x0)\n"
        "        CHECKPOINT         : 0x0\n        WAIT_HINT          : 0x0\n"
    )


def key(name: str, values: Mapping[str, str]) -> str:
    lines = "".join(f"    {one}    REG_SZ    {data}\n" for one, data in values.items())
    return f"\n{name}\n{lines}"


def listed(
    name: str, version: str | None, code: str = CODE, source: str = "E:\\Synchronization Service\\", **more: str
) -> str:
    values = {"DisplayName": name, "InstallSource": source, **more}
    if version is not None:
        values["DisplayVersion"] = version
    return key(f"HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{code}", values)


def installed(*entries: str) -> dict[str, str | int | Exited]:
    """Both views of the list: these in the 64-bit one, a stranger in the other."""
    stranger = key(
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\Stranger",
        {"DisplayName": "A stranger", "DisplayVersion": "1.0"},
    )
    return {UNINSTALL_64: "".join(entries) or "\n", UNINSTALL_32: stranger}


def table(columns: str, *rows: str) -> str:
    """As sqlcmd -W -s "|" prints it."""
    dashes = "|".join("-" * len(one) for one in columns.split("|"))
    return "\n".join([columns, dashes, *rows, "", f"({len(rows)} rows affected)", ""])


def tree(**files: str) -> str:
    """As hash-tree prints it: file=digit, repeated into a hash; its size is 1."""
    return "".join(f"{digit * 64}|1|{name.replace('__', '.')}\n" for name, digit in files.items())

"""Pitfalls of remote Windows that are handled by how things are done (docs/transports.md), not by asking first."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost, receipt

import handrail
from handrail.actions import build
from handrail.actions.protocol import ActFailed, InDoubt
from handrail.hosts.protocol import Exited

DETECT = {"key": "HKLM\\NDP", "value": "Release", "at_least": "5"}
PATCH = {"folder": "E:\\S", "patch": "a.msp", "product": "MIM*", "build": "4.7.12.0", "log": "C:\\Logs\\l.txt"}
PACKAGE = {"package": "C:\\Media\\a.msi", "product": "MIM*", "build": "4.7.12.0", "log": "C:\\Logs\\l.txt"}
LONG = [
    # 2, 10: Windows Installer
    ("installer.patch", PATCH, "msiexec /p"),
    ("installer.install", PACKAGE, "msiexec /i"),
    ("software.install", {"path": "C:\\a.msi", "arguments": ["/qn"], "detect": DETECT}, "msiexec /i"),
    # 3: setups that keep secrets with DPAPI; 5: DISM
    ("software.install", {"path": "C:\\SQL\\setup.exe", "arguments": ["/q"], "detect": DETECT}, "C:\\SQL\\setup.exe"),
    ("software.install", {"path": "C:\\Windows\\System32\\dism.exe", "arguments": ["/Online"], "detect": DETECT},
     "C:\\Windows\\System32\\dism.exe"),
]  # fmt: skip


def begun(uses: str, with_: dict[str, Any]) -> ScriptedHost:
    """The host on which this was begun; whatever job it starts fails."""

    class Any_(dict[str, int]):
        def __contains__(self, _: object) -> bool:
            return True

        def __missing__(self, _: str) -> int:
            return 1603

        def __bool__(self) -> bool:
            return True

    host = ScriptedHost(jobs=Any_(), otherwise=Exited(0))
    with contextlib.suppress(ActFailed, InDoubt):
        virtual_time.run(build(uses, with_).act(host, receipt()))
    return host


@pytest.mark.parametrize(("uses", "with_", "line"), LONG)
def test_whatever_installs_runs_in_a_task_with_a_logon_of_its_own(uses: str, with_: dict[str, Any], line: str) -> None:
    """In the network logon of a remote session, Windows Installer, DPAPI and DISM fail, and say why in riddles."""
    host = begun(uses, with_)

    assert any(one.startswith(f"job: {line}") for one in host.commands), host.commands
    assert not any(one.startswith((line, "msiexec")) for one in host.commands)


@pytest.mark.parametrize(("uses", "with_", "line"), LONG[:2])
def test_windows_installer_asks_nothing_restarts_nothing_and_writes_a_log(
    uses: str, with_: dict[str, Any], line: str
) -> None:
    (job,) = (one for one in begun(uses, with_).commands if one.startswith("job: "))

    assert " /qn " in job and " /norestart " in job and re.search(r" /l\*v \S+l-\S+\.txt", job)


def test_nothing_here_asks_the_windows_update_api() -> None:
    """It refuses remote sessions; updates are packages that lie on the host."""
    ours = Path(handrail.__file__).parent
    asking = re.compile("Microsoft\\.Update\\.|wuauclt|usoclient|wusa|PSWindowsUpdate", re.IGNORECASE)
    found = [
        str(path)
        for folder in ("actions", "hosts", "probing", "products")
        for path in (ours / folder).rglob("*")
        if path.suffix in (".py", ".yaml") and asking.search(path.read_text("utf-8"))
    ]

    assert not found

"""Asking a host about the way to it: what tools print becomes facts, and what is not understood is left out by name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.scripted_host import Answers, ScriptedHost
from tests.support.twins import Clock, Console, a_twin

from handrail.assessing.transport import Asked, findings_of
from handrail.assessing.transport_wants import Wants
from handrail.errors import HostUnreachable
from handrail.hosts.local import LocalHost
from handrail.hosts.protocol import Command, Exited, Lost, Outcome, TimedOut
from handrail.model.estate import Connect, Host
from handrail.probing import transport

CURRENT = r"reg query HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
PAGES = r"reg query HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage /v OEMCP"
NOW = 1_795_000_000.0
UTC = "2026-11-18T11:06:40"  # the same moment

VERSION = """
HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion
    ProductName    REG_SZ    Windows Server 2019 Standard
    CurrentBuildNumber    REG_SZ    17763
    InstallationType    REG_SZ    Server Core
"""
GROUPS = (
    '"Jeder","Bekannte Gruppe","S-1-1-0","Verbindliche Gruppe, Standardmäßig aktiviert, Aktivierte Gruppe"\n'
    '"VORDEFINIERT\\Administratoren","Alias","S-1-5-32-544","Gruppe, die nur zum Ablehnen verwendet wird"\n'
    '"NT-AUTORITÄT\\Lokales Konto","Bekannte Gruppe","S-1-5-113","Aktivierte Gruppe"\n'
    '"Verbindliche Beschriftung\\Mittlere Verbindlichkeitsstufe","Bezeichnung","S-1-16-8192",""\n'
)
SERVICE = "\nSERVICE_NAME: Schedule\n        TYPE               : 20\n        STATE              : 4  RUNNING\n"
WINRS = """Winrs
    AllowRemoteShellAccess = true
    IdleTimeout = 7200000
    MaxProcessesPerShell = 15
    MaxMemoryPerShellMB = 150
    MaxShellsPerUser = 5
"""
ANSWERS: Answers = {
    "cmd /c ver": "Microsoft Windows [Version 10.0.17763.1]",
    r"reg query HKLM\SOFTWARE\Wine": 1,
    CURRENT: VERSION,
    "whoami /groups /fo csv /nh": GROUPS,
    "sc query Schedule": SERVICE,
    PAGES: f"\n{PAGES[10:-9]}\n    OEMCP    REG_SZ    850\n".replace("HKLM", "HKEY_LOCAL_MACHINE"),
    "script transport-facts": f"language=FullLanguage\nversion=3.0\nutc={UTC}\n",
    "cmd /c winrm get winrm/config/winrs": WINRS,
    "wmic qfe get HotFixID /value": "\r\n\r\nHotFixID=KB2842230\r\r\n\r\nHotFixID=KB4486153\r\n",
}


def ask(host: Any, wants: Wants | None = None, via: str = "winrm", now: Callable[[], float] = lambda: NOW) -> Asked:
    return asyncio.run(transport.ask(host, wants or Wants(), via=via, now=now))


def test_a_windows_host_tells_of_itself_in_any_language() -> None:
    asked = ask(ScriptedHost(ANSWERS))

    assert not asked.unread and not asked.trouble
    assert asked.facts == {
        "wine": False,
        "build": 17763,
        "installation": "Server Core",
        "integrity": "medium",
        "administrator": True,
        "local_account": True,
        "scheduler": "RUNNING",
        "oem_code_page": 850,
        "powershell": "3.0",
        "language_mode": "FullLanguage",
        "skew": 0.5,
        "skew_error": 0.5,
        "shell_memory_mb": 150,
        "shells_per_user": 5,
        "has_kb2842230": True,
    }
    findings = findings_of(Host("sync01", connect=Connect("winrm")), Wants(people=("w",)), asked)
    assert {one.rule.removeprefix("transport/") for one in findings} == {
        "filtered-token", "servercore", "shell-memory-quota",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "answer", "lost"),
    [
        (CURRENT, "nothing of use", {"build", "installation"}),
        ("whoami /groups /fo csv /nh", 1, {"integrity", "administrator"}),
        ("whoami /groups /fo csv /nh", '"x","y","S-1-5-32-544","z"\n', {"integrity", "administrator"}),
        ("sc query Schedule", "??", {"scheduler"}),
        (PAGES, "", {"oem_code_page"}),
        ("script transport-facts", TimedOut(120), {"powershell", "language_mode", "skew"}),
        ("cmd /c winrm get winrm/config/winrs", Exited(1, b"", b"denied"), {"shell_memory_mb", "shells_per_user"}),
        ("wmic qfe get HotFixID /value", "No Instance(s) Available.", {"has_kb2842230"}),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_left_out_by_name_and_the_rest_is_asked(
    asked: str, answer: Outcome | str | int, lost: set[str]
) -> None:
    whole = ask(ScriptedHost(ANSWERS))
    found = ask(ScriptedHost({**ANSWERS, asked: answer}))

    assert lost <= set(found.unread) and not lost & set(found.facts)
    rest = set(whole.facts) - lost - {"skew_error", "local_account"}
    if "powershell" in lost:
        rest -= {"has_kb2842230"}  # only the old framework is asked after it
    assert rest <= set(found.facts)


def test_a_host_without_powershell_is_known_to_have_none() -> None:
    found = ask(ScriptedHost({**ANSWERS, "script transport-facts": 9009}))

    assert found.facts["powershell"] is None and "powershell" not in found.unread


def test_wine_is_recognised_and_asked_no_more() -> None:
    host = ScriptedHost({**ANSWERS, r"reg query HKLM\SOFTWARE\Wine": "HKEY_LOCAL_MACHINE\\SOFTWARE\\Wine\n"})

    assert ask(host).facts["wine"] is True
    assert len(host.commands) == 3


def test_the_clock_of_a_host_is_told_from_a_slow_line() -> None:
    times = iter([NOW, NOW + 8])
    facts = ask(ScriptedHost(ANSWERS), now=lambda: next(times)).facts

    assert facts["skew"] == -3.5 and facts["skew_error"] == 4.5


@pytest.mark.parametrize("silence", [Lost("reset by peer"), TimedOut(30)])
def test_a_host_that_falls_silent_is_trouble_and_asked_nothing_more(silence: Outcome) -> None:
    host = ScriptedHost(otherwise=silence)

    assert ask(host).trouble
    assert len(host.commands) == 1


def test_a_host_that_goes_away_in_between_is_trouble() -> None:
    class Going(ScriptedHost):
        async def execute(self, command: Command) -> Outcome:
            if command.argv[0] == "sc":
                raise HostUnreachable("sync01 does not answer.")
            return await super().execute(command)

    assert "does not answer" in ask(Going(ANSWERS)).trouble


def test_who_may_log_on_as_a_batch_job_is_read_from_the_rights() -> None:
    rights = (
        "SeBatchLogonRight = *S-1-5-32-544,*S-1-5-21-1-2-3-1105\nSeDenyBatchLogonRight = guest\n"
        "sid of C\\svc=S-1-5-21-1-2-3-1105\nsid of guest=S-1-5-21-1-2-3-501\nsid of C\\x=S-1-5-21-1-2-3-9\n"
    )
    wants = Wants(accounts=("C\\svc", "guest", "C\\x"))
    host = ScriptedHost({**ANSWERS, "script batch-logon C\\svc guest C\\x": rights})

    assert ask(host, wants).facts["batch_logon"] == {"C\\svc": True, "guest": False}


def test_the_twin_answers_what_every_host_is_asked_first() -> None:
    console = Console(a_twin(clock=Clock()))
    facts = console.script("transport-facts")

    assert facts.code == 0 and "language=FullLanguage" in facts.text


# -- Linux ----------------------------------------------------------------------------------------------------------

SAID = """uid=1001
user=upgrade
time=1795000000
systemd=yes
kill=yes
linger=no
sudo=asks
sessions=4
folder=yes|root|no|2048|rw,noexec|/srv/a b=c
folder=yes|root|no|cut off
noise
"""


def test_a_linux_host_tells_of_itself() -> None:
    host = ScriptedHost({"uname -s": "Linux\n"}, otherwise=Exited(0, SAID.encode()), windows=False, name="pg01")
    wants = Wants(reboots=("r",), folders={"/srv/a b=c": "backup"})

    asked = ask(host, wants, "ssh")

    assert asked.facts == {
        "uid": 1001, "user": "upgrade", "sudo": "asks", "systemd": True, "kill_user_processes": True, "linger": False,
        "max_sessions": 4, "skew": 0.5, "skew_error": 0.5,
        "folders": {
            "/srv/a b=c": {
                "there": True, "owner": "root", "writable": False, "free": 2 * 1024 * 1024, "options": ("rw", "noexec"),
            }
        },
    }  # fmt: skip
    findings = findings_of(Host("pg01", "debian-12", connect=Connect("ssh")), wants, asked)
    assert {one.rule.removeprefix("transport/") for one in findings} == {
        "no-root", "disk-space", "rights", "max-sessions", "killed-at-logout",
    }  # fmt: skip


def test_this_very_machine_answers_all_that_is_asked(tmp_path: Any) -> None:
    """The script as a real shell reads it."""
    missing = tmp_path / "not" / "there yet"
    wants = Wants(reboots=("r",), folders={"/var/tmp": "jobs", str(missing): "backup"})

    asked = asyncio.run(transport.ask(LocalHost("here"), wants, via="ssh"))

    assert not asked.trouble and not asked.unread
    facts = asked.facts
    assert facts["uid"] == os.geteuid() and abs(facts["skew"]) < 30
    assert facts["folders"]["/var/tmp"]["writable"] and facts["folders"]["/var/tmp"]["free"] > 0
    there = facts["folders"][str(missing)]
    assert there["there"] is False and there["writable"] is True, "its nearest folder is ours"


def test_a_shell_that_says_nothing_of_use_is_no_answer() -> None:
    host = ScriptedHost({"uname -s": "Linux\n"}, otherwise=Exited(2, b"", b"sh: syntax error"), windows=False)
    asked = ask(host, Wants(folders={"/var/tmp": "jobs"}), "ssh")

    assert "uid" in asked.unread and "syntax error" in asked.unread["uid"]
    findings = findings_of(
        Host("pg01", "debian-12", connect=Connect("ssh")), Wants(folders={"/var/tmp": "jobs"}), asked
    )
    assert all(one.unknown for one in findings) and {one.rule for one in findings} >= {"transport/disk-space"}

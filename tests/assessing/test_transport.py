"""The way to a host: facts in, findings out. Every pitfall of docs/transports.md that preflight reports is here."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.plans import sample_plan

from handrail.assessing.transport import MIB, Asked, findings_of, judged, reaching
from handrail.assessing.transport_rules import ACCEPTABLE, RULES
from handrail.assessing.transport_wants import Wants, wants_of
from handrail.model.estate import Acceptance, Connect, Database, Deployment, Host, Installation
from handrail.model.finding import Finding
from handrail.model.plan import Plan

WINDOWS: dict[str, Any] = {
    "wine": False,
    "build": 17763,
    "installation": "Server",
    "integrity": "high",
    "administrator": True,
    "local_account": False,
    "scheduler": "RUNNING",
    "oem_code_page": 437,
    "powershell": "5.1.17763.1",
    "language_mode": "FullLanguage",
    "shell_memory_mb": 2048,
    "shells_per_user": 30,
    "skew": 0.4,
    "skew_error": 1.0,
}
ROOM = {"there": True, "owner": "postgres", "writable": True, "free": 50_000 * MIB, "options": ("rw", "relatime")}
LINUX: dict[str, Any] = {
    "uid": 26,
    "user": "postgres",
    "systemd": True,
    "kill_user_processes": False,
    "linger": False,
    "max_sessions": 10,
    "folders": {"/var/tmp": ROOM},
    "skew": 0.0,
    "skew_error": 0.5,
}
WINRM = Connect("winrm", auth="kerberos")
SSH = Connect("ssh", user="postgres", key="id_ed25519")
JOBS = {"/var/tmp": "jobs"}


def windows(connect: Connect = WINRM, wants: Wants | None = None, os: str = "windows-server-2019", **facts: Any) -> Any:
    """`facts` that are None... are set so; `without` leaves some out."""
    without = facts.pop("without", ())
    known = {name: value for name, value in {**WINDOWS, **facts}.items() if name not in without}
    asked = Asked(known, dict.fromkeys(without, "access was denied"))
    return found_by(findings_of(Host("sync01", os, connect=connect), wants or Wants(), asked))


def linux(connect: Connect = SSH, wants: Wants | None = None, **facts: Any) -> Any:
    without = facts.pop("without", ())
    known = {name: value for name, value in {**LINUX, **facts}.items() if name not in without}
    asked = Asked(known, dict.fromkeys(without, "access was denied"))
    return found_by(findings_of(Host("pg01", "debian-12", connect=connect), wants or Wants(folders=JOBS), asked))


def found_by(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(one.rule.removeprefix("transport/"), "unknown" if one.unknown else one.level) for one in findings]


def test_a_host_that_is_as_it_should_be_is_said_nothing_of() -> None:
    assert windows() == []
    assert linux() == []
    assert linux(Connect("local", user="postgres"), max_sessions=1) == [], "no sshd stands between"


SHARE = Wants(shares={"a/patch": "\\\\files\\media\\sp3.msp"})
AS_SVC = Wants(accounts=("C\\svc",))
REMOTE_SQL = Wants(servers={"a/check": "sql01\\MIM"})


@pytest.mark.parametrize(
    ("how", "says"),
    [
        # 1 double hop
        ({"wants": SHARE}, [("double-hop", "blocker")]),
        ({"wants": REMOTE_SQL}, [("double-hop", "blocker")]),
        ({"wants": SHARE, "connect": Connect("winrm", auth="credssp")}, []),
        ({"wants": SHARE, "connect": Connect("ssh", key="id_ed25519")}, [("double-hop", "blocker")]),
        ({"wants": SHARE, "connect": Connect("ssh", password="env:P")}, []),
        # 10 the installer's service reads the package, and the database, as SYSTEM
        ({"wants": Wants(installers={"a/patch": "sql01"})}, [("installer-account", "risk")]),
        # 6 quotas and the hotfix
        ({"shell_memory_mb": 150}, [("shell-memory-quota", "risk")]),
        ({"shell_memory_mb": 0}, []),  # no limit
        ({"without": ("shell_memory_mb",)}, [("shell-memory-quota", "unknown")]),
        ({"shell_memory_mb": 150, "connect": Connect("ssh", password="env:P")}, []),
        ({"powershell": "3.0", "build": 9200, "has_kb2842230": False}, [("kb2842230", "risk")]),
        ({"powershell": "3.0", "build": 9200, "has_kb2842230": True}, []),
        ({"powershell": "3.0", "build": 9200}, [("kb2842230", "unknown")]),
        # 7 shells
        ({"shells_per_user": 1}, [("shell-quota", "blocker")]),
        # 8 tokens
        ({"integrity": "medium"}, [("filtered-token", "blocker")]),
        ({"administrator": False, "integrity": "medium"}, [("no-administrator", "blocker")]),
        ({"without": ("integrity",)}, [("filtered-token", "unknown")]),
        ({"integrity": "system"}, []),
        # 11 restarts
        ({"wants": Wants(reboots=("a/restart",)), "connect": Connect("local")}, [("restarts-itself", "risk")]),
        # 14 tasks
        ({"scheduler": "STOPPED"}, [("task-scheduler", "blocker")]),
        ({"without": ("scheduler",)}, [("task-scheduler", "unknown")]),
        ({"wants": AS_SVC, "batch_logon": {"C\\svc": False}}, [("no-batch-logon", "blocker")]),
        ({"wants": AS_SVC, "batch_logon": {"C\\svc": True}}, []),
        ({"wants": AS_SVC, "batch_logon": {}}, [("no-batch-logon", "unknown")]),
        # 15 files
        ({"build": 7601}, [("file-transfer", "risk")]),
        # 16 code pages
        ({"wants": Wants(letters={"a/b": "C:\\Zürich"}), "oem_code_page": 850}, [("code-page", "risk")]),
        ({"wants": Wants(letters={"a/b": "C:\\Zürich"}), "oem_code_page": 437}, []),
        ({"oem_code_page": 850}, []),
        # 17 TLS
        ({"connect": Connect("winrm", tls_floor="1.0")}, [("tls-floor", "risk")]),
        ({"connect": Connect("winrm", auth="certificate", tls_floor="1.3")}, [("certificate-tls13", "blocker")]),
        # 18 old Windows
        ({"os": "windows-server-2003", "build": 3790, "without": ("integrity", "powershell")},
         [("old-windows", "blocker"), ("file-transfer", "risk")]),
        ({"os": "windows-server-2008", "build": 6002}, [("old-windows", "blocker"), ("file-transfer", "risk")]),
        # and more
        ({"language_mode": "ConstrainedLanguage"}, [("language-mode", "blocker")]),
        ({"powershell": None}, [("language-mode", "blocker")]),
        ({"without": ("powershell",)}, [("language-mode", "unknown")]),
        ({"installation": "Server Core", "wants": Wants(people=("a/wizard",))}, [("servercore", "risk")]),
        ({"installation": "Server Core"}, []),
        ({"skew": 120.0}, [("clock-skew", "risk")]),
        ({"skew": -400.0}, [("clock-skew", "blocker")]),
        ({"skew": 61.0, "skew_error": 5.0}, []),
        ({"without": ("skew",)}, [("clock-skew", "unknown")]),
        ({"wine": True, "without": ("integrity", "scheduler", "powershell")}, [("not-windows", "note")]),
    ],
)  # fmt: skip
def test_pitfalls_of_windows(how: dict[str, Any], says: list[tuple[str, str]]) -> None:
    assert windows(**how) == says


REBOOT = Wants(reboots=("a/restart",))


def folder(use: str, **facts: Any) -> dict[str, Any]:
    return {"wants": Wants(folders={"/srv": use}), "folders": {"/srv": {**ROOM, **facts}}}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"wants": REBOOT}, [("no-root", "blocker")]),
        ({"wants": REBOOT, "sudo": "asks"}, [("no-root", "blocker")]),
        ({"wants": REBOOT, "sudo": "free"}, []),
        ({"wants": REBOOT, "uid": 0}, []),
        (folder("jobs", free=50 * MIB), [("disk-space", "blocker")]),
        (folder("backup", free=500 * MIB), [("disk-space", "risk")]),
        (folder("backup", writable=False), [("rights", "blocker")]),
        (folder("data", owner="root"), [("rights", "blocker")]),
        (folder("data", owner="root", there=False), []),
        (folder("program", options=("rw", "noexec")), [("noexec", "blocker")]),
        (folder("jobs", options=("rw", "noexec")), []),  # our jobs are read by sh, not started
        ({"folders": {}}, [("disk-space", "unknown")]),
        ({"kill_user_processes": True}, [("killed-at-logout", "blocker")]),
        ({"kill_user_processes": True, "linger": True}, []),
        ({"kill_user_processes": True, "uid": 0}, []),
        ({"kill_user_processes": None}, [("killed-at-logout", "unknown")]),
        ({"kill_user_processes": True, "systemd": False}, []),
        ({"max_sessions": 2}, [("max-sessions", "risk")]),
        ({"max_sessions": 8, "connect": replace(SSH, sessions=8)}, [("max-sessions", "risk")]),
        ({"max_sessions": 9, "connect": replace(SSH, sessions=8)}, []),
        ({"without": ("max_sessions",)}, []),  # what is not allowed is waited for
        ({"skew": 400.0}, [("clock-skew", "blocker")]),
    ],
)
def test_pitfalls_of_linux(how: dict[str, Any], says: list[tuple[str, str]]) -> None:
    assert linux(**how) == says


@pytest.mark.parametrize(
    ("connect", "settle"),
    [
        (WINRM, "curl -v https://sync01:5986/wsman"),
        (Connect("winrm", tls=False, address="10.0.0.7"), "curl -v http://10.0.0.7:5985/wsman"),
        (Connect("ssh", user="me", port=2222, jump=("gate", "other")), "ssh -J gate,other -p 2222 me@sync01 exit"),
    ],
)
def test_a_host_that_is_not_reached_is_unknown_with_the_command_that_settles_it(connect: Connect, settle: str) -> None:
    (found,) = findings_of(Host("sync01", connect=connect), Wants(), Asked(trouble="connection refused."))

    assert (found.rule, found.level, found.unknown) == ("transport/unreachable", "blocker", True)
    assert "connection refused" in found.message and f"`{settle}`" in found.remedy
    assert reaching("sync01", connect) == settle


def test_a_host_of_which_nobody_says_how_it_is_reached_is_told_as_such() -> None:
    (found,) = findings_of(Host("sync01"), Wants(), Asked(trouble="whatever"))

    assert (found.rule, found.unknown) == ("transport/no-connect", False)


def test_every_finding_has_message_remedy_and_source_and_names_its_host() -> None:
    found = findings_of(
        Host("sync01", "windows-server-2003", connect=Connect("winrm", tls_floor="1.0")),
        Wants(people=("p",), shares={"s": "\\\\x"}, letters={"l": "é"}, accounts=("b",), installers={"i": "sql01"}),
        Asked({}),
    )
    assert len({one.rule for one in found}) >= 8
    for one in found:
        assert one.subject == "host:sync01" and one.message.endswith((".", "?")) and one.remedy.endswith(".")
        assert one.source.section and one.rule in RULES


def test_a_local_account_is_told_of_the_policy_and_a_domain_account_is_not() -> None:
    def remedy(local: bool) -> str:
        asked = Asked({**WINDOWS, "integrity": "medium", "local_account": local})
        (found,) = findings_of(Host("sync01", connect=WINRM), Wants(), asked)
        return found.remedy

    assert "LocalAccountTokenFilterPolicy" in remedy(True)
    assert "LocalAccountTokenFilterPolicy" not in remedy(False)


def test_what_is_accepted_by_name_no_longer_blocks_unless_it_must_not_be_accepted() -> None:
    asked = Asked({**WINDOWS, "integrity": "medium", "scheduler": "STOPPED"})
    found = findings_of(Host("sync01", connect=WINRM), Wants(), asked)
    names = [Acceptance("transport/filtered-token", "host:sync01"), Acceptance("transport/task-scheduler")]

    token, scheduler = judged(found, names)

    assert token.rule == "transport/filtered-token" and token.accepted and not token.blocks
    assert scheduler.blocks and "cannot be accepted" in scheduler.remedy
    assert not judged(found, [Acceptance("transport/filtered-token", "host:other")])[0].accepted
    assert "transport/unreachable" not in ACCEPTABLE


# -- what a plan asks of the way ------------------------------------------------------------------------------------


def windows_plan() -> Plan:
    plan = sample_plan()
    hosts = {name: Host(name, "windows-server-2019") for name in plan.estate.hosts}
    return replace(plan, estate=replace(plan.estate, hosts=hosts))


def test_what_a_plan_asks_of_its_hosts_is_read_from_its_steps() -> None:
    plan = windows_plan()
    first = replace(plan.steps[0], with_={"path": "\\\\files\\media", "text": "C:\\Zürich", "late": {"late": "a.b"}})
    plan = replace(plan, steps=(first, *plan.steps[1:]))

    wants = wants_of(plan)

    assert set(wants) == {"sync01", "svc01"}
    one = wants["sync01"]
    assert one.shares == {first.id: "\\\\files\\media"} and one.letters == {first.id: "C:\\Zürich"}
    assert [name.rpartition("/")[2] for name in one.people] == ["wizard"]
    assert set(one.servers.values()) == {"sql01"}, "a database server that is asked from sync01"


def test_a_server_that_is_the_host_itself_is_no_second_hop() -> None:
    plan = windows_plan()
    names = ["sync01\\SQLEXPRESS", "SYNC01.contoso.com,1433", "localhost", ".", "(local)"]
    steps = [replace(one, with_={"server": name}) for one, name in zip(plan.steps, names, strict=False)]

    assert not wants_of(replace(plan, steps=tuple(steps)))["sync01"].servers


def test_an_installer_beside_a_database_elsewhere_is_noticed() -> None:
    plan = windows_plan()
    place = Installation("identity", "sync", "sync01", "4.6.673.0", database="db")
    estate = replace(
        plan.estate,
        databases={"db": Database("db", "sqlserver", "sql01", "Sync")},
        deployments={"identity": Deployment("identity", "mim", (place,))},
    )

    assert set(wants_of(replace(plan, estate=estate))["sync01"].installers.values()) == {"sql01"}
    assert not wants_of(plan)["sync01"].installers


def test_where_tasks_run_as_an_account_it_is_asked_for_its_rights_and_goes_elsewhere_as_itself() -> None:
    plan = windows_plan()
    connect = Connect("winrm", user="CONTOSO\\upgrade", password="env:P", jobs="user")
    place = Installation("identity", "sync", "sync01", "4.6.673.0", database="db")
    estate = replace(
        plan.estate,
        hosts={"sync01": Host("sync01", "windows-server-2019", connect=connect)},
        databases={"db": Database("db", "sqlserver", "sql01", "Sync")},
        deployments={"identity": Deployment("identity", "mim", (place,))},
    )

    one = wants_of(replace(plan, estate=estate))["sync01"]

    assert one.accounts == ("CONTOSO\\upgrade",) and not one.installers


def test_folders_of_linux_steps_are_known_by_their_use() -> None:
    plan = sample_plan()
    estate = replace(plan.estate, hosts={"sync01": Host("sync01", "debian-12")})
    backup = replace(plan.steps[2], with_={"to": "/srv/backup", "data": "/pg/15", "bin": "/usr/lib/pg/15"})
    other = replace(plan.steps[4], with_={"to": "/elsewhere"})

    wants = wants_of(replace(plan, estate=estate, steps=(backup, other)))["sync01"]

    expected = {"/var/tmp": "jobs", "/srv/backup": "backup", "/pg/15": "data", "/usr/lib/pg/15": "program"}
    assert wants.folders == expected


# -- docs/transports.md -----------------------------------------------------------------------------------------------


def test_the_table_of_pitfalls_names_rules_modules_and_tests_that_there_are() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "transports.md").read_text("utf-8")

    assert set(re.findall(r"`(transport/[a-z0-9-]+)[`@]", page)) == set(RULES)
    rows = [line for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    assert [int(line.split("|")[1]) for line in rows] == list(range(1, 19))
    assert all("handled" in line or "reported" in line for line in rows)
    for name in re.findall(r"`((?:hosts|actions|assessing|probing|tests)/[\w/]+\.py)`", page):
        assert (root / name).is_file() or (root / "src" / "handrail" / name).is_file(), name

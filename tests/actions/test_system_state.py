"""Backups of the system state: told by what is never translated, and unknown where nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost, receipt
from tests.support.twins import Console, a_twin, an_estate

from handrail.actions import build
from handrail.hosts.protocol import Exited, Outcome
from handrail.probing.backups import versions_in

HEAD = "wbadmin 1.0 - Backup command-line tool\r\n(C) Copyright Microsoft Corporation. All rights reserved.\r\n\r\n"


def backup(identifier: str, recovers: str = "Volume(s), System State", label: str = "Can recover") -> str:
    lines = ("Backup time: 11/20/2026 3:00 AM", "Backup target: Network Share labeled \\\\NAS\\backup")
    return "\r\n".join((*lines, f"Version identifier: {identifier}", f"{label}: {recovers}", "", ""))


NEW, OLD = backup("11/20/2026-11:00"), backup("11/01/2026-11:00")
GERMAN = backup("11/20/2026-11:00", "Volumes, Systemstatus", "Wiederherstellbar")


@pytest.mark.parametrize(
    ("says", "state"),
    [
        (Exited(0, (HEAD + OLD + NEW).encode()), "done"),
        (Exited(0, (HEAD + NEW + OLD).encode()), "done"),
        (Exited(0, (HEAD + NEW + GERMAN).encode("utf-16")), "done"),
        (Exited(0, (HEAD + OLD).encode()), "not_done"),
        (Exited(0, (HEAD + OLD + backup("11/20/2026-11:00", "Volume(s), File(s)")).encode()), "not_done"),
        (Exited(0, (HEAD + backup("11/20/2026-11:00", "Volume(s)")).encode()), "not_done"),
        (Exited(0, (HEAD + GERMAN).encode()), "unknown"),
        (Exited(0, HEAD.encode()), "unknown"),
        (Exited(0, (HEAD + backup("99/99/2026-11:00")).encode()), "unknown"),
        (Exited(-3, (HEAD + "ERROR - No backup was found.").encode()), "unknown"),
        (Exited(9009, b"", b"'wbadmin' is not recognized as an internal or external command"), "unknown"),
    ],
)
def test_the_newest_backup_that_holds_the_system_state_has_to_be_young(says: Outcome, state: str) -> None:
    host = ScriptedHost({"wbadmin get versions": says})

    seen = virtual_time.run(build("host.system_state", {"hours": 24}).observe(host, receipt()))

    assert seen.state == state, seen
    if state == "done":
        assert seen.outputs == {
            "identifier": "11/20/2026-11:00", "made_at": "2026-11-20T11:00:00+00:00", "age_hours": 11,
        }  # fmt: skip


@given(st.text())
def test_whatever_is_printed_is_read(text: str) -> None:
    assert isinstance(versions_in(text), list)


def test_a_host_of_the_twin_has_the_backup_that_the_estate_states_and_can_make_another() -> None:
    estate = an_estate(host_facts={"system_state_backup_age_days": 3})
    twin = a_twin(estate)
    console = Console(twin)

    def look(host: str, hours: int) -> str:
        action = build("host.system_state", {"hours": hours})
        moment = replace(receipt(), since="2026-11-20T22:00:00Z")
        return virtual_time.run(action.observe(Console(twin, host).host, moment)).state

    assert look("sync01", 73) == "done"
    assert look("sync01", 71) == "not_done"
    assert look("svc01", 71) == "unknown"
    assert console("wbadmin", "start", "systemstatebackup", "-backupTarget:E:", "-quiet").code == 0
    assert look("sync01", 1) == "done"

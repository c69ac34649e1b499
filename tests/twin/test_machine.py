"""Restarts, boot ids, the event log, and hosts that the twin does not model."""

from __future__ import annotations

import pytest
from tests.support.twins import SERVICE, Clock, Console, a_twin, done

from handrail.errors import NotRehearsed, UnknownName
from handrail.hosts.protocol import Command
from handrail.twin.mechanisms import events
from handrail.twin.things import Process

QUERY = (
    "/q:*[System[Provider[@Name='MsiInstaller' or @Name='Other'] and (Level=1 or Level=2) "
    "and TimeCreated[@SystemTime>='{}']]]"
)


def test_the_boot_id_differs_after_every_restart_even_at_the_same_moment() -> None:
    console = Console(a_twin())
    ids = [done(console.host.boot_id())]
    for _ in range(3):
        assert console("shutdown", "/r", "/t", "2", "/f").code == 0
        ids.append(done(console.host.boot_id()))

    assert len(set(ids)) == 4
    assert f"LastBootUpTime={ids[-1]}" in console("wmic", "os", "get", "LastBootUpTime", "/value").text


def test_a_restart_starts_what_starts_by_itself_and_nothing_else() -> None:
    console = Console(a_twin())
    console("sc", "stop", SERVICE)
    console("sc", "config", "W3SVC", "start=", "demand")
    console("shutdown", "/r", "/t", "0")

    assert (console.state(), console.state("W3SVC")) == ("RUNNING", "STOPPED")
    assert [one.what for one in console.twin.effects() if one.kind == "boot"] == ["restarted, boot 2"]
    assert len(console.twin.effects()) == 3


def test_a_restart_closes_what_somebody_left_open() -> None:
    twin = a_twin()
    twin.transact("sync01", "open", lambda machine: machine.put("mmc", Process("mmc", ("C:\\*",))))
    console = Console(twin)
    console("shutdown", "/r", "/t", "0")

    assert console.machine().all(Process) == []


def test_there_is_nothing_to_abort_since_a_restart_happens_at_once() -> None:
    assert Console(a_twin())("shutdown", "/a").code == 1116
    with pytest.raises(NotRehearsed):
        Console(a_twin())("shutdown", "/s")


def test_the_event_log_is_searched_by_provider_level_and_time() -> None:
    clock = Clock()
    twin = a_twin(clock=clock)
    console = Console(twin)
    twin.transact("sync01", "x", lambda m: events.write(m, "MsiInstaller", 11708, events.ERROR, "It failed."))
    clock.pass_(60)
    begun = clock().isoformat().replace("+00:00", "Z")
    assert console("wevtutil", "qe", "Application", QUERY.format(begun), "/f:text").text == ""

    twin.transact("sync01", "x", lambda m: events.write(m, "MsiInstaller", 11708, events.ERROR, "It failed again."))
    twin.transact("sync01", "x", lambda m: events.write(m, "MsiInstaller", 1033, events.INFORMATION, "It worked."))
    twin.transact("sync01", "x", lambda m: events.write(m, "Someone", 1, events.ERROR, "Not asked for."))
    text = console("wevtutil", "qe", "Application", QUERY.format(begun), "/f:text").text
    assert text.startswith("Event[0]\r\n  Log Name: Application\r\n  Source: MsiInstaller\r\n")
    assert "It failed again." in text and "It worked." not in text and "Event[1]" not in text


@pytest.mark.parametrize("query", ["/q:*[System[Keywords=1]]", "/q:<QueryList/>"])
def test_a_query_that_is_not_understood_is_not_rehearsed(query: str) -> None:
    with pytest.raises(NotRehearsed):
        Console(a_twin())("wevtutil", "qe", "Application", query, "/f:text")


def test_an_unknown_log_is_said_to_be_unknown() -> None:
    assert Console(a_twin())("wevtutil", "qe", "Nothing", "/f:text").code == 15007


@pytest.mark.parametrize("argv", [("defrag", "C:"), ("C:\\tools\\sc.exe", "query"), ("powershell", "-Command", "dir")])
def test_an_unknown_program_is_not_rehearsed(argv: tuple[str, ...]) -> None:
    console = Console(a_twin())
    with pytest.raises(NotRehearsed):
        console(*argv)
    assert console.twin.effects() == []


def test_programs_are_found_under_their_full_path_too() -> None:
    assert Console(a_twin())("C:\\Windows\\System32\\sc.exe", "query", SERVICE).code == 0


def test_a_host_without_windows_knows_no_command() -> None:
    host = a_twin().host("pg01")

    assert not host.windows
    with pytest.raises(NotRehearsed, match="does not run Windows"):
        done(host.execute(Command(("uname", "-a"))))


def test_a_host_that_the_estate_does_not_have_is_unknown() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'sync01'"):
        a_twin().host("sync1")

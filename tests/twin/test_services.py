"""The service manager, through `sc`, `net` and `iisreset`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.twins import SERVICE, SYNC, Console, a_twin, an_estate

from handrail.errors import NotRehearsed
from handrail.twin.machine import Machine
from handrail.twin.things import ESTATE, Account, KeySet, Service


def test_sc_query_prints_what_windows_prints() -> None:
    answer = Console(a_twin())("sc", "query", SERVICE)

    assert answer.code == 0
    assert "\r\nSERVICE_NAME: FIMSynchronizationService \r\n" in answer.text
    assert "        STATE              : 4  RUNNING " in answer.text


def test_a_service_that_is_not_there_is_1060_on_standard_output() -> None:
    answer = Console(a_twin())("sc", "query", "FIMPCNS")

    assert answer.code == 1060
    assert answer.text.startswith("[SC] EnumQueryServicesStatus:OpenService FAILED 1060:")


def test_stopping_and_starting_twice_have_their_codes() -> None:
    console = Console(a_twin())

    assert [console("sc", "stop", SERVICE).code for _ in range(2)] == [0, 1062]
    assert console.state() == "STOPPED"
    assert [console("sc", "start", SERVICE).code for _ in range(2)] == [0, 1056]
    assert [one.what for one in console.twin.effects()] == [f"{SERVICE} stopped", f"{SERVICE} started"]


def test_what_others_depend_on_cannot_be_stopped_alone() -> None:
    console = Console(a_twin())

    assert console("sc", "stop", "WAS").code == 1051
    assert console("sc", "stop", "W3SVC").code == 0
    assert console("sc", "stop", "WAS").code == 0


def test_starting_starts_what_it_depends_on() -> None:
    console = Console(a_twin())
    console("iisreset", "/stop")
    assert (console.state("W3SVC"), console.state("WAS")) == ("STOPPED", "STOPPED")

    assert console("sc", "start", "W3SVC").code == 0
    assert console.state("WAS") == "RUNNING"


def test_a_disabled_service_does_not_start() -> None:
    console = Console(a_twin())
    console("sc", "stop", SERVICE)
    assert console("sc", "config", SERVICE, "start=", "disabled").code == 0

    assert console("sc", "start", SERVICE).code == 1058
    assert "DISABLED" in console("sc", "qc", SERVICE).text


def test_an_account_that_may_not_log_on_is_1069() -> None:
    twin = a_twin()
    console = Console(twin)
    console("sc", "stop", SERVICE)
    locked = Account("CONTOSO\\svc-sync", enabled=False)
    twin.transact("sync01", "lock", lambda m: m.context.draft.put(ESTATE, "account", "contoso\\svc-sync", locked))

    assert console("sc", "start", SERVICE).code == 1069


def test_a_service_whose_program_is_gone_is_2() -> None:
    console = Console(a_twin())
    console("sc", "stop", SERVICE)
    console("cmd", "/c", "del", f"{SYNC}\\Bin\\miiserver.exe")

    assert console("sc", "start", SERVICE).code == 2


@pytest.mark.parametrize("statement", [f"ALTER DATABASE [{SERVICE}] SET OFFLINE", f"DROP DATABASE [{SERVICE}]"])
def test_without_its_database_a_service_does_not_start_and_says_so_in_the_event_log(statement: str) -> None:
    console = Console(a_twin())
    console("sc", "stop", SERVICE)
    console.sql(statement)

    assert console("sc", "start", SERVICE).code == 1066
    events = console("wevtutil", "qe", "Application", f"/q:*[System[Provider[@Name='{SERVICE}'] and (Level=2)]]")
    assert f"The database {SERVICE} on sql01 cannot be opened." in events.text


def test_key_sets_are_of_no_use_on_another_machine_or_for_another_account() -> None:
    """They are bound to machine and profile."""
    twin = a_twin()
    console = Console(twin)
    console("sc", "stop", SERVICE)
    own = twin.machine("sync01").all(KeySet)[0]

    def carry_off(machine: Machine) -> None:
        machine.put(own.account, replace(own, machine="another machine"))

    twin.transact("sync01", "carry off", carry_off)
    assert console("sc", "start", SERVICE).code == 1066


def test_an_account_whose_profile_was_deleted_has_lost_its_keys() -> None:
    console = Console(a_twin(an_estate(host_facts={"deleted_profiles": ["svc-sync"]})))

    assert console.state() == "STOPPED"
    assert console("sc", "start", SERVICE).code == 1066


def test_net_takes_display_names_and_ends_with_2() -> None:
    console = Console(a_twin())
    name = "Forefront Identity Manager Synchronization Service"

    assert [console("net", "stop", name).code for _ in range(2)] == [0, 2]
    assert [console("net", "start", SERVICE).code for _ in range(2)] == [0, 2]
    assert console("net", "start", "nothing").code == 2
    assert f"   {name}\r\n" in console("net", "start").text


def test_net_stop_asks_about_dependents_unless_told_yes() -> None:
    console = Console(a_twin())

    assert console("net", "stop", "WAS").code == 2
    assert console("net", "stop", "WAS", "/y").code == 0
    assert console.state("W3SVC") == "STOPPED"


def test_iisreset_stops_and_starts_web_publishing() -> None:
    console = Console(a_twin())

    assert console("iisreset", "/stop").text.strip() == "Internet services successfully stopped"
    assert console.state("W3SVC") == "STOPPED"
    assert console("iisreset", "/start").code == 0
    assert console.state("W3SVC") == "RUNNING"


def test_a_host_without_iis_does_not_know_iisreset() -> None:
    assert Console(a_twin(), "sql01")("iisreset", "/stop").code != 0


@pytest.mark.parametrize("argv", [("sc", "failure", SERVICE), ("net", "use", "X:"), ("iisreset", "/rebootonerror")])
def test_what_is_not_modelled_is_not_rehearsed_and_changes_nothing(argv: tuple[str, ...]) -> None:
    console = Console(a_twin())
    with pytest.raises(NotRehearsed):
        console(*argv)
    assert console.twin.effects() == []


def test_services_of_a_component_run_under_its_account() -> None:
    service = Console(a_twin()).machine().get(Service, SERVICE)
    assert service is not None and service.account == "CONTOSO\\svc-sync"

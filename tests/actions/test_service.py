"""Services and IIS: what sc says, what we do about it, and what the end of it proves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import Answer, ScriptedHost, receipt
from tests.support.windows_says import NO_SERVICE, service

from handrail.actions import build
from handrail.actions.protocol import ActFailed, Observation
from handrail.actions.service import StartService, StopService
from handrail.hosts.protocol import Exited
from handrail.probing.services import state_in

QUERY = "sc query FIMService"
W3SVC = "sc query W3SVC"


@pytest.mark.parametrize(
    ("uses", "says", "state"),
    [
        ("service.stop", service("STOPPED"), "done"),
        ("service.stop", service("RUNNING"), "not_done"),
        ("service.stop", service("STOP_PENDING"), "not_done"),
        ("service.stop", service("PAUSED"), "not_done"),
        ("service.stop", NO_SERVICE, "not_done"),
        ("service.start", service("RUNNING"), "done"),
        ("service.start", service("START_PENDING"), "not_done"),
        ("service.start", NO_SERVICE, "not_done"),
        ("service.running", service("RUNNING"), "done"),
        ("service.running", service("STOPPED"), "not_done"),
        ("service.stop", service("STOPPED").replace("STATE ", "STATUT"), "done"),
        ("service.stop", "", "unknown"),
        ("service.stop", Exited(5, b"[SC] OpenService FAILED 5:\r\n\r\nAccess is denied."), "unknown"),
        ("service.stop", Exited(1, service("STOPPED").encode()), "unknown"),
        ("service.stop", service("STOPPED").replace("1  STOPPED", "4  STOPPED"), "unknown"),
    ],
)
def test_a_service_is_what_the_service_manager_says(uses: str, says: Answer, state: str) -> None:
    host = ScriptedHost({QUERY: says})

    assert virtual_time.run(build(uses, {"name": "FIMService"}).observe(host, receipt())).state == state
    assert not host.changing


@pytest.mark.parametrize(
    ("uses", "says", "state"),
    [
        ("iis.stop", service("STOPPED"), "done"),
        ("iis.stop", service("RUNNING"), "not_done"),
        ("iis.stop", NO_SERVICE, "done"),
        ("iis.start", service("RUNNING"), "done"),
        ("iis.start", NO_SERVICE, "not_done"),
    ],
)
def test_iis_is_observed_at_its_publishing_service(uses: str, says: Answer, state: str) -> None:
    assert virtual_time.run(build(uses, {}).observe(ScriptedHost({W3SVC: says}), receipt())).state == state


@pytest.mark.parametrize(
    ("uses", "command", "code", "works"),
    [
        ("service.stop", "sc stop FIMService", 0, True),
        ("service.stop", "sc stop FIMService", 1062, True),
        ("service.stop", "sc stop FIMService", 1051, False),
        ("service.stop", "sc stop FIMService", 1060, False),
        ("service.start", "sc start FIMService", 0, True),
        ("service.start", "sc start FIMService", 1056, True),
        ("service.start", "sc start FIMService", 1069, False),
    ],
)
def test_exit_codes_of_sc(uses: str, command: str, code: int, works: bool) -> None:
    """1062 and 1056 say that there was nothing to do; the others say why it did not work."""
    wanted = "STOPPED" if uses == "service.stop" else "RUNNING"
    host = ScriptedHost({command: code, QUERY: service(wanted)})
    act = build(uses, {"name": "FIMService"}).act(host, receipt())

    if works:
        assert virtual_time.run(act).exit == code
    else:
        with pytest.raises(ActFailed, match="FIMService could not be"):
            virtual_time.run(act)
    assert host.changing == [command]


def test_stopping_waits_until_the_service_has_stopped() -> None:
    pending = [service("STOP_PENDING")] * 5
    host = ScriptedHost({"sc stop FIMService": 0, QUERY: [*pending, service("STOPPED")]})

    virtual_time.run(StopService("FIMService").act(host, receipt()))

    assert host.commands == ["sc stop FIMService", *[QUERY] * 6]


def test_a_command_that_says_0_and_did_nothing_is_caught() -> None:
    host = ScriptedHost({"sc stop FIMService": 0, QUERY: service("RUNNING")})
    action = StopService("FIMService")

    virtual_time.run(action.act(host, receipt()))

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"


def test_undo_starts_only_what_ran_before() -> None:
    stop = StopService("FIMService")

    assert stop.undo(Observation("not_done", evidence={"state": "RUNNING"})) == StartService("FIMService")
    assert stop.undo(Observation("done", evidence={"state": "STOPPED"})) is None
    assert stop.undo(Observation("unknown")) is None
    assert StartService("X").undo(Observation("not_done", evidence={"state": "STOPPED"})) == StopService("X")


def test_iisreset_is_asked_and_the_service_awaited() -> None:
    host = ScriptedHost({"iisreset /stop": 0, W3SVC: [service("STOP_PENDING"), service("STOPPED")]})

    assert virtual_time.run(build("iis.stop", {}).act(host, receipt())).exit == 0
    with pytest.raises(ActFailed, match="Access denied"):
        refused = ScriptedHost({"iisreset /stop": Exited(5, b"Access denied")})
        virtual_time.run(build("iis.stop", {}).act(refused, receipt()))


@given(st.text())
def test_reading_sc_never_fails(text: str) -> None:
    assert state_in(text) in (None, "STOPPED", "RUNNING", "PAUSED", *(f"{one}_PENDING" for one in _PENDING))


_PENDING = ("START", "STOP", "CONTINUE", "PAUSE")


def test_on_a_way_back_there_is_nothing_to_stop_where_the_service_is_gone() -> None:
    stop = build("service.stop", {"name": "FIMService", "if_there": True})

    assert virtual_time.run(stop.observe(ScriptedHost({QUERY: NO_SERVICE}), receipt())).state == "done"
    assert virtual_time.run(stop.observe(ScriptedHost({QUERY: service("RUNNING")}), receipt())).state == "not_done"

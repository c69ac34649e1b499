"""The machine, its software, its logs and faces; and what people do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.scripted_host import Answer, Answers, ScriptedHost, receipt
from tests.support.windows_says import NO_KEY, installed, key, listed

from handrail.actions import build
from handrail.actions.eventlog import query
from handrail.actions.host import Reboot
from handrail.actions.protocol import ActFailed, InDoubt, Observation
from handrail.errors import BadInput
from handrail.hosts.protocol import Lost
from handrail.probing.systems import SERVERS, os_of

CURRENT = "reg query HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion"


def observed(uses: str, with_: Mapping[str, Any], answers: Mapping[str, Answer | list[Answer]]) -> Observation:
    return virtual_time.run(build(uses, with_).observe(ScriptedHost(answers), receipt()))


def windows(build_number: str, installation: str | None = "Server") -> dict[str, Answer]:
    kind = {} if installation is None else {"InstallationType": installation}
    return {CURRENT: key("HKEY_LOCAL_MACHINE\\X", {"CurrentBuildNumber": build_number, **kind})}


@pytest.mark.parametrize(
    ("build_number", "installation", "state", "os"),
    [
        ("17763", "Server", "done", "windows-server-2019"),
        ("20348", "Server Core", "done", "windows-server-2022"),
        ("14393", "Server", "not_done", "windows-server-2016"),
        ("26100", "Server", "not_done", "windows-server-2025"),
        ("17763", "Client", "not_done", "windows-10"),
        ("26100", "Client", "not_done", "windows-11"),
        ("99999", "Server", "unknown", None),
        ("garbage", "Server", "unknown", None),
    ],
)
def test_which_windows_it_is(build_number: str, installation: str, state: str, os: str | None) -> None:
    """The same build number is a server's and a workstation's."""
    wanted = {"in": ["windows-server-2019", "windows-server-2022"]}
    seen = observed("os.supported", wanted, windows(build_number, installation))

    assert (seen.state, seen.outputs.get("os")) == (state, os)


def test_windows_server_2003_has_no_installation_type() -> None:
    assert observed("os.supported", {"in": ["windows-server-2003"]}, windows("3790", None)).state == "done"
    assert observed("os.supported", {"in": []}, {CURRENT: NO_KEY}).state == "unknown"


@given(st.integers(), st.text())
def test_every_build_has_a_name_or_none(number: int, installation: str) -> None:
    name = os_of(number, installation)

    assert name is None or name in SERVERS.values() or name in ("windows-10", "windows-11")


def test_a_restart_is_proved_by_another_boot() -> None:
    action = Reboot()
    answers: Answers = {"shutdown /r /t 2 /f": 0, "script readiness": "ready"}
    host = ScriptedHost(answers, boots=["one", "one", "one", "two"])

    before = virtual_time.run(action.observe(host, receipt()))
    begun = receipt(before=before.evidence)
    assert before.state == "not_done"
    assert virtual_time.run(action.observe(host, begun)).state == "not_done"
    assert virtual_time.run(action.act(host, begun)).outputs == {"boot_id": "two"}
    assert virtual_time.run(action.observe(host, begun)).state == "done"
    assert virtual_time.run(action.observe(host, receipt(before={"evidence": {"boot_id": "one"}}))).state == "done"


def test_a_line_that_goes_down_with_the_machine_is_no_failure() -> None:
    host = ScriptedHost({"shutdown /r /t 2 /f": Lost("reset by peer")}, boots=["two"])

    assert virtual_time.run(Reboot().act(host, receipt(before={"boot_id": "one"}))).exit is None


def test_a_restart_that_was_scheduled_already_is_replaced() -> None:
    host = ScriptedHost({"shutdown /r /t 2 /f": [1190, 0], "shutdown /a": 0}, boots=["two"])

    virtual_time.run(Reboot().act(host, receipt(before={"boot_id": "one"})))
    assert len(host.commands) == 3


def test_a_machine_that_does_not_come_up_is_in_doubt() -> None:
    with pytest.raises(InDoubt, match="did not come up"):
        virtual_time.run(
            Reboot(patience=600).act(ScriptedHost({"shutdown /r /t 2 /f": 0}), receipt(before={"boot_id": "boot-1"}))
        )
    with pytest.raises(ActFailed, match="refused"):
        virtual_time.run(Reboot().act(ScriptedHost({"shutdown /r /t 2 /f": 5}), receipt(before={"boot_id": "boot-1"})))


NET = {"key": "HKLM\\NDP", "value": "Release", "at_least": "528040"}
DRIVER = {"uninstall": "Microsoft OLE DB Driver*", "at_least": "18.0"}
RELEASE = "reg query HKLM\\NDP /v Release"


def release(data: str, kind: str = "REG_DWORD") -> str:
    return f"\nHKEY_LOCAL_MACHINE\\NDP\n    Release    {kind}    {data}\n"


@pytest.mark.parametrize(
    ("detect", "answers", "state"),
    [
        (NET, {RELEASE: release("0x80eb1")}, "done"),
        (NET, {RELEASE: release("0x60636")}, "not_done"),
        (NET, {RELEASE: NO_KEY}, "not_done"),
        (NET, {RELEASE: release("garbage")}, "unknown"),
        (NET, {RELEASE: ""}, "unknown"),
        ({**NET, "at_least": "14.38"}, {RELEASE: release("v14.38.33130.00", "REG_SZ")}, "done"),
        ({"key": "HKLM\\NDP", "value": "Release"}, {RELEASE: release("garbage")}, "done"),
        (DRIVER, installed(listed("Microsoft OLE DB Driver for SQL Server", "18.6.7.0")), "done"),
        (DRIVER, installed(listed("Microsoft OLE DB Driver for SQL Server", "9.1.0.0")), "not_done"),
        (
            DRIVER,
            installed(
                listed("Microsoft OLE DB Driver", "9.1", code="{1}"), listed("Microsoft OLE DB Driver 19", "19.2")
            ),
            "done",
        ),
        (DRIVER, installed(listed("Microsoft OLE DB Driver for SQL Server", None)), "unknown"),
        (DRIVER, installed(), "not_done"),
    ],
)
def test_software_is_there_from_a_version_on(detect: dict[str, str], answers: Mapping[str, Answer], state: str) -> None:
    assert observed("software.present", {"detect": detect}, answers).state == state


@pytest.mark.parametrize("detect", [{}, {"at_least": "1"}, {"uninstall": "x", "key": "k"}, {**NET, "at_least": "new"}])
def test_a_detection_that_detects_nothing_is_refused(detect: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        build("software.present", {"detect": detect})


@pytest.mark.parametrize(
    ("path", "line"),
    [("C:\\ndp48.exe", "C:\\ndp48.exe /q /norestart"), ("C:\\a.msi", "msiexec /i C:\\a.msi /q /norestart")],
)
def test_setup_runs_as_a_job_and_its_result_is_detected(path: str, line: str) -> None:
    action = build("software.install", {"path": path, "arguments": ["/q", "/norestart"], "detect": NET})
    host = ScriptedHost({RELEASE: [release("0x60636"), release("0x80eb1")]}, jobs={line: 3010})

    assert virtual_time.run(action.observe(host, receipt())).state == "not_done"
    assert virtual_time.run(action.act(host, receipt())).outputs["reboot_required"] is True
    assert virtual_time.run(action.observe(host, receipt())).outputs["reboot_required"] is True
    with pytest.raises(ActFailed, match="another installation"):
        virtual_time.run(action.act(ScriptedHost({RELEASE: NO_KEY}, jobs={line: 1618}), receipt()))


VERSION = {"product": "MIM*", "build": "4.7.12.0", "file": "C:\\a.exe"}


@pytest.mark.parametrize(
    ("listed_at", "file", "state"),
    [
        ("4.7.12.0", "4.7.12.0", "done"),
        ("4.7.12.0", "4.6.673.0", "not_done"),
        ("4.6.673.0", "4.7.12.0", "not_done"),
        ("4.8.0.0", "4.8.0.0", "not_done"),
        ("4.7.12.0", 3, "not_done"),
        ("new", "4.7.12.0", "unknown"),
    ],
)
def test_a_product_is_at_a_build_by_list_and_by_file(listed_at: str, file: Answer, state: str) -> None:
    answers = {**installed(listed("MIM Sync", listed_at)), "script file-version C:\\a.exe": file}

    assert observed("product.version", VERSION, answers).state == state


@pytest.mark.parametrize(
    ("says", "state"), [("4.7.12.0\n", "done"), ("4.7.11.0\n", "not_done"), (3, "not_done"), ("4.7 (build)", "unknown")]
)
def test_a_file_version(says: Answer, state: str) -> None:
    with_ = {"file": "C:\\a.exe", "build": "4.7.12.0"}

    assert observed("file.version", with_, {"script file-version C:\\a.exe": says}).state == state


LOG = {"providers": ["MsiInstaller", "FIMService"], "level": "warning"}
QUERY = (
    "*[System[Provider[@Name='MsiInstaller' or @Name='FIMService'] and (Level=1 or Level=2 or Level=3)"
    " and TimeCreated[@SystemTime>='2026-11-20T22:00:00Z']]]"
)


@pytest.mark.parametrize(
    ("says", "state"),
    [("", "done"), ("Event[0]:\n  Log Name: Application\n", "not_done"), (15007, "unknown"), (5, "unknown")],
)
def test_a_log_is_clean_when_nothing_of_that_level_stands_in_it(says: Answer, state: str) -> None:
    assert observed("service.log_clean", LOG, {f"wevtutil qe Application /q:{QUERY} /f:text": says}).state == state


def test_a_log_may_be_asked_from_an_earlier_step_on() -> None:
    since = query("2026-11-20T21:00:00Z", (), "critical")

    assert since == "*[System[(Level=1) and TimeCreated[@SystemTime>='2026-11-20T21:00:00Z']]]"
    with_ = {"level": "critical", "since": "2026-11-20T21:00:00+00:00"}
    assert observed("service.log_clean", with_, {f"wevtutil qe Application /q:{since} /f:text": ""}).state == "done"


def test_a_provider_cannot_change_the_question() -> None:
    with pytest.raises(BadInput):
        build("service.log_clean", {"providers": ["x' or @Name!='"]})


@pytest.mark.parametrize(
    ("says", "state"),
    [
        ("200\n", "done"),
        ("302\n", "done"),
        ("500\n", "not_done"),
        ("401\n", "not_done"),
        (1, "not_done"),
        ("", "unknown"),
    ],
)
def test_a_portal_answers(says: Answer, state: str) -> None:
    assert observed("portal.answers", {"url": "https://p/x"}, {"script web-status https://p/x": says}).state == state


@pytest.mark.parametrize("url", ["portal", "ftp://x", "file:///c:/"])
def test_only_web_addresses_are_asked(url: str) -> None:
    with pytest.raises(BadInput):
        build("portal.answers", {"url": url})


@pytest.mark.parametrize(("says", "works"), [("updated\n", True), (3, False), (1, False), ("", False)])
def test_a_test_object_is_updated_by_this_attempt(says: Answer, works: bool) -> None:
    action = build("service.object_update", {"address": "http://s:5725", "object": "7fb2"})
    host = ScriptedHost({"script object-update http://s:5725 7fb2": says})

    if works:
        virtual_time.run(action.act(host, receipt()))
    else:
        with pytest.raises(ActFailed):
            virtual_time.run(action.act(host, receipt()))
    assert virtual_time.run(action.observe(host, receipt())).state == ("done" if works else "not_done")
    assert virtual_time.run(action.observe(host, receipt(attempt=2))).state == "not_done"


@pytest.mark.parametrize(("uses", "with_"), [("person.do", {"instructions": ["Look."]}), ("hold", {"question": "Go?"})])
def test_only_a_person_answers_for_a_person(uses: str, with_: dict[str, Any]) -> None:
    action = build(uses, with_)

    assert observed(uses, with_, {}).state == "unknown"
    with pytest.raises(ActFailed):
        virtual_time.run(action.act(ScriptedHost(), receipt()))


def test_a_barrier_is_passed_by_getting_there() -> None:
    assert observed("barrier", {}, {}).state == "done"

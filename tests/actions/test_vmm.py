"""Setup of Virtual Machine Manager: the database can only be kept, whatever is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import virtual_time
from tests.support.twins import Console, a_twin

import handrail
from handrail.actions import build, vmm_answers
from handrail.actions.catalogue import signatures
from handrail.actions.protocol import ActFailed, Observation, Receipt
from handrail.documents.estate import read_estate
from handrail.errors import BadInput
from handrail.running.targets import PretendSecrets
from handrail.twin.raising import raise_twin
from handrail.twin.world import Twin

VMM = Path(handrail.__file__).parent / "products" / "vmm"
BUILD = "3.2.8117.0"
DB: dict[str, Any] = {"server": "sql01", "database": "VirtualManagerDB"}
GONE: dict[str, Any] = {"mode": "uninstall", "part": "server", "build": BUILD, **DB}


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    estate = read_estate(VMM / "estates" / "fabric.yaml").estate
    return raise_twin(estate, {"vmm": VMM / "twin.yaml"}, tmp_path)


def receipt(step: str, attempt: int = 1) -> Receipt:
    return Receipt("run-1", step, attempt, PretendSecrets(), "2020-01-01T00:00:00Z", {})


def look(twin: Twin, uses: str, **with_: Any) -> Observation:
    return virtual_time.run(build(uses, with_).observe(twin.host("vmm01"), receipt(uses)))


def act(twin: Twin, uses: str, **with_: Any) -> None:
    virtual_time.run(build(uses, with_).act(twin.host("vmm01"), receipt(uses)))


def databases(twin: Twin) -> str:
    answer = Console(twin, "sql01")("sqlcmd", "-S", "sql01", "-E", "-h", "-1", "-Q", "SELECT name FROM sys.databases")
    return answer.text


def test_no_parameter_speaks_of_a_new_or_a_dropped_database() -> None:
    for name in ("vmm.setup", "vmm.answers"):
        words = " ".join(signatures()[name].parameters).lower()
        assert "retain" not in words and "create" not in words and "new" not in words and "drop" not in words


@given(st.text(max_size=40), st.text(max_size=20) | st.none(), st.text(max_size=40), st.text(max_size=30) | st.none())
@settings(max_examples=150)
def test_whatever_the_names_are_an_answer_file_reads_back_as_it_was_meant(
    server: str, instance: str | None, database: str, container: str | None
) -> None:
    """Or it is refused: no value can become a line of its own."""
    try:
        answers = vmm_answers.for_install(server, instance, database, False, container, None)
    except BadInput:
        return
    try:
        seen = vmm_answers.answers_in(vmm_answers.text(answers))
    except BadInput:
        return
    assert seen["CreateNewSqlDatabase"] == "0"
    assert set(seen) == set(answers)


@pytest.mark.parametrize("name", ["a\nCreateNewSqlDatabase=1", "a\r\nb", "\tb", " b"])
def test_a_name_with_a_line_end_is_refused(name: str) -> None:
    with pytest.raises(BadInput):
        build("vmm.answers", {"name": "x", "server": "sql01", "database": name})


@pytest.mark.parametrize("server", ["localhost", "(local)", ".", "127.0.0.1", "LOCALHOST"])
def test_a_server_that_setup_does_not_take_is_refused(server: str) -> None:
    with pytest.raises(BadInput):
        build("vmm.answers", {"name": "x", "server": server, "database": "VirtualManagerDB"})


def test_an_account_with_a_password_is_for_a_person_to_type() -> None:
    with pytest.raises(BadInput, match="command line"):
        build("vmm.setup", {**GONE, "mode": "install", "media": "D:\\", "account_kind": "domain", "account": "C\\a"})


def test_left_alone_setup_drops_the_database_and_ours_never_does(twin: Twin) -> None:
    """The trap is there on the twin, as it is on the real one; the action does not step into it."""
    fork = twin.fork()
    act(twin, "vmm.setup", **GONE)
    assert look(twin, "vmm.setup", **GONE).state == "done"
    assert "VirtualManagerDB" in databases(twin)
    folder = "C:\\Program Files\\Microsoft System Center\\Virtual Machine Manager\\setup"
    Console(fork, "vmm01")(f"{folder}\\setup.exe", "/server", "/x", "/f", "C:\\no.ini", "/IACCEPTSCEULA")
    assert "VirtualManagerDB" not in databases(fork)


def test_nothing_starts_without_the_answer_file(twin: Twin) -> None:
    action = build("vmm.setup", GONE)
    argv = action.command(receipt("vmm.setup")).argv  # type: ignore[attr-defined]
    assert argv[:4] == ("cmd", "/c", "if", "exist") and argv[4] == argv[argv.index("/f") + 1]


def test_nothing_is_uninstalled_while_the_database_is_away(twin: Twin) -> None:
    Console(twin, "sql01")("sqlcmd", "-S", "sql01", "-E", "-Q", "ALTER DATABASE [VirtualManagerDB] SET OFFLINE")
    with pytest.raises(ActFailed, match="not online"):
        act(twin, "vmm.setup", **GONE)
    assert look(twin, "vmm.setup", **GONE).state == "unknown"


def test_another_build_than_planned_is_not_uninstalled(twin: Twin) -> None:
    with pytest.raises(ActFailed, match="is installed"):
        act(twin, "vmm.setup", **{**GONE, "build": "4.0.1662.0"})


def test_a_way_back_removes_whatever_build_is_there_but_the_one_it_goes_back_to(twin: Twin) -> None:
    newer = {**GONE, "build": "4.0.1662.0"}
    stays = look(twin, "vmm.setup", **newer, unless=(BUILD,))
    assert (stays.state, stays.because) == ("done", f"the server on vmm01 is at {BUILD} and stays")
    Console(twin, "sql01")("sqlcmd", "-S", "sql01", "-E", "-Q", "ALTER DATABASE [VirtualManagerDB] SET OFFLINE")
    assert look(twin, "vmm.setup", **newer, unless=("3.2.7510.0",)).state == "not_done"
    act(twin, "vmm.setup", **newer, unless=("3.2.7510.0",))  # the database is put back next
    assert look(twin, "vmm.setup", **newer, unless=("3.2.7510.0",)).state == "done"
    assert "VirtualManagerDB" in databases(twin)


def test_another_database_is_seen(twin: Twin) -> None:
    seen = look(twin, "vmm.installed", part="server", build=BUILD, server="sql01", database="VirtualManagerDB")
    assert seen.state == "done" and seen.outputs["folder"]
    seen = look(twin, "vmm.installed", part="server", build=BUILD, server="sql01", database="Other")
    assert seen.state == "not_done"


def test_quotas_are_compared_and_set_and_can_be_set_back(twin: Twin) -> None:
    before = look(twin, "wsman.compare")
    assert before.outputs == {"lower": True, "operations": 200, "connections": 300}
    setting = build("wsman.set", {})
    seen = look(twin, "wsman.set")
    act(twin, "wsman.set")
    assert look(twin, "wsman.compare").outputs["lower"] is False
    back = setting.undo(seen)
    assert back is not None
    virtual_time.run(back.act(twin.host("vmm01"), receipt("back")))
    assert look(twin, "wsman.compare").outputs["operations"] == 200


def test_a_host_without_stated_quotas_has_those_of_windows() -> None:
    assert Console(a_twin()).script("wsman-quotas").text.split() == [
        "MaxConcurrentOperationsPerUser=1500",
        "MaxConnections=300",
    ]

"""What products declare: management agents behind WMI, the key tool, end points, setup programs, people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.twins import SERVICE, SOFTWARE, SP3, SYNC, Console, a_twin, an_estate

from handrail.errors import NotRehearsed
from handrail.model.estate import Estate, Host, Installation, Medium
from handrail.model.finding import Citation
from handrail.model.plan import Step
from handrail.twin.mechanisms import databases
from handrail.twin.things import Database, KeySet

AGENT = ("wmic", "/namespace:\\\\root\\MicrosoftIdentityIntegrationServer", "path", "MIIS_ManagementAgent")
TOOL = f"{SYNC}\\Bin\\miiskmu.exe"
IMPORT = "Full Import (Stage Only)"
OBJECT = "7fb2b853-24f0-4498-9534-4e10589723c4"


def names(console: Console) -> list[str]:
    text = console(*AGENT, "get", "Name", "/value").text
    return [line.removeprefix("Name=") for line in text.replace("\r", "").split("\n") if line]


def test_management_agents_come_out_of_the_database() -> None:
    console = Console(a_twin(an_estate(test_agents=["HR", "AD"])))
    assert names(console) == ["HR", "AD"]

    console("sc", "stop", SERVICE)
    assert console(*AGENT, "get", "Name", "/value").code != 0


def test_a_run_profile_leaves_a_line_in_the_history() -> None:
    console = Console(a_twin())
    answer = console(*AGENT, "where", "Name='AD'", "call", "Execute", IMPORT)

    assert 'ReturnValue = "success";' in answer.text
    database = console.twin.machine("sql01").get(Database, f"|{SERVICE}")
    assert database is not None
    assert [(row["Name"], row["profile"]) for row in databases.rows(database, "runs")] == [("AD", IMPORT)]


def test_an_unknown_profile_agent_class_or_namespace_is_said_as_windows_says_it() -> None:
    console = Console(a_twin())

    assert "no-such-run-profile" in console(*AGENT, "where", "Name='AD'", "call", "Execute", "Nothing").text
    assert "No Instance(s)" in console(*AGENT, "where", "Name='X'", "call", "Execute", IMPORT).error_text
    assert "Invalid class" in console(*AGENT[:3], "MIIS_Nothing", "get", "Name", "/value").error_text
    assert "Invalid namespace" in Console(console.twin, "sql01")(*AGENT, "get", "Name", "/value").error_text


def test_without_the_key_set_an_agent_cannot_use_its_password() -> None:
    console = Console(a_twin())
    own = console.machine().all(KeySet)[0]
    console.twin.transact("sync01", "lose", lambda machine: machine.drop(KeySet, own.account))

    assert "stopped-credentials" in console(*AGENT, "where", "Name='AD'", "call", "Execute", IMPORT).text


def test_the_key_tool_exports_with_the_password_from_standard_input() -> None:
    console = Console(a_twin())
    answer = console(TOOL, "/e", "C:\\keys.bin", "/u:CONTOSO\\svc-sync", "*", stdin=b"s3cret\r\n", secrets=("s3cret",))

    assert answer.code == 0
    assert len(console.read("C:\\keys.bin")) > 0
    assert "s3cret" not in str(console.twin.effects())


@pytest.mark.parametrize(
    ("account", "stdin", "path"),
    [
        ("CONTOSO\\svc-sync", b"", "C:\\keys.bin"),
        ("CONTOSO\\nobody", b"x\r\n", "C:\\keys.bin"),
        ("CONTOSO\\svc-mim", b"x\r\n", "C:\\keys.bin"),
        ("CONTOSO\\svc-sync", b"x\r\n", "C:\\nowhere\\keys.bin"),
    ],
)
def test_the_key_tool_fails_without_password_account_keys_or_folder(account: str, stdin: bytes, path: str) -> None:
    console = Console(a_twin())

    assert console(TOOL, "/e", path, f"/u:{account}", "*", stdin=stdin).code == 1
    assert console.twin.effects() == []


def test_the_key_tool_is_a_file_of_its_component() -> None:
    assert Console(a_twin(), "sql01")(TOOL, "/e", "C:\\keys.bin", "/u:CONTOSO\\svc-sync", "*", stdin=b"x").code == 1
    with pytest.raises(NotRehearsed):
        Console(a_twin())(TOOL, "/a")


def test_an_object_can_be_updated_while_service_and_database_run() -> None:
    console = Console(a_twin())
    address = "http://svc01:5725"

    assert console.script("object-update", address, OBJECT).text == "updated\r\n"
    assert console.script("object-update", address, "another").code == 3
    Console(console.twin, "svc01")("sc", "stop", "FIMService")
    assert console.script("object-update", address, OBJECT).code == 1


def test_a_portal_answers_where_it_is() -> None:
    console = Console(a_twin(with_portal()))

    assert console.script("web-status", "http://portal01/IdentityManagement").text == "200\r\n"
    assert console.script("web-status", "http://sync01/IdentityManagement").code == 1
    Console(console.twin, "portal01")("iisreset", "/stop")
    assert console.script("web-status", "http://portal01/IdentityManagement").code == 1


def test_a_setup_program_installs_what_it_says_and_asks_nothing() -> None:
    console = Console(a_twin(an_estate(software={"dotnet-framework": "4.7.2"})))
    key = "HKLM\\SOFTWARE\\Microsoft\\NET Framework Setup\\NDP\\v4\\Full"
    assert "4.7.03062" in console("reg", "query", key, "/v", "Version").text

    assert console("C:\\Media\\ndp48.exe", "/q", "/norestart").code == 0
    assert "4.8.04161" in console("reg", "query", key, "/v", "Version").text
    assert console("msiexec", "/i", "C:\\Media\\msoledbsql.msi", "/qn").code == 0
    uninstall = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
    assert "OLE DB Driver for SQL Server" in console("reg", "query", uninstall, "/s").text
    with pytest.raises(NotRehearsed):
        console("C:\\Media\\ndp48.exe")


def with_portal() -> Estate:
    """A Service beside a Portal on portal01; portal02 is new."""
    estate = an_estate()
    identity = estate.deployments["identity"]
    sync, service = identity.installations
    hosts = {
        name: Host(name, "windows-server-2022", software={**SOFTWARE, "iis": "10.0"})
        for name in ("portal01", "portal02")
    }
    portal = Installation("identity", "portal", "portal01", "4.6.673.0")
    moved = (sync, replace(service, host="portal01"), portal)
    return replace(
        estate, hosts={**estate.hosts, **hosts}, deployments={"identity": replace(identity, installations=moved)}
    )


TYPED = {"database": "FIMService", "database server": "sql01", "service account": "CONTOSO\\svc-mim"}


def a_step(name: str, component: str, host: str | None, **with_: Any) -> Step:
    subject = f"identity/{component}@portal01"
    source = Citation("ours", "test")
    return Step(f"{subject}/2016-sp3/{name}", name, subject, host, "person.do", 1, "person", source, with_=with_)


def test_a_person_installs_a_component_on_its_existing_database() -> None:
    twin = a_twin(with_portal())
    Console(twin, "portal01")("sc", "stop", "FIMService")
    twin.play(a_step("install", "service", "portal02", values=TYPED))

    new = Console(twin, "portal02")
    assert new.state("FIMService") == "RUNNING"
    assert new.script("object-update", "http://portal02:5725", OBJECT).text == "updated\r\n"
    assert Console(twin, "portal01")("sc", "start", "FIMService").code == 1066
    assert twin.effects()[-2].command == "person: identity/service@portal01/2016-sp3/install"


def test_a_person_adds_a_second_component_of_the_same_package() -> None:
    twin = a_twin(with_portal())
    for component in ("service", "portal", "portal"):
        twin.play(a_step("install", component, "portal02", values=TYPED))

    assert Console(twin, "portal02").script("web-status", "http://portal02/IdentityManagement").text == "200\r\n"
    assert [one.kind for one in twin.effects()].count("software") == 2


def test_what_a_person_does_elsewhere_leaves_no_trace() -> None:
    twin = a_twin(with_portal())
    twin.play(a_step("validate", "portal", "portal02"))
    twin.play(a_step("anything", "portal", None))

    assert twin.effects() == []


def test_a_person_step_that_nobody_declared_is_not_rehearsed() -> None:
    with pytest.raises(NotRehearsed, match="Nobody has declared"):
        a_twin(with_portal()).play(a_step("juggle", "portal", "portal02"))


def test_a_person_cannot_install_from_media_that_are_not_there() -> None:
    estate = with_portal()
    media: dict[str, Medium] = {
        name: one for name, one in estate.media.items() if one.path not in (SP3, "D:\\sp3.zip", "C:\\Media\\SP2.iso")
    }
    with pytest.raises(NotRehearsed, match="No medium"):
        a_twin(replace(estate, media=media)).play(a_step("install", "service", "portal02"))

"""What is read of Virtual Machine Manager: its own settings, its library servers; and what nobody reads stays named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

import pytest
from tests.support.scripted_host import Answers, ScriptedHost
from tests.support.shipped import shipped

from handrail.documents.estate import estate_document
from handrail.documents.tree import parse
from handrail.guides.catalogue import SHIPPED
from handrail.guides.facts import check_estate
from handrail.hosts.protocol import Command, Exited, Host
from handrail.model.detection import Detect
from handrail.model.plan import Recognition
from handrail.probing import components, vmm
from handrail.probing.again import Again, Ways
from handrail.probing.drafting import Draft, draft
from handrail.probing.facts import NOT_READ
from handrail.probing.shell import Undetermined
from handrail.probing.sweep import sweep, wanted
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory
from handrail.twin.world import Twin

FABRIC = SHIPPED / "vmm" / "estates" / "fabric.yaml"
SUBJECT = "vmm/server@vmm01"
FACTS = "facts: {key_storage: dpapi, encrypted_settings: []}"
BESIDE = "facts: {key_storage: dpapi, encrypted_settings: [], library_servers: [lib01.contoso.com, lib02]}"
SERVER = r"HKLM\SOFTWARE\Microsoft\Microsoft System Center Virtual Machine Manager Server"
FOLDER = r"C:\Program Files\Microsoft System Center\Virtual Machine Manager"
SCRIPT = f"script vmm-library-servers {FOLDER}"
PLACED = {f"reg query {SERVER}\\Setup": f"HKEY_LOCAL_MACHINE\\x\n    InstallPath    REG_SZ    {FOLDER}\\\n"}
NAMED = r"reg query HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"


def done(work: Awaitable[Any]) -> Any:
    async def wait() -> Any:
        return await work

    return asyncio.run(wait())


def detect() -> Detect:
    found = shipped().of("vmm").guide.components["server"].detect
    assert found is not None
    return found


def raised(text: str) -> Twin:
    assert FACTS in text or BESIDE in text, "the sample was changed"
    estate = check_estate(estate_document(parse(text, "fabric.yaml")), shipped())
    path = shipped().of("vmm").twin_path
    assert path is not None
    return raise_in_memory(estate, read_declarations({"vmm": path}))


def discovered(twin: Twin) -> Draft:
    async def open_(name: str) -> Host:
        return twin.host(name)

    found, left = asyncio.run(sweep(["vmm01"], open_, wanted(shipped())))
    assert not left
    return draft("fabric", found, shipped(), {})


def installation(found: Draft) -> Mapping[str, Any]:
    (one,) = next(iter(found.data["deployments"].values()))["installations"]
    return dict(one)


def test_library_servers_beside_the_management_server_are_a_fact() -> None:
    facts = installation(discovered(raised(FABRIC.read_text().replace(FACTS, BESIDE))))["facts"]

    assert facts == {"library_servers": ["lib01.contoso.com", "lib02"]}
    assert installation(discovered(raised(FABRIC.read_text())))["facts"] == {"library_servers": []}


def test_what_its_registry_says_is_noted_beside_it() -> None:
    found = discovered(raised(FABRIC.read_text()))
    (remarks,) = (said for place, said in found.remarks.items() if "deployments" in place)

    assert r"VmmServiceAccount: CONTOSO\svc-vmm" in remarks
    assert {"IndigoTcpPort: 8100", "LibraryShareName: MSSCVMMLibrary"} <= set(remarks)


def test_where_its_service_does_not_run_nobody_tells_its_library_servers() -> None:
    twin = raised(FABRIC.read_text())
    asyncio.run(twin.host("vmm01").execute(Command(("sc", "stop", "SCVMMService"))))
    found = discovered(twin)

    assert "library_servers" not in installation(found).get("facts", {})
    (missing,) = (one.unread for one in found.missing if one.address.endswith("@vmm01.library_servers"))
    assert "cannot access VMM management server" in missing.because


@pytest.mark.parametrize("name", ["key_storage", "dkm_container", "encrypted_settings"])
def test_what_no_tool_tells_is_named_with_its_reason(name: str) -> None:
    found = discovered(raised(FABRIC.read_text()))
    (missing,) = (one for one in found.missing if one.address.endswith(f"@vmm01.{name}"))

    assert missing.unread.because == NOT_READ["installation"][name].because
    assert missing.unread.settle


def test_the_management_server_itself_counts_by_any_of_its_names() -> None:
    answers = {
        **PLACED,
        NAMED: "HKEY_LOCAL_MACHINE\\x\n    ComputerName    REG_SZ    VMMSRV\n",
        SCRIPT: "vmmsrv.contoso.com\nVMM01.contoso.com\nLIB01.contoso.com\n",
    }

    assert asyncio.run(vmm.library_servers(ScriptedHost(answers, name="vmm01"), detect())) == ["LIB01.contoso.com"]


def test_without_the_module_of_its_console_it_is_unknown_not_nothing() -> None:
    answers: Answers = {**PLACED, SCRIPT: 3}

    with pytest.raises(Undetermined, match="lacks the PowerShell module"):
        asyncio.run(vmm.library_servers(ScriptedHost(answers), detect()))


def test_settings_that_are_not_there_are_left_out() -> None:
    answers: Answers = {
        f"reg query {SERVER}\\Setup": Exited(1),
        f"reg query {SERVER}\\Settings": "HKEY_LOCAL_MACHINE\\x\n    BitsTcpPort    REG_DWORD    0x1bb\n",
        f"reg query {SERVER}\\Settings\\Library": Exited(1),
    }

    assert asyncio.run(components.settings_of(ScriptedHost(answers), detect())) == {"BitsTcpPort": "443"}


def test_library_servers_are_looked_at_again_before_a_run() -> None:
    text = FABRIC.read_text().replace(FACTS, BESIDE)
    estate = check_estate(estate_document(parse(text, "fabric.yaml")), shipped())
    looked = Ways(estate, Recognition({"vmm": {"server": detect()}})).to(f"{SUBJECT}.library_servers")

    assert isinstance(looked, Again)
    seen = done(looked.read(raised(text).host("vmm01")))
    assert looked.same(["LIB02", "lib01.contoso.com"], seen)
    assert not looked.same(["lib02"], seen)

"""A product is gone only when neither list nor file shows it; what has to stay is looked for before and afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost, receipt
from tests.support.windows_says import UNINSTALL_32, UNINSTALL_64, installed, listed

from handrail.actions import build, signatures
from handrail.actions.protocol import ActFailed, Observation
from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED
from handrail.hosts.protocol import Exited
from handrail.twin.declarations import read_declarations
from handrail.twin.mechanisms import files
from handrail.twin.raising import raise_in_memory
from handrail.twin.things import Product, Service
from handrail.twin.world import Twin

FOLDER = r"C:\Program Files\Microsoft Identity Integration Server"
FILE = rf"{FOLDER}\Bin\miiserver.exe"
KEPT = r"D:\keys.bin"
WITH: dict[str, Any] = {"product": "*Feature Pack*", "file": FILE, "keeps": [KEPT], "log": r"C:\l.txt"}
PACK = listed("Microsoft Identity Integration Feature Pack", "3.1.287.0")
DIR_FILE, DIR_KEPT = f"cmd /c dir {FILE}", f"cmd /c dir {KEPT}"


def observed(says: dict[str, Any]) -> Observation:
    host = ScriptedHost(says, otherwise=Exited(1))
    return virtual_time.run(build("installer.uninstall", WITH).observe(host, receipt()))


@pytest.mark.parametrize(
    ("entries", "file", "kept", "state"),
    [
        ((PACK,), 0, 0, "not_done"),
        ((PACK,), 1, 0, "not_done"),
        ((), 1, 0, "done"),
        ((), 0, 0, "unknown"),  # the list may have been read in one of two views only
        ((), 1, 1, "not_done"),  # gone, and what had to stay is gone with it
    ],
)
def test_list_and_file_and_what_has_to_stay_are_looked_at(
    entries: tuple[str, ...], file: int, kept: int, state: str
) -> None:
    seen = observed({**installed(*entries), DIR_FILE: file, DIR_KEPT: kept})

    assert seen.state == state


def test_an_old_reg_without_views_is_asked_without_them() -> None:
    refused = Exited(1, b"", b"Error: Invalid command-line parameters.")
    plain = UNINSTALL_64.removesuffix(" /reg:64")
    says = {UNINSTALL_64: refused, UNINSTALL_32: refused, plain: PACK, DIR_FILE: 0, DIR_KEPT: 0}

    assert "is installed" in observed(says).because


def test_it_is_not_begun_when_what_has_to_stay_is_gone_already() -> None:
    host = ScriptedHost({**installed(PACK), DIR_KEPT: 1})

    with pytest.raises(ActFailed, match="gone already"):
        virtual_time.run(build("installer.uninstall", WITH).act(host, receipt()))


def test_it_destroys_and_cannot_be_undone() -> None:
    signature = signatures()["installer.uninstall"]

    assert signature.destroys
    assert not signature.reversible


def a_twin() -> Twin:
    folder = SHIPPED / "miis"
    declarations = read_declarations({"miis": folder / "twin.yaml"})
    return raise_in_memory(read_estate(folder / "estates" / "contoso.yaml").estate, declarations)


def test_programs_and_extensions_go_and_the_database_stays() -> None:
    twin = a_twin()
    twin.transact("iifp01", "keys", lambda machine: files.plant(machine, files.made(KEPT, {"text": "k"}, "")))
    action = build("installer.uninstall", WITH)
    before = twin.effects()
    virtual_time.run(action.act(twin.host("iifp01"), receipt()))
    machine = twin.machine("iifp01")

    assert virtual_time.run(action.observe(twin.host("iifp01"), receipt())).state == "done"
    assert not machine.all(Product)
    assert machine.get(Service, "miiserver") is None
    assert files.find(machine, rf"{FOLDER}\Extensions\rules.dll") is None
    assert not [one for one in twin.effects()[len(before) :] if one.kind == "database"]

"""Forms and texts of a portal, language packs and extension folders, across an upgrade on the twin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.acting import do, look
from tests.support.twins import DECLARATIONS, SYNC, Clock, Console, a_twin, an_estate

from handrail.twin.mechanisms import databases, resources
from handrail.twin.raising import raise_in_memory
from handrail.twin.world import Twin

ADDRESS = "http://svc01:5725"
TO = "C:\\ProgramData\\Handrail\\exports"
PACK = "Language Pack*"
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\lp"


def shipping(en: str, de: str) -> Twin:
    """A twin whose next setup writes its own form, and takes the German texts away for new ones."""
    mim = DECLARATIONS.products["mim"]
    service = mim.components["service"]
    assert service.database is not None
    form = {"id": "f-1", "type": "Form", "attribute": "ConfigurationData"}
    rows = [
        {"id": "f-1", "type": "Form", "attribute": "DisplayName", "value": "Group"},
        {
            **form,
            "value": "<a><b Name='1' C='ours' /></a>",
            "ships": {"0.0.0.0": "<a><b Name='1' C='old' /></a>", "4.7.0.0": en},
        },
        {**form, "locale": "de-DE", "value": "<unser />", "ships": {"0.0.0.0": "<alt />", "4.7.0.0": de}},
    ]
    database = replace(service.database, tables={**service.database.tables, "resources": rows})
    components = {**mim.components, "service": replace(service, database=database)}
    changed = replace(DECLARATIONS, products={"mim": replace(mim, components=components)})
    return raise_in_memory(an_estate(), changed, clock=Clock())


def set_up(twin: Twin, build: str) -> None:
    """What setup does to the database of the service."""

    def upgrade(machine: Any) -> None:
        found = databases.of_component(machine, machine.components()["service"])
        assert found is not None
        databases.put(found[0], resources.brought_along(found[1], build))

    twin.transact("svc01", "setup", upgrade)


@pytest.fixture
def console() -> Console:
    return Console(shipping("<a><b Name='1' C='old' /><b Name='2' C='new' /></a>", "<neu />"), "svc01")


def test_forms_are_exported_through_the_running_service_with_all_their_languages(console: Console) -> None:
    seen = do(console, "rcdc.export", address=ADDRESS, to=TO)

    assert seen.outputs["objects"] == 1
    assert seen.outputs["locales"] == ["Invariant", "de-DE"]
    console("sc", "stop", "FIMService")
    assert look(console, "rcdc.compare", address=ADDRESS, before=seen.outputs["file"]).state == "unknown"


def test_what_setup_replaced_is_named_and_written_again_in_each_language(console: Console) -> None:
    before = do(console, "rcdc.export", address=ADDRESS, to=TO).outputs["file"]
    sides = {"address": ADDRESS, "before": before, "customised": ["Group"], "renamed": {}}
    assert look(console, "rcdc.compare", **sides).outputs["lost"] == 0
    set_up(console.twin, "4.7.12.0")
    seen = look(console, "rcdc.compare", **sides)
    assert seen.outputs["lost"] == 2
    assert {one["fate"] for one in seen.outputs["fates"]} == {"dropped", "carried"}

    after = do(console, "rcdc.resubmit", **sides)

    assert {one["fate"] for one in after.outputs["fates"]} == {"carried"}
    assert look(console, "rcdc.compare", **sides).outputs["lost"] == 0


def test_without_knowing_what_people_changed_nothing_is_written_and_a_person_is_needed(console: Console) -> None:
    before = do(console, "rcdc.export", address=ADDRESS, to=TO).outputs["file"]
    set_up(console.twin, "4.7.12.0")
    seen = look(console, "rcdc.resubmit", address=ADDRESS, before=before)

    assert seen.state == "done"
    assert seen.outputs["needs_person"]


def test_a_language_pack_is_there_with_each_locale_under_its_present_name() -> None:
    console = Console(a_twin())
    with_: dict[str, Any] = {"product": PACK, "locales": ["de-DE", "fr"], "folder": "C:\\LP"}
    with_["renamed"] = {"de-DE": "de"}
    assert look(console, "language_pack.present", **with_).state == "not_done"
    for name, value in (("DisplayName", "Language Pack"), ("DisplayVersion", "4.6.34.0")):
        console("reg", "add", UNINSTALL, "/v", name, "/d", value, "/f")
    virtual_time.run(console.host.write("C:\\LP\\de\\x.resources.dll", b"x"))
    seen = look(console, "language_pack.present", **with_)
    assert seen.state == "not_done"
    assert [(one["item"], one["fate"]) for one in seen.evidence["fates"]] == [("de-DE", "carried"), ("fr", "dropped")]
    virtual_time.run(console.host.write("C:\\LP\\fr\\x.resources.dll", b"x"))

    assert look(console, "language_pack.present", **with_).state == "done"
    assert look(console, "language_pack.present", product="none", locales=[]).state == "done"


def test_extensions_are_what_they_were_or_are_named() -> None:
    console = Console(a_twin())
    manifest = do(console, "folder.backup", folder=SYNC, to=TO).outputs["manifest"]
    with_ = {"folder": SYNC, "manifest": manifest, "only": ["Extensions\\*"]}
    assert [one["fate"] for one in look(console, "folder.compare", **with_).outputs["fates"]] == ["carried"]
    console.line(f'del /q "{SYNC}\\UIShell\\miisclient.exe"')
    assert look(console, "folder.compare", **with_).state == "done"
    console("sc", "stop", "FIMSynchronizationService")
    console.line(f'del /q "{SYNC}\\Extensions\\*-rules.dll"')

    seen = look(console, "folder.compare", **with_)

    assert seen.state == "not_done"
    assert [one["fate"] for one in seen.evidence["fates"]] == ["dropped"]

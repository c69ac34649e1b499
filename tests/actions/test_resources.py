"""Forms and texts of a portal, language packs and extension folders, across an upgrade on the twin."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.acting import do, look
from tests.support.twins import DECLARATIONS, SYNC, Clock, Console, a_twin, an_estate

from handrail.actions import build, described
from handrail.model.estate import Estate
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
    # The same rows as before, so that whoever reads the latest of each reads no loss that was mended.
    rows = {(one["asset"], one["item"]) for one in after.outputs["fates"]}
    assert {(one["asset"], one["item"]) for one in seen.outputs["fates"]} == rows


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


def test_a_person_is_asked_by_name_about_forms_that_nobody_else_can_judge(console: Console) -> None:
    before = do(console, "rcdc.export", address=ADDRESS, to=TO).outputs["file"]
    set_up(console.twin, "4.7.12.0")
    sides: dict[str, Any] = {"address": ADDRESS, "before": before}
    asked = look(console, "rcdc.compare", **sides)
    assert "Group: ConfigurationData, Invariant" in asked.because
    assert len(asked.outputs["questions"]) == 2
    rest = {"questions": asked.outputs["questions"], "fates": asked.outputs["fates"], **sides}

    # Nothing shows whether somebody meant it to stay so.
    left = look(console, "rcdc.decide", **rest)
    assert left.state == "unknown"
    assert {one["fate"] for one in left.outputs["fates"]} == {"carried", "dropped"}

    write(console, "ConfigurationData", "Invariant", "<a><b Name='1' C='ours' /><b Name='2' C='new' /></a>")
    write(console, "ConfigurationData", "de-DE", "<unser />")
    seen = look(console, "rcdc.decide", **rest)

    assert seen.state == "done"
    told = {(one["item"], one["fate"]) for one in seen.outputs["fates"]}
    assert ("ConfigurationData, Invariant", "merged") in told
    assert ("ConfigurationData, de-DE", "carried") in told


def write(console: Console, attribute: str, locale: str, value: str) -> None:
    """What somebody does in the portal."""
    change = {"object": "f-1", "type": "Form", "attribute": attribute, "locale": locale, "value": value}
    virtual_time.run(console.host.write("C:\\Temp\\change.json", json.dumps([change]).encode()))
    console.script("rcdc-import", ADDRESS, "C:\\Temp\\change.json")


def test_people_may_name_single_values_that_they_changed(console: Console) -> None:
    before = do(console, "rcdc.export", address=ADDRESS, to=TO).outputs["file"]
    set_up(console.twin, "4.7.12.0")
    seen = look(console, "rcdc.compare", address=ADDRESS, before=before, customised=["Group: ConfigurationData, de-DE"])

    assert {one["item"]: one["fate"] for one in seen.outputs["fates"] if one["fate"] != "carried"} == {
        "ConfigurationData, Invariant": "needs-a-person",
        "ConfigurationData, de-DE": "dropped",
    }


def test_a_language_pack_is_uninstalled_and_what_it_translates_stays() -> None:
    console = Console(raise_in_memory(with_packs("de-DE", "fr-FR"), DECLARATIONS, clock=Clock()), "svc01")
    pack = {"product": "*Service and Portal Language Pack*"}
    folder = "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Service"
    present: dict[str, Any] = {**pack, "locales": ["de-DE", "fr-FR"], "folder": folder}
    present["renamed"] = {"de-DE": "de", "fr-FR": "fr"}
    assert look(console, "language_pack.present", **present).state == "done"

    do(console, "language_pack.remove", log="C:\\Logs\\packs.log", **pack)

    assert look(console, "language_pack.present", **present).state == "not_done"
    assert look(console, "product.version", product="*Service and Portal", build="4.6.673.0").state == "done"


def test_a_person_installs_the_language_pack_again_that_was_there() -> None:
    console = Console(raise_in_memory(with_packs("de-DE"), DECLARATIONS, clock=Clock()), "svc01")
    pack = {"product": "*Service and Portal Language Pack*"}
    with_: dict[str, Any] = {**pack, "log": "C:\\Logs\\packs.log", "locales": ["de-DE"]}
    before = look(console, "language_pack.remove", **with_)
    version = before.evidence["version"]

    opposite = build("language_pack.remove", with_).undo(before)

    assert opposite is not None
    uses, told = described(opposite)
    assert uses == "person.do"
    assert told["values"] == {"build": version, "languages": ["de-DE"]}
    assert look(console, uses, **told).state == "done"
    do(console, "language_pack.remove", **with_)
    assert look(console, uses, **told).state == "not_done"
    assert build("language_pack.remove", with_).undo(look(console, "language_pack.remove", **with_)) is None


def test_a_way_back_leaves_the_language_pack_alone_that_was_there() -> None:
    console = Console(raise_in_memory(with_packs("de-DE"), DECLARATIONS, clock=Clock()), "svc01")
    pack = {"product": "*Service and Portal Language Pack*", "log": "C:\\Logs\\packs.log"}

    assert look(console, "language_pack.remove", **pack, unless=["4.6.673.0"]).state == "done"
    assert look(console, "language_pack.remove", **pack, unless=["4.6.34.0"]).state == "not_done"


def with_packs(*locales: str) -> Estate:
    estate = an_estate()
    deployment = estate.deployments["identity"]
    installations = tuple(
        replace(one, facts={**one.facts, "language_packs": locales}) if one.component == "service" else one
        for one in deployment.installations
    )
    return replace(estate, deployments={"identity": replace(deployment, installations=installations)})


def test_a_file_that_setup_brings_may_be_newer_and_may_not_be_gone() -> None:
    console = Console(a_twin())
    extension = f"{SYNC}\\Extensions\\GALSync.dll"
    console("sc", "stop", "FIMSynchronizationService")
    virtual_time.run(console.host.write(extension, b"of 4.6"))
    manifest = do(console, "folder.backup", folder=SYNC, to=TO).outputs["manifest"]
    with_: dict[str, Any] = {"folder": SYNC, "manifest": manifest, "only": ["Extensions\\*"]}
    virtual_time.run(console.host.write(extension, b"of 4.7"))
    assert look(console, "folder.compare", **with_).state == "not_done"
    seen = look(console, "folder.compare", of_setup=["Extensions\\galsync.dll"], **with_)
    assert seen.state == "done"
    assert {one["fate"] for one in seen.outputs["fates"]} == {"carried", "merged"}

    console.line(f'del /q "{extension}"')

    assert look(console, "folder.compare", of_setup=["Extensions\\galsync.dll"], **with_).state == "not_done"

"""Configuration files across an upgrade, on the twin: whichever way the installer treats an edited file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.acting import do, look
from tests.support.twins import DECLARATIONS, HOTFIX, SP2, SYNC, Clock, Console, a_twin, an_estate, patched, prepared

from handrail.actions import build
from handrail.errors import BadInput
from handrail.model.finding import Citation
from handrail.model.plan import Step
from handrail.twin.declarations import Declarations
from handrail.twin.raising import raise_in_memory

FILE = f"{SYNC}\\Bin\\miiserver.exe.config"
KEEP = "C:\\ProgramData\\Handrail\\kept"
ASSEMBLY: dict[str, Any] = {
    "assembly": "Microsoft.MetadirectoryServicesEx",
    "token": "31bf3856ad364e35",
    "covers": ["3.3.0.0", "4.1.4.0"],
}
OURS = b'  <appSettings>\n    <add key="Timeout" value="30" />\n  </appSettings>\n'


def overwriting() -> Declarations:
    """A product whose package replaces edited configuration files."""
    mim = DECLARATIONS.products["mim"]
    sync = replace(mim.packages["sync"], overwrites=("*.config",))
    return replace(DECLARATIONS, products={"mim": replace(mim, packages={**mim.packages, "sync": sync})})


def a_console(declarations: Declarations = DECLARATIONS) -> Console:
    if declarations is DECLARATIONS:
        return Console(a_twin())
    return Console(raise_in_memory(an_estate(), declarations, clock=Clock()))


def edited(console: Console, extra: bytes = OURS) -> bytes:
    data = console.read(FILE).replace(b"<configuration>\n", b"<configuration>\n" + extra)
    write(console, data)
    return data


def write(console: Console, data: bytes) -> None:
    virtual_time.run(console.host.write(FILE, data))


def kept(console: Console, stock: str | None = None) -> dict[str, Any]:
    """What the later steps are told: the outputs of `config.keep`."""
    seen = do(console, "config.keep", file=FILE, to=KEEP, stock=stock)
    return {name: seen.outputs[name] for name in ("kept", "sha256", "stock_old")}


def unpacked(console: Console, step: str, *patches: str) -> str:
    console.script("mount-image", SP2)
    letter = console.script("mounted-media").text[:2]
    package = f"{letter}\\Synchronization Service\\Synchronization Service.msi"
    seen = do(console, "installer.extract", step, package=package, to="C:\\Unpacked", patches=list(patches))
    console.script("dismount-image", SP2)
    return str(seen.outputs["folder"])


def synchronised(console: Console) -> str:
    """What a run answers that needs the rules extensions."""
    where = ("path", "MIIS_ManagementAgent", "where", "Name='HR'", "call", "Execute", "Full Synchronization")
    text = console("wmic", "/namespace:\\\\root\\MicrosoftIdentityIntegrationServer", *where).text
    return text.split('ReturnValue = "')[1].split('"')[0]


def upgraded(console: Console) -> None:
    prepared(console)
    assert patched(console).code == 0


def test_an_installer_that_keeps_the_edited_file_leaves_its_redirect_out_and_the_merge_puts_it_in() -> None:
    """E4."""
    console = a_console()
    mine = edited(console)
    sides = kept(console, unpacked(console, "old"))
    new = unpacked(console, "new", HOTFIX, "C:\\Media\\sp3.msp")
    upgraded(console)
    assert console.read(FILE) == mine
    found = look(
        console, "config.redirects", file=FILE, at_least="4.1.5.0", rule="mim/missing-binding-redirect", **ASSEMBLY
    )
    assert found.state == "not_done"
    assert found.because.startswith("mim/missing-binding-redirect: ")

    console("sc", "start", "FIMSynchronizationService")
    assert synchronised(console) == "stopped-extension-dll-load"
    console("sc", "stop", "FIMSynchronizationService")

    seen = do(console, "config.merge", file=FILE, stock_new=new, **sides)

    console("sc", "start", "FIMSynchronizationService")
    assert synchronised(console) == "success"
    assert b'newVersion="4.1.5.0"' in console.read(FILE)
    assert OURS.strip() in console.read(FILE)
    assert [(one["item"], one["fate"]) for one in seen.outputs["fates"]] == [("appSettings", "carried")]
    assert look(console, "config.redirects", file=FILE, at_least="4.1.5.0", **ASSEMBLY).state == "done"
    assert look(console, "config.redirects", file=FILE, stock_new=new).state == "done"


def test_an_installer_that_overwrites_loses_the_customisation_and_the_merge_puts_it_back() -> None:
    """E4, the other direction; what ships now needs no copy, for it stands in the file."""
    console = a_console(overwriting())
    edited(console)
    sides = kept(console, unpacked(console, "old"))
    upgraded(console)
    assert OURS.strip() not in console.read(FILE)

    do(console, "config.merge", file=FILE, **sides)

    assert OURS.strip() in console.read(FILE)
    assert b'newVersion="4.1.5.0"' in console.read(FILE)
    lost = console.read(FILE).replace(OURS, b"")
    write(console, lost)
    assert look(console, "config.merge", file=FILE, **sides).state == "not_done"  # verify sees it


def test_reinstalling_with_the_letter_a_overwrites_too() -> None:
    console = a_console()
    edited(console)
    prepared(console)
    assert console("msiexec", "/p", "C:\\Media\\sp3.msp", "REINSTALL=ALL", "REINSTALLMODE=amus", "/qn").code in (
        0,
        3010,
    )

    assert OURS.strip() not in console.read(FILE)


def test_a_file_that_nobody_edited_is_the_installers_and_nothing_is_done() -> None:
    console = a_console()
    sides = kept(console)
    upgraded(console)
    seen = look(console, "config.merge", file=FILE, stock_new=None, **{**sides, "stock_old": sides["kept"]})

    assert seen.state == "done"
    assert seen.outputs["fates"] == []


def test_a_kept_file_without_what_ships_now_needs_a_person_who_is_held_to_the_redirects() -> None:
    console = a_console()
    edited(console)
    sides = kept(console, unpacked(console, "old"))
    upgraded(console)
    before = console.read(FILE)
    seen = do(console, "config.merge", file=FILE, **sides)

    assert seen.outputs["needs_person"]
    assert console.read(FILE) == before  # nothing is guessed
    assert "redirects may be missing" in seen.outputs["questions"][0]


def test_a_person_who_decides_must_leave_in_place_what_needed_no_decision() -> None:
    console = a_console(overwriting())
    sides = kept(console, unpacked(console, "old"))
    stock = console.read(FILE)
    mine = stock.replace(b'newVersion="4.1.4.0"', b'newVersion="four"').replace(
        b"<configuration>\n", b"<configuration>\n" + OURS
    )
    write(console, mine)
    sides = {**sides, **look_again(console, sides["stock_old"])}
    upgraded(console)
    merged = do(console, "config.merge", file=FILE, **sides)
    decide = {"file": FILE, "proposal": merged.outputs["proposal"], "questions": merged.outputs["questions"], **sides}

    assert merged.outputs["needs_person"]
    assert look(console, "config.decide", **decide).state == "not_done"  # our setting is not there yet
    person = Step(
        "identity/sync@sync01/sp3/config-decide",
        "Decide",
        "identity/sync@sync01",
        "sync01",
        "config.decide",
        revision=1,
        kind="person",
        source=Citation("ours", "test"),
        with_=decide,
    )
    console.twin.play(person)  # takes the proposal as it is
    assert console.read(FILE) == console.read(merged.outputs["proposal"])
    seen = look(console, "config.decide", **decide)
    assert seen.state == "done", seen
    assert {one["fate"] for one in seen.outputs["fates"]} == {"carried", "dropped"}
    write(console, b"<configuration>")
    assert look(console, "config.decide", **decide).state == "not_done"


def test_a_file_that_stands_as_the_installer_left_it_is_not_taken_for_decided() -> None:
    """Both sides changed one value and nothing else: what stands there shows nothing, so somebody has to say it."""
    console = a_console(overwriting())
    sides = kept(console, unpacked(console, "old"))
    write(console, console.read(FILE).replace(b'newVersion="4.1.4.0"', b'newVersion="four"'))
    sides = {**sides, **look_again(console, sides["stock_old"])}
    upgraded(console)
    merged = do(console, "config.merge", file=FILE, **sides)
    decide = {"file": FILE, "proposal": merged.outputs["proposal"], "questions": merged.outputs["questions"], **sides}

    seen = look(console, "config.decide", **decide)

    assert merged.outputs["questions"]
    assert seen.state == "unknown"
    assert seen.outputs["fates"]


def look_again(console: Console, stock_old: str | None) -> dict[str, Any]:
    seen = do(console, "config.keep", "keep-again", file=FILE, to=KEEP)
    return {"kept": seen.outputs["kept"], "sha256": seen.outputs["sha256"], "stock_old": stock_old}


def test_a_kept_file_is_proved_and_one_that_was_changed_since_is_refused() -> None:
    console = a_console()
    sides = kept(console)
    proof = {"kept": sides["kept"], "sha256": sides["sha256"]}
    assert look(console, "config.prove", **proof).state == "done"

    virtual_time.run(console.host.write(sides["kept"], b"<configuration />"))

    assert look(console, "config.prove", **proof).state == "not_done"
    assert look(console, "config.merge", file=FILE, **sides).state == "unknown"


def test_a_file_that_need_not_be_there_is_kept_as_missing() -> None:
    console = a_console()
    seen = do(console, "config.keep", file=f"{SYNC}\\web.config", to=KEEP, optional=True)

    assert seen.outputs["kept"] is None
    assert look(console, "config.merge", file=f"{SYNC}\\web.config", kept=None).state == "done"


@pytest.mark.parametrize("with_", [{"file": FILE}, {"file": FILE, "assembly": "A", "at_least": "new"}])
def test_redirects_need_an_assembly_and_versions(with_: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        build("config.redirects", with_)


def test_unpacking_installs_nothing() -> None:
    console = a_console()
    before = console.version()
    unpacked(console, "new", HOTFIX, "C:\\Media\\sp3.msp")

    assert console.version() == before
    assert console("msiexec", "/a", "C:\\Media\\nothing.msi", "TARGETDIR=C:\\x", "/qn").code == 1619


def test_without_a_package_there_is_nothing_to_unpack() -> None:
    seen = look(a_console(), "installer.extract", package=None, to="C:\\Unpacked")

    assert seen.state == "done"
    assert seen.outputs == {"folder": None}

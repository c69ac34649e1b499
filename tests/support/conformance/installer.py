"""Windows Installer: packages, patches, their sources and what is left on the machine, read as actions read it."""

from __future__ import annotations

from typing import Any

from tests.lab.wine.packages import NEW, OLD, SYNC
from tests.support.conformance.case import (
    RECEIPT,
    Ask,
    At,
    Case,
    Differs,
    Gone,
    Look,
    Place,
    Read,
    Step,
    Write,
    ask,
    cmd,
)
from tests.support.conformance.drives import DRIVE
from tests.support.conformance.files import HERE

from handrail.actions.installer import PATCH_PROPERTIES, InstallerSource
from handrail.actions.installer_log import cause
from handrail.hosts.protocol import Host
from handrail.probing.reg_text import UNINSTALL, products, value_of
from handrail.probing.shell import decoded

MEDIA = r"C:\lab-media"
PACKAGE = rf"{MEDIA}\SP2\{SYNC.package}"
NEW_PACKAGE = rf"{MEDIA}\SP3\{SYNC.package}"
PATCH = rf"{MEDIA}\{SYNC.patch}"
WRONG = rf"{MEDIA}\wrong-baseline.msp"
FOLDER = "C:\\Program Files\\" + "\\".join(SYNC.path)
PROGRAM = rf"{FOLDER}\{SYNC.programs[0]}"
CONFIG = r"Bin\miiserver.exe.config"
MARK = r"HKLM\SOFTWARE\HandrailLab"
LOG = rf"{HERE}\installer.log"
CACHED = r"C:\Windows\Installer\*.msi"
GARBAGE = b"this is neither a package nor a patch" * 40


def msiexec(*argv: str, code: int = 0, wine: Differs | None = None) -> Ask:
    return ask("msiexec", *argv, "/qn", "/norestart", "/l*v", LOG, code=code, wine=wine)


def install(package: str = PACKAGE, *more: str, code: int = 0, wine: Differs | None = None) -> Ask:
    return msiexec("/i", package, *more, code=code, wine=wine)


def patch(file: str = PATCH, *more: str, code: int = 0, wine: Differs | None = None) -> Ask:
    properties = [f"{name}={value}" for name, value in PATCH_PROPERTIES.items()]
    return msiexec("/p", file, *properties, *more, code=code, wine=wine)


def remove(code: int = 0) -> Ask:
    return msiexec("/x", SYNC.code, code=code)


def listed(version: str | None) -> Look:
    """How Windows lists the product in both views together: at this version, or not."""

    async def look(host: Host) -> Any:
        found = [one for one in await products(host) if one.name == SYNC.title]
        return [(one.code, one.version) for one in found]

    return Look(look, [(SYNC.code, version)] if version else [])


def source(folder: str) -> Look:
    """What the check of a product's source finds out."""

    async def look(host: Host) -> Any:
        return (await InstallerSource(SYNC.title).look(host, RECEIPT)).outputs

    drive = folder[:2].upper()
    found = {"path": folder, "drive": drive, "product_code": SYNC.code, "build": OLD, "package": SYNC.package}
    return Look(look, found)


def listed_source(folder: str) -> Look:
    async def look(host: Host) -> Any:
        return [one.source for one in await products(host) if one.name == SYNC.title]

    return Look(look, [folder])


def program(version: str) -> At:
    async def look(place: Place) -> str:
        return await place.version_in(PROGRAM)

    return At(look, version)


def text(version: str) -> Read:
    return Read(rf"{FOLDER}\{CONFIG}", SYNC.texts[CONFIG][version == NEW].replace("\n", "\r\n").encode())


def stands_at(version: str) -> tuple[Step, ...]:
    return (_entry(version), program(version), text(version))


def _entry(version: str) -> Look:
    async def look(host: Host) -> Any:
        found = await value_of(host, rf"{UNINSTALL}\{SYNC.code}", "DisplayVersion")
        return found.data if found else None

    return Look(look, version)


def registered(version: str) -> Look:
    """What the package writes into the registry."""

    async def look(host: Host) -> Any:
        found = await value_of(host, MARK + r"\Products", SYNC.id)
        return found.data if found else None

    return Look(look, version)


ABSENT_NOW: tuple[Step, ...] = (listed(None), Gone(PROGRAM))


def log_says(word: str) -> Look:
    """Whether the lines that a log gives as the cause of a failure hold a word."""

    async def look(host: Host) -> bool:
        return word in cause(decoded(await host.read(LOG)))

    return Look(look, True)


def runtime(missing: bool) -> At:
    async def change(place: Place) -> None:
        await place.without_runtime(missing)

    return At(change)


async def restart(place: Place) -> None:
    await place.restart()


def while_open(path: str, *steps: Ask) -> At:
    """Commands that run while some program keeps a file open."""
    from tests.support.conformance.case import try_step

    async def do(place: Place) -> None:
        async with place.held(path):
            for one in steps:
                await try_step(place, one)

    return At(do)


_MISSING = "it gives the same code for every package that it cannot open"
_CACHE_GONE: tuple[Step, ...] = (cmd("del", "/f", "/q", "/a", CACHED),)

INSTALLER = (
    Case(
        "what is not installed cannot be patched or removed",
        (
            patch(code=1642, wine=Differs("it says that the product is unknown", 1605)),
            remove(code=1605),
            *ABSENT_NOW,
        ),
        needs="absent",
        leaves="absent",
    ),
    Case(
        "a package that is not there, or is none, changes nothing",
        (
            install(rf"{MEDIA}\none.msi", code=1619, wine=Differs("it says that there is no such file", 2)),
            Write(rf"{HERE}\garbage.msi", GARBAGE),
            install(rf"{HERE}\garbage.msi", code=1620, wine=Differs(_MISSING, 1627)),
            *ABSENT_NOW,
        ),
        needs="absent",
        leaves="absent",
    ),
    Case(
        "a launch condition that is not met stops an installation, and its log says so",
        (
            runtime(missing=True),
            install(code=1603),
            *ABSENT_NOW,
            runtime(missing=False),
        ),
        needs="absent",
        leaves="absent",
    ),
    Case(
        "an installation is listed, with its build and where it came from",
        (
            install(),
            listed(OLD),
            *stands_at(OLD),
            registered(OLD),
            source(rf"{MEDIA}\SP2"),
        ),
        needs="absent",
        leaves="sp2",
        road=True,
    ),
    Case(
        "the same package again changes nothing",
        (install(), *stands_at(OLD)),
        needs="sp2",
        leaves="sp2",
    ),
    Case(
        "another build's package is refused, as long as nobody says that it is an upgrade",
        (install(NEW_PACKAGE, code=1638), *stands_at(OLD)),
        needs="sp2",
        leaves="sp2",
    ),
    Case(
        "a launch condition that is not met stops a patch, and nothing has changed",
        (
            runtime(missing=True),
            patch(code=1603),
            *stands_at(OLD),
            runtime(missing=False),
        ),
        needs="sp2",
        leaves="sp2",
    ),
    Case(
        "a patch that is not there, or is none, changes nothing",
        (
            patch(rf"{MEDIA}\none.msp", code=1635, wine=Differs(_MISSING, 1627)),
            Write(rf"{HERE}\garbage.msp", GARBAGE),
            patch(rf"{HERE}\garbage.msp", code=1636, wine=Differs(_MISSING, 1627)),
            *stands_at(OLD),
        ),
        needs="sp2",
        leaves="sp2",
    ),
    Case(
        "a patch for another build changes nothing",
        (
            patch(WRONG, code=1642, wine=Differs("it does nothing and reports success", 0)),
            *stands_at(OLD),
        ),
        needs="sp2",
        leaves="sp2",
    ),
    Case(
        "a patch whose source is lost fails, and works once the source is found again",
        (
            *_CACHE_GONE,
            cmd("move", "/y", PACKAGE, rf"{MEDIA}\lost.msi"),
            patch(code=1612),
            *stands_at(OLD),
            cmd("move", "/y", rf"{MEDIA}\lost.msi", PACKAGE),
            patch(),
            *stands_at(NEW),
            registered(NEW),
        ),
        needs="sp2",
        leaves="sp3",
    ),
    Case(
        "the same patch again changes nothing",
        (patch(), *stands_at(NEW)),
        needs="sp3",
        leaves="sp3",
    ),
    Case(
        "removing takes programs, registration and service, and leaves what somebody put beside them",
        (
            Write(rf"{FOLDER}\ours.txt", b"put there by hand"),
            remove(),
            *ABSENT_NOW,
            Read(rf"{FOLDER}\ours.txt", b"put there by hand"),
            ask(
                "sc",
                "query",
                SYNC.service,
                code=1060,
            ),
            remove(code=1605),
            cmd("rmdir", "/s", "/q", FOLDER),
        ),
        needs="sp3",
        leaves="absent",
    ),
    Case(
        "a product that came from a mapped drive is patched only while that drive holds its package",
        (
            ask("subst", DRIVE, "/D", code=None),
            ask("subst", DRIVE, rf"{MEDIA}\SP2"),
            install(DRIVE + "\\" + SYNC.package),
            source(DRIVE + "\\"),
            ask("subst", DRIVE, "/D"),
            *_CACHE_GONE,
            patch(code=1612),
            program(OLD),
            Write(rf"{HERE}\copied\readme.txt", b"where the package is brought"),
            cmd("copy", "/y", PACKAGE, rf"{HERE}\copied\{SYNC.package}"),
            ask("subst", DRIVE, rf"{HERE}\copied"),
            patch(),
            *stands_at(NEW),
            ask("subst", DRIVE, "/D"),
        ),
        needs="absent",
        leaves="sp3",
    ),
    Case(
        "another build's package upgrades when it is told to, and becomes the source",
        (
            install(NEW_PACKAGE, "REINSTALL=ALL", "REINSTALLMODE=vomus"),
            *stands_at(NEW),
            listed_source(rf"{MEDIA}\SP3" + "\\"),
        ),
        needs="sp2",
        leaves="sp3",
    ),
    Case(
        "a file that is in use is replaced at the next restart",
        (
            while_open(PROGRAM, patch(code=3010)),
            listed(NEW),
            program(OLD),
            At(restart),
            *stands_at(NEW),
        ),
        needs="sp2",
        leaves="sp3",
    ),
)

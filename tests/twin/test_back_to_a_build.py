"""The way back from a patch, by what Windows has: uninstalled, database put back, the former build installed on it from
its own medium by a person, patched to the build that was there, files put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.support.restoring import Site
from tests.support.twins import HOTFIX, PATCH, SERVICE, SYNC, Console, a_twin, an_estate, patched, prepared

from handrail.errors import NotRehearsed
from handrail.model.estate import Estate, Medium
from handrail.model.finding import Citation
from handrail.model.plan import Step
from handrail.twin.mechanisms import databases, registry
from handrail.twin.things import Component, Database, KeySet, Product
from handrail.twin.things import Service as WindowsService
from handrail.twin.world import Twin

SERVICE_FOLDER = "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Service"
SERVICE_HOTFIX, SERVICE_PATCH = "C:\\Media\\service-hotfix.msp", "C:\\Media\\service-sp3.msp"
BACKUPS = "C:\\Backups"


@dataclass(frozen=True)
class Way:
    """What one component is on the twin."""

    component: str
    host: str
    service: str
    database: str
    folder: str
    product: str
    file: str
    hotfix: str
    source: str
    account: str
    typed: Mapping[str, str]


SYNC_WAY = Way(
    component="sync",
    host="sync01",
    service=SERVICE,
    database=SERVICE,
    folder=SYNC,
    product="*Synchronization Service",
    file=f"{SYNC}\\Bin\\miiserver.exe",
    hotfix=HOTFIX,
    source="Synchronization Service",
    account="CONTOSO\\svc-sync",
    typed={},
)
SERVICE_WAY = Way(
    component="service",
    host="svc01",
    service="FIMService",
    database="FIMService",
    folder=SERVICE_FOLDER,
    product="*Service and Portal",
    file=f"{SERVICE_FOLDER}\\Microsoft.ResourceManagement.Service.exe",
    hotfix=SERVICE_HOTFIX,
    source="Service and Portal",
    account="CONTOSO\\svc-mim",
    typed={},
)
WAYS = pytest.mark.parametrize("way", [SYNC_WAY, SERVICE_WAY], ids=["sync", "service"])


def estate() -> Estate:
    """With every medium that a way back needs."""
    found = an_estate()
    hotfix = Medium("service-hotfix", "mim", "msp", SERVICE_HOTFIX, "2016-sp2", "service", "4.6.673.0")
    return replace(found, media={**found.media, hotfix.id: hotfix})


def truth(twin: Twin, way: Way) -> dict[str, Any]:
    """All that has to be as it was."""
    machine = twin.machine(way.host)
    found = twin.machine("sql01").get(Database, f"|{way.database}")
    product = next(one for one in machine.all(Product) if way.component in one.features)
    parameters = f"HKLM\\SYSTEM\\CurrentControlSet\\Services\\{way.service}"
    assert found is not None
    return {
        "product": (product.package, product.version, product.base, product.features, product.folder),
        "listed": registry.value(machine, rf"{registry.UNINSTALL}\{product.code}", "DisplayVersion"),
        "component": machine.get(Component, way.component),
        "service": machine.get(WindowsService, way.service),
        "files": Site(way.host, twin.fork()).content(way.folder),
        "registered": [key.values for key in (registry.find(machine, parameters), *registry.below(machine, parameters))
                       if key],
        "keys": [(one.account, one.id) for one in machine.all(KeySet)],
        "database": databases.digest(found),
    }  # fmt: skip


class Journey:
    """Restore points are taken, SP3 is applied, and then it goes back."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.twin = a_twin(estate())
        self.console = Console(self.twin, way.host)
        extensions = f"{way.folder}\\edited.config"
        Site(way.host, self.twin).put(extensions, "somebody's own")
        self.console("sc", "start", way.service)
        self.before = truth(self.twin, way)
        self.site, self.server = Site(way.host, self.twin), Site("sql01", self.twin)
        self.console("sc", "stop", way.service)
        self.database = self.server.done(
            "sqlserver.backup", {"server": "sql01", "database": way.database, "to": BACKUPS}, "database"
        )
        self.folder = self.site.done("folder.backup", {"folder": way.folder, "to": BACKUPS}, "folder")

    def upgraded(self) -> None:
        if self.way.component == "sync":
            self.console("sc", "start", SERVICE)
            prepared(self.console)
            assert patched(self.console, PATCH).code == 0
        else:
            self.console.line(f'mkdir "C:\\Patch\\{self.way.source}"')
            self.console.as_system("subst E: C:\\Patch")
            self.console.script("mount-image", "C:\\Media\\SP2.iso")
            letter = self.console.script("mounted-media").text[:2]
            self.console("robocopy", f"{letter}\\{self.way.source}", f"E:\\{self.way.source}", "/E")
            self.console.script("dismount-image", "C:\\Media\\SP2.iso")
            assert patched(self.console, SERVICE_PATCH).code == 0
        assert self.console("sc", "start", self.way.service).code == 0
        self.site.put(f"{self.way.folder}\\edited.config", "what the new version made of it")

    def uninstalled(self) -> None:
        self.console("sc", "stop", self.way.service)
        log = "C:\\ProgramData\\Handrail\\back.log"
        away = {"product": self.way.product, "file": self.way.file, "log": log}
        self.site.done("installer.uninstall", away, "away")

    def put_back(self, made: tuple[Any, Any], site: Site, step: str) -> None:
        for action in made[0].restore(made[1].outputs):
            assert site.do(action, step).state == "done"

    def installed(self, **typed: str) -> None:
        values = {
            "database server": "sql01",
            "database": self.way.database,
            "service account": self.way.account,
            "build": "4.6.34.0",
            **typed,
        }
        subject = f"identity/{self.way.component}@{self.way.host}"
        self.twin.play(
            Step(
                id=f"{subject}/2016-sp3/back-install",
                title="Install what was there",
                installation=subject,
                host=self.way.host,
                uses="person.do",
                revision=1,
                kind="person",
                source=Citation("ours", ""),
                with_={"instructions": [], "values": values},
            )
        )

    def hotfixed(self) -> None:
        self.console("sc", "stop", self.way.service)
        folder, _, patch = self.way.hotfix.rpartition("\\")
        log = "C:\\ProgramData\\Handrail\\hotfix.log"
        wanted = {"product": self.way.product, "build": "4.6.673.0", "file": self.way.file, "log": log}
        self.site.done("installer.patch", {"folder": folder, "patch": patch, **wanted}, "hotfix")


@WAYS
def test_restored_and_installed_again_everything_is_what_it_was(way: Way) -> None:
    journey = Journey(way)
    journey.upgraded()
    assert truth(journey.twin, way) != journey.before

    journey.uninstalled()
    journey.put_back(journey.database, journey.server, "back-database")
    journey.installed()
    journey.hotfixed()
    journey.put_back(journey.folder, journey.site, "back-folder")
    assert journey.console("sc", "start", way.service).code == 0

    after = truth(journey.twin, way)
    assert {name: after[name] for name in after if after[name] != journey.before[name]} == {}


@WAYS
def test_the_former_build_is_not_installed_on_a_database_that_was_not_put_back(way: Way) -> None:
    """Data and programs go back together or not at all."""
    journey = Journey(way)
    journey.upgraded()
    journey.uninstalled()

    with pytest.raises(NotRehearsed, match=r"Setup of 4.6.34.0 cannot use the database .* of version"):
        journey.installed()


def test_a_database_that_is_half_restored_is_of_no_use_to_setup() -> None:
    journey = Journey(SYNC_WAY)
    journey.upgraded()
    journey.uninstalled()
    found = journey.server.twin.machine("sql01").get(Database, f"|{SERVICE}")
    assert found is not None
    half = replace(found, state="RESTORING")
    journey.twin.transact("sql01", "half", lambda machine: machine.put(f"|{SERVICE}", half))

    with pytest.raises(NotRehearsed, match="RESTORING"):
        journey.installed()


def test_without_the_medium_of_that_build_nobody_can_install_it() -> None:
    """The copy that Windows Installer keeps for itself goes with the product, and is none."""
    journey = Journey(SYNC_WAY)
    journey.upgraded()
    journey.uninstalled()
    journey.put_back(journey.database, journey.server, "back-database")

    with pytest.raises(NotRehearsed, match="No medium"):
        journey.installed(build="4.4.1302.0")


def test_keys_that_the_account_lost_come_from_the_file_that_is_given() -> None:
    journey = Journey(SYNC_WAY)
    keys = {"tool": f"{SYNC}\\Bin\\miiskmu.exe", "to": BACKUPS, "account": SYNC_WAY.account, "password": None}
    site = journey.site
    site.twin.transact("sync01", "managed", _managed)
    exported = site.done("keys.export", keys, "keys")[1].outputs
    journey.upgraded()
    journey.uninstalled()
    journey.twin.transact("sync01", "lost", lambda machine: machine.drop(KeySet, SYNC_WAY.account))
    journey.put_back(journey.database, journey.server, "back-database")

    journey.installed(**{"key file": str(exported["file"])})
    journey.hotfixed()
    journey.put_back(journey.folder, journey.site, "back-folder")

    assert journey.console("sc", "start", SERVICE).code == 0
    assert truth(journey.twin, SYNC_WAY) == journey.before


def test_with_the_database_alone_put_back_the_newer_programs_do_not_start() -> None:
    journey = Journey(SYNC_WAY)
    journey.upgraded()
    journey.console("sc", "stop", SERVICE)
    journey.put_back(journey.database, journey.server, "back-database")

    assert journey.console("sc", "start", SERVICE).code == 1066


def _managed(machine: Any) -> None:
    """An account whose password nobody types."""
    account = machine.context.account(SYNC_WAY.account)
    machine.context.draft.put("", "account", SYNC_WAY.account.lower(), replace(account, kind="gmsa"))

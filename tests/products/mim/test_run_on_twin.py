"""MIM's plans carried out on the twin: they arrive, do nothing twice, and mend what they know how to mend, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.mim import SCENARIOS, estate_of

from handrail.actions import signatures
from handrail.documents.plan import freeze
from handrail.guides.catalogue import load
from handrail.hosts.protocol import Command, Host
from handrail.hosts.protocol import Outcome as HostOutcome
from handrail.model.journal import RunStatus
from handrail.model.plan import Plan, Step
from handrail.planning.plan import make_plan
from handrail.running.home import Home
from handrail.running.session import open_session
from handrail.running.targets import Target, twin_opener
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, files, installer, registry, services
from handrail.twin.store import Effect
from handrail.twin.things import Busy, Database, Product, Service, Volume
from handrail.twin.world import Twin, open_twin

SYNC, SERVICE = "identity/sync@sync01", "identity/service@svc01"
PATCH = f"{SYNC}/2016-sp3/patch"
LABEL = "MIM-OLD 7731"  # not the one that the document gives, and with a blank in it
Work = Callable[[Machine], object]


@dataclass
class Mischief:
    """What somebody does on a host just before a command whose words include `when` is given there, once."""

    host: str
    when: str
    work: Work
    done: bool = False

    def fits(self, host: str, command: Command) -> bool:
        return not self.done and host == self.host and self.when in " ".join(command.argv)


@dataclass
class Meddled:
    """A host on which mischief happens."""

    inner: Host
    twin: Twin
    mischief: Sequence[Mischief]
    name: str = ""
    windows: bool = True

    async def execute(self, command: Command) -> HostOutcome:
        for one in self.mischief:
            if one.fits(self.inner.name, command):
                one.done = True
                self.twin.transact(one.host, "mischief", one.work)
        return await self.inner.execute(command)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass
class MeddledTwin:
    """The twin of a run, on whose hosts mischief happens."""

    inner: Any
    mischief: Sequence[Mischief]

    def host(self, name: str) -> Host:
        inner = self.inner.host(name)
        return Meddled(inner, self.inner.twin, self.mischief, inner.name, inner.windows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@dataclass(frozen=True)
class Ran:
    status: RunStatus
    exit_code: int
    twin: Twin
    plan: Plan
    verified: bool
    start: Twin

    def state(self, step: str) -> str:
        return next(one.state for one in self.status.steps if one.id == step)

    def attempts(self, step: str) -> int:
        return next(one.attempts for one in self.status.steps if one.id == step)

    def outputs(self, step: str) -> Mapping[str, Any]:
        return next(one.outputs for one in self.status.steps if one.id == step)

    def builds(self, host: str) -> set[str]:
        return {one.version for one in self.twin.machine(host).all(Product)}

    def service(self, host: str, name: str) -> str:
        found = self.twin.machine(host).get(Service, name)
        return found.state if found else "absent"

    def databases(self, host: str = "sql01") -> dict[str, Database]:
        return {one.name: one for one in self.twin.machine(host).all(Database)}

    def effects(self, *kinds: str) -> list[Effect]:
        return [one for one in self.twin.effects() if one.kind in kinds]


@cache
def plan_of(name: str) -> Plan:
    """Of a sample estate, or of a scenario."""
    catalogue = load()
    estate = estate_of(SCENARIOS.get(name, {"estate": name}), catalogue)
    plan = make_plan(estate, catalogue, signatures())
    assert isinstance(plan, Plan)
    return freeze(replace(plan, steps=tuple(without_waits(step) for step in plan.steps)))


def without_waits(step: Step) -> Step:
    return replace(step, remedies=tuple(replace(one, wait=0.0) for one in step.remedies)) if step.remedies else step


def run(name: str, home: Path, before: Sequence[tuple[str, Work]] = (), mischief: Sequence[Mischief] = ()) -> Ran:
    """Carry the plan of a sample estate out on its twin. `before`: what is wrong from the beginning."""
    plan = plan_of(name)
    starts: list[Twin] = []

    def opener(plan: Plan, folder: Path, new: bool) -> Target:
        target = twin_opener()(plan, folder, new)
        twin: Twin = target.twin  # type: ignore[attr-defined]
        if new:
            for host, work in before:
                twin.transact(host, "beforehand", work)
            starts.append(twin.fork())
        return MeddledTwin(target, mischief)

    with open_session(Home(home), openers={"twin": opener}) as session:
        id = session.start(plan, "tester", target="twin")
        outcome = virtual_time.run(session.carry_out(id, "tester"))
        verified = outcome.exit_code == 0 and virtual_time.run(session.verify(id, "tester")).exit_code == 0
        twin = open_twin(Home(home).twin(id))
    return Ran(outcome.status, outcome.exit_code, twin, plan, verified, starts[0])


@pytest.fixture(scope="module")
def contoso(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("contoso", tmp_path_factory.mktemp("contoso"))


def mount_sp2(machine: Machine) -> object:
    return drives.mount(machine, "C:\\Media\\MIM2016SP2.iso")


def media_of(machine: Machine) -> str:
    """The registry key in which the installer remembers the disks of the Synchronization Service."""
    product = installer.product_of(machine, "mim/sync")
    assert product is not None
    return rf"{installer.PRODUCTS}\{installer.packed(product.code)}\SourceList\Media"


OTHER = rf"{installer.PRODUCTS}\00000000000000000000000000000000\SourceList\Media"


def ask_for_the_old_disk(machine: Machine) -> None:
    """The stale label, and beside it what must not be touched: the documented label, of a product that needs it."""
    registry.write(machine, media_of(machine), {"1": registry.text(f"{LABEL};Disk 1")})
    registry.write(machine, OTHER, {"1": registry.text("MIM-X22-20157;Disk 1")})


def occupy(machine: Machine) -> None:
    machine.put("installer", Busy("Windows Update"))


def free(machine: Machine) -> None:
    machine.drop(Busy, "installer")


def start_sync(machine: Machine) -> None:
    found = machine.get(Service, "FIMSynchronizationService")
    assert found is not None
    services.start(machine, found)


# -- as planned ------------------------------------------------------------------------------------------------------


def test_contoso_reaches_sp3(contoso: Ran) -> None:
    assert contoso.exit_code == 0
    assert contoso.verified
    assert contoso.builds("sync01") == contoso.builds("svc01") == {"4.7.12.0"}
    assert contoso.service("sync01", "FIMSynchronizationService") == "RUNNING"
    assert contoso.service("svc01", "FIMService") == contoso.service("svc01", "W3SVC") == "RUNNING"


def test_every_step_ends_done_but_remedies_and_restarts_that_nobody_needed(contoso: Ran) -> None:
    skipped = {one.id.rpartition("/")[2] for one in contoso.status.steps if one.state == "skipped"}
    assert {one.state for one in contoso.status.steps} == {"done", "skipped"}
    assert all(one == "reboot" or one.startswith("patch-") for one in skipped)


def test_nothing_takes_effect_twice(contoso: Ran) -> None:
    """Judged by the twin's own account. Two hops: two stops and two starts of each service, and no more."""
    assert [(one.host, one.what.rpartition(" from ")[2]) for one in contoso.effects("software")] == [
        ("sync01", "4.6.34.0 to 4.6.673.0"),
        ("svc01", "4.6.34.0 to 4.6.673.0"),
        ("sync01", "4.6.673.0 to 4.7.12.0"),
        ("svc01", "4.6.673.0 to 4.7.12.0"),
    ]
    assert Counter(one.what for one in contoso.effects("service")) == {
        "FIMSynchronizationService stopped": 2,
        "FIMSynchronizationService started": 2,
        "FIMService stopped": 2,
        "FIMService started": 2,
        "W3SVC stopped": 1,
        "W3SVC started": 1,
        "WAS stopped": 1,
        "WAS started": 1,
    }
    once = Counter((one.host, one.what) for one in contoso.effects("database", "backup", "keys", "agent"))
    assert once and set(once.values()) == {1}


def test_the_data_is_what_it_was(contoso: Ran) -> None:
    """Existing databases are used: same rows, secrets under the same keys, only the schema is newer."""
    before = {one.name: one for one in contoso.start.machine("sql01").all(Database)}
    after = contoso.databases()
    assert set(after) == set(before)
    for name, database in after.items():
        kept = {table: rows for table, rows in before[name].tables.items() if table != "runs"}
        assert {table: rows for table, rows in database.tables.items() if table != "runs"} == kept
        assert database.key_set == before[name].key_set
        assert database.schema > before[name].schema


def test_nothing_is_left_mapped_or_mounted(contoso: Ran) -> None:
    for host in ("sync01", "svc01"):
        machine = contoso.twin.machine(host)
        assert not drives.visible(machine)
        assert not [one for one in machine.all(Volume) if one.image]


def test_sync_is_healthy_before_the_service_is_touched(contoso: Ran) -> None:
    ended = {one.id: one.ended for one in contoso.status.steps}
    begun = {one.id: one.begun for one in contoso.status.steps}
    imported, stopped = ended[f"{SYNC}/2016-sp3/import"], begun[f"{SERVICE}/2016-sp3/stop"]
    assert imported is not None and stopped is not None and imported <= stopped


def test_from_the_last_hotfix_it_is_one_hop(tmp_path: Path) -> None:
    ran = run("sp2-latest", tmp_path)
    assert (ran.exit_code, ran.verified) == (0, True)
    assert len(ran.effects("software")) == 2


def test_service_and_portal_move_and_take_the_database_along(tmp_path: Path) -> None:
    ran = run("portal", tmp_path)
    assert (ran.exit_code, ran.verified) == (0, True)
    assert ran.service("portal01", "FIMService") == "STOPPED"
    assert ran.service("portal02", "FIMService") == "RUNNING"
    assert set(ran.databases()) == {"MIMSync", "MIMService"}
    before = {one.name: one for one in ran.start.machine("sql01").all(Database)}
    assert ran.databases()["MIMService"].tables == before["MIMService"].tables


@pytest.mark.parametrize(
    "name",
    [
        "everything on one server, installed anew on another",
        "a driver that is missing and whose installer is at hand",
        "there already",
    ],
)
def test_other_roads_arrive_too(name: str, tmp_path: Path) -> None:
    ran = run(name, tmp_path)
    assert (ran.exit_code, ran.verified) == (0, True)


# -- known errors ----------------------------------------------------------------------------------------------------


def test_a_medium_that_is_mounted_from_the_beginning_is_ejected(tmp_path: Path) -> None:
    ran = run("sp2-latest", tmp_path, before=[("sync01", mount_sp2)])
    assert ran.exit_code == 0
    assert ran.attempts(PATCH) == 1


def test_insert_disk_is_mended_by_removing_exactly_that_label(tmp_path: Path) -> None:
    ran = run("sp2-latest", tmp_path, before=[("sync01", ask_for_the_old_disk)])
    assert ran.exit_code == 0
    assert ran.attempts(PATCH) == 2
    assert ran.outputs(PATCH)["label"] == LABEL
    assert ran.state(f"{PATCH}-insert-disk-forget-label") == "done"
    assert ran.state(f"{PATCH}-source-not-found-eject") == "skipped"
    machine = ran.twin.machine("sync01")
    assert registry.value(machine, media_of(machine), "1") is None
    assert registry.value(machine, OTHER, "1") == "MIM-X22-20157;Disk 1"
    exported = files.find(machine, "C:\\ProgramData\\Handrail\\backups\\installer-products-sync.reg")
    assert exported is not None and LABEL.encode("utf-16-le") in files.content(exported)


def test_insert_disk_a_second_time_is_for_a_person(tmp_path: Path) -> None:
    again = Mischief("sync01", "2016-sp3-patch-2", ask_for_the_old_disk)
    ran = run("sp2-latest", tmp_path, before=[("sync01", ask_for_the_old_disk)], mischief=[again])
    assert ran.exit_code == 1
    assert (ran.state(PATCH), ran.attempts(PATCH)) == ("failed", 2)
    assert not ran.effects("software")
    assert ran.service("sync01", "FIMSynchronizationService") == "STOPPED"


def test_source_not_found_is_mended_by_unmounting(tmp_path: Path) -> None:
    """Somebody mounts SP2's medium after it was seen to be out, and before the installer looks."""
    ran = run("sp2-latest", tmp_path, mischief=[Mischief("sync01", "2016-sp3-patch-1", mount_sp2)])
    assert ran.exit_code == 0
    assert ran.attempts(PATCH) == 2
    assert ran.state(f"{PATCH}-source-not-found-eject") == "done"
    assert ran.state(f"{PATCH}-insert-disk-forget-label") == "skipped"


def test_an_installer_that_is_busy_is_waited_for(tmp_path: Path) -> None:
    done = Mischief("sync01", "2016-sp3-patch-3", free)
    ran = run("sp2-latest", tmp_path, before=[("sync01", occupy)], mischief=[done])
    assert ran.exit_code == 0
    assert ran.attempts(PATCH) == 3


def test_a_restart_is_made_when_the_installer_asks_for_one(tmp_path: Path) -> None:
    """Files in use: 3010, and the new file is there only after the restart."""
    ran = run("sp2-latest", tmp_path, mischief=[Mischief("sync01", "2016-sp3-patch-1", start_sync)])
    assert ran.exit_code == 0
    assert ran.state(f"{SYNC}/2016-sp3/reboot") == "done"
    assert [one.host for one in ran.effects("boot")] == ["sync01"]
    assert ran.verified


def test_a_build_that_is_not_what_the_estate_says_stops_before_anything_is_touched(tmp_path: Path) -> None:
    ran = run("contoso", tmp_path, before=[("sync01", already_patched)])
    assert ran.exit_code == 1
    assert ran.state(f"{SYNC}/4.6.673.0/check-build") == "failed"
    assert not ran.effects("service", "database")


def already_patched(machine: Machine) -> None:
    product = installer.product_of(machine, "mim/sync")
    assert product is not None
    bits = machine.context.declarations.package("mim/sync")
    installer.reregister(machine, replace(product, version="4.6.607.0"), bits)

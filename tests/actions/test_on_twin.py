"""Every action against the twin: what observing says, what acting changes, and what the ground truth is afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.scripted_host import Known

import handrail
from handrail.actions import build, receipts
from handrail.actions.protocol import ActFailed, Observation, Receipt
from handrail.documents.estate import read_estate
from handrail.twin.raising import raise_twin
from handrail.twin.things import KeySet
from handrail.twin.world import Twin

MIM = Path(handrail.__file__).parent / "products" / "mim"
SYNC = "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Synchronization Service"
FILE = f"{SYNC}\\Bin\\miiserver.exe"
PRODUCT = "Microsoft Identity*Synchronization Service*"
SP2_ISO, SP3_ISO = "C:\\Media\\MIM2016SP2.iso", "C:\\Media\\MIM2016SP3.iso"
HOTFIX, SP3 = "FIMSyncService_x64_KB5018333.msp", "MIMSyncService_x64_KB5085154.msp"
SOURCE = "E:\\Synchronization Service"
BACKUPS = "C:\\ProgramData\\Handrail\\backups"
SERVER_2019: Mapping[str, Any] = {"in": ["windows-server-2019"]}
DB: Mapping[str, Any] = {"server": "sql01", "database": "FIMSynchronizationService"}


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    estate = read_estate(MIM / "estates" / "contoso.yaml").estate
    return raise_twin(estate, {"mim": MIM / "twin.yaml"}, tmp_path_factory.mktemp("twin"))


class AnySecret(Known):
    def resolve(self, reference: str) -> str:
        return f"pretend secret for {reference}"


class Site:
    """A twin of its own, and the actions that are carried out on it."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.steps = 0

    def receipt(self, step: str, attempt: int = 1, before: Observation | None = None) -> Receipt:
        evidence = {"evidence": before.evidence} if before else {}
        return Receipt("run-1", step, attempt, AnySecret(), "2020-01-01T00:00:00Z", evidence)

    def look(self, uses: str, on: str = "sync01", **with_: Any) -> Observation:
        return self.look_under(self.receipt(uses), uses, on, **with_)

    def look_under(self, receipt: Receipt, uses: str, on: str, **with_: Any) -> Observation:
        """Observing changes nothing; only the trial whether a drive can be written leaves a trace."""
        effects = len(self.twin.effects())
        seen = virtual_time.run(build(uses, with_).observe(self.twin.host(on), receipt))
        assert len(self.twin.effects()) == effects or uses == "drive.map"
        return seen

    def do(self, uses: str, on: str = "sync01", **with_: Any) -> Observation:
        """Observed not done, acted, observed done."""
        self.steps += 1
        step = f"identity/sync@sync01/sp3/{self.steps}"
        before = self.look_under(self.receipt(step), uses, on, **with_)
        assert before.state == "not_done", before
        receipt = self.receipt(step, before=before)
        virtual_time.run(build(uses, with_).act(self.twin.host(on), receipt))
        after = self.look_under(receipt, uses, on, **with_)
        assert after.state == "done", after
        return after

    def undo(self, before: Observation, uses: str, on: str = "sync01", **with_: Any) -> None:
        action = build(uses, with_).undo(before)
        assert action is not None
        virtual_time.run(action.act(self.twin.host(on), self.receipt(f"undo-{uses}")))


@pytest.fixture
def site(raised: Twin) -> Site:
    return Site(raised.fork())


def patch(folder: str, name: str, build_: str) -> Mapping[str, Any]:
    log = "C:\\ProgramData\\Handrail\\patch.log"
    return {"folder": folder, "patch": name, "product": PRODUCT, "build": build_, "file": FILE, "log": log}


def hotfixed(site: Site) -> None:
    site.do("service.stop", name="FIMSynchronizationService")
    site.do("installer.patch", **patch("C:\\Media", HOTFIX, "4.6.673.0"))


def prepared(site: Site) -> None:
    """The installation source as SP3's patch needs it."""
    hotfixed(site)
    source = site.look("installer.source", product=PRODUCT).outputs
    assert (source["path"], source["drive"], source["build"]) == (SOURCE, "E:", "4.6.673.0")
    assert site.do("drive.map", drive="E:", folder="C:\\Patch").outputs == {"mapped": True}
    root = site.do("media.open", path=SP3_ISO, kind="iso").outputs["root"]
    site.do("folder.copy", source=root, subfolder="Synchronization Service", target=SOURCE)
    site.do("media.close", path=SP3_ISO, kind="iso")
    root = site.do("media.open", path=SP2_ISO, kind="iso").outputs["root"]
    name = "Synchronization Service.msi"
    site.do("file.copy", source=root, subfolder="Synchronization Service", name=name, target=SOURCE)
    site.do("media.close", path=SP2_ISO, kind="iso")
    site.do("file.copy", source="C:\\Media", subfolder="", name=SP3, target=SOURCE)
    assert site.look("media.not_mounted", path=SP2_ISO, label="MIM_SP2_ENU").state == "done"


def test_services_stop_and_start_and_are_undone(site: Site) -> None:
    before = site.look("service.stop", name="FIMSynchronizationService")
    site.do("service.stop", name="FIMSynchronizationService")
    assert site.look("service.running", name="FIMSynchronizationService").state == "not_done"

    site.undo(before, "service.stop", name="FIMSynchronizationService")
    assert site.look("service.running", name="FIMSynchronizationService").state == "done"
    assert site.look("service.running", name="FIMPCNS").because == "there is no service FIMPCNS"


def test_iis_stops_and_starts(site: Site) -> None:
    site.do("iis.stop", "svc01")
    site.do("iis.start", "svc01")
    assert site.look("iis.stop", "sync01").because == "IIS is not installed here"


def test_the_machine_says_what_it_is(site: Site) -> None:
    assert site.look("os.supported", **SERVER_2019).state == "done"
    assert site.look("os.supported", "svc01", **SERVER_2019).outputs["os"] == "windows-server-2022"


def test_a_restart_is_seen_and_takes_the_mapped_drives(site: Site) -> None:
    site.do("drive.map", drive="E:", folder="C:\\Patch")
    site.do("host.reboot")
    assert site.look("drive.map", drive="E:", folder="C:\\Patch").state == "not_done"


def test_a_mapped_drive_is_taken_away_again(site: Site) -> None:
    site.do("drive.map", drive="E:", folder="C:\\Patch")
    assert site.look("drive.unmap", drive="E:", folder="D:\\Elsewhere").state == "done"
    site.do("drive.unmap", drive="E:", folder="C:\\Patch")


@pytest.mark.parametrize(
    ("detect", "state"),
    [
        ({"uninstall": "Microsoft OLE DB Driver*", "at_least": "18.0"}, "done"),
        ({"uninstall": "Microsoft OLE DB Driver*", "at_least": "19.0"}, "not_done"),
        ({"uninstall": "Nothing like it*"}, "not_done"),
    ],
)
def test_software_is_detected(site: Site, detect: dict[str, str], state: str) -> None:
    assert site.look("software.present", detect=detect).state == state


def test_a_folder_is_backed_up_and_the_backup_proved(site: Site) -> None:
    site.do("service.stop", name="FIMSynchronizationService")
    made = site.do("folder.backup", folder=SYNC, to=BACKUPS).outputs
    assert site.look("folder.prove", backup=made["folder"], folder=SYNC).state == "done"
    assert site.look("folder.prove", backup=made["folder"], folder="C:\\Elsewhere").state == "not_done"


def test_a_database_is_backed_up_and_the_backup_proved(site: Site) -> None:
    """Run on the database's own host, and on another one."""
    for on in ("sql01", "sync01"):
        file = site.do("sqlserver.backup", on, **DB, to=BACKUPS).outputs["file"]
        assert site.look("sqlserver.prove", on, **DB, file=file).state == "done"
        assert site.look("sqlserver.prove", on, server="sql01", database="FIMService", file=file).state == "not_done"
    assert site.look("sqlserver.prove", **DB, file="C:\\not-there.bak").state == "not_done"
    assert site.look("sqlserver.online", **DB).state == "done"
    assert site.look("sqlserver.online", server="sql01", database="Nothing").state == "not_done"


def test_a_key_set_is_exported_and_proved(site: Site) -> None:
    tool = f"{SYNC}\\Bin\\miiskmu.exe"
    keys: Mapping[str, Any] = {
        "tool": tool,
        "to": BACKUPS,
        "account": "CONTOSO\\svc-mimsync",
        "password": "keyring:contoso/svc-mimsync",
    }
    made = site.do("keys.export", **keys).outputs

    assert site.look("keys.prove", file=made["file"], sha256=made["sha256"]).state == "done"
    assert site.look("keys.prove", file=made["file"], sha256="0" * 64).state == "not_done"
    assert "pretend secret" not in str(site.twin.effects())
    with pytest.raises(ActFailed, match="password"):
        action = build("keys.export", {**keys, "account": "CONTOSO\\nobody"})
        virtual_time.run(action.act(site.twin.host("sync01"), site.receipt("other")))


def the_file(exported: Observation) -> Mapping[str, Any]:
    return {name: exported.outputs[name] for name in ("file", "sha256")}


def test_a_lost_key_set_is_brought_back_out_of_its_sealed_file(site: Site) -> None:
    account = "CONTOSO\\svc-mimsync"
    tool: Mapping[str, Any] = {
        "tool": f"{SYNC}\\Bin\\miiskmu.exe",
        "account": account,
        "password": "keyring:contoso/svc-mimsync",
    }
    made = the_file(site.do("keys.export", **tool, to=BACKUPS))
    sealed = site.do("secret.seal", **made).outputs
    again: Mapping[str, Any] = {**tool, **made}

    assert site.look("keys.import", **again).state == "done"
    site.twin.transact("sync01", "lose", lambda machine: machine.drop(KeySet, account))
    assert site.look("sync.agents", agents=["HR"]).state == "done"
    site.do("keys.import", **again)

    assert "read" not in site.do("sync.import", agents=["HR"], profile="Full Import (Stage Only)").because
    assert site.look("secret.seal", **made).outputs == sealed


def test_a_key_set_is_not_brought_back_out_of_another_file(site: Site) -> None:
    account = "CONTOSO\\svc-mimsync"
    tool: Mapping[str, Any] = {"tool": f"{SYNC}\\Bin\\miiskmu.exe", "account": account, "password": "keyring:x/y"}
    made = the_file(site.do("keys.export", **tool, to=BACKUPS))
    site.twin.transact("sync01", "lose", lambda machine: machine.drop(KeySet, account))

    for wrong in (
        {**made, "sha256": "0" * 64},
        {**made, "file": "C:\\gone.bin"},
        {"file": f"{SYNC}\\Bin\\miiskmu.exe"},
    ):
        with pytest.raises(ActFailed):
            virtual_time.run(
                build("keys.import", {**tool, **wrong}).act(site.twin.host("sync01"), site.receipt("import"))
            )


def test_management_agents_load_and_import(site: Site) -> None:
    assert site.look("sync.agents", agents=["HR", "AD"]).state == "done"
    assert site.look("sync.agents", agents=["Payroll"]).state == "not_done"
    profile = "Full Import (Stage Only)"
    assert site.do("sync.import", agents=["HR"], profile=profile).outputs["results"] == {"HR": "success"}
    assert len(site.do("sync.import", profile=profile).outputs["results"]) >= 2


def test_the_hotfix_is_applied_and_seen_by_list_and_file(site: Site) -> None:
    hotfixed(site)
    seen = site.look("product.version", product=PRODUCT, build="4.6.673.0", file=FILE)
    assert seen.outputs == {"build": "4.6.673.0", "file_version": "4.6.673.0"}
    assert site.look("file.version", file=FILE, build="4.6.673.0").state == "done"
    assert site.look("service.log_clean", providers=["MsiInstaller"], level="error").state == "done"


def test_sp3_is_applied_from_the_prepared_source(site: Site) -> None:
    prepared(site)
    name = "Synchronization Service.msi"
    assert site.look("installer.check_package", folder=SOURCE, name=name, version="4.6.34.0").state == "done"

    done = site.do("installer.patch", **patch(SOURCE, SP3, "4.7.12.0"))
    assert done.outputs["exit"] == 0 and done.outputs["reboot_required"] is False
    site.do("service.start", name="FIMSynchronizationService")
    site.do("drive.unmap", drive="E:", folder="C:\\Patch")
    assert site.look("product.version", product=PRODUCT, build="4.7.12.0", file=FILE).state == "done"


def test_sp3_without_its_source_fails_with_a_log_and_changes_nothing(site: Site) -> None:
    hotfixed(site)
    action = build("installer.patch", patch("C:\\Media", SP3, "4.7.12.0"))

    with pytest.raises(ActFailed) as failed:
        virtual_time.run(action.act(site.twin.host("sync01"), site.receipt("patch")))

    assert failed.value.evidence.exit in (1603, 1612) and failed.value.evidence.log
    seen = site.look_under(site.receipt("patch"), "installer.patch", "sync01", **patch("C:\\Media", SP3, "4.7.12.0"))
    assert seen.state == "not_done"
    assert site.look("product.version", product=PRODUCT, build="4.6.673.0", file=FILE).state == "done"


def test_a_patch_is_never_begun_twice_under_one_receipt(site: Site) -> None:
    """As after our death between acting and writing it down: the same receipt finds the job that was there."""
    site.do("service.stop", name="FIMSynchronizationService")
    action = build("installer.patch", patch("C:\\Media", HOTFIX, "4.6.673.0"))
    receipt = site.receipt("patch")
    virtual_time.run(action.act(site.twin.host("sync01"), receipt))
    effects = [one for one in site.twin.effects() if one.kind != "task"]

    virtual_time.run(action.act(site.twin.host("sync01"), receipt))

    assert [one for one in site.twin.effects() if one.kind != "task"] == effects


def test_values_that_carry_a_label_are_removed_and_come_back(site: Site) -> None:
    root, label = "HKLM\\SOFTWARE\\Classes\\Installer\\Products", "E:\\Synchronization"
    with_: Mapping[str, Any] = {"root": root, "data": label, "backup": f"{BACKUPS}\\label.reg"}
    site.do("registry.export", keys=[root], file=f"{BACKUPS}\\products.reg")
    before = site.look("registry.remove_values", **with_)
    assert before.evidence["values"]

    site.do("registry.remove_values", **with_)
    site.undo(before, "registry.remove_values", **with_)

    assert site.look("registry.remove_values", **with_).evidence["values"] == before.evidence["values"]


def test_a_test_object_is_updated_through_the_service(site: Site) -> None:
    site.do(
        "service.object_update", "svc01", address="http://svc01:5725", object="7fb2b853-24f0-4498-9534-4e10589723c4"
    )
    action = build("service.object_update", {"address": "http://svc01:5725", "object": "nobody"})
    with pytest.raises(ActFailed):
        virtual_time.run(action.act(site.twin.host("svc01"), site.receipt("other")))


def test_a_portal_that_is_not_there_does_not_answer(site: Site) -> None:
    assert site.look("portal.answers", "svc01", url="http://svc01/IdentityManagement").state == "not_done"


def test_receipts_lie_on_the_host_that_they_tell_of(site: Site) -> None:
    site.do("sync.import", agents=["HR"], profile="Full Import (Stage Only)")
    receipt = site.receipt(f"identity/sync@sync01/sp3/{site.steps}")

    assert virtual_time.run(site.twin.host("sync01").read(receipts.path(receipt)))

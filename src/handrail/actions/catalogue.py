"""All actions by the names that guides use. A new action is a line here; nothing registers itself.

A module of actions is imported when one of its actions is asked for: a run needs a few of them, and begins at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeVar

from handrail.actions.parameters import build_from, signature_of, values_of
from handrail.actions.protocol import Action
from handrail.errors import UnknownName
from handrail.model.signature import Signature

T = TypeVar("T")

# Where the class of each lies: its module below this folder, and its name.
EVERYWHERE: Mapping[str, str] = {
    "barrier": "person.Barrier",
    "hold": "person.Hold",
    "job.ended": "waiting.JobEnded",
    "person.do": "person.PersonDoes",
    "restore": "person.Restore",
    "secret.open": "sealing.OpenSealed",
    "secret.seal": "sealing.SealFile",
    "secret.shred": "sealing.ShredFile",
}

WINDOWS: Mapping[str, str] = {
    "config.decide": "config.DecideConfig",
    "config.keep": "config.KeepConfig",
    "config.merge": "config.MergeConfig",
    "config.prove": "config.ProveConfig",
    "config.redirects": "config_redirects.RedirectsPresent",
    "config.restore": "config.RestoreConfig",
    "drive.map": "drive.MapDrive",
    "drive.unmap": "drive.UnmapDrive",
    "file.copy": "copies.CopyFile",
    "file.version": "product.FileVersion",
    "folder.backup": "folder.BackUpFolder",
    "folder.compare": "language_pack.CompareFolder",
    "folder.copy": "copies.CopyFolder",
    "folder.prove": "folder.ProveFolder",
    "folder.remove_copies": "copies.RemoveCopies",
    "folder.restore": "folder.RestoreFolder",
    "host.reboot": "host.Reboot",
    "host.system_state": "system_state.SystemState",
    "iis.start": "iis.StartIis",
    "iis.stop": "iis.StopIis",
    "installer.check_package": "installer.CheckPackage",
    "installer.extract": "installer.Extract",
    "installer.install": "installer.Install",
    "installer.patch": "installer.Patch",
    "installer.source": "installer.InstallerSource",
    "installer.uninstall": "uninstaller.Uninstall",
    "keys.export": "keys.ExportKeySet",
    "keys.import": "keys.ImportKeySet",
    "keys.prove": "keys.ProveKeySet",
    "language_pack.present": "language_pack.LanguagePackPresent",
    "language_pack.remove": "language_pack.RemoveLanguagePack",
    "media.close": "media.CloseMedia",
    "media.not_mounted": "media.NotMounted",
    "media.open": "media.OpenMedia",
    "os.supported": "host.OsSupported",
    "portal.answers": "portal.PortalAnswers",
    "product.version": "product.ProductVersion",
    "rcdc.compare": "rcdc.CompareResources",
    "rcdc.decide": "rcdc.DecideResources",
    "rcdc.export": "rcdc.ExportResources",
    "rcdc.resubmit": "rcdc.ResubmitResources",
    "registry.export": "registry.ExportKeys",
    "registry.import": "registry.ImportKeys",
    "registry.prove": "registry.ProveExport",
    "registry.remove_values": "registry.RemoveValues",
    "service.log_clean": "eventlog.LogClean",
    "service.object_update": "portal.ObjectUpdate",
    "service.running": "service.ServiceRunning",
    "service.start": "service.StartService",
    "service.stop": "service.StopService",
    "software.install": "software.InstallSoftware",
    "software.present": "software.SoftwarePresent",
    "sqlserver.backup": "sqlserver.BackUpDatabase",
    "sqlserver.count": "contents.CountRows",
    "sqlserver.files": "contents.DatabaseFiles",
    "sqlserver.online": "sqlserver.DatabaseOnline",
    "sqlserver.prove": "sqlserver.ProveDatabase",
    "sqlserver.prove_restored": "sqlserver_scratch.ProveRestored",
    "sqlserver.restore": "sqlserver_restore.RestoreDatabase",
    "sqlserver.rows_kept": "contents.RowsKept",
    "sync.agents": "sync.AgentsLoad",
    "sync.compare_configuration": "spaces.CompareConfiguration",
    "sync.compare_space": "spaces.CompareSpaces",
    "sync.export_configuration": "spaces.ExportConfiguration",
    "sync.export_space": "spaces.ExportSpaces",
    "sync.import": "sync.RunImport",
    "sync.pending": "spaces.FewPending",
    "sync.search_space": "spaces.SearchSpace",
    "vmm.answers": "vmm.Answers",
    "vmm.installed": "vmm.Installed",
    "vmm.rollup": "vmm.Rollup",
    "vmm.setup": "vmm.Setup",
    "wsman.compare": "vmm.ReadQuotas",
    "wsman.set": "vmm.SetQuotas",
}

LINUX: Mapping[str, str] = {
    "command.check": "linux.commands.CheckCommand",
    "command.run": "linux.commands.RunCommand",
    "command.undoable": "linux.commands.UndoableCommand",
    "tree.backup": "linux.trees.BackUpTree",
    "tree.prove": "linux.trees.ProveTree",
    "tree.restore": "linux.trees.RestoreTree",
}

POSTGRESQL: Mapping[str, str] = {
    "postgresql.analyze": "postgresql.aftercare.Analyze",
    "postgresql.as_planned": "postgresql.servers.AsPlanned",
    "postgresql.backup": "postgresql.backups.Backup",
    "postgresql.build": "postgresql.servers.Build",
    "postgresql.carry_settings": "postgresql.settings.CarrySettings",
    "postgresql.content": "postgresql.content.Content",
    "postgresql.create": "postgresql.clusters.Create",
    "postgresql.decrypts": "postgresql.servers.Decrypts",
    "postgresql.dump": "postgresql.dumps.Dump",
    "postgresql.load": "postgresql.dumps.Load",
    "postgresql.programs": "postgresql.servers.Programs",
    "postgresql.prove_backup": "postgresql.backups.ProveBackup",
    "postgresql.remove": "postgresql.clusters.Remove",
    "postgresql.restore": "postgresql.restoring.RestoreBackup",
    "postgresql.room": "postgresql.servers.Room",
    "postgresql.same_content": "postgresql.content.SameContent",
    "postgresql.set_aside": "postgresql.clusters.SetAside",
    "postgresql.start": "postgresql.servers.Start",
    "postgresql.stop": "postgresql.servers.Stop",
    "postgresql.update_extensions": "postgresql.aftercare.UpdateExtensions",
    "postgresql.upgrade": "postgresql.clusters.Upgrade",
    "postgresql.upgrade_check": "postgresql.clusters.UpgradeCheck",
    "postgresql.upgrade_linked": "postgresql.clusters.UpgradeLinked",
}

_PLACES = {**EVERYWHERE, **WINDOWS, **LINUX, **POSTGRESQL}


class _WhenAsked(Mapping[str, T]):
    """Of every action something that is made when it is asked for, once."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in _PLACES

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(_PLACES))

    def __len__(self) -> int:
        return len(_PLACES)


def _kind(name: str) -> type[Action]:
    module, _, kind = _PLACES[name].rpartition(".")
    found: type[Action] = getattr(import_module(f"handrail.actions.{module}"), kind)
    return found


def _signature(name: str) -> Signature:
    return signature_of(name, ACTIONS[name])


ACTIONS: Mapping[str, type[Action]] = _WhenAsked(_kind)


def signatures() -> Mapping[str, Signature]:
    """What lint and planner need to know of every action."""
    return _WhenAsked(_signature)


def build(uses: str, with_: Mapping[str, Any]) -> Action:
    """The action with its parameters. Raises BadInput (UnknownName) for a name or parameter that there is not, one that
    is missing, and a value of a wrong type; late values must have been read before."""
    if uses not in ACTIONS:
        raise UnknownName("Action", uses, ACTIONS)
    return build_from(uses, ACTIONS[uses], with_)


def described(action: Action) -> tuple[str, dict[str, Any]]:
    """The name of an action and its parameters, as a plan has them: the inverse of `build`."""
    for name, kind in ACTIONS.items():
        if type(action) is kind:
            return name, values_of(action)
    raise UnknownName("Action", type(action).__name__, ACTIONS)

"""All actions by the names that guides use. A new action is a line here; nothing registers itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.actions import (
    config,
    config_redirects,
    contents,
    copies,
    drive,
    eventlog,
    folder,
    host,
    iis,
    installer,
    keys,
    language_pack,
    linux,
    media,
    person,
    portal,
    postgresql,
    product,
    rcdc,
    registry,
    sealing,
    service,
    software,
    spaces,
    sqlserver,
    sqlserver_restore,
    sqlserver_scratch,
    sync,
    system_state,
    uninstaller,
    vmm,
    waiting,
)
from handrail.actions.parameters import build_from, signature_of, values_of
from handrail.actions.protocol import Action
from handrail.errors import UnknownName
from handrail.model.signature import Signature

EVERYWHERE: Mapping[str, type[Action]] = {
    "barrier": person.Barrier,
    "hold": person.Hold,
    "job.ended": waiting.JobEnded,
    "person.do": person.PersonDoes,
    "restore": person.Restore,
    **sealing.ACTIONS,
}

WINDOWS: Mapping[str, type[Action]] = {
    "config.decide": config.DecideConfig,
    "config.keep": config.KeepConfig,
    "config.merge": config.MergeConfig,
    "config.prove": config.ProveConfig,
    "config.redirects": config_redirects.RedirectsPresent,
    "config.restore": config.RestoreConfig,
    "drive.map": drive.MapDrive,
    "drive.unmap": drive.UnmapDrive,
    "file.copy": copies.CopyFile,
    "file.version": product.FileVersion,
    "folder.backup": folder.BackUpFolder,
    "folder.compare": language_pack.CompareFolder,
    "folder.copy": copies.CopyFolder,
    "folder.prove": folder.ProveFolder,
    "folder.remove_copies": copies.RemoveCopies,
    "folder.restore": folder.RestoreFolder,
    "host.reboot": host.Reboot,
    "host.system_state": system_state.SystemState,
    "iis.start": iis.StartIis,
    "iis.stop": iis.StopIis,
    "installer.check_package": installer.CheckPackage,
    "installer.extract": installer.Extract,
    "installer.install": installer.Install,
    "installer.patch": installer.Patch,
    "installer.source": installer.InstallerSource,
    "installer.uninstall": uninstaller.Uninstall,
    "keys.export": keys.ExportKeySet,
    "keys.import": keys.ImportKeySet,
    "keys.prove": keys.ProveKeySet,
    "language_pack.present": language_pack.LanguagePackPresent,
    "language_pack.remove": language_pack.RemoveLanguagePack,
    "media.close": media.CloseMedia,
    "media.not_mounted": media.NotMounted,
    "media.open": media.OpenMedia,
    "os.supported": host.OsSupported,
    "portal.answers": portal.PortalAnswers,
    "product.version": product.ProductVersion,
    "rcdc.compare": rcdc.CompareResources,
    "rcdc.decide": rcdc.DecideResources,
    "rcdc.export": rcdc.ExportResources,
    "rcdc.resubmit": rcdc.ResubmitResources,
    "registry.export": registry.ExportKeys,
    "registry.import": registry.ImportKeys,
    "registry.prove": registry.ProveExport,
    "registry.remove_values": registry.RemoveValues,
    "service.log_clean": eventlog.LogClean,
    "service.object_update": portal.ObjectUpdate,
    "service.running": service.ServiceRunning,
    "service.start": service.StartService,
    "service.stop": service.StopService,
    "software.install": software.InstallSoftware,
    "software.present": software.SoftwarePresent,
    "sqlserver.backup": sqlserver.BackUpDatabase,
    "sqlserver.count": contents.CountRows,
    "sqlserver.files": contents.DatabaseFiles,
    "sqlserver.online": sqlserver.DatabaseOnline,
    "sqlserver.prove": sqlserver.ProveDatabase,
    "sqlserver.prove_restored": sqlserver_scratch.ProveRestored,
    "sqlserver.restore": sqlserver_restore.RestoreDatabase,
    "sqlserver.rows_kept": contents.RowsKept,
    "sync.agents": sync.AgentsLoad,
    "sync.compare_configuration": spaces.CompareConfiguration,
    "sync.compare_space": spaces.CompareSpaces,
    "sync.export_configuration": spaces.ExportConfiguration,
    "sync.export_space": spaces.ExportSpaces,
    "sync.import": sync.RunImport,
    "sync.pending": spaces.FewPending,
    "sync.search_space": spaces.SearchSpace,
    **vmm.ACTIONS,
}

LINUX: Mapping[str, type[Action]] = linux.ACTIONS

POSTGRESQL: Mapping[str, type[Action]] = postgresql.ACTIONS

ACTIONS: Mapping[str, type[Action]] = {**EVERYWHERE, **WINDOWS, **LINUX, **POSTGRESQL}


def signatures() -> Mapping[str, Signature]:
    """What lint and planner need to know of every action."""
    return {name: signature_of(name, action) for name, action in sorted(ACTIONS.items())}


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

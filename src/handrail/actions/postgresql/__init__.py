"""PostgreSQL: servers, clusters, their content, and what carries them from one major version to another."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.actions.postgresql import aftercare, backups, clusters, content, dumps, restoring, servers, settings
from handrail.actions.protocol import Action

ACTIONS: Mapping[str, type[Action]] = {
    "postgresql.analyze": aftercare.Analyze,
    "postgresql.as_planned": servers.AsPlanned,
    "postgresql.backup": backups.Backup,
    "postgresql.build": servers.Build,
    "postgresql.carry_settings": settings.CarrySettings,
    "postgresql.content": content.Content,
    "postgresql.create": clusters.Create,
    "postgresql.decrypts": servers.Decrypts,
    "postgresql.dump": dumps.Dump,
    "postgresql.load": dumps.Load,
    "postgresql.programs": servers.Programs,
    "postgresql.prove_backup": backups.ProveBackup,
    "postgresql.remove": clusters.Remove,
    "postgresql.restore": restoring.RestoreBackup,
    "postgresql.room": servers.Room,
    "postgresql.same_content": content.SameContent,
    "postgresql.set_aside": clusters.SetAside,
    "postgresql.start": servers.Start,
    "postgresql.stop": servers.Stop,
    "postgresql.update_extensions": aftercare.UpdateExtensions,
    "postgresql.upgrade": clusters.Upgrade,
    "postgresql.upgrade_check": clusters.UpgradeCheck,
    "postgresql.upgrade_linked": clusters.UpgradeLinked,
}

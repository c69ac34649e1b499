"""After the upgrade: extensions to the versions that the new programs bring, and statistics for the planner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from handrail.actions.postgresql import tools
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.hosts.protocol import Command, Host

_OUTDATED = """
select name || ' ' || installed_version || ' (there is ' || default_version || ')' from pg_available_extensions
where installed_version <> default_version order by name;
"""

_UPDATE = r"""
select format('alter extension %I update', name) from pg_available_extensions
where installed_version <> default_version order by name
\gexec
"""

_WITHOUT_STATISTICS = """
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence <> 't' and c.reltuples < 0
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_';
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateExtensions(Cluster):
    """Bring every extension in every database to the version that the programs bring."""

    lasting: ClassVar[bool] = True

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        outdated = []
        for database in await tools.databases(host, self):
            outdated += [f"{row} in {database}" for row in await self.sql(host, _OUTDATED, database)]
        if outdated:
            return Observation("not_done", f"these extensions are outdated: {', '.join(outdated)}")
        return Observation("done", "all extensions have the newest version that there is")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        where = await tools.must_run(host, self)
        connects = [
            f"\\connect -reuse-previous=on {tools.quoted(tools.conninfo(name))}\n{_UPDATE}"
            for name in await tools.databases(host, self)
        ]
        command = tools.psql(self, where, "".join(connects), "postgres")
        return await tools.must_succeed(host, receipt, "alter extension", command)

    def undo(self, before: Observation) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyze(Cluster):
    """Rebuild the planner's statistics of every table, coarse first, so that queries are fast again soon."""

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await tools.newest(host, receipt, "vacuumdb")
        without = 0
        for database in await tools.databases(host, self):
            without += int((await self.sql(host, _WITHOUT_STATISTICS, database))[0])
        if without:
            return Observation("not_done", f"{without} tables have no statistics")
        return Observation("done", "every table has statistics")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        where = await tools.must_run(host, self)
        options = ("--all", "--analyze-in-stages", "-w", "-h", where.socket, "-p", str(where.port), "-U", self.user)
        return await tools.must_succeed(host, receipt, "vacuumdb", Command((f"{self.bin}/vacuumdb", *options)))

    def undo(self, before: Observation) -> None:
        return None

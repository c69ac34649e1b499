"""What a cluster holds, as digests that are made inside the server: no row leaves it.

Equal digests before and after mean equal content. A table's digest does not depend on the order of its rows; it is
taken over their text form under fixed settings, which is the same in all majors that we know. Left out: temporary
tables, what only an extension put there, and the text of definitions (majors print them differently; names are in).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Check, Undetermined
from handrail.actions.postgresql import tools
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import execute

_SETTINGS = """
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set timezone = 'UTC';
set bytea_output = 'hex';
set extra_float_digits = 1;
set lc_monetary = 'C';
set search_path = pg_catalog;
set default_transaction_isolation = 'repeatable read';
set default_transaction_read_only = on;
set row_security = off;
"""

# Each row of these queries is itself a query (\gexec), which yields one line of JSON.
_TABLES = r"""
select format(
  $q$select json_build_object('what', %L, 'rows', count(*), 'digest', md5(
       coalesce(sum(('x' || substr(h, 1, 16))::bit(64)::bigint), 0)::text || ':' ||
       coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint), 0)::text))
     from (select md5((t.*)::text) as h from only %I.%I as t) as hashed$q$,
  case c.relpersistence when 'u' then 'unlogged table ' else 'table ' end || n.nspname || '.' || c.relname,
  n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  and (c.relkind = 'r' or c.relispopulated)
  and not exists (
    select from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      and d.refclassid = 'pg_extension'::regclass and not c.oid = any (coalesce(e.extconfig, '{}')))
order by n.nspname, c.relname
\gexec
"""

_SEQUENCES = r"""
select format(
  $q$select json_build_object('what', %L, 'digest', last_value || case when is_called then ' used' else ' unused' end)
     from %I.%I$q$, 'sequence ' || n.nspname || '.' || c.relname, n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_temp'
order by n.nspname, c.relname
\gexec
"""

_REST = r"""
select json_build_object('what', 'extensions', 'digest', coalesce(string_agg(extname, ' ' order by extname), ''))
from pg_extension;
select json_build_object('what', 'large objects', 'rows', count(distinct loid), 'digest', md5(
  coalesce(sum(('x' || substr(h, 1, 16))::bit(64)::bigint), 0)::text || ':' ||
  coalesce(sum(('x' || substr(h, 17, 16))::bit(64)::bigint), 0)::text))
from (select loid, md5(loid || ':' || pageno || ':' || encode(data, 'hex')) as h from pg_largeobject) as pages;
with own as (select oid, nspname from pg_namespace where nspname <> 'information_schema' and nspname !~ '^pg_'),
members as (select classid, objid from pg_depend where deptype = 'e'),
things as (
  select 'relation ' || c.relkind::text || ' ' || nspname || '.' || relname || ' of ' ||
    pg_get_userbyid(relowner) as name
  from pg_class c join own on own.oid = relnamespace
  where relpersistence <> 't' and ('pg_class'::regclass, c.oid) not in (select * from members)
  union all
  select 'column ' || nspname || '.' || relname || '.' || attname || ' ' || format_type(atttypid, atttypmod) ||
    case when attnotnull then ' not null' else '' end
  from pg_attribute join pg_class c on c.oid = attrelid join own on own.oid = relnamespace
  where attnum > 0 and not attisdropped and relkind in ('r', 'p', 'v', 'm', 'f') and relpersistence <> 't'
    and ('pg_class'::regclass, c.oid) not in (select * from members)
  union all
  select 'constraint ' || nspname || '.' || conrelid::regclass::text || '.' || conname || ' ' || contype::text
  from pg_constraint join own on own.oid = connamespace where conrelid <> 0 and contype <> 'n'
  union all
  select 'function ' || nspname || '.' || proname || '(' ||
    pg_get_function_identity_arguments(p.oid) || ') ' || md5(prosrc)
  from pg_proc p join own on own.oid = pronamespace where ('pg_proc'::regclass, p.oid) not in (select * from members)
  union all
  select 'trigger ' || nspname || '.' || relname || '.' || tgname
  from pg_trigger join pg_class c on c.oid = tgrelid join own on own.oid = relnamespace where not tgisinternal
  union all
  select 'policy ' || nspname || '.' || relname || '.' || polname
  from pg_policy join pg_class c on c.oid = polrelid join own on own.oid = relnamespace
  union all
  select 'type ' || nspname || '.' || typname || ' ' || typtype::text
  from pg_type t join own on own.oid = typnamespace
  where typtype in ('d', 'e', 'r') and ('pg_type'::regclass, t.oid) not in (select * from members))
select json_build_object('what', 'definitions', 'rows', count(*),
  'digest', md5(coalesce(string_agg(name, E'\n' order by name collate "C"), ''))) from things;
"""

_GLOBALS = r"""
select json_build_object('what', 'roles', 'rows', count(*), 'digest', md5(coalesce(string_agg(concat_ws(' ', rolname,
  rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
  md5(rolpassword), rolvaliduntil), E'\n' order by rolname collate "C"), '')))
from pg_authid where rolname !~ '^pg_';
select json_build_object('what', 'memberships', 'rows', count(*), 'digest', md5(coalesce(string_agg(
  pg_get_userbyid(roleid) || ' ' || pg_get_userbyid(member) || ' ' || admin_option, E'\n'
  order by pg_get_userbyid(roleid)::text collate "C", pg_get_userbyid(member)::text collate "C"), '')))
from pg_auth_members where pg_get_userbyid(roleid) !~ '^pg_';
select json_build_object('what', 'settings of roles and databases', 'rows', count(*), 'digest', md5(coalesce(
  string_agg(name, E'\n' order by name collate "C"), '')))
from (select concat_ws(' ', datname, rolname, one) as name from pg_db_role_setting
      left join pg_database d on d.oid = setdatabase left join pg_roles r on r.oid = setrole,
      unnest(setconfig) as one) as settings;
select json_build_object('what', 'databases', 'rows', count(*), 'digest', md5(string_agg(concat_ws(' ', datname,
  pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba), datconnlimit), E'\n'
  order by datname collate "C")))
from pg_database;
"""


def script(databases: Iterable[str]) -> str:
    """What psql is to be told, from any database on, to describe the whole cluster."""
    parts = [_SETTINGS, _GLOBALS]
    for name in databases:
        # The settings are the session's, and every connection is a new one.
        parts += [f"\\connect -reuse-previous=on {tools.quoted(tools.conninfo(name))}\n", _SETTINGS]
        parts += [f"select json_build_object('database', {_literal(name)});\n", _TABLES, _SEQUENCES, _REST]
    return "".join(parts)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def parse(text: str) -> dict[str, str]:
    """From psql's lines to `database: thing` -> how many rows and which digest."""
    content: dict[str, str] = {}
    database = ""
    for line in tools.json_lines(text):
        if "database" in line:
            database = f"{line['database']}: "
        else:
            rows = f"{line['rows']} rows " if "rows" in line else ""
            content[database + str(line["what"])] = rows + str(line["digest"])
    return content


def digest_of(content: Mapping[str, str]) -> str:
    """One digest of it all."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def logged(content: Mapping[str, str]) -> dict[str, str]:
    """Without unlogged tables, which no backup holds."""
    return {name: value for name, value in content.items() if ": unlogged table " not in name}


def differences(before: Mapping[str, str], after: Mapping[str, str], most: int = 5) -> str:
    """In a sentence for people; empty when there is none."""
    parts = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            was, now = old or "not there", new or "not there"
            parts.append(f"{name} (was {was}, is {now})")
    return "; ".join(parts[:most]) + (f"; and {len(parts) - most} more" if len(parts) > most else "")


def outputs(content: Mapping[str, str]) -> dict[str, Any]:
    tables = [value for name, value in content.items() if ": table " in name or ": unlogged table " in name]
    rows = sum(int(value.split(" ", 1)[0]) for value in tables)
    return {"digest": digest_of(content), "tables": len(tables), "rows": rows, "content": dict(content)}


async def command(host: Host, cluster: Cluster) -> Command:
    where = await tools.must_run(host, cluster)
    return tools.psql(cluster, where, script(await tools.databases(host, cluster)), "postgres")


async def read(host: Host, cluster: Cluster) -> dict[str, str]:
    """The content now. `Undetermined` when it cannot be read."""
    outcome = await execute(host, await command(host, cluster))
    if outcome.code != 0:
        raise Undetermined(f"the content of {cluster.data} cannot be read: {tools.first_error(outcome.error_text)}")
    return parse(outcome.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(Cluster):
    """Take digests of everything that a cluster holds: every table, sequence, role and definition."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "check"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("digest", "tables", "rows", "content")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        state = await tools.newest(host, receipt, "content")
        if state is None or not state.succeeded:
            return Observation("not_done", "no digests were taken by this step yet")
        found = outputs(parse(state.text))
        says = f"{found['tables']} tables with {found['rows']} rows: {found['digest']}"
        return Observation("done", says, {"digest": found["digest"]}, found)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        evidence = await tools.must_succeed(host, receipt, "content", await command(host, self))
        return Evidence(exit=evidence.exit)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameContent(Cluster, Check):
    """Compare everything that a cluster holds with digests taken before; names what differs. `restored`: unlogged
    tables do not count, which come back empty from a backup as from a crash."""

    outputs: ClassVar[tuple[str, ...]] = ("digest", "tables", "rows")

    content: Mapping[str, str]
    restored: bool = False

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        now = await read(host, self)
        before = self.content
        if self.restored:
            before, now = logged(before), logged(now)
        found = outputs(now)
        found.pop("content")
        if different := differences(before, now):
            return Observation("not_done", f"the content differs: {different}", outputs=found)
        says = f"all {found['tables']} tables with {found['rows']} rows are equal: {found['digest']}"
        return Observation("done", says, outputs=found)

"""PostgreSQL clusters on a Linux host: where they lie, which programs they run with, and what the guide needs to know.

A server that runs is found by its process, whose working folder is its data directory; one that is stopped, in the
places where packages put clusters.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from handrail.hosts.protocol import Host
from handrail.probing import postgresql
from handrail.probing.readings import Sheet, Witness
from handrail.probing.shell import MINUTES, Undetermined, run

# One line for each: runs|lies, the folder of the programs (empty: not known), the data directory. `hidden`: a server of
# an account whose processes ours may not look into.
_FIND = r"""
for exe in /proc/[0-9]*/exe; do
  pid=${exe#/proc/}; pid=${pid%/exe}
  name=$(cat "/proc/$pid/comm" 2> /dev/null) || continue
  case "$name" in postgres|postmaster) ;; *) continue ;; esac
  program=$(readlink "$exe" 2> /dev/null)
  if [ -z "$program" ]; then echo "hidden||"; continue; fi
  data=$(readlink "/proc/$pid/cwd" 2> /dev/null)
  if [ -f "$data/PG_VERSION" ]; then echo "runs|${program%/*}|$data"; fi
done
for version in /var/lib/postgresql/*/*/PG_VERSION /var/lib/postgresql/data/PG_VERSION \
    /var/lib/pgsql/*/data/PG_VERSION /var/lib/pgsql/data/PG_VERSION; do
  [ -f "$version" ] || continue
  data=${version%/PG_VERSION} major=$(cat "$version") bin=
  for folder in "/usr/lib/postgresql/$major/bin" "/usr/pgsql-$major/bin"; do
    if [ -x "$folder/postgres" ]; then bin=$folder; break; fi
  done
  echo "lies|$bin|$(cd "$data" && pwd -P)"
done
for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin; do
  if [ -x "$folder/postgres" ]; then echo "programs|$folder|"; fi
done
:
"""

FACTS = (
    *("user", "config_dir", "port", "socket_dir", "databases", "extensions", "locale", "encoding", "checksums"),
    *("replication_slots", "prepared_transactions", "tablespaces"),
)
"""Those that only a running server tells."""

_ASK = """
select json_build_object(
  'user', (select rolname from pg_roles where oid = 10),
  'config_dir', current_setting('config_file'),
  'port', current_setting('port')::int,
  'socket_dir', split_part(current_setting('unix_socket_directories'), ',', 1),
  'databases', (select coalesce(json_agg(datname order by datname), '[]') from pg_database
    where not datistemplate and datname <> 'postgres'),
  'locale', (select datcollate from pg_database where datname = 'template0'),
  'encoding', (select pg_encoding_to_char(encoding) from pg_database where datname = 'template0'),
  'checksums', current_setting('data_checksums') = 'on',
  'replication_slots', (select coalesce(json_agg(slot_name order by slot_name), '[]') from pg_replication_slots
    where not temporary),
  'prepared_transactions', (select count(*) from pg_prepared_xacts),
  'tablespaces', (select coalesce(json_agg(spcname order by spcname), '[]') from pg_tablespace
    where pg_tablespace_location(oid) <> ''));
"""
_EXTENSIONS = "select extname from pg_extension order by extname;"
_COLLATIONS = """
select distinct collname from pg_collation where collversion is distinct from pg_collation_actual_version(oid)
  and collversion is not null order by collname;
"""

_CONTROLS = 'for file in "$("$1/pg_config" --sharedir)"/extension/*.control; do basename "$file" .control; done'
_ROOM = (
    'least=; for where; do until [ -d "$where" ]; do where=$(dirname "$where"); done;'
    ' free=$(df -B1 --output=avail "$where" | tail -1); echo "$free"; done | sort -n | head -1'
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """`bin` is empty when its programs were not found."""

    data: str
    bin: str
    runs: bool
    user: str = "postgres"


@dataclass(frozen=True, slots=True)
class Found:
    """`programs` are folders of programs, whoever uses them. `hidden`: servers that our account may not look into."""

    clusters: tuple[Cluster, ...]
    programs: tuple[str, ...]
    hidden: bool


def found_in(text: str) -> Found:
    clusters: dict[str, Cluster] = {}
    programs: dict[str, None] = {}
    hidden = False
    for line in text.splitlines():
        how, _, rest = line.partition("|")
        bin_, _, data = rest.partition("|")
        if how == "hidden":
            hidden = True
        elif bin_:
            programs[bin_] = None
        if how in ("runs", "lies") and data and data not in clusters:
            clusters[data] = Cluster(data, bin_, how == "runs")
    return Found(tuple(sorted(clusters.values(), key=lambda one: one.data)), tuple(sorted(programs)), hidden)


async def find(host: Host) -> Found:
    answer = await run(host, "sh", "-c", _FIND, "find-clusters")
    if answer.code != 0:
        raise Undetermined(f"the clusters of {host.name} cannot be looked for: {answer.error_text.strip()}")
    return found_in(answer.text)


async def build_of(host: Host, cluster: Cluster) -> str:
    if cluster.runs:
        return (await _rows(host, cluster, "show server_version;"))[0].split()[0]
    major = await postgresql.major_of(host, cluster.data)
    build = await postgresql.server_version(host, cluster.bin) if cluster.bin else None
    if build is None or major is None or build.split(".")[0] != major:
        raise Undetermined(f"the programs of PostgreSQL {major} for {cluster.data} on {host.name} were not found")
    return build


async def told(host: Host, cluster: Cluster) -> Mapping[str, Any]:
    """What the running server tells in one question, by the names of facts (extensions apart)."""
    values: dict[str, Any] = json.loads("".join(await _rows(host, cluster, _ASK)))
    folder = posixpath.dirname(values["config_dir"])
    values["config_dir"] = "" if folder.rstrip("/") == cluster.data.rstrip("/") else folder
    return values


async def extensions_of(host: Host, cluster: Cluster) -> list[str]:
    """In use in any database."""
    found: set[str] = set()
    for name in await postgresql.databases(host, cluster):
        found.update(await _rows(host, cluster, _EXTENSIONS, name))
    return sorted(found)


async def _rows(host: Host, cluster: Cluster, text: str, database: str = "postgres") -> list[str]:
    return await postgresql.sql(host, cluster, text, database=database)


async def size_of(host: Host, data: str) -> int:
    answer = await run(host, "du", "-sb", data, timeout=30 * MINUTES)
    number = answer.text.split("\t")[0].strip()
    # A file that goes while it is counted makes du complain, and its sum is as good.
    if not number.isdigit():
        raise Undetermined(f"the size of {data} on {host.name} cannot be measured: {answer.error_text.strip()}")
    return int(number)


async def room_in(host: Host, *folders: str) -> int:
    """Free bytes where it is tightest, on the file systems of these folders or of what is above them."""
    answer = await run(host, "sh", "-c", _ROOM, "room", *folders)
    if answer.code != 0 or not answer.text.strip().isdigit():
        raise Undetermined(f"the room in {', '.join(folders)} on {host.name} cannot be measured")
    return int(answer.text)


async def extensions_in(host: Host, bin_: str) -> list[str]:
    """The extensions that programs bring."""
    answer = await run(host, "sh", "-c", _CONTROLS, "extensions", bin_)
    names = sorted(name for name in answer.text.split() if name != "*")
    if answer.code != 0 or not names:
        raise Undetermined(f"{bin_}/pg_config on {host.name} does not say where extensions lie")
    return names


async def fact_of(host: Host, cluster: Cluster, name: str) -> Any:
    """One of FACTS, of `size_bytes` and `build`. Raises `Undetermined`."""
    if name == "build":
        return await build_of(host, cluster)
    if name == "size_bytes":
        return await size_of(host, cluster.data)
    if name == "extensions":
        return await extensions_of(host, cluster)
    return (await told(host, cluster))[name]


async def read(witness: Witness, cluster: Cluster) -> Sheet:
    """Everything that one cluster tells."""
    sheet = Sheet()
    for name in ("build", *FACTS, "size_bytes"):
        settle = "" if cluster.runs else f"start the server of {cluster.data}, then ask it"
        await witness.into(sheet, name, partial(fact_of, witness, cluster, name), settle)
    if cluster.runs and (old := await witness.perhaps(lambda: _rows(witness, cluster, _COLLATIONS))):
        sheet.remarks.append(f"collations of another version than the system's: {', '.join(old)}")
    return sheet

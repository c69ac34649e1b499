"""Starting and stopping servers, and what a running one says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from handrail.actions.base import Check, Undetermined
from handrail.actions.postgresql import tools
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Command, Host
from handrail.probing.shell import run

# $data is the cluster. A closed server's folder of sockets goes when that server has gone.
_STOP_RUNNING = """
folder=$(sed -n 5p "$data/postmaster.pid" 2> /dev/null || true)
"$bin/pg_ctl" -D "$data" -m fast -w -t 86400 stop
case $folder in
  /tmp/handrail-????????) rm -rf "$folder" ;;
esac
"""

# Options of a closed server. Its rules let every local account in, because nobody else can reach its socket; it can be
# backed up whatever its own configuration says; it takes no changes from a publisher meanwhile.
_START = f"""
set -eu
bin=$1 data=$2 mode=$3
if "$bin/pg_ctl" -D "$data" status > /dev/null 2>&1; then
{_STOP_RUNNING}
fi
set --
if [ "$mode" != open ]; then
  folder=$(mktemp -d /tmp/handrail-XXXXXXXX)
  printf 'local all all trust\\nlocal replication all trust\\n' > "$folder/pg_hba.conf"
  options="-c listen_addresses= -c unix_socket_directories=$folder -c unix_socket_permissions=0700"
  options="$options -c hba_file=$folder/pg_hba.conf -c external_pid_file= -c max_logical_replication_workers=0"
  if [ "$("$bin/postgres" -D "$data" -C wal_level)" = minimal ]; then options="$options -c wal_level=replica"; fi
  if [ "$("$bin/postgres" -D "$data" -C max_wal_senders)" -lt 4 ]; then options="$options -c max_wal_senders=4"; fi
  if [ "$mode" = scratch ]; then
    # A copy must not act as if it were the original: no archiving, no workers of extensions; and it may be lost.
    options="$options -c fsync=off -c archive_mode=off -c shared_preload_libraries= -c autovacuum=off"
    options="$options -c logging_collector=off -c ssl=off"
  fi
  set -- -o "$options"
fi
"$bin/pg_ctl" -D "$data" -l "$data/handrail.log" -w -t 86400 "$@" start || {{ tail -20 "$data/handrail.log"; exit 1; }}
"""

_STOP = f"""
set -eu
bin=$1 data=$2
if ! "$bin/pg_ctl" -D "$data" status > /dev/null 2>&1; then
  # It crashed: only a start and a proper stop make its files whole again.
  "$bin/pg_ctl" -D "$data" -l "$data/handrail.log" -o "-c listen_addresses=" -w -t 86400 start
fi
{_STOP_RUNNING}
"""


def start_command(bin_: str, data: str, mode: str) -> Command:
    """`mode`: open, closed, or scratch (closed, and neither durable nor complete in its background work)."""
    return Command(("sh", "-c", _START, "start", bin_, data, mode))


def stop_command(bin_: str, data: str) -> Command:
    return Command(("sh", "-c", _STOP, "stop", bin_, data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(Cluster):
    """Start a server and wait until it answers; `closed`: reachable by nobody but us."""

    outputs: ClassVar[tuple[str, ...]] = ("socket", "port")

    closed: bool = False

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await tools.newest(host, receipt, "start")
        where = await tools.connection(host, self.bin, self.data)
        evidence = {"was": "stopped" if where is None else "closed" if where.closed else "open"}
        if where is None:
            return Observation("not_done", f"the server of {self.data} does not run", evidence)
        if where.closed != self.closed:
            return Observation("not_done", f"the server of {self.data} runs, but {evidence['was']}", evidence)
        if not where.ready:
            return Observation("not_done", f"the server of {self.data} is not ready yet", evidence)
        outputs = {"socket": where.socket, "port": where.port}
        return Observation("done", f"the server of {self.data} runs, {evidence['was']}", evidence, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        command = start_command(self.bin, self.data, "closed" if self.closed else "open")
        return await tools.must_succeed(host, receipt, "start", command)

    def undo(self, before: Observation) -> Start | Stop:
        return _back_to(self, str(before.evidence.get("was", "stopped")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Cluster):
    """Stop a server cleanly: connections are ended, everything is on disk."""

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await tools.newest(host, receipt, "stop")
        if (await run(host, "test", "-e", self.data)).code == 1:
            return Observation("done", f"{self.data} is not there, so nothing runs in it", {"was": "stopped"})
        where = await tools.connection(host, self.bin, self.data)
        evidence = {"was": "stopped" if where is None else "closed" if where.closed else "open"}
        if where is not None:
            return Observation("not_done", f"the server of {self.data} runs", evidence)
        state = (await tools.control_data(host, self.bin, self.data)).get("Database cluster state", "")
        if not state.startswith("shut down"):
            return Observation("not_done", f"the server of {self.data} was not shut down properly: {state}", evidence)
        return Observation("done", f"the server of {self.data} is shut down", evidence)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await tools.must_succeed(host, receipt, "stop", stop_command(self.bin, self.data))

    def undo(self, before: Observation) -> Start | Stop:
        return _back_to(self, str(before.evidence.get("was", "stopped")))


def _back_to(cluster: Cluster, was: str) -> Start | Stop:
    if was == "stopped":
        return Stop(bin=cluster.bin, data=cluster.data, user=cluster.user)
    return Start(bin=cluster.bin, data=cluster.data, user=cluster.user, closed=was == "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build(Cluster, Check):
    """The running server says that it is this build, and its data directory agrees."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("build",)

    build: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        major = await tools.major_of(host, self.data)
        where = await tools.connection(host, self.bin, self.data) if major else None
        if where is None:
            return Observation("not_done", f"no server of {self.data} runs")
        version, folder = await self.sql(host, "show server_version; show data_directory;")
        build = version.split()[0]
        same = await run(host, "test", folder, "-ef", self.data)
        if same.code != 0:
            return Observation("not_done", f"the server that answers uses {folder}, not {self.data}")
        if build != self.build or build.split(".")[0] != major:
            says = f"the server of {self.data} is {build} (its data directory: {major}), not {self.build}"
            return Observation("not_done", says, outputs={"build": build})
        return Observation("done", f"the server of {self.data} is {build}", outputs={"build": build})


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs(Check):
    """The programs in a folder are this build, complete, and bring these extensions."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    outputs: ClassVar[tuple[str, ...]] = ("build",)

    bin: str
    build: str
    extensions: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        build = await tools.server_version(host, self.bin)
        if build is None:
            return Observation("not_done", f"{self.bin}/postgres is not there or does not run")
        if build != self.build:
            return Observation(
                "not_done", f"{self.bin}/postgres is {build}, not {self.build}", outputs={"build": build}
            )
        missing = ", ".join(await _missing(host, f"{self.bin}/", tools.PROGRAMS))
        if missing:
            return Observation("not_done", f"{self.bin} is not complete: {missing} is missing")
        share = await run(host, f"{self.bin}/pg_config", "--sharedir")
        if share.code != 0:
            raise Undetermined(f"{self.bin}/pg_config does not say where extensions lie")
        folder = share.text.strip() + "/extension/"
        lacking = await _missing(host, folder, [f"{name}.control" for name in self.extensions])
        if lacking:
            names = ", ".join(name.removesuffix(".control") for name in lacking)
            return Observation("not_done", f"PostgreSQL {build} in {self.bin} lacks the extension {names}")
        return Observation("done", f"{self.bin} is PostgreSQL {build}", outputs={"build": build})


async def _missing(host: Host, folder: str, names: list[str] | tuple[str, ...]) -> list[str]:
    script = 'folder=$1; shift; for name; do [ -e "$folder$name" ] || echo "$name"; done'
    answer = await run(host, "sh", "-c", script, "missing", folder, *names)
    if answer.code != 0:
        raise Undetermined(f"{folder} cannot be looked through")
    return answer.text.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class AsPlanned(Cluster, Check):
    """The running cluster is what the plan rests on: extensions, locale, encoding, checksums; nothing in its way."""

    extensions: tuple[str, ...]
    locale: str
    encoding: str
    checksums: bool

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        wrong: list[str] = []
        for name in await tools.databases(host, self):
            unplanned = set(await self.sql(host, "select extname from pg_extension;", name)) - set(self.extensions)
            if unplanned:
                wrong.append(f"database {name} uses {', '.join(sorted(unplanned))}, which the estate does not name")
        rows = await self.sql(host, _FACTS)
        facts = dict(row.split("=", 1) for row in rows)
        stated = {"locale": self.locale, "encoding": self.encoding, "checksums": "on" if self.checksums else "off"}
        wrong += [f"{key} is {facts[key]}, not {value}" for key, value in stated.items() if facts[key] != value]
        if facts["prepared"] != "0":
            wrong.append(f"{facts['prepared']} prepared transactions wait for their end")
        if facts["slots"] != "0":
            wrong.append(f"{facts['slots']} replication slots would be lost")
        if facts["tablespaces"] != "0":
            wrong.append("there are tablespaces outside the data directory")
        if facts["elsewhere"]:
            wrong.append(f"its configuration lies elsewhere: {facts['elsewhere']}")
        if wrong:
            return Observation("not_done", f"{self.data}: " + "; ".join(wrong), facts)
        return Observation("done", f"{self.data} is as the plan says", facts)


_FACTS = """
select 'locale=' || datcollate from pg_database where datname = 'template0';
select 'encoding=' || pg_encoding_to_char(encoding) from pg_database where datname = 'template0';
select 'checksums=' || current_setting('data_checksums');
select 'prepared=' || count(*) from pg_prepared_xacts;
select 'slots=' || count(*) from pg_replication_slots where not temporary;
select 'elsewhere=' || coalesce(string_agg(setting, ', ' order by name), '') from pg_settings
  where name in ('config_file', 'hba_file', 'ident_file') and setting !~ '^/tmp/handrail-'
    and not starts_with(setting, rtrim(current_setting('data_directory'), '/') || '/');
select 'tablespaces=' || count(*) from pg_tablespace where pg_tablespace_location(oid) <> '';
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room(Check):
    """There is room in `folder` for `times` the size of a data directory, measured now."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    outputs: ClassVar[tuple[str, ...]] = ("free_bytes", "size_bytes")

    data: str
    folder: str
    times: float = 1.0

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        script = (
            'where=$2; until [ -d "$where" ]; do where=$(dirname "$where"); done;'
            ' du -sb "$1" | cut -f1; df -B1 --output=avail "$where" | tail -1'
        )
        answer = await run(host, "sh", "-c", script, "room", self.data, self.folder, timeout=tools.HOURS)
        numbers = answer.text.split()
        if answer.code != 0 or len(numbers) != 2 or not all(one.isdigit() for one in numbers):
            raise Undetermined(f"the size of {self.data} or the room in {self.folder} cannot be measured")
        size, free = map(int, numbers)
        outputs = {"free_bytes": free, "size_bytes": size}
        says = f"{self.folder} has {free // 2**20} MiB free; {self.times:g} times {size // 2**20} MiB are needed"
        return Observation("done" if free >= size * self.times else "not_done", says, outputs=outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypts(Cluster, Check):
    """Encrypted columns can be read: each query, which uses its key as :'key', answers true."""

    lasting: ClassVar[bool] = True

    columns: tuple[Any, ...] = field(
        metadata={
            "schema": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("database", "query", "key")},
                    "required": ["database", "query"],
                    "additionalProperties": False,
                },
            },
            "secret_keys": ("key",),
        }
    )

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        for column in self.columns:
            database, query = _column(column)
            key = receipt.secrets.resolve(str(column["key"])) if column.get("key") else None
            try:
                answer = await self.sql(host, _decrypting(query, key), database, [key] if key else [])
            except Undetermined as refused:
                because = str(refused).replace(key, "***") if key else str(refused)
                if (await tools.connection(host, self.bin, self.data)) is None:
                    raise Undetermined(because) from None
                return Observation("not_done", f"an encrypted column cannot be read: {because}")
            if answer != ["t"]:
                return Observation("not_done", f"an encrypted column of {database} is not as it should be: {query}")
        return Observation("done", f"{len(self.columns)} encrypted columns can be read")


def _column(column: Any) -> tuple[str, str]:
    if not isinstance(column, Mapping) or not {"database", "query"} <= set(column) <= {"database", "query", "key"}:
        raise BadInput("An encrypted column needs a database and a query, and may have a key.")
    query = str(column["query"]).strip().rstrip(";")
    if "\\" in query:
        raise BadInput("The query that proves decryption must not contain a backslash.", "It is given to psql.")
    return str(column["database"]), query


def _decrypting(query: str, key: str | None) -> str:
    # The key is part of the statement: the server must not write it to its own log, not even when the query fails.
    quiet = "set log_statement = 'none'; set log_min_error_statement = 'panic'; set log_min_duration_statement = -1;\n"
    given = f"\\set key {tools.quoted(key)}\n" if key is not None else ""
    return f"{quiet}{given}begin read only;\n{query};\nrollback;\n"

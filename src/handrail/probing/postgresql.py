"""How a PostgreSQL cluster is asked: its own programs, its control file, and SQL on standard input.

A cluster is *closed* when only we can reach it, *open* when it runs as its own configuration says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from handrail.hosts.protocol import Command, Host
from handrail.probing.shell import Undetermined, execute, run

CLOSED = re.compile(r"/tmp/handrail-[A-Za-z0-9]{8}\Z")
"""Where the sockets of closed servers lie: short, because a socket's path may have 107 bytes at most."""

_STATUS = """
"$1/pg_ctl" -D "$2" status > /dev/null 2>&1
code=$?
if [ $code = 0 ]; then cat "$2/postmaster.pid"; fi
exit $code
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a running server listens. `closed`: to nobody but us."""

    pid: int
    port: int
    socket: str
    ready: bool

    @property
    def closed(self) -> bool:
        return CLOSED.match(self.socket) is not None


class Cluster(Protocol):
    """A cluster as it is asked: the programs in `bin`, the cluster in `data`, its superuser `user`."""

    @property
    def bin(self) -> str: ...
    @property
    def data(self) -> str: ...
    @property
    def user(self) -> str: ...


async def connection(host: Host, bin_: str, data: str) -> Connection | None:
    """The running server of `data`, None when none runs. `Undetermined` when there is no cluster to ask about."""
    answer = await run(host, "sh", "-c", _STATUS, "status", bin_, data)
    if answer.code == 3:
        return None
    lines = [line.strip() for line in answer.text.splitlines()]
    if answer.code == 4:
        raise Undetermined(f"{data} on {host.name} is no data directory of PostgreSQL")
    if answer.code != 0 or len(lines) < 5 or not (lines[0].isdigit() and lines[3].isdigit()):
        raise Undetermined(f"{bin_}/pg_ctl cannot tell whether the server of {data} runs")
    ready = len(lines) < 8 or lines[7] == "ready"
    return Connection(int(lines[0]), int(lines[3]), lines[4].split(",")[0].strip() or "localhost", ready)


async def must_run(host: Host, cluster: Cluster) -> Connection:
    found = await connection(host, cluster.bin, cluster.data)
    if found is None:
        raise Undetermined(f"the server of {cluster.data} does not run, so it cannot be asked")
    return found


def psql(cluster: Cluster, where: Connection, text: str, database: str, secrets: Sequence[str] = ()) -> Command:
    """SQL goes in on standard input: what is on a command line can be read by everybody on the host."""
    argv = ("-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-h", where.socket, "-p", str(where.port))
    whole = (f"{cluster.bin}/psql", *argv, "-U", cluster.user, "-d", conninfo(database), "-f", "-")
    env = {"PGCONNECT_TIMEOUT": "20", "PGOPTIONS": "-c client_min_messages=error -c statement_timeout=0"}
    return Command(whole, stdin=text.encode(), env=env, timeout=24 * 3600.0, secrets=tuple(secrets))


async def sql(
    host: Host, cluster: Cluster, text: str, *, database: str = "postgres", secrets: Sequence[str] = ()
) -> list[str]:
    """The lines that `text` yields. `Undetermined` when the server does not run or refuses."""
    where = await must_run(host, cluster)
    command = psql(cluster, where, text, database, secrets)
    outcome = await execute(host, command)
    if outcome.code != 0:
        raise Undetermined(f"{cluster.data}, database {database}: {first_error(outcome.error_text)}")
    return outcome.text.splitlines()


def first_error(text: str) -> str:
    """The line that says what went wrong, without psql's place in a script that nobody sees."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    chosen = next(
        (line for line in lines if re.search(r"\b(ERROR|FATAL|error|fatal):", line)), (lines or ["no reason given"])[-1]
    )
    return re.sub(r"^psql:<stdin>:\d+: ", "", chosen)


def conninfo(database: str) -> str:
    """A database's name as a connection string, whatever characters it has."""
    return "dbname='" + database.replace("\\", "\\\\").replace("'", "\\'") + "'"


async def databases(host: Host, cluster: Cluster) -> list[str]:
    """All that can be connected to, template1 included."""
    rows = await sql(host, cluster, "select to_json(datname) from pg_database where datallowconn order by datname;")
    return [json.loads(row) for row in rows]


async def control_data(host: Host, bin_: str, data: str) -> Mapping[str, str]:
    """The control file, by its labels. `bin_` must be of the cluster's own major version."""
    answer = await run(host, f"{bin_}/pg_controldata", "-D", data)
    if answer.code != 0:
        raise Undetermined(f"{data}: {first_error(answer.error_text)}")
    pairs = (line.partition(":") for line in answer.text.splitlines())
    return {label.strip(): value.strip() for label, _, value in pairs}


async def server_version(host: Host, bin_: str) -> str | None:
    """The build of the programs in `bin_`, such as 17.10; None when there are none."""
    answer = await run(host, f"{bin_}/postgres", "--version")
    found = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", answer.text)
    return found.group(1) if answer.code == 0 and found else None


async def major_of(host: Host, data: str) -> str | None:
    """What the data directory says of itself; None when it is no cluster or not there."""
    answer = await run(host, "sh", "-c", 'if [ -f "$1/PG_VERSION" ]; then cat "$1/PG_VERSION"; fi', "major", data)
    if answer.code != 0:
        raise Undetermined(f"{data}/PG_VERSION cannot be read: {first_error(answer.error_text)}")
    return answer.text.strip() or None

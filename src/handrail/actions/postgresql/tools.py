"""How a PostgreSQL cluster is asked and moved: its own programs, its control file, and SQL on standard input.

A cluster is *closed* when only we can reach it: its one socket lies in a fresh folder of the acting account, it listens
on no network, and it lets the owner in by rules of ours. It is *open* when it runs as its own configuration says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Base, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Receipt
from handrail.hosts import detached
from handrail.hosts.jobs import JobState
from handrail.hosts.protocol import Command, Host
from handrail.probing.shell import execute, run

HOURS = 3600.0
CLOSED = re.compile(r"/tmp/handrail-[A-Za-z0-9]{8}\Z")
"""Where the sockets of closed servers lie: short, because a socket's path may have 107 bytes at most."""

MOST_ROUNDS = 9

PROGRAMS = ("postgres", "initdb", "pg_ctl", "psql", "pg_controldata", "pg_config")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster(Base):
    """What the actions share: the programs in `bin`, the cluster in `data`, its superuser `user`."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    bin: str
    data: str
    user: str = "postgres"

    async def sql(self, host: Host, text: str, database: str = "postgres", secrets: Sequence[str] = ()) -> list[str]:
        return await sql(host, self, text, database=database, secrets=secrets)


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
    return Command(whole, stdin=text.encode(), env=env, timeout=24 * HOURS, secrets=tuple(secrets))


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


def quoted(text: str) -> str:
    """One argument of a psql backslash command."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


async def databases(host: Host, cluster: Cluster) -> list[str]:
    """All that can be connected to, template1 included."""
    rows = await cluster.sql(host, "select to_json(datname) from pg_database where datallowconn order by datname;")
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


def job_name(receipt: Receipt, what: str, attempt: int | None = None, round_: int = 1) -> str:
    """`round_` counts within an attempt: a job that was killed with its machine is begun anew in the next round."""
    again = f"/{round_}" if round_ > 1 else ""
    return f"{receipt.run}/{receipt.step}/{attempt or receipt.attempt}/{what}{again}"


async def ended(host: Host, receipt: Receipt, what: str, attempt: int) -> JobState | None:
    """The last round of an attempt once it has ended; None when it was never started.

    One that still runs (we were killed meanwhile, say) is waited for: looking at what it is changing would say nothing.
    """
    last = None
    for round_ in range(1, MOST_ROUNDS + 1):
        name = job_name(receipt, what, attempt, round_)
        state = await detached.poll(host, name)
        if state.state == "running":
            state = await detached.run(host, name, Command(("true",)), 24 * HOURS)
        if state.state == "running":
            raise Undetermined(f"{what} still runs on {host.name}")
        if state.state == "absent":
            break
        last = state
    return last


async def newest(host: Host, receipt: Receipt, what: str) -> JobState | None:
    """The newest of this step's attempts at `what` that was started, once it has ended; None when none was."""
    for attempt in range(receipt.attempt, 0, -1):
        if state := await ended(host, receipt, what, attempt):
            return state
    return None


async def job(host: Host, receipt: Receipt, what: str, command: Command, patience: float = 24 * HOURS) -> JobState:
    """Carry `command` out as this attempt's job. `Undetermined` when it still runs after `patience` seconds."""
    for round_ in range(1, MOST_ROUNDS + 1):
        name = job_name(receipt, what, round_=round_)
        if (await detached.poll(host, name)).state in ("absent", "running"):
            break
    state = await detached.run(host, name, command, patience)
    if state.state == "running":
        raise Undetermined(f"{what} still runs after {patience:g} seconds")
    return state


async def must_succeed(host: Host, receipt: Receipt, what: str, command: Command) -> Evidence:
    """As `job`, but ActFailed (with the output as its log) when it did not end with 0."""
    state = await job(host, receipt, what, command)
    evidence = Evidence(exit=state.code, log=state.text)
    if state.succeeded:
        return evidence
    how = f"exit code {state.code}" if state.state == "exited" else "it was killed"
    raise ActFailed(f"{what} did not work ({how}): {first_error(state.text)}", evidence)

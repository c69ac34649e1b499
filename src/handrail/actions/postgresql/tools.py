"""How a PostgreSQL cluster is asked and moved: its own programs, its control file, and SQL on standard input.

A cluster is *closed* when only we can reach it: its one socket lies in a fresh folder of the acting account, it listens
on no network, and it lets the owner in by rules of ours. It is *open* when it runs as its own configuration says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from handrail.actions.base import Base, Undetermined
from handrail.actions.protocol import ActFailed, Evidence, Receipt
from handrail.hosts import detached
from handrail.hosts.jobs import JobState
from handrail.hosts.protocol import Command, Host
from handrail.probing.postgresql import (
    CLOSED,
    Connection,
    connection,
    conninfo,
    control_data,
    databases,
    first_error,
    major_of,
    must_run,
    psql,
    server_version,
    sql,
)

__all__ = [
    "CLOSED",
    "HOURS",
    "MOST_ROUNDS",
    "PROGRAMS",
    "Cluster",
    "Connection",
    "connection",
    "conninfo",
    "control_data",
    "databases",
    "ended",
    "first_error",
    "identifier",
    "job",
    "job_name",
    "json_lines",
    "major_of",
    "must_run",
    "must_succeed",
    "newest",
    "psql",
    "quoted",
    "server_version",
    "sql",
]

HOURS = 3600.0
MOST_ROUNDS = 9

PROGRAMS = ("postgres", "initdb", "pg_ctl", "psql", "pg_controldata", "pg_config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster(Base):
    """What the actions share: the programs in `bin`, the cluster in `data`, its superuser `user`."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    bin: str
    data: str
    user: str = "postgres"

    async def sql(self, host: Host, text: str, database: str = "postgres", secrets: Sequence[str] = ()) -> list[str]:
        return await sql(host, self, text, database=database, secrets=secrets)


def quoted(text: str) -> str:
    """One argument of a psql backslash command."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


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

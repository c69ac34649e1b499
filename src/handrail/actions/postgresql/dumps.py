"""Dump and restore: the whole old cluster as SQL, and that SQL in a fresh new cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions.postgresql import content, tools
from handrail.actions.postgresql.clusters import FILL, USED, SetAside
from handrail.actions.postgresql.servers import start_command
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.hosts import detached
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import run

# The new major's programs read the old server: they know what the new one wants. The last line that pg_dumpall writes
# tells a whole dump from half of one. $1 folder of programs, $2 file, $3 socket, $4 port, $5 user.
_DUMP = """
set -eu
umask 077
mkdir -p "$(dirname "$2")"
"$1/pg_dumpall" -h "$3" -p "$4" -U "$5" -w -l postgres > "$2.new"
tail -5 "$2.new" | grep -q '^-- PostgreSQL database cluster dump complete'
sync "$2.new"
mv -T "$2.new" "$2"
sha256sum "$2" | cut -d' ' -f1
"""

# The superuser who made the new cluster is there already; everything else in the dump must work.
_LOAD = """
bin=$1 data=$2 file=$3 user=$4
socket=$(sed -n 5p "$data/postmaster.pid") port=$(sed -n 4p "$data/postmaster.pid")
grep -vxF -e "CREATE ROLE $user;" -e "CREATE ROLE \\"$user\\";" "$file" |
  "$bin/psql" -X -q -w -v ON_ERROR_STOP=1 -h "$socket" -p "$port" -U "$user" -d postgres -f - > /dev/null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump(Cluster):
    """Write everything in a running cluster into one file of SQL, with the programs of the new version."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("file", "sha256")

    programs: str
    to: str

    def file(self, receipt: Receipt, attempt: int) -> str:
        return f"{self.to}/{detached.folder(tools.job_name(receipt, 'dump', attempt))}.sql"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        for attempt in range(receipt.attempt, 0, -1):
            state = await tools.ended(host, receipt, "dump", attempt)
            if state is None or not state.succeeded:
                continue
            file, noted = self.file(receipt, attempt), state.text.strip()
            now = await run(host, "sha256sum", file, timeout=tools.HOURS)
            if now.code == 0 and now.text.split(" ")[0].lstrip("\\") == noted:
                return Observation("done", f"the dump is {file}", outputs={"file": file, "sha256": noted})
        return Observation("not_done", "this step has made no dump yet")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        where = await tools.must_run(host, self)
        file = self.file(receipt, receipt.attempt)
        argv = (self.programs, file, where.socket, str(where.port), self.user)
        return await tools.must_succeed(host, receipt, "dump", Command(("sh", "-c", _DUMP, "dump", *argv)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Cluster):
    """Read a dump into the fresh cluster, which then runs closed; done when its content equals the given digests."""

    outputs: ClassVar[tuple[str, ...]] = ("digest", "tables", "rows")

    file: str
    content: Mapping[str, str]

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        state = await tools.newest(host, receipt, "load")
        if state is not None and not state.succeeded:
            return Observation("not_done", "reading the dump did not come to its end")
        if (await run(host, "test", "-e", f"{self.data}/{USED}")).code != 0:
            return Observation("not_done", f"nothing was read into {self.data} yet")
        where = await tools.connection(host, self.bin, self.data)
        if where is None or not where.closed:
            return Observation("not_done", f"the server of {self.data} does not run closed")
        now = await content.read(host, self)
        found = content.outputs(now)
        found.pop("content")
        if different := content.differences(self.content, now):
            return Observation("not_done", f"the content differs: {different}", outputs=found)
        says = f"all {found['tables']} tables with {found['rows']} rows are equal: {found['digest']}"
        return Observation("done", says, outputs=found)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        start = start_command(self.bin, self.data, "closed").argv[2]
        # Of a pipe, a shell reports the last program's end only, unless it is told.
        script = f'set -o pipefail\n{FILL}\nsh -c "$5" start "$bin" "$data" closed\n{_LOAD}'
        argv = (self.bin, self.data, self.file, self.user, start)
        return await tools.must_succeed(host, receipt, "load", Command(("bash", "-c", script, "load", *argv)))

    def undo(self, before: Observation) -> SetAside:
        return SetAside(bin=self.bin, data=self.data)

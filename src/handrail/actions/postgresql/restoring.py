"""Putting a cluster back from its backup, into an emptied place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions.postgresql import tools
from handrail.actions.postgresql.servers import stop_command
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import Evidence, Observation, Receipt
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Settles
from handrail.probing.shell import run

RESTORED = "handrail.restored"
"""Holds the step that put the cluster back."""

# $1 programs, $2 data, $3 backup, $4 the step, $5 the name to put aside under, $6 the text that stops a server. The
# whole copy stands beside the cluster before anything is moved; both moves are renames: no half is ever in its place.
_RESTORE = """
set -eu
umask 077
bin=$1 data=$2 backup=$3 step=$4 aside=$5 stop=$6
"$bin/pg_verifybackup" -q "$backup"
rm -rf "$data.handrail-restoring"
mkdir -p "$(dirname "$data")"
cp -a --reflink=auto "$backup" "$data.handrail-restoring"
rm -f "$data.handrail-restoring/backup_manifest"
chmod 700 "$data.handrail-restoring"
printf '%s' "$step" > "$data.handrail-restoring/handrail.restored"
sync -f "$data.handrail-restoring"
if [ -e "$data" ]; then
  if "$bin/pg_ctl" -D "$data" status > /dev/null 2>&1; then sh -c "$stop" stop "$bin" "$data"; fi
  mv -T "$data" "$aside"
fi
mv -T "$data.handrail-restoring" "$data"
sync -f "$data"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreBackup(Cluster):
    """Put a cluster back from its backup; what stood there is stopped and put aside under another name."""

    settles: ClassVar[Settles] = "receipt"
    repeatable: ClassVar[bool] = True
    destroys: ClassVar[bool] = True

    folder: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await tools.newest(host, receipt, "restore")
        script = 'if [ -f "$1" ]; then cat "$1"; fi'
        left = await run(host, "sh", "-c", script, "restored", f"{self.data}/{RESTORED}")
        if left.code == 0 and left.text == _step(receipt):
            return Observation("done", f"{self.data} was put back from {self.folder}")
        return Observation("not_done", f"{self.data} was not put back from {self.folder} by this step yet")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        aside = f"{self.data}.handrail-aside-{hashlib.sha256(receipt.name.encode()).hexdigest()[:8]}"
        stop = stop_command(self.bin, self.data).argv[2]
        argv = (self.bin, self.data, self.folder, _step(receipt), aside, stop)
        return await tools.must_succeed(host, receipt, "restore", Command(("sh", "-c", _RESTORE, "restore", *argv)))


def _step(receipt: Receipt) -> str:
    return f"{receipt.run}/{receipt.step}"

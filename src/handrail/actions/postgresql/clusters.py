"""New clusters, and old ones carried over by pg_upgrade.

A new cluster is made under another name and renamed into place. Until something is put into it, it carries the file
`handrail.fresh`, which holds how it was made; whatever fills it renames that file first. So a half-filled cluster is
told from a fresh one, is put aside (never deleted), and is made anew the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from handrail.actions.base import Base, Undetermined
from handrail.actions.postgresql import tools
from handrail.actions.postgresql.servers import stop_command
from handrail.actions.postgresql.tools import Cluster
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.hosts.protocol import Command, Host
from handrail.model.signature import Kind, Settles
from handrail.probing.shell import run

FRESH = "handrail.fresh"
USED = "handrail.initdb"
STOCK = "handrail.stock"
"""What initdb wrote as configuration: `old` by the old version, `new` by the new one. Merging starts from them."""

CONFIGURATION = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")

# $1 bin, $2 data, $3 the programs of the old version; the rest the options of initdb.
_CREATE = """
set -eu
bin=$1 data=$2 old=$3
shift 3
if [ -e "$data" ]; then
  rmdir "$data" 2> /dev/null || { echo "error: $data is not empty"; exit 1; }
fi
rm -rf "$data.handrail-new"
mkdir -p "$(dirname "$data")"
rm -rf "$data.handrail-stock"
"$old/initdb" -D "$data.handrail-stock" --no-sync "$@"
"$bin/initdb" -D "$data.handrail-new" "$@"
cd "$data.handrail-new"
mkdir -p handrail.stock/old handrail.stock/new
for file in postgresql.conf postgresql.auto.conf pg_hba.conf pg_ident.conf; do
  cp "$file" handrail.stock/new/
  cp "$data.handrail-stock/$file" handrail.stock/old/
done
cd /
rm -rf "$data.handrail-stock"
printf '%s\\n' "$@" > "$data.handrail-new/handrail.fresh"
chmod 600 "$data.handrail-new/handrail.fresh"
sync "$data.handrail-new/handrail.fresh"
mv -T "$data.handrail-new" "$data"
"""

# The beginning of every job that fills a cluster: $1 bin, $2 data. Leaves a fresh, stopped cluster that is no longer
# marked so.
FILL = """
set -eu
bin=$1 data=$2
if [ ! -e "$data/handrail.fresh" ]; then
  [ -e "$data/handrail.initdb" ] || { echo "error: $data was not made by handrail"; exit 1; }
  "$bin/pg_ctl" -D "$data" -m immediate -w stop > /dev/null 2>&1 || true
  number=1
  while [ -e "$data.handrail-failed-$number" ]; do number=$((number + 1)); done
  cp "$data/handrail.initdb" "$data.handrail-initdb"
  rm -rf "$data.handrail-new"
  xargs -d '\\n' "$bin/initdb" -D "$data.handrail-new" < "$data.handrail-initdb"
  cp -a "$data/handrail.stock" "$data.handrail-new/"
  mv "$data.handrail-initdb" "$data.handrail-new/handrail.fresh"
  mv -T "$data" "$data.handrail-failed-$number"
  mv -T "$data.handrail-new" "$data"
fi
mv "$data/handrail.fresh" "$data/handrail.initdb"
sync "$data/handrail.initdb" "$data"
"""

_LIKE = """
select concat_ws(E'\\t', pg_encoding_to_char(encoding), datcollate, datctype,
                 coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'))
  from pg_database d where datname = 'template0';
select to_jsonb(d) ->> 'daticulocale' from pg_database d where datname = 'template0';
select to_jsonb(d) ->> 'datlocale' from pg_database d where datname = 'template0';
select current_setting('data_checksums');
select setting::bigint from pg_settings where name = 'wal_segment_size';
select rolname from pg_roles where oid = 10;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Base):
    """Make a new, empty cluster with the locale, encoding, checksums and superuser of another one, which must run."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    bin: str
    data: str
    like_bin: str
    like_data: str
    user: str = "postgres"

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await tools.newest(host, receipt, "initdb")
        major = await tools.major_of(host, self.data)
        if major is None:
            return Observation("not_done", f"there is no cluster in {self.data}")
        wanted = await tools.server_version(host, self.bin)
        fresh = await run(host, "test", "-e", f"{self.data}/{FRESH}")
        if fresh.code != 0 or wanted is None or wanted.split(".")[0] != major:
            return Observation("not_done", f"{self.data} holds another cluster, of PostgreSQL {major}")
        return Observation("done", f"{self.data} holds a fresh cluster of PostgreSQL {major}")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        options = await _options(host, Cluster(bin=self.like_bin, data=self.like_data, user=self.user))
        for programs in (self.bin, self.like_bin):
            # Before 18 no checksums was the default, and there was no option to say so.
            if (version := await tools.server_version(host, programs)) and int(version.split(".")[0]) < 18:
                options = [option for option in options if option != "--no-data-checksums"]
        argv = (self.bin, self.data, self.like_bin, *options)
        return await tools.must_succeed(host, receipt, "initdb", Command(("sh", "-c", _CREATE, "create", *argv)))

    def undo(self, before: Observation) -> SetAside | None:
        return SetAside(bin=self.bin, data=self.data) if before.state == "not_done" else None


async def _options(host: Host, like: Cluster) -> list[str]:
    rows = await like.sql(host, _LIKE)
    if len(rows) != 6:
        raise Undetermined(f"{like.data} does not say how it was made")
    encoding, collate, ctype, provider = rows[0].split("\t")
    options = ["-A", "trust", "-U", rows[5], "-E", encoding, f"--lc-collate={collate}", f"--lc-ctype={ctype}"]
    if provider == "i":
        options += ["--locale-provider=icu", f"--icu-locale={rows[1] or rows[2]}"]
    elif provider == "b":
        options += ["--locale-provider=builtin", f"--builtin-locale={rows[2]}"]
    options.append("--data-checksums" if rows[3] == "on" else "--no-data-checksums")
    options.append(f"--wal-segsize={int(rows[4]) // 2**20}")
    return options


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside(Base):
    """Stop a new cluster and rename its folder, so that its place is free; nothing is deleted."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    bin: str
    data: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        there = await run(host, "test", "-e", self.data)
        if there.code == 0:
            return Observation("not_done", f"{self.data} is there")
        return Observation("done", f"{self.data} is not there")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        if await tools.connection(host, self.bin, self.data):
            await tools.must_succeed(host, receipt, "stop", stop_command(self.bin, self.data))
        name = f"{self.data}.handrail-aside-{hashlib.sha256(receipt.name.encode()).hexdigest()[:8]}"
        moved = await run(host, "mv", "-nT", self.data, name)
        if moved.code != 0:
            raise ActFailed(f"{self.data} could not be renamed: {tools.first_error(moved.error_text)}")
        return Evidence(exit=0, details={"folder": name})


@dataclass(frozen=True, slots=True, kw_only=True)
class _PgUpgrade(Base):
    platforms: ClassVar[tuple[str, ...]] = ("linux",)

    old_bin: str
    old_data: str
    new_bin: str
    new_data: str
    user: str = "postgres"

    def script(self, beginning: str, *options: str) -> Command:
        """pg_upgrade in a folder of its own: it leaves a script there that would delete the old cluster, which we
        do not want lying about. What it reports in files is printed after its failure."""
        text = (
            beginning
            + """
bin=$1 data=$2
shift 2
folder=$(mktemp -d /tmp/handrail-XXXXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo 'local all all trust' > pg_hba.conf
rm -rf "$data/pg_upgrade_output.d"
code=0
"$bin/pg_upgrade" -D "$data" -s "$folder" -o "-c hba_file=$folder/pg_hba.conf" "$@" || code=$?
if [ $code != 0 ]; then
  find "$data/pg_upgrade_output.d" -name '*.txt' -exec sh -c 'echo "== ${1##*/}"; head -50 "$1"' x {} \\; 2> /dev/null
fi
exit $code
"""
        )
        common = ("-B", self.new_bin, "-b", self.old_bin, "-d", self.old_data, "-U", self.user)
        return Command(("sh", "-c", text, "pg_upgrade", self.new_bin, self.new_data, *common, *options))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeCheck(_PgUpgrade):
    """Let pg_upgrade check, without changing anything, whether it could carry the old cluster over."""

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "check"
    repeatable: ClassVar[bool] = True

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        state = await tools.newest(host, receipt, "pg_upgrade --check")
        if state is None or not state.succeeded:
            return Observation("not_done", "pg_upgrade --check has not found everything in order yet")
        return Observation("done", "pg_upgrade --check found everything in order")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        try:
            return await tools.must_succeed(host, receipt, "pg_upgrade --check", self.script("set -eu", "--check"))
        except ActFailed as failed:
            raise ActFailed(_reason(failed.evidence.log), failed.evidence) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade(_PgUpgrade):
    """Carry the stopped old cluster over into the fresh new one with pg_upgrade; the old one is not changed."""

    mode: Literal["copy", "clone"] = "copy"
    jobs: int = 2

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return await _look_upgraded(self, host, receipt)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await _upgrade(self, host, receipt, self.mode, self.jobs)

    def undo(self, before: Observation) -> SetAside:
        return SetAside(bin=self.new_bin, data=self.new_data)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeLinked(_PgUpgrade):
    """Carry the old cluster over with pg_upgrade --link: both share their files, and the old one must not start again
    once the new one did."""

    destroys: ClassVar[bool] = True

    jobs: int = 2

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        return await _look_upgraded(self, host, receipt)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        return await _upgrade(self, host, receipt, "link", self.jobs)


async def _upgrade(action: _PgUpgrade, host: Host, receipt: Receipt, mode: str, jobs: int) -> Evidence:
    options = ("-j", str(jobs), *(() if mode == "copy" else (f"--{mode}",)))
    try:
        return await tools.must_succeed(host, receipt, "pg_upgrade", action.script(FILL, *options))
    except ActFailed as failed:
        raise ActFailed(_reason(failed.evidence.log), failed.evidence) from None


async def _look_upgraded(action: _PgUpgrade, host: Host, receipt: Receipt) -> Observation:
    """Copying the next object number is the last thing that pg_upgrade does to the new cluster's files."""
    state = await tools.newest(host, receipt, "pg_upgrade")
    if state is not None and not state.succeeded:
        return Observation("not_done", "pg_upgrade did not come to its end")
    if (await run(host, "test", "-e", f"{action.new_data}/{USED}")).code != 0:
        return Observation("not_done", f"nothing was carried over into {action.new_data} yet")
    new = await tools.control_data(host, action.new_bin, action.new_data)
    # After --link the old cluster has no control file under its own name any more.
    linked = await run(host, "test", "-e", f"{action.old_data}/global/pg_control.old")
    old = {} if linked.code == 0 else await tools.control_data(host, action.old_bin, action.old_data)
    if _next_object(new) < _next_object(old):
        return Observation("not_done", f"{action.old_data} was not carried over into {action.new_data} completely")
    return Observation("done", f"{action.old_data} was carried over into {action.new_data}")


def _next_object(control: Mapping[str, str]) -> int:
    number = control.get("Latest checkpoint's NextOID", "0")
    return int(number) if number.isdigit() else 0


def _reason(log: str) -> str:
    """What pg_upgrade complains about, in one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    failed = [line.removesuffix("fatal").strip() for line in lines if line.endswith(" fatal")]
    reports = [number for number, line in enumerate(lines) if line.startswith("== ")]
    details = lines[reports[0] + 1 : reports[0] + 4] if reports else []
    if not failed and not details:
        return f"pg_upgrade did not work: {tools.first_error(log)}"
    return "pg_upgrade refuses: " + "; ".join([*failed[:1], *(line for line in details if not line.startswith("== "))])


# Under another name first: half a cluster must not look like one.
_REMOVE = """
set -e
if [ -f "$1/PG_VERSION" ]; then mv -T "$1" "$1.handrail-removed"; fi
rm -rf "$1.handrail-removed"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Base):
    """Delete a cluster that is no longer in use, for good; refuses while a server uses it."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    destroys: ClassVar[bool] = True

    bin: str
    data: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        await tools.newest(host, receipt, "remove")
        there = await run(host, "sh", "-c", 'test -e "$1" || test -e "$1.handrail-removed"', "there", self.data)
        if there.code == 0:
            return Observation("not_done", f"{self.data} is there")
        return Observation("done", f"{self.data} is gone")

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        exists = await run(host, "test", "-f", f"{self.data}/PG_VERSION")
        if exists.code == 0 and await tools.connection(host, self.bin, self.data):
            raise ActFailed(f"a server uses {self.data}; it is not deleted")
        return await tools.must_succeed(host, receipt, "remove", Command(("sh", "-c", _REMOVE, "remove", self.data)))

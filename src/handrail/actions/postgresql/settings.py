"""Carrying the configuration of a cluster over to its successor, and saying what became of every customisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from handrail.actions.base import Base, Undetermined
from handrail.actions.postgresql import merging, tools
from handrail.actions.postgresql.clusters import CONFIGURATION, STOCK
from handrail.actions.postgresql.merging import Merged
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.comparing import fates as fate_rows
from handrail.hosts.protocol import Host
from handrail.probing.shell import run

# $1 old folder, $2 new folder, the rest paths within: those that are not the same on both sides, one on a line.
_DIFFERENT = """
old=$1 new=$2
shift 2
for path; do
  if [ -e "$old/$path" ] && ! diff -rq "$old/$path" "$new/$path" > /dev/null 2>&1; then echo "$path"; fi
done
"""

_COPY = """
set -eu
old=$1 new=$2
shift 2
for path; do
  mkdir -p "$(dirname "$new/$path")"
  cp -a "$old/$path" "$(dirname "$new/$path")/"
done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrySettings(Base):
    """Merge the old cluster's configuration into the new one's; name every setting that the new version lacks."""

    platforms: ClassVar[tuple[str, ...]] = ("linux",)
    outputs: ClassVar[tuple[str, ...]] = ("customisations", "removed", "fates")

    old_data: str
    new_bin: str
    new_data: str

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        merged = await self._merge(host)
        different = [name for name, one in merged.items() if await _read(host, f"{self.new_data}/{name}") != one.text]
        different += await self._different(host, merged)
        outputs = _outputs(merged)
        if different:
            return Observation("not_done", f"not carried over yet: {', '.join(different)}", outputs=outputs)
        valid = await run(host, f"{self.new_bin}/postgres", "-D", self.new_data, "-C", "max_connections")
        if valid.code != 0:
            because = tools.first_error(valid.error_text)
            return Observation("not_done", f"the new server does not accept its configuration: {because}")
        says = f"{len(outputs['customisations'])} customisations were carried over"
        if outputs["removed"]:
            says += f"; the new version has no {', '.join(outputs['removed'])}"
        return Observation("done", says, {"customisations": outputs["customisations"]}, outputs)

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        merged = await self._merge(host)
        if paths := await self._different(host, merged):
            copied = await run(host, "sh", "-c", _COPY, "copy", self.old_data, self.new_data, *paths)
            if copied.code != 0:
                raise ActFailed(f"{', '.join(paths)} could not be copied: {tools.first_error(copied.error_text)}")
        for name, one in merged.items():
            await host.write(f"{self.new_data}/{name}", one.text.encode("utf-8", "surrogateescape"))
        return Evidence(exit=0, outputs=_outputs(merged))

    def undo(self, before: Observation) -> None:
        """Nothing of its own: the new cluster is put aside as a whole."""
        return

    async def _merge(self, host: Host) -> dict[str, Merged]:
        described = await run(host, f"{self.new_bin}/postgres", "--describe-config")
        known = {line.split("\t", 1)[0].lower() for line in described.text.splitlines()}
        if described.code != 0 or "port" not in known:
            raise Undetermined(f"{self.new_bin}/postgres does not say which settings it has")
        version = await tools.server_version(host, self.new_bin) or "?"
        merged = {}
        for name in CONFIGURATION:
            stock_old = await _read(host, f"{self.new_data}/{STOCK}/old/{name}")
            custom = await _read(host, f"{self.old_data}/{name}")
            stock_new = await _read(host, f"{self.new_data}/{STOCK}/new/{name}")
            if name.startswith("postgresql."):
                merged[name] = merging.merge_settings(stock_old, custom, stock_new, known, version)
            else:
                merged[name] = merging.merge_rules(stock_old, custom, stock_new, name)
        return merged

    async def _different(self, host: Host, merged: Mapping[str, Merged]) -> list[str]:
        """Files beside the configuration that it names, and that the new cluster lacks."""
        paths = merging.references(merged["postgresql.conf"].text + merged["postgresql.auto.conf"].text, self.old_data)
        if not paths:
            return []
        answer = await run(host, "sh", "-c", _DIFFERENT, "different", self.old_data, self.new_data, *paths)
        if answer.code != 0:
            raise Undetermined(f"the files that {self.old_data}/postgresql.conf names cannot be compared")
        return answer.text.splitlines()


def _outputs(merged: Mapping[str, Merged]) -> dict[str, Any]:
    fates = [fate for one in merged.values() for fate in one.fates]
    told = [f"{fate.what}: {fate.fate}" + (f" ({fate.because})" if fate.because else "") for fate in fates]
    rows = [
        fate_rows.Fate(file, fate.what, cast(fate_rows.FateName, fate.fate), because=fate.because)
        for file, one in merged.items()
        for fate in one.fates
    ]
    removed = [name for one in merged.values() for name in one.dropped]
    return {"customisations": told, "removed": removed, "fates": fate_rows.to_json(rows)}


async def _read(host: Host, path: str) -> str:
    return (await host.read(path)).decode("utf-8", "surrogateescape")

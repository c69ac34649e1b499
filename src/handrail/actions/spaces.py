"""Connector spaces and configuration of a synchronization service: exported by its own tools, compared, searched.

A folder of exports holds `spaces.json` (agent -> file) and one file for each agent, named so that every agent's name
fits into a file name.
"""

from __future__ import annotations

import asyncio
import json
import ntpath
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from handrail.actions import files, jobs, receipts
from handrail.actions.base import Base, Check, Undetermined, settled
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.actions.sync import LONGEST, agents_on
from handrail.comparing.allowances import read_allowances
from handrail.comparing.compare import Comparing, Comparison
from handrail.comparing.configuration import compare_configuration
from handrail.comparing.exports import Summary, summarise
from handrail.comparing.search import search
from handrail.errors import BadInput, FileMissing
from handrail.hosts.protocol import Command, Host
from handrail.hosts.windows_jobs import safe_name
from handrail.model.signature import Kind, Settles
from handrail.probing.reg_text import value_of
from handrail.probing.shell import decoded

LIST = "spaces.json"
SERVICES = ("FIMSynchronizationService", "miiserver")
SHOWN = 20
"""Differences of one agent that go to the journal; all are counted."""


async def tool_beside_service(host: Host, tool: str, name: str) -> str:
    """`tool` itself, or else `name` in the folder of the synchronization service's program."""
    if tool:
        return tool
    for service in SERVICES:
        found = await value_of(host, rf"HKLM\SYSTEM\CurrentControlSet\Services\{service}", "ImagePath")
        if found is not None:
            program = found.data.strip().partition('"')[2].partition('"')[0] or found.data.strip()
            return ntpath.join(ntpath.dirname(program), name)
    raise ActFailed(f"{host.name} has no synchronization service ({' or '.join(SERVICES)})")


async def carried_out(host: Host, receipt: Receipt, *argv: str) -> Evidence:
    """A tool that may take hours, as a job; ActFailed unless it ended with 0."""
    ended = await jobs.carry_out(host, receipt, Command(argv, timeout=LONGEST))
    log = decoded(ended.out)[-4000:]
    evidence = Evidence(exit=ended.code, log=log)
    if ended.code != 0:
        raise ActFailed(f"{ntpath.basename(argv[0])} ended with {ended.code}: {' '.join(log.split())}", evidence)
    return evidence


class _Exported(Base):
    """What an attempt exported is done as long as its files are byte for byte what they were."""

    __slots__ = ()

    settles: ClassVar[Settles] = "receipt"
    kind: ClassVar[Kind] = "back-up"
    repeatable: ClassVar[bool] = True

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        left = await receipts.found(host, receipt)
        if left is None:
            return Observation("not_done", "this attempt has exported nothing")
        there = await files.tree(host, left["folder"]) or {}
        changed = sorted(name for name, sha in left["files"].items() if name not in there or there[name].sha256 != sha)
        if changed:
            return Observation("not_done", f"no longer what was exported: {files.some(changed)}", {"changed": changed})
        outputs = {"folder": left["folder"], **left.get("outputs", {})}
        sizes = sum(there[name].size for name in left["files"])
        return Observation("done", f"exported to {left['folder']}", {**outputs, "bytes": sizes}, outputs)

    async def _leave(self, host: Host, receipt: Receipt, folder: str, **outputs: Any) -> None:
        made = await files.tree(host, folder)
        empty = sorted(name for name, one in (made or {}).items() if one.size == 0)
        if not made or empty:
            what = f"left {files.some(empty)} empty" if made else f"left nothing in {folder}"
            raise ActFailed(f"the tool reported success and {what}")
        hashes = {name: one.sha256 for name, one in made.items()}
        await receipts.leave(host, receipt, {"folder": folder, "files": hashes, "outputs": outputs})


@dataclass(frozen=True, slots=True)
class ExportSpaces(_Exported):
    """Export the connector space of each management agent, of all when none are named, to a folder of this attempt.

    `tool` is csexport; when it is not given, it is looked for beside the service's program.
    """

    outputs: ClassVar[tuple[str, ...]] = ("folder", "agents")

    to: str
    agents: tuple[str, ...] = ()
    tool: str = ""

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        tool = await tool_beside_service(host, self.tool, "csexport.exe")
        agents = self.agents or tuple(await agents_on(host))
        if not agents:
            raise ActFailed(f"no management agent is on {host.name}")
        folder = receipts.folder_below(self.to, receipt)
        await files.make_folder(host, folder)
        names: dict[str, str] = {}
        for number, agent in enumerate(agents, 1):
            names[agent] = f"{number:03}-{safe_name(agent, 40)}.xml"
            one = replace(receipt, step=f"{receipt.step}-{number}")
            await carried_out(host, one, tool, agent, ntpath.join(folder, names[agent]))
        await host.write(ntpath.join(folder, LIST), json.dumps(names, sort_keys=True).encode())
        await self._leave(host, receipt, folder, agents=list(agents))
        return Evidence(exit=0, outputs={"folder": folder, "agents": list(agents)})


@dataclass(frozen=True, slots=True)
class ExportConfiguration(_Exported):
    """Export the whole configuration of a synchronization service to a folder of this attempt.

    `tool` is svrexport; when it is not given, it is looked for beside the service's program.
    """

    outputs: ClassVar[tuple[str, ...]] = ("folder",)

    to: str
    tool: str = ""

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        tool = await tool_beside_service(host, self.tool, "svrexport.exe")
        folder = receipts.folder_below(self.to, receipt)
        await files.make_folder(host, folder)
        if await files.tree(host, folder):
            # It wants a new folder, and an attempt that was cut short left something in this one.
            folder = ntpath.join(folder, "again")
            await files.make_folder(host, folder)
        await carried_out(host, receipt, tool, folder)
        await self._leave(host, receipt, folder)
        return Evidence(exit=0, outputs={"folder": folder})


@dataclass(frozen=True, slots=True)
class CompareSpaces(Check):
    """Compare exported connector spaces object by object; only what `allow` names may differ.

    `before` and `after` are folders of `sync.export_space`. Each allowance has a name and says what it covers:
    {name, ignore: [...]}, {name, type, from, to} or {name, rename: {old: new}}.
    """

    kind: ClassVar[Kind] = "check"
    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("objects", "differing")

    before: str
    after: str
    allow: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        read_allowances(self.allow)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        olds, news = await listed(host, self.before), await listed(host, self.after)
        gone, came = sorted({*olds} - {*news}), sorted({*news} - {*olds})
        wrong = [f"{one} is not among the agents any more" for one in gone] + [f"{one} is a new agent" for one in came]
        seen: dict[str, Any] = {}
        objects = differing = 0
        for agent in sorted({*olds} & {*news}):
            try:
                found = await self._compared(host, olds[agent], news[agent])
            except BadInput as error:
                wrong.append(f"{agent}: {error}")
                continue
            seen[agent] = comparison_to_json(found)
            objects, differing = objects + found.before.objects, differing + found.differing
            if not found.equal:
                wrong.append(f"{agent}: {verdict(found)}")
        outputs = {"objects": objects, "differing": differing}
        evidence = {"agents": seen, "wrong": wrong, **outputs}
        if wrong:
            return Observation("not_done", "; ".join(wrong[:5]), evidence, outputs)
        allowed = sorted({name for one in seen.values() for name in one["allowed"]})
        because = f"{objects} objects of {len(seen)} agents are what they were"
        because += f", but for differences that are expected: {', '.join(allowed)}" if allowed else ""
        return Observation("done", because, evidence, outputs)

    async def _compared(self, host: Host, before: str, after: str) -> Comparison:
        async with fetched(host, before, after) as (old, new):
            work = Comparing(old, new, read_allowances(self.allow), keep=SHOWN).run()
            while True:
                try:
                    next(work)
                except StopIteration as end:
                    result: Comparison = end.value
                    return result
                except BadInput as error:
                    raise _of_host(error, host, {old: before, new: after}) from error
                # Other lanes go on meanwhile.
                await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class CompareConfiguration(Check):
    """Compare exported configurations of a synchronization service; only what `allow` names may differ.

    `before` and `after` are folders of `sync.export_configuration`. Server and date of an export never count.
    """

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("files",)

    before: str
    after: str
    allow: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        read_allowances(self.allow)

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        sides: list[dict[str, bytes]] = []
        for folder in (self.before, self.after):
            there = await files.tree(host, folder)
            if not there:
                raise Undetermined(f"{folder} on {host.name} holds no exported configuration")
            sides.append({name: await host.read(ntpath.join(folder, name)) for name in there if name.endswith(".xml")})
        try:
            found = compare_configuration(sides[0], sides[1], read_allowances(self.allow))
        except BadInput as error:
            return Observation("not_done", str(error))
        evidence = {"differences": [str(one) for one in found.differences[:SHOWN]], "allowed": dict(found.allowed)}
        outputs = {"files": len(sides[0])}
        if found.differences:
            return Observation("not_done", "; ".join(map(str, found.differences[:5])), evidence, outputs)
        return Observation("done", f"{len(sides[0])} files say what they said", evidence, outputs)


@dataclass(frozen=True, slots=True)
class SearchSpace(Check):
    """Search an agent's exported connector space by name or anchor, or within a subtree, and find something.

    `folder` is one of `sync.export_space`. A name is found by how it begins, the first part of it as well.
    """

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("count", "objects")

    folder: str
    agent: str
    name: str = ""
    subtree: str = ""
    at_least: int = 1

    def __post_init__(self) -> None:
        if bool(self.name) == bool(self.subtree):
            raise BadInput("sync.search_space takes name or subtree, one of both.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        there = await listed(host, self.folder)
        if self.agent not in there:
            return Observation("not_done", f"{self.agent} is not among the agents: {files.some(sorted(there))}")
        async with fetched(host, there[self.agent]) as (path,):
            try:
                found = search(path, name=self.name, subtree=self.subtree, keep=SHOWN)
            except BadInput as error:
                raise Undetermined(str(_of_host(error, host, {path: there[self.agent]}))) from error
        evidence = {"types": dict(found.types), "found": [f"{one.dn} ({one.by})" for one in found.matches]}
        outputs = {"count": found.count, "objects": [one.dn for one in found.matches]}
        return settled(found.count >= self.at_least, f"{self.agent}: {found}", evidence, outputs)


@dataclass(frozen=True, slots=True)
class FewPending(Check):
    """Check exported connector spaces for changes that wait to go through: no more deletions than expected.

    `folder` is one of `sync.export_space`; a deletion counts in whatever section it waits. Look before any export runs.
    """

    outputs: ClassVar[tuple[str, ...]] = ("deletions", "pending")

    folder: str
    deletions: int = 0

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        pending: dict[str, dict[str, int]] = {}
        for agent, path in (await listed(host, self.folder)).items():
            async with fetched(host, path) as (copy,):
                try:
                    pending[agent] = dict(summarise(copy).pending)
                except BadInput as error:
                    raise Undetermined(str(_of_host(error, host, {copy: path}))) from error
        counts = {
            agent: sum(n for what, n in one.items() if what.endswith(" delete")) for agent, one in pending.items()
        }
        found = sum(counts.values())
        where = ", ".join(f"{count} of {agent}" for agent, count in counts.items() if count)
        because = f"{found} deletions wait ({where}), {self.deletions} expected" if found else "no deletion waits"
        outputs = {"deletions": found, "pending": pending}
        return settled(found <= self.deletions, because, outputs, outputs)


async def listed(host: Host, folder: str) -> dict[str, str]:
    """Agent -> path of its export. Undetermined when the folder is not (or no longer) one of exports."""
    path = ntpath.join(folder, LIST)
    try:
        document = json.loads(await host.read(path))
    except FileMissing:
        raise Undetermined(f"{folder} on {host.name} holds no exported connector spaces (any more)") from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or not all(isinstance(one, str) for one in document.values()):
        raise Undetermined(f"{path} on {host.name} is damaged")
    return {agent: ntpath.join(folder, name) for agent, name in document.items()}


@asynccontextmanager
async def fetched(host: Host, *paths: str) -> AsyncIterator[tuple[Path, ...]]:
    """Copies of files of a host, for as long as they are looked at."""
    with TemporaryDirectory(prefix="handrail-spaces-") as folder:
        copies = tuple(Path(folder, f"{number}.xml") for number in range(len(paths)))
        for path, copy in zip(paths, copies, strict=True):
            await host.get(path, copy)
        yield copies


def _of_host(error: BadInput, host: Host, names: Mapping[Path, str]) -> BadInput:
    """The same mistake, said of the file on its host instead of our copy."""
    place = error.place
    if place is None:
        return error
    file = next((f"{host.name}:{path}" for copy, path in names.items() if str(copy) == place.file), place.file)
    return BadInput(error.message, error.advice, replace(place, file=file))


def verdict(found: Comparison) -> str:
    """One comparison in a sentence."""
    parts = [f"{count} {kind}" for kind, count in found.counts.items()]
    parts += [str(change) for change in found.header if not change.allowed]
    first = "; ".join(str(one) for one in found.differences[:2])
    return f"{', '.join(parts)} of {found.before.objects} objects" + (f": {first}" if first else "")


def comparison_to_json(found: Comparison) -> dict[str, Any]:
    """For the journal and reports."""
    return {
        "before": _summary(found.before),
        "after": _summary(found.after),
        "same": found.same,
        **{kind: found.counts.get(kind, 0) for kind in ("changed", "renamed", "missing", "added")},
        "allowed": dict(found.allowed),
        "differences": [str(one) for one in found.differences[:SHOWN]],
    }


def _summary(one: Summary) -> dict[str, Any]:
    return {"objects": one.objects, "types": dict(one.types), "pending": dict(one.pending)}

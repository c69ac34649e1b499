"""Management agents of a synchronization service, through its WMI provider and `wmic`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from handrail.actions import receipts
from handrail.actions.base import Base, Check, Undetermined
from handrail.actions.files import some
from handrail.actions.protocol import ActFailed, Evidence, Observation, Receipt
from handrail.errors import BadInput
from handrail.hosts.protocol import Host
from handrail.model.signature import Settles
from handrail.probing.shell import MINUTES, complaint, decoded, run, said

NAMESPACE = r"/namespace:\\root\MicrosoftIdentityIntegrationServer"
AGENT = ("wmic", NAMESPACE, "path", "MIIS_ManagementAgent")
LONGEST = 8 * 60 * MINUTES


def names_in(text: str) -> list[str]:
    """The names in what `wmic ... get Name /value` printed."""
    return [one.strip() for one in re.findall(r"^\s*Name=(.+?)\s*$", text, re.MULTILINE)]


def returned(text: str) -> str | None:
    """The value that a WMI method returned; None when there is none."""
    found = re.search(r'ReturnValue\s*=\s*"?([^";\r\n]*)"?\s*;', text)
    return found[1].strip() if found else None


async def agents_on(host: Host) -> list[str]:
    answer = await run(host, *AGENT, "get", "Name", "/value", timeout=10 * MINUTES)
    if answer.code != 0:
        raise Undetermined(f"the management agents on {host.name} could not be read: {complaint(answer)}")
    return names_in(decoded(answer.out))


@dataclass(frozen=True, slots=True)
class AgentsLoad(Check):
    """Check that the management agents load; without names, that there are any."""

    lasting: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("agents",)

    agents: tuple[str, ...] = ()

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        there = await agents_on(host)
        missing = [one for one in self.agents if one not in there]
        evidence = {"agents": there, "missing": missing}
        if missing or not there:
            because = f"not there: {some(missing)}" if missing else "no management agent is there"
            return Observation("not_done", because, evidence, {"agents": there})
        return Observation("done", f"{len(there)} management agents load", evidence, {"agents": there})


@dataclass(frozen=True, slots=True)
class RunImport(Base):
    """Run an import profile of management agents, of all when none are named, and see each succeed."""

    settles: ClassVar[Settles] = "receipt"
    repeatable: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = ("results",)

    profile: str
    agents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for one in (self.profile, *self.agents):
            if '"' in one or "\\" in one:
                raise BadInput(f"sync.import: {one!r} cannot be asked for through wmic.", "Rename it without quotes.")

    async def look(self, host: Host, receipt: Receipt) -> Observation:
        left = await receipts.found(host, receipt)
        if left is None:
            return Observation("not_done", "this attempt has not run to its end")
        results = left.get("results", {})
        return Observation("done", f"{len(results)} imports succeeded", {"results": results}, {"results": results})

    async def do(self, host: Host, receipt: Receipt) -> Evidence:
        results: dict[str, str] = {}
        agents = self.agents or tuple(await agents_on(host))
        if not agents:
            raise ActFailed(f"no management agent is on {host.name}")
        for agent in agents:
            where = "Name='" + agent.replace("'", "\\'") + "'"
            call = (*AGENT, "where", where, "call", "Execute", self.profile)
            answer = await run(host, *call, timeout=LONGEST)
            result = returned(decoded(answer.out)) if answer.code == 0 else None
            if result is None:
                raise ActFailed(
                    f"{self.profile} of {agent} could not be run: {complaint(answer)}", Evidence(answer.code)
                )
            results[agent] = result
            if result != "success":
                evidence = Evidence(answer.code, said(answer), {"results": results})
                raise ActFailed(f"{self.profile} of {agent} ended with {result}", evidence)
        await receipts.leave(host, receipt, {"results": results})
        return Evidence(exit=0, outputs={"results": results})

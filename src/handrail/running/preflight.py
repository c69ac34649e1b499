"""Before a run begins: is every host of it reached, and will the way to it carry the plan? Nothing is changed there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from handrail.assessing.transport import Asked, findings_of, judged
from handrail.assessing.transport_wants import Wants, bare, wants_of
from handrail.errors import HandrailError
from handrail.hosts.opening import Resolve, open_host
from handrail.hosts.protocol import Host
from handrail.model import estate as model
from handrail.model.estate import Acceptance, Estate
from handrail.model.finding import Assessment, Finding
from handrail.model.plan import Plan
from handrail.probing import transport

AT_ONCE = 32
"""Hosts that are asked at a time."""

Hosts = Callable[[str], Host]


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found; `asked` are the facts, by host."""

    assessment: Assessment
    asked: Mapping[str, Asked]


async def of_plan(plan: Plan, hosts: Hosts, only: Collection[str] | None = None) -> Preflight:
    """Ask every host that a step of `plan` is carried out on (of those in `only`, where that is given)."""
    wants = {name: one for name, one in wants_of(plan).items() if only is None or name in only}
    return await _preflight(plan.estate, plan.aim, wants, hosts, plan.estate.accept)


async def of_estate(estate: Estate, resolve: Resolve, accept: tuple[Acceptance, ...] = ()) -> Preflight:
    """Ask every host of the estate that says how it is reached; of the others it is said that they do not."""
    opened: dict[str, Host] = {}

    def hosts(name: str) -> Host:
        opened[name] = open_host(name, estate.hosts, resolve)
        return opened[name]

    wants = {name: bare(host) for name, host in estate.hosts.items()}
    aim = {name: one.to for name, one in estate.aim.items()}
    try:
        return await _preflight(estate, aim, wants, hosts, (*estate.accept, *accept))
    finally:
        await asyncio.gather(*(host.close() for host in opened.values()), return_exceptions=True)


async def _preflight(
    estate: Estate,
    aim: Mapping[str, str],
    wants: Mapping[str, Wants],
    hosts: Hosts,
    accept: tuple[Acceptance, ...],
) -> Preflight:
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(name: str) -> tuple[str, Asked, tuple[Finding, ...]]:
        known = estate.hosts.get(name, model.Host(name))
        async with gate:
            asked = await _ask(known, wants[name], hosts)
        return name, asked, findings_of(known, wants[name], asked)

    found = await asyncio.gather(*map(ask, wants))
    findings = judged((one for _, _, some in found for one in some), accept)
    return Preflight(Assessment(estate.name, dict(aim), findings), {name: asked for name, asked, _ in found})


async def _ask(host: model.Host, wants: Wants, hosts: Hosts) -> Asked:
    via = host.connect.via if host.connect else "local"
    try:
        return await transport.ask(hosts(host.name), wants, via=via)
    except HandrailError as error:
        return Asked(trouble=str(error))

"""Over Windows Remote Management hosts tell the same as when they are asked directly; and one that is not there is left
out, while the others are read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tests.support import winrm_twin
from tests.support.twins import Clock
from tests.support.winrm import CALM
from tests.support.winrm_endpoint import Endpoint, serving

from handrail.documents.estate import read_estate
from handrail.guides.catalogue import SHIPPED, load
from handrail.guides.facts import check_estate
from handrail.hosts.protocol import Host
from handrail.hosts.winrm import WinrmHost
from handrail.model.estate import Connect
from handrail.probing.drafting import Draft, draft
from handrail.probing.sweep import HostSheet, Left, Open, sweep, wanted
from handrail.twin.declarations import read_declarations
from handrail.twin.raising import raise_in_memory

CATALOGUE = load()
ESTATE = check_estate(read_estate(SHIPPED / "mim" / "estates" / "contoso.yaml"), CATALOGUE)


def swept(open_: Open, names: Sequence[str] = tuple(ESTATE.hosts)) -> tuple[list[HostSheet], list[Left]]:
    return asyncio.run(sweep(names, open_, wanted(CATALOGUE)))


def drafted(sheets: Sequence[HostSheet]) -> Draft:
    return draft("contoso", sheets, CATALOGUE, {})


def test_the_road_makes_no_difference_and_who_is_silent_is_left_out() -> None:
    products = {name: one.twin_path for name, one in CATALOGUE.guides.items() if one.twin_path is not None}
    twin = raise_in_memory(ESTATE, read_declarations(products), Clock())
    endpoints: dict[str, Endpoint] = winrm_twin.behind(twin, ["sync01", "sql01"])

    async def directly(name: str) -> Host:
        return twin.host(name)

    async def over_the_road(name: str) -> Host:
        connect = winrm_twin.reached(ESTATE, endpoints).hosts[name].connect
        assert connect is not None
        if name == "svc01":
            connect = replace(Connect("winrm", auth="basic", user="x", password="env:X"), address="127.0.0.1", port=1)
        secret = endpoints["sync01"].password
        return WinrmHost(name, connect, lambda _: secret, patience=CALM)

    direct, nobody = swept(directly, ["sync01", "sql01"])
    with serving(*endpoints.values()):
        found, left = swept(over_the_road)

    assert not nobody
    assert [one.name for one in found] == ["sync01", "sql01"]
    assert [one.name for one in left] == ["svc01"]
    assert drafted(found).data == drafted(direct).data
    assert {one.address for one in drafted(found).missing} == {one.address for one in drafted(direct).missing}

"""Estates as large as a benchmark wants them, for the guides that ship with the program."""

from __future__ import annotations

from collections.abc import Mapping

from handrail.actions.catalogue import signatures
from handrail.guides import catalogue
from handrail.guides.catalogue import Catalogue
from handrail.model.estate import Account, Aim, Database, Deployment, Estate, Host, Installation, Medium
from handrail.model.signature import Signature

SOFTWARE = {
    "dotnet-framework": "4.8",
    "msoledbsql": "18.6.7",
    "vcredist-2015-2022-x64": "14.38.33130",
    "iis": False,
}
COMPONENTS = ("sync", "service")


def fleet(installations: int) -> tuple[Estate, Catalogue, Mapping[str, Signature]]:
    """Deployments of two installations each, every one on its own host with its own database: two hops apiece."""
    hosts: dict[str, Host] = {}
    databases: dict[str, Database] = {}
    deployments: dict[str, Deployment] = {}
    for number in range(installations // 2):
        site = f"site{number:05}"
        hosts[f"{site}-sql"] = Host(f"{site}-sql", os="windows-server-2019")
        members = []
        for component in COMPONENTS:
            host, database = f"{site}-{component}", f"{site}-{component}-db"
            hosts[host] = Host(host, os="windows-server-2019", software=SOFTWARE, facts={"mounted_media": []})
            databases[database] = Database(database, "sqlserver", f"{site}-sql", f"FIM{component}", "15.0.4375.4")
            facts: dict[str, list[str]] = {"language_packs": []}
            members.append(
                Installation(
                    site, component, host, "4.6.34.0", database=database, account=f"svc-{component}", facts=facts
                )
            )
        deployments[site] = Deployment(site, "mim", tuple(members))
    estate = Estate(
        name=f"fleet-of-{installations}",
        hosts=hosts,
        databases=databases,
        accounts={
            f"svc-{one}": Account(f"svc-{one}", f"CONTOSO\\svc-{one}", "domain", f"keyring:contoso/{one}")
            for one in COMPONENTS
        },
        media=_media(),
        deployments=deployments,
        aim={site: Aim(site, "2016-sp3") for site in deployments},
    )
    known = signatures()
    return estate, catalogue.load(signatures=known), known


def _media() -> dict[str, Medium]:
    media = [
        Medium(f"iso-{release}", "mim", "iso", rf"C:\Media\{release}.iso", release, build=build, label=f"MIM_{release}")
        for release, build in (("2016-sp2", "4.6.34.0"), ("2016-sp3", "4.7.12.0"))
    ]
    media += [
        Medium(f"{component}-{release}", "mim", "msp", rf"C:\Media\{component}-{build}.msp", release, component, build)
        for component in COMPONENTS
        for release, build in (("2016-sp2", "4.6.673.0"), ("2016-sp3", "4.7.12.0"))
    ]
    return {medium.id: medium for medium in media}


def clients(hosts: int) -> str:
    """The estate file of so many workstations, each with the add-ins of Identity Manager, one patch away from SP3."""
    names = [f"pc{number:05}" for number in range(hosts)]
    lines = [
        *("handrail: estate/v1", "name: clients", "hosts:"),
        *(f"  {name}: {{os: windows-10, facts: {{mounted_media: []}}}}" for name in names),
        "media:",
        "  patch: {product: mim, component: add-ins, release: 2016-sp3, build: 4.7.12.0, kind: msp, "
        r"path: 'C:\Media\MIMAddinsExtensions_x64_KB5085154.msp'}",
        "  former: {product: mim, component: add-ins, release: 2016-sp2, build: 4.6.673.0, kind: msp, "
        r"path: 'C:\Media\FIMAddinsExtensions_x64_KB5018333.msp'}",
        r"  sp2-iso: {product: mim, release: 2016-sp2, build: 4.6.34.0, kind: iso, path: 'C:\Media\MIM2016SP2.iso', "
        "label: MIM_SP2_ENU}",
        r"  sp3-iso: {product: mim, release: 2016-sp3, build: 4.7.12.0, kind: iso, path: 'C:\Media\MIM2016SP3.iso', "
        "label: MIM_SP3_ENU}",
        "deployments:",
        "  clients:",
        "    product: mim",
        "    installations:",
    ]
    lines += [
        f"      - {{component: add-ins, host: {name}, build: 4.6.673.0, facts: {{language_packs: []}}}}"
        for name in names
    ]
    return "\n".join([*lines, "aim: {clients: {to: 2016-sp3}}", ""])


def workstations(hosts: int, *, canaries: int = 20) -> str:
    """The estate file of so many workstations, each with two components that a hotfix waits for: twelve steps apiece,
    gone through in waves."""
    names = [f"pc{number:05}" for number in range(hosts)]
    rings = ["canary" if number < canaries else "all" for number in range(hosts)]
    lines = [
        *("handrail: estate/v1", "name: workstations", "hosts:"),
        *(f"  {name}: {{os: windows-10, labels: {{ring: {ring}}}}}" for name, ring in zip(names, rings, strict=True)),
        "media:",
        "  add-ins: {product: mim, component: add-ins, release: 2016-sp2, build: 4.6.673.0, kind: msp, "
        r"path: 'C:\Media\FIMAddinsExtensions_x64_KB5018333.msp'}",
        "  cm-client: {product: mim, component: cm-client, release: 2016-sp2, build: 4.6.359.0, kind: msp, "
        r"path: 'C:\Media\FIMCMClient_x64_KB4569632.msp'}",
        r"  iso: {product: mim, release: 2016-sp2, build: 4.6.34.0, kind: iso, path: 'C:\Media\MIM2016SP2.iso', "
        "label: MIM_SP2_ENU}",
        "deployments:",
        *("  add-ins:", "    product: mim", "    installations:"),
        *(
            f"      - {{component: add-ins, host: {one}, build: 4.6.34.0, facts: {{language_packs: []}}}}"
            for one in names
        ),
        *("  cards:", "    product: mim", "    installations:"),
        *(f"      - {{component: cm-client, host: {name}, build: 4.6.34.0}}" for name in names),
        "aim: {add-ins: {to: 4.6.673.0}, cards: {to: 4.6.359.0}}",
        *("rollout:", "  waves:", "    - {name: canary, where: {ring: canary}}", "    - {name: early, percent: 10}"),
        "    - {name: rest, size: 2500, repeat: true}",
    ]
    return "\n".join([*lines, ""])

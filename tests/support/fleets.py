"""A small guide of nobody's product, and estates of any size for it: for tests of planning, and for bench/."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handrail.documents.estate import estate_document
from handrail.documents.tree import parse, tree_of
from handrail.guides.catalogue import Catalogue, CompiledGuide
from handrail.guides.facts import check_estate
from handrail.guides.reader import read_guide
from handrail.model.estate import Aim, Database, Deployment, Estate, Host, Installation, Medium
from handrail.model.signature import Kind, Settles, Signature

GUIDE = """
guide: shop
title: Shop
versioning: dotted
sources:
  manual: {title: The manual, publisher: Shop Inc, seen: 2026-01}
  ours: {title: ours, publisher: us, seen: 2026-01, kind: ours}
releases:
  "1": {title: One, builds: ["1.0", "1.1", "1.5"], source: manual#releases}
  "2": {title: Two, builds: ["2.0"], source: manual#releases}
  "3": {title: Three, from_medium: true, source: manual#releases}
unknown_build_rule: shop/unknown-build
facts:
  installation:
    size: {type: text, says: how big it is}
    agents: {type: list, says: agents to try, default: []}
  host:
    beta: {type: yes-no, says: takes part, default: false}
components:
  store:
    title: Store
    values: {service: shopd}
    assets:
      data: {kind: database, title: the data}
      files: {kind: folder, title: the files}
  desk:
    title: Desk
    values: {service: deskd}
    assets:
      files: {kind: folder, title: the files}
edges:
  - {component: store, from: {release: "1", below: "1.5"}, to: "1.5", method: patch, procedure: patch,
     source: manual#fix, media: {patch: {kind: msp, component: store, build: "1.5"}},
     announces: {rule: shop/baseline, says: "{{installation.build}} goes to 1.5 first", remedy: Get the patch.}}
  - {component: [store, desk], from: "1.5", to: "2", method: in-place, procedure: upgrade, source: manual#two,
     media: {setup: {kind: exe, release: "2"}}, media_rule: shop/media}
  - {component: [store, desk], from: "1.5", to: "2", method: side-by-side, procedure: upgrade, source: manual#side,
     when: installation.moves, otherwise: "{{installation.id}} stays on its host", why: It moves.,
     media: {setup: {kind: exe, release: "2"}}, media_rule: shop/media}
  - {component: desk, from: {release: "1", below: "1.5"}, to: "2", method: in-place, procedure: upgrade,
     source: manual#desk, media: {setup: {kind: exe, release: "2"}}, media_rule: shop/media}
  - {component: [store, desk], from: {release: "2"}, to: "3", method: in-place, procedure: upgrade,
     source: manual#three, media: {setup: {kind: exe, release: "3"}}, media_rule: shop/media}
requirements:
  - {rule: shop/os, components: [store], scope: host, must: 'host.os in ["debian-11", "debian-12"]',
     says: "{{host.name}} runs {{host.os}}", remedy: Upgrade the host., source: manual#os, settle: cat /etc/os-release}
  - {rule: shop/big, when: 'installation.size == "big"', says: It is big., remedy: Make it smaller.,
     source: manual#size, level: risk}
  - {rule: shop/locale, when: 'installation.size == "huge"', says: It is huge., remedy: Make it smaller.,
     source: manual#size, acceptable: true}
  - {rule: shop/runtime, ask: hop, must: 'host.software["runtime"] == hop.release',
     says: "{{host.name}} lacks the runtime of {{hop.release}}", remedy: Install it., source: manual#runtime,
     scope: host, when: 'hop.release != "1"',
     mend: {procedure: runtime, media: {runtime: {kind: msi, product: runtime}},
            says: "The runtime is installed on {{host.name}}"}}
works_with:
  - {a: desk, b: store, must: 'a.release != "3" || b.release == "3"', says: A desk of 3 needs a store of 3.,
     source: manual#mixed}
order:
  - {first: store, then: desk, because: The desk asks the store., source: manual#order, to: ["2"]}
  - {one_by_one: desk, because: Somebody has to answer., source: manual#order}
known_errors:
  no-disk: {cause: The disk was not found., source: manual#errors, log: 'disk (?P<label>\\S+)'}
errata:
  e1: {document: manual, says: stop it twice, we_do: stop it once, because: Once is enough., source: manual#fix}
procedures:
  runtime:
    - {id: install, uses: test.install, with: {path: "{{media.runtime.path}}"}, source: manual#runtime,
       leaves: {host.software: '{{ {"runtime": hop.release} }}'}}
  save:
    - {id: copy, uses: test.copy, with: {of: "{{component.service}}"}, protects: [files], source: manual#save}
    - {id: check, uses: test.check-copy, with: {file: {late: copy.file}}, proves: [files], source: manual#save}
    - {id: data, uses: test.copy, if: database.id != null, with: {of: "{{database.name}}"}, host: database.host,
       protects: [data], source: manual#save}
    - {id: data-check, uses: test.check-copy, if: database.id != null, with: {file: {late: data.file}},
       host: database.host, proves: [data], source: manual#save}
  patch:
    - {id: stop, uses: test.stop, with: {name: "{{component.service}}"}, downtime: begins, source: manual#fix,
       errata: [e1]}
    - {id: save, uses: procedure/save}
    - {id: apply, uses: test.setup, with: {path: "{{media.patch.path}}", build: "{{hop.build}}"}, takes: 5m,
       changes: [files, data], leaves: {installation.build: "{{hop.build}}"}, source: manual#fix,
       on_error: [{error: no-disk, steps: [
         {id: mend, uses: test.install, with: {path: "{{host.name}}", label: {late: apply.label}},
          source: manual#fix}]}]}
    - {id: start, uses: test.start, with: {name: "{{component.service}}"}, downtime: ends, source: manual#fix}
  upgrade:
    - {id: look, uses: test.look, with: {name: "{{component.service}}"}, source: manual#two}
    - {id: stop, uses: test.stop, with: {name: "{{component.service}}"}, downtime: begins, source: manual#two}
    - {id: save, uses: procedure/save}
    - {id: sure, uses: hold, with: {question: "Go on with {{installation.id}}?"}, source: manual#two}
    - {id: setup, uses: test.setup, with: {path: "{{media.setup.path}}", build: "{{hop.to}}"}, takes: 10m,
       changes: [files], source: manual#two, if: database.id == null}
    - {id: setup-data, uses: test.setup, with: {path: "{{media.setup.path}}", build: "{{hop.to}}"}, takes: 10m,
       changes: [files, data], source: manual#two, if: database.id != null}
    - {id: start, uses: test.start, with: {name: "{{component.service}}"}, downtime: ends, source: manual#two}
    - {id: answers, uses: test.look, with: {name: "{{component.service}}"}, lasting: true, source: manual#two}
    - {id: agent, uses: test.look, each: installation.agents, with: {name: "{{item}}"}, source: manual#two}
"""


def _signature(
    name: str,
    kind: Kind,
    settles: Settles = "state",
    *,
    destroys: bool = False,
    reversible: bool = False,
    outputs: tuple[str, ...] = (),
    restores: bool = False,
) -> Signature:
    return Signature(
        name,
        f"{name}.",
        {},
        settles,
        kind,
        1,
        reversible=reversible,
        destroys=destroys,
        outputs=outputs,
        restores=restores,
    )


SIGNATURES: Mapping[str, Signature] = {
    one.name: one
    for one in (
        _signature("test.look", "check"),
        _signature("test.stop", "do", reversible=True),
        _signature("test.start", "do", reversible=True),
        _signature("test.install", "do"),
        _signature("test.setup", "do", destroys=True),
        _signature("test.copy", "back-up", "receipt", outputs=("file",), restores=True),
        _signature("test.check-copy", "prove"),
        _signature("hold", "hold", "person"),
        _signature("barrier", "check"),
    )
}


def compiled(text: str) -> CompiledGuide:
    """A guide from its text."""
    document = read_guide(parse(text, "guide.yaml"))
    return CompiledGuide(document.guide, document.tree, Path(), document.edge_keys)


def catalogue(*texts: str) -> Catalogue:
    """A catalogue of these guides, the shop's alone when none is given."""
    guides = [compiled(text) for text in texts or (GUIDE,)]
    return Catalogue({one.guide.name: one for one in guides})


def estate_of(data: Mapping[str, Any], known: Catalogue) -> Estate:
    """An estate from plain data, checked as a file is."""
    return check_estate(estate_document(tree_of({"handrail": "estate/v1", **data}, "the estate")), known)


SMALL: Mapping[str, Any] = {
    "name": "small",
    "hosts": {
        "a": {"os": "debian-12", "software": {"runtime": "2"}},
        "b": {"os": "debian-12", "software": {"runtime": "2"}},
    },
    "databases": {"goods": {"engine": "postgresql", "version": "15.0", "host": "a", "name": "goods"}},
    "media": {
        "patch": {
            "product": "shop", "component": "store", "release": "1", "build": "1.5", "kind": "msp", "path": "/m/p.msp",
        },
        "two": {"product": "shop", "release": "2", "build": "2.0", "kind": "exe", "path": "/m/two.exe"},
        "three": {"product": "shop", "release": "3", "build": "3.0.7", "kind": "exe", "path": "/m/three.exe"},
        "runtime-3": {"product": "runtime", "kind": "msi", "path": "/m/runtime.msi"},
    },
    "deployments": {
        "shop": {
            "product": "shop",
            "installations": [
                {"component": "store", "host": "a", "build": "1.1", "database": "goods", "facts": {"size": "small"}},
                {"component": "desk", "host": "b", "build": "1.5", "facts": {"size": "small"}},
            ],
        }
    },
    "aim": {"shop": {"to": "2"}},
}  # fmt: skip


def changed(data: Mapping[str, Any], path: str, value: Any = None) -> dict[str, Any]:
    """The same data with what `path` (`hosts.a.os`) leads to replaced; taken out when `value` is None."""
    copy: dict[str, Any] = json.loads(json.dumps(data))
    node: Any = copy
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        node = node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return copy


def small(*changes: tuple[str, Any], known: Catalogue | None = None) -> Estate:
    """A store at 1.1 on host a and a desk at 1.5 on host b, aimed at 2, with these changes."""
    data: Mapping[str, Any] = SMALL
    for path, value in changes:
        data = changed(data, path, value)
    return estate_of(data, known or catalogue())


def fleet_estate(count: int) -> Estate:
    """`count` installations: four stores of five with a database, one desk; ten kinds of facts; all aimed at 2."""
    hosts: dict[str, Host] = {}
    databases: dict[str, Database] = {}
    installations: list[Installation] = []
    for number in range(count):
        host = f"host{number:05}"
        hosts[host] = Host(host, "debian-12", {"runtime": "2"}, labels={"site": f"s{number % 7}"})
        size = ("small", "medium")[number % 2]
        build = ("1.1", "1.5")[number % 2]
        if number % 5 == 4:
            installations.append(Installation("shop", "desk", host, build, facts={"size": size}))
            continue
        database = f"db{number:05}"
        databases[database] = Database(database, "postgresql", host, f"shop{number}", "15.0")
        installations.append(Installation("shop", "store", host, build, database=database, facts={"size": size}))
    media = {
        "patch": Medium("patch", "shop", "msp", "/media/patch.msp", component="store", build="1.5"),
        "setup-2": Medium("setup-2", "shop", "exe", "/media/setup-2.exe", release="2"),
    }
    deployments = {"shop": Deployment("shop", "shop", tuple(installations))}
    return Estate("fleet", hosts, databases, {}, media, deployments, {"shop": Aim("shop", "2")})


def fleet(count: int) -> tuple[Estate, Catalogue, Mapping[str, Signature]]:
    """What `make_plan` needs for a plan of `count` installations, 11 to 22 steps each."""
    return fleet_estate(count), catalogue(), SIGNATURES

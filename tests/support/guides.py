"""A small guide without mistakes, as text, and signatures of the actions that it uses."""

from __future__ import annotations

from handrail.model.signature import Parameter, Signature

GUIDE = """\
guide: shop
title: Shop
versioning: windows
sources:
  manual: {title: The manual, publisher: Shop, seen: 2026-11, url: "https://example.org/manual"}
  ours: {title: Our own rule, publisher: Handrail, seen: 2026-11, kind: ours}
  talk: {title: Somebody said, publisher: Nobody, seen: 2026-11, kind: memory}
unknown_build_rule: shop/unknown-build
releases:
  r1: {title: Shop 1, builds: [1.0.0.0, 1.0.2.0, 1.0.10.0], source: manual#r1}
  r2: {title: Shop 2, from_medium: true, source: manual#r2}
components:
  web:
    title: Web
    assets:
      database: {kind: database, title: database}
    values: {service: shopweb}
  worker:
    title: Worker
    values: {service: shopworker}
facts:
  host:
    age_days: {type: number, says: days since the last backup}
    mounted: {type: list, says: mounted media}
    alias: {type: text, says: alias, nullable: true}
  installation:
    agents: {type: list, says: agents, default: []}
    edition: {type: text, says: edition}
edges:
  - id: patch-web
    component: web
    from: {release: r1, least: 1.0.2.0}
    to: r2
    method: patch
    procedure: patch-web
    when: "!installation.moves"
    otherwise: A patch moves nothing.
    media:
      patch: {kind: msp, release: r2}
    media_rule: shop/media
    source: manual#patch
requirements:
  - rule: shop/os
    scope: host
    must: host.os in ["windows-server-2019", "windows-server-2022"]
    says: "{{host.name}} runs {{host.os}}"
    remedy: Upgrade it.
    source: manual#os
  - rule: shop/old
    components: [web]
    when: installation.build.at_least("1.0.2.0")
    must: host.age_days < 7 || host.alias == null
    says: Old.
    remedy: Renew.
    source: manual#old
works_with:
  - {a: web, b: worker, must: a.release == b.release, says: Not together., source: manual#pair}
order:
  - {first: web, then: worker, to: [r2], because: So it is., source: manual#order}
procedures:
  secure:
    - id: save
      uses: db.backup
      with: {database: "{{database.name}}"}
      protects: [database]
      source: manual#save
    - id: prove
      uses: db.prove
      with: {file: {late: save.file}}
      proves: [database]
      source: manual#prove
  patch-web:
    title: Patch {{component.title}}
    steps:
      - {id: secure, uses: procedure/secure}
      - id: stop
        uses: service.stop
        with: {name: "{{component.service}}"}
        downtime: begins
        source: manual#stop
      - id: patch
        uses: patch.apply
        with: {file: "{{media.patch.path}}", times: 1}
        changes: [database]
        takes: 10m
        errata: [name]
        source: manual#patch
        on_error:
          error: disk
          steps:
            - id: hint
              uses: person.do
              with: {instructions: ["Insert it"], values: {label: {late: patch.label}}}
              source: manual#disk
      - id: again
        uses: service.stop
        each: installation.agents
        with: {name: "{{item}}"}
        when: {step: patch, output: reboot, equals: true}
        source: manual#again
      - {id: ask, uses: hold, with: {question: "Go on with {{installation.subject}}?"}, source: ours#asking}
known_errors:
  disk: {log: 'insert (?P<label>\\w+)', cause: A disk is missing., source: manual#disk}
errata:
  name: {document: manual, says: a, we_do: b, because: c, source: manual#name}
"""


def _signature(
    name: str,
    *parameters: Parameter,
    destroys: bool = False,
    outputs: tuple[str, ...] = (),
    restores: bool = False,
) -> Signature:
    named = {one.name: one for one in parameters}
    return Signature(
        name, f"Do {name}.", named, "state", "do", 1, destroys=destroys, outputs=outputs, restores=restores
    )


def _text(name: str, required: bool = True) -> Parameter:
    return Parameter(name, {"type": "string"}, required)


SIGNATURES = {
    one.name: one
    for one in (
        _signature("service.stop", _text("name")),
        _signature("db.backup", _text("database"), outputs=("file",), restores=True),
        _signature("db.prove", _text("file")),
        _signature(
            "patch.apply",
            _text("file"),
            Parameter("times", {"type": "integer"}, False),
            destroys=True,
            outputs=("exit", "reboot"),
        ),
        _signature(
            "person.do",
            Parameter("instructions", {"type": "array", "items": {"type": "string"}}, True),
            Parameter("values", {"type": "object", "additionalProperties": {"type": "string"}}, False),
        ),
        _signature("hold", _text("question")),
    )
}

"""Rehearsal on real lab hosts: the same plan, on hosts that were restored from restore points.

A map says how each host of the plan is reached in the lab, where the lab differs otherwise, and what is done there
first. What comes of it is a plan of its own for the preparation, and the plan itself with nothing but those places
changed: a lab that would make another plan rehearses something else, and is refused.

    handrail: lab/v1
    hosts:
      db01: {connect: {via: ssh, address: lab-db01}}
    change:                                    # as in scenarios; only where the lab differs
      deployments.shop.installations."server@db01".facts.data_dir: /lab/15
    prepare:                                   # in this order; an asset from its backup, or any action
      - {restore: "shop/server@db01#cluster", made: {folder: /srv/backup/postgresql/night}}
      - {host: db01, uses: postgresql.start, with: {bin: /usr/pgsql-15/bin, data: /lab/15}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from handrail.actions import build, described
from handrail.actions.catalogue import signatures
from handrail.documents.estate import check_connect, estate_document, estate_to_json
from handrail.documents.plan import freeze
from handrail.documents.read import BROKEN, Reading
from handrail.documents.tree import Tree, load, tree_of
from handrail.errors import BadInput, Blocked, Place, UnknownName
from handrail.guides.catalogue import Catalogue
from handrail.guides.facts import check_estate
from handrail.model.estate import Acceptance, Connect, Estate
from handrail.model.finding import Citation
from handrail.model.plan import Plan, Step, WayBack
from handrail.model.signature import Signature
from handrail.planning.plan import make_plan
from handrail.rehearsing.changes import changed

VERSION = "lab/v1"
_SOURCE = Citation("ours", "A rehearsal begins with what the restore points hold.")


@dataclass(frozen=True, slots=True)
class LabHost:
    """`same_machine`: the lab is reached just as the real host is; its other paths are what keeps them apart."""

    connect: Connect
    same_machine: bool = False


@dataclass(frozen=True, slots=True)
class Preparation:
    """One thing that is done first. `restore` names an asset as plans do, `made` what its backup journaled as outputs;
    or `host`, `uses` and `with` name any action."""

    restore: str | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    host: str | None = None
    uses: str | None = None
    with_: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Written:
    handrail: Literal["lab/v1"]
    hosts: Mapping[str, LabHost]
    change: Mapping[str, Any] = field(default_factory=dict)
    prepare: tuple[Preparation, ...] = ()


@dataclass(frozen=True)
class Lab:
    """`tree` tells where everything stands."""

    hosts: Mapping[str, LabHost]
    change: Mapping[str, Any]
    prepare: tuple[Preparation, ...]
    tree: Tree


def read_lab(path: Path | str) -> Lab:
    """The map at `path`. BadDocument with every mistake of spelling and type."""
    tree = load(path, "The map")
    reading = Reading(tree)
    written = reading.record(_Written, tree.data, ())
    if written is not BROKEN:
        for name, host in written.hosts.items():
            check_connect(host.connect, reading, ("hosts", name, "connect"))
        for number, one in enumerate(written.prepare):
            if (one.restore is None) == (one.uses is None) or (one.uses is not None and one.host is None):
                reading.mistake(
                    ("prepare", number),
                    "A preparation restores an asset, or names a host and an action.",
                    "Write {restore: ASSET, made: {...}} or {host: NAME, uses: ACTION, with: {...}}.",
                )
    reading.finish()
    return Lab(written.hosts, written.change, written.prepare, tree)


def lab_plan(plan: Plan, lab: Lab, catalogue: Catalogue) -> Plan:
    """The same plan for the lab. BadInput when the map does not fit it or would make another plan, or when the guides
    have changed since; Blocked when findings forbid it in the lab."""
    estate = _estate(plan, lab, catalogue)
    guides = {one.name: one.digest for one in plan.guides}
    accept = [Acceptance(one.rule, one.subject) for one in plan.findings if one.accepted]
    made = make_plan(estate, catalogue, signatures(), to=plan.aim, accept=accept)
    if not isinstance(made, Plan):
        blockers = "; ".join(f"{one.rule}: {one.message}" for one in made.findings if one.blocks)
        raise Blocked(f"The lab cannot rehearse this plan: {blockers}", "Mend the lab, or the map.")
    other = [one.name for one in made.guides if guides.get(one.name) != one.digest]
    if other:
        raise BadInput(
            f"The guide {other[0]!r} has changed since the plan was made.",
            "Make the plan anew, then rehearse that one.",
        )
    for ours, theirs in zip(made.steps, plan.steps, strict=False):
        if _shape(ours) != _shape(theirs):
            raise BadInput(
                f"With this map the plan would be another one: {ours.id} stands where {theirs.id} stood.",
                "Change only paths, ports and connections.",
                lab.tree.place("change"),
            )
    if len(made.steps) != len(plan.steps):
        raise BadInput(
            f"With this map the plan would have {len(made.steps)} steps, not {len(plan.steps)}.",
            "Change only paths, ports and connections.",
            lab.tree.place("change"),
        )
    return made


def preparing_plan(made: Plan, lab: Lab) -> Plan | None:
    """What is done in the lab first, as a plan of its own; None when the map names nothing. BadInput when a preparation
    does not fit."""
    steps: list[Step] = []
    known = signatures()
    for number, one in enumerate(lab.prepare):
        place = lab.tree.place("prepare", number)
        for host, uses, with_ in _actions(one, made, place):
            if uses not in known:
                raise UnknownName("The action", uses, known, place)
            if host not in made.estate.hosts:
                raise UnknownName("The host", host, made.estate.hosts, place)
            steps.append(_step(len(steps) + 1, host, uses, with_, known[uses], steps[-1].id if steps else None))
    if not steps:
        return None
    return freeze(
        replace(
            made,
            digest="",
            findings=(),
            hops=(),
            steps=tuple(steps),
            back=(),
            point_of_no_return=None,
            downtime={},
            errata=(),
        )
    )


def _estate(plan: Plan, lab: Lab, catalogue: Catalogue) -> Estate:
    used = dict.fromkeys(step.host for step in plan.steps if step.host is not None)
    missing = [name for name in used if name not in lab.hosts]
    if missing:
        raise BadInput(
            f"The map does not say how {missing[0]} is reached in the lab.",
            "Name every host of the plan under `hosts`.",
            lab.tree.place("hosts"),
        )
    for name, one in lab.hosts.items():
        if name not in plan.estate.hosts:
            raise UnknownName("The host", name, plan.estate.hosts, lab.tree.key_place("hosts", name))
        if one.connect == plan.estate.hosts[name].connect and not one.same_machine:
            raise BadInput(
                f"The map leads to the real {name}: it is reached as the estate reaches it.",
                "Name a lab host; or, if only paths keep the two apart, say `same_machine: true`.",
                lab.tree.place("hosts", name),
            )
    changes = {path: (value, lab.tree.place("change", path)) for path, value in lab.change.items()}
    data = changed(estate_to_json(plan.estate), changes)
    # Approvals are for the real thing.
    data.pop("approvers", None)
    data["name"] = f"{plan.estate.name}-lab"
    estate = check_estate(estate_document(tree_of(data, "The lab's estate")), catalogue)
    hosts = {
        name: replace(host, connect=lab.hosts[name].connect) if name in lab.hosts else replace(host, connect=None)
        for name, host in estate.hosts.items()
    }
    return replace(estate, hosts=hosts)


def _shape(step: Step) -> tuple[Any, ...]:
    return step.id, step.uses, step.revision, step.host, step.after, step.kind


def _actions(one: Preparation, made: Plan, place: Place) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Host, action and parameters of everything that a preparation does."""
    if one.uses is not None:
        yield one.host or "", one.uses, one.with_
        return
    makers = [step for step in made.steps if step.kind == "back-up" and one.restore in step.protects]
    if not makers:
        assets = dict.fromkeys(asset for step in made.steps if step.kind == "back-up" for asset in step.protects)
        raise UnknownName("The asset", one.restore or "", assets, place)
    maker = makers[0]
    try:
        actions = build(maker.uses, maker.with_).restore(one.made)
    except KeyError as missing:
        raise BadInput(
            f"What the backup of {one.restore} made lacks {missing}.",
            f"Give under `made` the outputs of {maker.uses}.",
            place,
        ) from None
    except BadInput as error:
        raise BadInput(error.message, error.advice, place) from None
    for action in actions:
        uses, with_ = described(action)
        yield maker.host or "", uses, with_


def _step(
    number: int, host: str, uses: str, with_: Mapping[str, Any], signature: Signature, before: str | None
) -> Step:
    build(uses, with_)  # a wrong parameter is said before anything begins
    return Step(
        id=f"lab/prepare/{number}-{uses.rpartition('.')[2].replace('_', '-')}",
        title=f"Prepare the lab: {uses} on {host}",
        installation="lab",
        host=host,
        uses=uses,
        revision=signature.revision,
        kind=signature.kind,
        source=_SOURCE,
        with_=with_,
        after=(before,) if before else (),
        way_back=WayBack("none"),
    )

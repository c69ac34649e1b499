"""The judge of a rehearsal: what is really so on a twin, and no action's or journal's word for it.

`essence` is what must be as it was when a run has been taken back: builds, programs and configuration in their folders,
databases with content and schema, key sets, services, letters and media. What a run leaves beside that (copies of
media, backups, logs) is no harm.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from handrail.model.journal import Event
from handrail.model.plan import Plan
from handrail.rehearsing import judging, truths
from handrail.rehearsing.differences import short
from handrail.rehearsing.life import Stage
from handrail.rehearsing.pretending import Attempt, Carried
from handrail.twin.codec import encode
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases, files, keys
from handrail.twin.things import SYSTEM, Component, Database, Drive, KeySet, Product, Service, Software, Volume
from handrail.twin.world import Twin

RETIRED = "out of use: "
KEY_SET = "the key set of "
MEDIUM = "the medium in "
SOFTWARE = "the software "
STARTS = "how often it has started: "

Essence = Mapping[str, str]
"""What it is about, in words -> how it is."""


def essence(twin: Twin) -> Essence:
    """All of an estate that people would miss."""
    found: dict[str, str] = {}
    for host in twin.hosts:
        if twin.state.table(host, "system"):
            found.update(_of(twin.machine(host), host))
    return found


def _of(machine: Machine, host: str) -> Iterator[tuple[str, str]]:
    yield STARTS + host, str(machine.system.boots)
    for product in machine.all(Product):
        for name in product.features:
            yield f"the build of {name} on {host}", product.version
    for component in machine.all(Component):
        runs_as, lies_in = component.account or "nobody", f"{component.database or 'nothing'} at {component.server}"
        yield f"{component.name} on {host}", f"run by {runs_as} on {lies_in}"
        for entry in files.below(machine, component.folder):
            if not entry.folder and not entry.path.lower().endswith((".log", ".txt.log")):
                content = entry.version or (files.content(entry).decode("utf-8", "replace") or entry.sha256)
                yield f"{entry.path} on {host}", content
        yield f"the secrets of {component.name} on {host}", _secrets(machine, component)
    for service in machine.all(Service):
        yield f"the service {service.name} on {host}", f"{service.state}, {service.start}, as {service.account}"
    for database in machine.all(Database):
        yield f"the database {database.name} on {host}", _content(database, _histories(machine))
    for own in machine.all(KeySet):
        yield f"{KEY_SET}{own.account} on {host}", own.id
    for drive in machine.all(Drive):
        if drive.session == SYSTEM:
            yield f"the letter {drive.letter} on {host}", drive.folder
    for volume in machine.all(Volume):
        if volume.image:
            yield f"{MEDIUM}{volume.letter} on {host}", volume.image
    for one in machine.all(Software):
        # A newer one does the same; taking it away could break what was installed meanwhile.
        yield f"{SOFTWARE}{one.name} on {host}", "there"


def _histories(machine: Machine) -> frozenset[str]:
    """Tables in which products note how often they were told to do something."""
    methods = (
        method
        for bits in machine.context.declarations.products.values()
        for wmi in bits.wmi
        for method in wmi.methods.values()
    )
    return frozenset(str(one["history"]) for one in methods if one.get("history"))


def _content(database: Database, histories: frozenset[str]) -> str:
    """Of a history only what was done: what may be repeated is noted as often as it was."""
    held = encode(database)
    told = {name: held.get(name) for name in ("guid", "key_set", "schema", "state", "tables")}
    tables = dict(told["tables"] or {})
    for name in histories & tables.keys():
        rows = ({key: value for key, value in row.items() if key != "number"} for row in tables[name].get("rows") or ())
        tables[name] = sorted({json.dumps(row, sort_keys=True) for row in rows})
    content = json.dumps({**told, "tables": tables}, sort_keys=True)
    return RETIRED + content if database.state == "OFFLINE" else content


def _secrets(machine: Machine, component: Component) -> str:
    found = databases.of_component(machine, component)
    if found is None or not found[1].key_set:
        return "none"
    own = keys.usable(machine, component.account)
    return "readable" if own is not None and own.id == found[1].key_set else "lost"


def missed(before: Essence, after: Essence) -> list[str]:
    """What is not as it was before, in sentences."""
    found = []
    keys = {how for name, how in before.items() if name.startswith(KEY_SET)}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new or name.startswith(STARTS):
            continue
        if new is None and name.startswith(MEDIUM) and _restarted(name.rpartition(" on ")[2], before, after):
            continue  # no medium stays mounted when its host restarts, whoever restarted it
        if new is None:
            found.append(f"{name} is gone: it was {short(old or '', 120)}")
        elif old is None and new.startswith(RETIRED):
            continue  # a copy that was taken out of use is as good as a backup
        elif old is None and name.startswith(SOFTWARE):
            continue  # a driver or runtime that was added stays, for the same reason; the rollback says so
        elif old is None and name.startswith(KEY_SET) and new not in keys:
            continue  # made for a program that ran there; nothing that there was before opens with it
        elif old is None:
            found.append(f"{name} was not there before: {short(new, 120)}")
        else:
            found.append(f"{name} is {_part(new, old)}, and was {_part(old, new)}")
    return found


def _restarted(host: str, before: Essence, after: Essence) -> bool:
    return before.get(STARTS + host) != after.get(STARTS + host)


def _part(text: str, other: str) -> str:
    """The part of a long text in which it is otherwise."""
    if len(text) <= 120:
        return text
    at = next((n for n, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1]), 0)
    return "…" + short(text[max(at - 40, 0) :], 120)


def twice(stage: Stage, before: Twin) -> list[str]:
    """What was brought about more than once since `before`, in sentences. What may be repeated (backups, exports,
    imports) is no harm after a fault."""
    carried = Carried(stage.status(), before, stage.twin, _attempts(stage.journal.read(stage.run)))
    wanted = (truths.EffectsTruth(effects="once", of=judging.STATES),)
    return [message for _, message in judging.truth(wanted, stage.plan, carried)]


def _attempts(events: list[Event]) -> tuple[Attempt, ...]:
    found: dict[tuple[str, int], Attempt] = {}
    for event in events:
        entry = event.entry
        if entry.step is None:
            continue
        key = (entry.step, entry.attempt)
        if entry.kind == "begun":
            found.setdefault(key, Attempt(entry.step, entry.attempt, event.at))
        elif key in found and entry.kind in ("done", "failed"):
            one = found[key]
            found[key] = Attempt(one.step, one.number, one.begun, event.at)
    return tuple(found.values())


def unpromised(plan: Plan, stage: Stage, before: Twin) -> list[str]:
    """What the end of a run that succeeded does not keep of what its plan promised: the build of every hop's end."""
    last = {hop.installation: hop for hop in plan.hops}
    wanted: list[truths.Truth] = []
    for installation, hop in last.items():
        deployment, _, id = installation.partition("/")
        aim = plan.estate.aim.get(deployment)
        aimed = aim.installations.get(id) if aim else None
        if hop.build is not None and hop.method != "manual":
            wanted.append(
                truths.InstallationTruth(installation=installation, build=hop.build, host=aimed.host if aimed else None)
            )
    carried = Carried(stage.status(), before, stage.twin, ())
    return [message for _, message in judging.truth(tuple(wanted), plan, carried)]

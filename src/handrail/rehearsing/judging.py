"""Judges a run by the twin's ground truth, and by how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handrail.documents.read import Keys
from handrail.errors import suggestion
from handrail.model.estate import Estate, Installation
from handrail.model.plan import Plan
from handrail.rehearsing import truths
from handrail.rehearsing.differences import Found, holds_text, short, shown
from handrail.rehearsing.naming import meant, nothing
from handrail.rehearsing.plants import BEFOREHAND
from handrail.rehearsing.pretending import Attempt, Carried
from handrail.rehearsing.scenario import Ending
from handrail.rehearsing.truths import Truth
from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases, files, installer, keys, registry, resources
from handrail.twin.store import Effect
from handrail.twin.things import SYSTEM, Component, Database, Drive, Entry, Product, Service, Software, Volume

STATES = ("software", "database")
"""Kinds of effects that bring a state about: once in a run."""

RECEIPTS = ("backup", "keys", "agent")
"""Kinds of effects of which every attempt makes its own: once in an attempt."""

_PERSON = "person: "


# -- how it ended -------------------------------------------------------------------------------------------------


def ending(expected: Ending, ends: str, carried: Carried, within: Keys = ("run",)) -> Found:
    """What is otherwise about the end of the run and the states of its steps. `ends`: how it was to end; `within`:
    where the scenario says so."""
    status = carried.status
    stands = [step for step in status.steps if step.state in ("failed", "in-doubt", "waiting")]
    if status.state != ends:
        at = "; ".join(f"{step.id} is {step.state}: {short(step.because, 400)}" for step in stands[:3])
        yield (*within, "ends"), f"Expected the run to end {ends}, got {status.state}{': ' + at if at else ''}."
    elif expected.at is not None and not meant(expected.at, [step.id for step in stands]):
        got = shown([step.id for step in stands])
        yield (*within, "at"), f"Expected the run to stand at {expected.at}, got {got}."
    causes = " ".join(step.because for step in stands)
    for n, part in enumerate(expected.says):
        if not holds_text(causes, part):
            yield (*within, "says", n), f"Expected the run to end saying {part!r}, got {short(causes, 400)!r}."
    ids = [step.id for step in status.steps]
    states = {step.id: step for step in status.steps}
    for state, names in (("skipped", expected.skipped), ("done", expected.done)):
        for n, name in enumerate(names):
            if not meant(name, ids):
                yield (*within, state, n), nothing(name, ids)
            for id in meant(name, ids):
                if states[id].state != state:
                    yield (*within, state, n), f"Expected {id} to end {state}, got {states[id].state}."
    for name, times in expected.tried.items():
        if not meant(name, ids):
            yield (*within, "tried", name), nothing(name, ids)
        for id in meant(name, ids):
            if states[id].attempts != times:
                tried, why = states[id].attempts, _why(states[id].because)
                yield (*within, "tried", name), f"Expected {times} attempts at {id}, got {tried}: {why}"
    for name, parts in expected.because.items():
        if not meant(name, ids):
            yield (*within, "because", name), nothing(name, ids)
        for id in meant(name, ids):
            said = states[id].because
            for part in (one for one in parts if not holds_text(said, one)):
                yield (*within, "because", name), f"Expected {id} to say {part!r}, got {_why(said)}"


def _why(because: str) -> str:
    return short(because, 300) or "it says nothing of why."


# -- the twin -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judge:
    estate: Estate
    carried: Carried

    def machine(self, host: str) -> Machine | None:
        return self.carried.after.machine(host) if host in self.carried.after.hosts else None


def truth(expected: tuple[Truth, ...], plan: Plan, carried: Carried, within: Keys = ("run",)) -> Found:
    """What is otherwise about the twin."""
    judge = _Judge(plan.estate, carried)
    for n, one in enumerate(expected):
        for message in _JUDGES[type(one)](judge, one):
            yield (*within, "twin", n), message


def _no_host(judge: _Judge, name: str) -> str:
    return f"The estate has no host {name!r}. {suggestion(name, judge.carried.after.hosts)}"


def _installation(judge: _Judge, expected: truths.InstallationTruth) -> Iterator[str]:
    deployment, _, id = expected.installation.partition("/")
    component, _, own = id.partition("@")
    host = expected.host or own
    machine = judge.machine(host)
    if machine is None:
        yield _no_host(judge, host)
        return
    there = machine.components().get(component)
    if there is not None and there.deployment not in (deployment, ""):
        there = None
    product = next((one for one in machine.all(Product) if component in one.features), None)
    where = f"{component} on {host}"
    if expected.absent:
        if there is not None:
            yield f"Expected no {where}, got build {product.version if product else 'unregistered'}."
        return
    if there is None or product is None:
        yield f"Expected {where}{_at(expected.build)}, got nothing installed."
        return
    if expected.build is None:
        return
    if product.version != expected.build:
        yield f"Expected {where} at {expected.build}, got {product.version}."
        return
    for entry in files.below(machine, there.folder):
        declared = machine.context.declarations.component(there.product, component)
        name = paths.relative(entry.path, there.folder)
        if declared and name in declared.files and entry.version != expected.build:
            yield f"{where} is registered at {expected.build}, but its {name} is of {entry.version}."


def _at(build: str | None) -> str:
    return f" at {build}" if build else ""


def _database(judge: _Judge, expected: truths.DatabaseTruth) -> Iterator[str]:
    stated = judge.estate.databases.get(expected.database)
    if stated is None:
        near = suggestion(expected.database, judge.estate.databases)
        yield f"The estate has no database {expected.database!r}. {near}"
        return
    host = expected.host or _database_host(judge.estate, expected.database)
    machine = judge.machine(host)
    if machine is None:
        yield _no_host(judge, host)
        return
    called = expected.name or stated.name
    after = machine.get(Database, f"{stated.instance or ''}|{called}")
    before = judge.carried.before.machine(stated.host).get(Database, f"{stated.instance or ''}|{stated.name}")
    if expected.content == "absent":
        if after is not None:
            yield f"Expected no database {called} on {host}, got one of {len(after.tables)} tables."
        return
    if after is None:
        yield f"Expected the database {called} on {host}, got none."
        return
    lost = _lost(before, after) if before is not None else "there was none before"
    if expected.content == "kept" and lost:
        yield f"Expected {called} to keep its content; {lost}."
    if expected.content == "changed" and not lost:
        yield f"Expected {called} to lose content; all of it is there."
    if expected.schema is not None and before is not None:
        newer = after.schema > before.schema
        if newer != (expected.schema == "newer"):
            got = f"{before.schema} before and {after.schema} after"
            yield f"Expected the schema of {called} to be {expected.schema}, got {got}."
    if expected.secrets is not None or expected.keys is not None:
        yield from _secrets(judge, expected, after)


def _database_host(estate: Estate, id: str) -> str:
    """Where it is meant to be afterwards."""
    for aim in estate.aim.values():
        moved = aim.facts.get("databases")
        one = moved.get(id) if isinstance(moved, Mapping) else None
        if isinstance(one, Mapping) and one.get("host"):
            return str(one["host"])
    return estate.databases[id].host


def _lost(before: Database, after: Database) -> str:
    """What was in a database and is not any more; more rows, and another schema, are no loss."""
    if before.guid != after.guid:
        return "it is another database of the same name"
    if before.key_set and after.key_set != before.key_set:
        return "its secrets are under another key set"
    for name, table in before.tables.items():
        if name not in after.tables:
            return f"the table {name} is gone"
        old, new = table.get("rows"), after.tables[name].get("rows")
        if isinstance(old, int):
            if (old, table.get("digest")) != (new, after.tables[name].get("digest")):
                return f"the table {name} holds other rows"
        elif isinstance(new, int) or new is None:
            return f"the table {name} holds other rows"
        elif name == resources.TABLE:
            # Setup writes its own forms and texts there, and calls languages otherwise: TableTruth judges those.
            if gone := {row["id"] for row in old or ()} - {row["id"] for row in new}:
                return f"the table {name} lost {sorted(gone)[0]}"
        elif missing := [row for row in old or () if row not in new]:
            return f"the table {name} lost {short(shown([dict(missing[0])]))}"
    return ""


def _secrets(judge: _Judge, expected: truths.DatabaseTruth, database: Database) -> Iterator[str]:
    users = list(_key_users(judge, expected.database))
    if not database.key_set or not users:
        yield f"{database.name} holds nothing that is encrypted under a key set."
        return
    for installation, host in users:
        where = f"the secrets of {database.name} where {installation.component} stands on {host}"
        machine = judge.machine(host)
        there = machine.components().get(installation.component) if machine else None
        if machine is None or there is None:
            yield f"Expected {where} to be {expected.secrets or 'judged'}; it is not installed there."
            continue
        because = _unreadable(machine, there, database)
        if expected.secrets == "readable" and because:
            yield f"Expected to read {where}; {because}."
        if expected.secrets == "lost" and not because:
            yield f"Expected {where} to be lost; they can be read."
        kept = "container" if there.container else "profile"
        if expected.keys is not None and kept != expected.keys:
            yield f"Expected the keys to {where} in a {expected.keys}, got {_place(machine, there)}."


def _key_users(judge: _Judge, database: str) -> Iterator[tuple[Installation, str]]:
    """Installations that keep secrets in that database, and the host where each is meant to stand."""
    declarations = judge.carried.after.machine(judge.carried.after.hosts[0]).context.declarations
    for deployment in judge.estate.deployments.values():
        aim = judge.estate.aim.get(deployment.id)
        for one in deployment.installations:
            bits = declarations.component(deployment.product, one.component)
            if one.database == database and bits is not None and bits.keys:
                aimed = aim.installations.get(one.id) if aim else None
                yield one, aimed.host if aimed and aimed.host else one.host


def _unreadable(machine: Machine, there: Component, database: Database) -> str:
    """Why the component's service cannot decrypt what the database holds; nothing when it can."""
    own = keys.of_component(machine, there)
    if own is None:
        held = keys.in_container(machine, there.container) if there.container else None
        whose = f", where one of {held.account} lies" if held else ""
        return f"{there.account} can open no key set in {_place(machine, there)}{whose}"
    return "" if own.id == database.key_set else f"{there.account} has another key set in {_place(machine, there)}"


def _place(machine: Machine, there: Component) -> str:
    return f"the container {there.container}" if there.container else f"its profile on {machine.name}"


def _table(judge: _Judge, expected: truths.TableTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    database = next((one for one in machine.all(Database) if one.name.lower() == expected.of.lower()), None)
    if database is None or expected.table not in database.tables:
        yield f"{expected.host} has no table {expected.table} in a database {expected.of}."
        return
    rows = databases.rows(database, expected.table)
    found = [row for row in rows if all(row.get(name) == one for name, one in expected.where.items())]
    where = f"a row of {expected.table} with {shown([dict(expected.where)])}"
    if expected.absent == bool(found):
        yield f"Expected {'no such row' if expected.absent else where}, got {len(found)} of {len(rows)} rows."
        return
    texts = [str(row.get("value", "")) for row in found]
    if expected.contains and not any(all(part in text for part in expected.contains) for text in texts):
        yield f"Expected {where} to hold {shown(expected.contains)}, got {short(texts[0], 300)!r}."
    for part in expected.lacks:
        if any(part in text for text in texts):
            yield f"Expected {where} not to hold {part!r}; it does."


def _service(judge: _Judge, expected: truths.ServiceTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    found = machine.get(Service, expected.service)
    state = found.state.lower() if found else "absent"
    if expected.state is not None and state != expected.state:
        yield f"Expected {expected.service} on {expected.host} to be {expected.state}, got {state}."
    if expected.account is not None and found and found.account.lower() != expected.account.lower():
        yield f"Expected {expected.service} on {expected.host} to run as {expected.account}, got {found.account}."


def _file(judge: _Judge, expected: truths.FileTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    found = [one for one in machine.all(Entry) if paths.matches(one.path, expected.path)]
    where = f"{expected.path} on {expected.host}"
    if not expected.exists:
        if found:
            yield f"Expected no {where}, got {found[0].path}."
        return
    if not found:
        near = suggestion(expected.path, [one.path for one in machine.all(Entry)])
        yield f"Expected {where}, got none. {near if near.startswith('Did') else ''}".rstrip()
        return
    texts = [_text(files.content(one)) for one in found if not one.folder]
    if expected.contains and not any(all(part in text for part in expected.contains) for text in texts):
        yield f"Expected {where} to hold {shown(expected.contains)}, got {short(texts[0] if texts else '', 300)!r}."
    for part in expected.lacks:
        if any(part in text for text in texts):
            yield f"Expected {where} not to hold {part!r}; it does."


def _text(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace")


def _registry(judge: _Judge, expected: truths.RegistryTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    key = registry.find(machine, expected.registry, expected.view)
    where = f"{expected.registry}" + (f", value {expected.value}" if expected.value is not None else "")
    data = registry.value(machine, expected.registry, expected.value, expected.view) if expected.value else None
    there = key is not None if expected.value is None else data is not None
    if there == expected.absent:
        got = (data or "it") if there else "none"
        yield f"Expected {'no ' if expected.absent else ''}{where} on {expected.host}, got {got}."
    elif expected.is_ is not None and data != expected.is_:
        yield f"Expected {where} on {expected.host} to be {expected.is_!r}, got {data!r}."


def _drives(judge: _Judge, expected: truths.DrivesTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    mapped = sorted(one.letter for one in machine.all(Drive) if one.session == SYSTEM)
    if mapped != sorted(expected.drives):
        yield f"Expected {shown(expected.drives)} mapped on {expected.host}, got {shown(mapped)}."
    mounted = sorted(one.label for one in machine.all(Volume) if one.image)
    if mounted != sorted(expected.mounted):
        yield f"Expected {shown(expected.mounted)} mounted on {expected.host}, got {shown(mounted)}."


def _software(judge: _Judge, expected: truths.SoftwareTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    found = machine.get(Software, expected.software)
    version = found.version if found else None
    if expected.absent == (found is not None) or (expected.version is not None and version != expected.version):
        wanted = "none" if expected.absent else expected.version or "any version"
        yield f"Expected {expected.software} on {expected.host} to be {wanted}, got {shown(version)}."


def _label(judge: _Judge, expected: truths.LabelTruth) -> Iterator[str]:
    machine = judge.machine(expected.host)
    if machine is None:
        yield _no_host(judge, expected.host)
        return
    product = next((one for one in machine.all(Product) if expected.component in one.features), None)
    if product is None:
        yield f"{expected.component} is not installed on {expected.host}."
        return
    key = rf"{installer.PRODUCTS}\{installer.packed(product.code)}\SourceList\Media"
    label = (registry.value(machine, key, "1") or "").partition(";")[0]
    if label != expected.label:
        yield f"Expected the installer to remember the label {expected.label!r} of {expected.component}, got {label!r}."


def _verify(judge: _Judge, expected: truths.VerifyTruth) -> Iterator[str]:
    found = judge.carried.verification
    broken = [one for one in found.checks if one.verdict in ("broken", "unknown")] if found else []
    if expected.verify == "holds":
        if found is None:
            yield "Expected that everything lasting holds; nothing lasting was done."
        for one in broken[:5]:
            yield f"Expected that everything lasting holds; {one.step} is {one.verdict}: {short(one.because, 300)}"
    elif not broken:
        yield "Expected that something does not hold; everything does."


# -- effects ------------------------------------------------------------------------------------------------------


def _noted(judge: _Judge, host: str | None) -> list[Effect]:
    """The effects of the run; what was planted is none of them."""
    first = judge.carried.first
    if first is None:
        first = len(judge.carried.before.effects())
    noted = judge.carried.after.effects()[first:]
    return [one for one in noted if one.command != BEFOREHAND and host in (None, one.host)]


def _happened(judge: _Judge, expected: truths.HappenedTruth) -> Iterator[str]:
    noted = Counter(one.what for one in _noted(judge, expected.host))
    for what, times in expected.happened.items():
        if noted[what] != times:
            near = suggestion(what, noted) if not noted[what] else ""
            near = f" {near}" if near.startswith("Did") else ""
            yield f"Expected {what!r} {times} times, got {noted[what]}.{near}"


def _effects(judge: _Judge, expected: truths.EffectsTruth) -> Iterator[str]:
    found = [one for one in _noted(judge, expected.host) if not expected.of or one.kind in expected.of]
    if expected.effects == "none":
        for one in found[:5]:
            yield f"Expected no effect, got {one.kind} on {one.host}: {one.what}."
        return
    states = Counter((one.kind, one.host, one.what, _by(one)) for one in found if one.kind in STATES)
    for (kind, host, what, _), times in states.items():
        if times > 1:
            yield f"Expected every effect once, got {times} times {kind} on {host}: {what}."
    attempts = judge.carried.attempts
    receipts = Counter(
        (one.kind, one.host, one.what, _under_way(one, attempts)) for one in found if one.kind in RECEIPTS
    )
    for (kind, host, what, under_way), times in receipts.items():
        if times > 1:
            during = ", ".join(sorted(under_way)) or "no step"
            yield f"Expected every effect once, got {times} times {kind} on {host} during {during}: {what}."


def _by(effect: Effect) -> str:
    """What tells an effect from one that only looks like it. Two people may each install what comes out of one package;
    a person is known by the step. A database may be put back from one restore point after the other, each hop's in
    turn; the command names its file."""
    direct = effect.kind == "database" and effect.job is None
    return effect.command if direct or effect.command.startswith(_PERSON) else ""


def _under_way(effect: Effect, attempts: tuple[Attempt, ...]) -> frozenset[str]:
    """The attempts that were under way when it happened."""
    at = datetime.fromisoformat(effect.at)
    return frozenset(
        f"{one.step} ({one.number})"
        for one in attempts
        if datetime.fromisoformat(one.begun) <= at and (one.ended is None or at <= datetime.fromisoformat(one.ended))
    )


_JUDGES: Mapping[type[Truth], Callable[[_Judge, Any], Iterator[str]]] = {
    truths.InstallationTruth: _installation,
    truths.DatabaseTruth: _database,
    truths.TableTruth: _table,
    truths.ServiceTruth: _service,
    truths.FileTruth: _file,
    truths.RegistryTruth: _registry,
    truths.DrivesTruth: _drives,
    truths.SoftwareTruth: _software,
    truths.LabelTruth: _label,
    truths.EffectsTruth: _effects,
    truths.HappenedTruth: _happened,
    truths.VerifyTruth: _verify,
}

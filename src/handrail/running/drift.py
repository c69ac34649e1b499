"""Whether what the pending steps of a run rest on is still so.

Pure: which facts those are, and what each should be now (`Basis.expected`): what the estate said, or what a step of the
run has left since. Then the hosts are asked (`look`), only for those. What a hop under way is about to change may be as
it was or as it will be, and what an action that has begun may have changed unsaid is left to the steps themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from handrail.errors import Blocked, HostError, HostUnreachable
from handrail.hosts.protocol import Host
from handrail.model.journal import Event
from handrail.model.plan import Plan, Step
from handrail.probing.again import Again, Never, Ways
from handrail.probing.readings import Reading, Unread, Witness
from handrail.running.scheduler import Schedule

AT_A_TIME = 16
_NOTHING = object()
_STATED = ("os", "software", "name", "host", "instance", "version", "kind", "build")


@dataclass(frozen=True, slots=True)
class Expected:
    """A fact that `steps` (pending ones) rest on, what it should be now, and what else it may be by now. `ours`: a step
    of the run has left it, or is about to."""

    address: str
    value: Any
    or_: tuple[Any, ...]
    steps: tuple[str, ...]
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """`commands` have shown `seen` on `host`; planned was `planned`."""

    address: str
    planned: Any
    seen: Any
    host: str
    commands: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Silent:
    """A host that did not answer, so that nobody knows."""

    host: str
    because: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A fact that is taken from the plan as it is: nobody can read it, or it could not be read."""

    address: str
    because: str


@dataclass(frozen=True, slots=True)
class Drift:
    changed: tuple[Changed, ...] = ()
    silent: tuple[Silent, ...] = ()
    taken: tuple[Taken, ...] = ()

    @property
    def refuses(self) -> bool:
        return bool(self.changed or self.silent)


class Basis:
    """What a plan rests on, gone through once: which hops begin at which builds, what the estate states where, and how
    each fact is looked at again."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ways = Ways(plan.estate, plan.detect)
        self.hops = _hops_that_begin(plan)
        estate = plan.estate
        self._sections: Mapping[str, Mapping[str, Any]] = {
            "host": estate.hosts,
            "database": estate.databases,
            "account": estate.accounts,
        }
        self._installations = {one.subject: one for each in estate.deployments.values() for one in each.installations}

    def stated(self, address: str) -> Any:
        """What the estate states at an address; a private marker when it says nothing there."""
        base, _, key = address.rpartition(".")
        scope, _, name = base.partition(":")
        entry: Any = self._sections.get(scope, {}).get(name) if name else self._installations.get(base)
        if entry is None:
            return _NOTHING
        if key in entry.facts:
            return entry.facts[key]
        value = getattr(entry, key, None) if key in _STATED else None
        return _NOTHING if value is None and key != "instance" else value

    def expected(self, schedule: Schedule, steps: Sequence[Step] | None = None) -> list[Expected]:
        """In the order in which steps first rest on them. `steps`: only what these rest on, by default all."""
        steps = self.plan.steps if steps is None else steps
        now: dict[str, Any] = {}
        maybe: dict[str, list[Any]] = {}
        resting: dict[str, list[str]] = {}
        first: dict[str, Any] = {}
        under_way = {_hop(step) for step in steps if _acts(step) and _has_begun(step, schedule)}
        for step in steps:
            state = schedule.one(step.id).state
            for fact in step.rests_on:
                first.setdefault(fact.address, fact.value)
            if state == "pending":
                for address in (*(fact.address for fact in step.rests_on), *self.hops.get(step.id, ())):
                    resting.setdefault(address, []).append(step.id)
            for fact in step.leaves:
                if state == "done":
                    now[fact.address] = fact.value
                elif state != "skipped" and (_hop(step) in under_way or _has_begun(step, schedule)):
                    maybe.setdefault(fact.address, []).append(fact.value)
        found = []
        for address, those in resting.items():
            value = now.get(address, _NOTHING)
            if value is _NOTHING:
                value = self.stated(address)
            if value is _NOTHING:
                value = first.get(address, _NOTHING)
            if value is not _NOTHING:
                ours = address in now or address in maybe
                found.append(Expected(address, value, tuple(maybe.get(address, ())), tuple(those), ours))
        return found


def _hop(step: Step) -> str:
    return step.id.rpartition("/")[0]


def _acts(step: Step) -> bool:
    return step.kind in ("do", "person", "reboot")


def _has_begun(step: Step, schedule: Schedule) -> bool:
    one = schedule.one(step.id)
    return one.attempts > 0 or one.state in ("begun", "done", "failed", "in-doubt", "waiting")


def _hops_that_begin(plan: Plan) -> dict[str, list[str]]:
    """A hop begins at a build, whether or not one of its steps reads it: the first step of each rests on that."""
    begun: set[str] = set()
    found: dict[str, list[str]] = {}
    installations = {hop.installation for hop in plan.hops}
    for step in plan.steps:
        if step.installation in installations and _hop(step) not in begun:
            begun.add(_hop(step))
            found.setdefault(step.id, []).append(f"{step.installation}.build")
    return found


async def look(plan: Plan, schedule: Schedule, hosts: Callable[[str], Host]) -> Drift:
    """Ask the hosts. Nothing on them is changed."""
    return await _look(Basis(plan), schedule, hosts, plan.steps)


class Lookout:
    """What there is to look at again on one host at a time, for whoever carries on the lanes of a large plan."""

    def __init__(self, plan: Plan) -> None:
        self._basis = basis = Basis(plan)
        self._steps: dict[str, list[Step]] = {}
        seen_on: dict[str, str | None] = {}
        for step in plan.steps:
            facts = (*(fact.address for fact in (*step.rests_on, *step.leaves)), *basis.hops.get(step.id, ()))
            for address in facts:
                if address not in seen_on:
                    way = basis.ways.to(address)
                    seen_on[address] = None if isinstance(way, Never) else way.host
            # With what was done there: it tells what may have changed unsaid.
            its = (step.host, step.installation.rpartition("@")[2], *(seen_on[one] for one in facts))
            for host in dict.fromkeys(one for one in its if one):
                self._steps.setdefault(host, []).append(step)

    async def look(self, schedule: Schedule, hosts: Callable[[str], Host], host: str) -> Drift:
        """Ask one host for what pending steps, of whatever host, rest on there."""
        return await _look(self._basis, schedule, hosts, self._steps.get(host, []), host)


async def _look(
    basis: Basis,
    schedule: Schedule,
    hosts: Callable[[str], Host],
    steps: Sequence[Step],
    only: str | None = None,
) -> Drift:
    taken: list[Taken] = []
    by_host: dict[str, list[tuple[Expected, Again]]] = {}
    used = _Used([step for step in steps if _acts(step) and _has_begun(step, schedule)])
    for one in basis.expected(schedule, steps):
        way = basis.ways.to(one.address)
        if only is not None and (isinstance(way, Never) or way.host != only):
            continue
        if isinstance(way, Never):
            if way.worth_saying:
                taken.append(Taken(one.address, way.because))
        elif used.may_have_changed(one.address, way) or (one.ours and not _stays_where_it_is(one.address)):
            continue
        else:
            by_host.setdefault(way.host, []).append((one, way))
    gate = asyncio.Semaphore(AT_A_TIME)

    async def ask(name: str) -> Drift:
        async with gate:
            return await _ask(name, by_host[name], hosts)

    found = await asyncio.gather(*map(ask, by_host))
    return Drift(
        tuple(one for each in found for one in each.changed),
        tuple(one for each in found for one in each.silent),
        (*taken, *(one for each in found for one in each.taken)),
    )


def _stays_where_it_is(address: str) -> bool:
    """Whether a fact is seen in the same place before and after the run has changed it. A database or an account that
    an installation is given may be used by nobody yet, or on another host."""
    return address.startswith("host:") or address.endswith(".build")


class _Used:
    """What actions that have begun were, by host and by installation."""

    def __init__(self, begun: Sequence[Step]) -> None:
        self.hosts: dict[str, set[str]] = {}
        self.installations: dict[str, set[str]] = {}
        for step in begun:
            self.installations.setdefault(step.installation, set()).add(step.uses)
            if step.host is not None:
                self.hosts.setdefault(step.host, set()).add(step.uses)

    def may_have_changed(self, address: str, way: Again) -> bool:
        if way.wide:
            return _any_fits(self.hosts.get(way.host, ()), way.changed_by)
        subject = address.rpartition(".")[0]
        mine = self.installations.get(subject)
        # Accounts and databases belong to the installations on that host.
        uses = mine if mine is not None or "@" in subject else self.hosts.get(way.host, ())
        return _any_fits(uses or (), way.changed_by)


def _any_fits(uses: Any, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(one, pattern) for one in uses for pattern in patterns)


async def _ask(name: str, asked: Sequence[tuple[Expected, Again]], hosts: Callable[[str], Host]) -> Drift:
    addresses = tuple(one.address for one, _ in asked)
    try:
        witness = Witness(hosts(name))
    except KeyError:
        because = f"no step of the plan runs on {name}, so nobody asks it"
        return Drift(taken=tuple(Taken(one, because) for one in addresses))
    changed: list[Changed] = []
    taken: list[Taken] = []
    try:
        for one, way in asked:
            found = await witness.probe(lambda way=way: way.read(witness))  # type: ignore[misc]
            if isinstance(found, Unread):
                if found.silent:
                    return Drift(tuple(changed), (Silent(name, found.because, addresses),), tuple(taken))
                taken.append(Taken(one.address, found.because))
            elif not any(way.same(value, found.value) for value in (one.value, *one.or_)):
                changed.append(_changed(one, found))
    except HostUnreachable as error:
        return Drift(tuple(changed), (Silent(name, str(error), addresses),), tuple(taken))
    except HostError as error:
        taken += [Taken(one, str(error)) for one in addresses]
    return Drift(tuple(changed), (), tuple(taken))


def _changed(one: Expected, found: Reading) -> Changed:
    planned, seen = one.value, found.value
    if isinstance(planned, Mapping) and isinstance(seen, Mapping):
        # Of a mapping only what is otherwise.
        planned = {name: planned.get(name) for name in seen if planned.get(name) != seen[name]}
        seen = {name: seen[name] for name in planned}
    return Changed(one.address, planned, seen, found.host, found.commands, one.steps)


def told(changed: Changed) -> str:
    """In a few words what is otherwise than planned."""
    return f"{changed.address} was planned as {changed.planned!r} and is {changed.seen!r}"


def refusal(events: Iterable[Event]) -> Mapping[str, Any] | None:
    """Why a run did not go on when it was last carried on, by its events; None when it went on, or never drifted."""
    last: Mapping[str, Any] | None = None
    for event in events:
        if event.entry.kind == "drifted":
            last = event.entry.data
        elif event.entry.kind == "taken":
            last = None
    return last


def drift_to_json(drift: Drift) -> dict[str, Any]:
    return {
        "changed": [
            {
                "fact": one.address,
                "planned": one.planned,
                "seen": one.seen,
                "host": one.host,
                "commands": list(one.commands),
                "steps": list(one.steps),
            }
            for one in drift.changed
        ],
        "silent": [{"host": one.host, "because": one.because, "facts": list(one.addresses)} for one in drift.silent],
    }


class Drifted(Blocked):
    """What pending steps rest on is no longer so, or a host did not say. `begun`: steps of the run have begun."""

    def __init__(self, run: str, drift: Drift, begun: bool) -> None:
        self.drift = drift
        if drift.changed:
            facts = ", ".join(one.address for one in drift.changed[:3])
            more = f" and {len(drift.changed) - 3} more" if len(drift.changed) > 3 else ""
            message = f"What the plan rests on has changed since it was made: {facts}{more}."
            advice = f"Put it back as it was and go on with `handrail resume {run}`, or discover and plan anew."
        else:
            names = ", ".join(one.host for one in drift.silent[:3])
            message = f"Whether what the plan rests on is still so could not be seen: {names} did not answer."
            advice = f"Bring it back, then: handrail resume {run}."
        super().__init__(message, advice)
        if begun and not drift.changed:
            self.exit_code = 5


def refuse(run: str, plan: Plan, schedule: Schedule, drift: Drift) -> None:
    """Drifted when the run must not go on like this."""
    if drift.refuses:
        raise Drifted(run, drift, any(_has_begun(step, schedule) for step in plan.steps))

"""Waves: the hosts of a fleet in groups, one group after the other, with a gate between them.

A gate is a barrier: it ends when the group before it is through. Where the estate gives a failure budget, hosts that
failed are through too, and how many may fail in all goes into the plan for its runs to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from handrail.documents.rollout import seconds
from handrail.model.estate import Estate, Host, Rollout, Wave
from handrail.model.finding import Citation, Finding
from handrail.model.plan import Fleet, WaveMembers
from handrail.planning.blocks import Block
from handrail.planning.graph import Link
from handrail.planning.order import Barrier, Reason, Web

LEFT_OUT = "handrail/rollout/left-out"
"""No wave of the rollout takes some of the hosts that it is about."""
NOBODY = "handrail/rollout/nobody"
"""A wave of the rollout has no hosts."""
OURS = Citation("ours", "a fleet is gone through in the waves that its estate states")
ROLLOUT = "rollout"


@dataclass(frozen=True, slots=True)
class Group:
    """Hosts that go together. `name` is its gate's."""

    name: str
    hosts: tuple[str, ...]
    soak: float = 0.0
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Grouped:
    fleet: tuple[str, ...]
    groups: tuple[Group, ...]
    left: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def grouped(rollout: Rollout, hosts: Mapping[str, Host], moving: Iterable[str]) -> Grouped:
    """The hosts of the fleet among those on which something moves, in groups; and those that no wave takes."""
    fleet = sorted(name for name in set(moving) if name in hosts and _has(hosts[name], rollout.of))
    left = dict.fromkeys(fleet)
    groups: list[Group] = []
    empty = []
    for wave in rollout.waves:
        mine = [name for name in left if _has(hosts[name], wave.where)]
        taken = list(_parts(wave, mine, len(fleet)))
        if not taken:
            empty.append(wave.name)
        for name, members in taken:
            groups += _singly(wave, name, members) if wave.one_by_one else [_group(wave, name, members)]
            for member in members:
                del left[member]
    return Grouped(tuple(fleet), tuple(groups), tuple(left) if rollout.waves else (), tuple(empty))


def limit_of(rollout: Rollout, fleet: int) -> int | None:
    """How many hosts may fail; at least one where there is a budget."""
    budget = rollout.budget
    if budget is None:
        return None
    if budget.hosts is not None:
        return budget.hosts
    return max(1, floor((budget.percent or 0.0) * fleet / 100))


def weave_waves(web: Web, estate: Estate, blocks: Iterable[Block]) -> tuple[Fleet | None, list[Finding]]:
    """Put the gates of the estate's rollout into the web; what the plan has to say about it, and findings."""
    rollout = estate.rollout
    if rollout is None:
        return None, []
    own = _by_host(estate, blocks)
    found = grouped(rollout, estate.hosts, own)
    limit = limit_of(rollout, len(found.fleet))
    waves = []
    gate: str | None = None
    for number, group in enumerate(found.groups):
        members = [block for host in group.hosts for block in own[host]]
        if gate is not None:
            reason = Reason("The wave before it goes first.", OURS)
            web.links.extend(Link(gate, block.key, reason) for block in members if block.mend or not block.index)
        last = number == len(found.groups) - 1
        gate = None if last else _gate(web, group, members, limit is not None)
        waves.append(WaveMembers(group.name, tuple(dict.fromkeys(block.subject for block in members)), gate))
    return Fleet(found.fleet, tuple(waves), limit), list(_findings(found))


def _gate(web: Web, group: Group, members: Sequence[Block], tolerant: bool) -> str:
    title = f"Wave {group.name} is through"
    if group.soak:
        title += f", and has held for {_shown(group.soak)}"
    key = f"{ROLLOUT}/{group.name}"
    web.barriers[key] = Barrier(key, ROLLOUT, Reason(title, OURS), group.question, group.soak, tolerant)
    last: dict[str, Block] = {}
    for block in members:
        known = last.get(block.subject)
        if not block.mend and (known is None or known.index < block.index):
            last[block.subject] = block
    reason = Reason("It belongs to this wave.", OURS)
    web.links.extend(Link(block.key, key, reason) for block in last.values())
    return key


def _by_host(estate: Estate, blocks: Iterable[Block]) -> dict[str, list[Block]]:
    """Blocks by the host that their installation shall be on."""
    at: dict[str, str] = {}
    for deployment in estate.deployments.values():
        aim = estate.aim.get(deployment.id)
        for one in deployment.installations:
            wanted = aim.installations.get(one.id) if aim is not None else None
            at[one.subject] = (wanted.host if wanted is not None else None) or one.host
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(at.get(block.subject, block.subject.rpartition("@")[2]), []).append(block)
    return found


def _has(host: Host, labels: Mapping[str, str]) -> bool:
    return all(host.labels.get(name) == value for name, value in labels.items())


def _parts(wave: Wave, hosts: Sequence[str], fleet: int) -> Iterator[tuple[str, list[str]]]:
    """What the wave takes of these hosts, under which names."""
    size = wave.size
    if wave.percent is not None:
        size = max(1, ceil(wave.percent * fleet / 100))
    if not hosts:
        return
    if size is None or not wave.repeat:
        yield wave.name, list(hosts[:size])
        return
    for number, start in enumerate(range(0, len(hosts), size), start=1):
        yield f"{wave.name}-{number}", list(hosts[start : start + size])


def _group(wave: Wave, name: str, hosts: Sequence[str]) -> Group:
    return Group(name, tuple(hosts), _soak(wave), wave.hold)


def _singly(wave: Wave, name: str, hosts: Sequence[str]) -> list[Group]:
    """Each host by itself, and left to soak; people are asked after the last one."""
    last = len(hosts) - 1
    return [
        Group(f"{name}-{host}", (host,), _soak(wave), wave.hold if number == last else None)
        for number, host in enumerate(hosts)
    ]


def _soak(wave: Wave) -> float:
    return (seconds(wave.soak) or 0.0) if wave.soak is not None else 0.0


def _shown(soak: float) -> str:
    for length, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if soak >= length and soak % length == 0:
            return f"{soak / length:g} {unit if soak > length else unit[:-1]}"
    return f"{soak:g} seconds"


def _findings(found: Grouped) -> Iterator[Finding]:
    if found.left:
        some = ", ".join(found.left[:5]) + (f" and {len(found.left) - 5} more" if len(found.left) > 5 else "")
        yield Finding(
            LEFT_OUT,
            "blocker",
            "estate",
            f"No wave of the rollout takes {some}.",
            "Add a wave without `where`, `size` and `percent`, which takes what is left, or narrow the rollout's `of`.",
            OURS,
        )
    for name in found.empty:
        yield Finding(
            NOBODY, "note", "estate", f"Wave {name} of the rollout has no hosts.", "Look at its labels.", OURS
        )

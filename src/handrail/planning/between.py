"""States in between: every joint state of two components that a run can pass through has to be supported, or one of
the two has to be down meanwhile.

Installations are looked at by cohort: equal start, equal hops. Where a state is not supported an order is added that
keeps the run away from it; where none can, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from handrail.assessing.assess import STATE_IN_BETWEEN, Survey
from handrail.assessing.country import Country, Road, State
from handrail.assessing.facts import Facts
from handrail.guides.language import Unknown
from handrail.model.finding import Citation, Finding
from handrail.model.guide import WorksWith
from handrail.planning.blocks import Block
from handrail.planning.graph import Link
from handrail.planning.order import Reason, Web

Node = tuple[int, int]  # cohort, hop counted from 1


@dataclass(frozen=True, slots=True)
class Cohort:
    """Installations of one component of one deployment with equal states. `down[i]`: down in between after hop i."""

    number: int
    component: str
    states: tuple[State, ...]
    down: tuple[bool, ...]
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A joint state that is not supported: `a` after its hop `i`, `b` after its hop `j`."""

    rule: WorksWith
    a: Cohort
    b: Cohort
    i: int
    j: int
    says: str
    unknown: tuple[str, ...]


def keep_supported(survey: Survey, web: Web) -> list[Finding]:
    """Adds to `web` the order that keeps every state in between supported; the findings where none does."""
    findings: list[Finding] = []
    sequences: dict[str, dict[str, list[Block]]] = {}
    for block in web.blocks.values():
        if not block.mend:
            sequences.setdefault(block.deployment, {}).setdefault(block.subject, []).append(block)
    roads: dict[str, dict[str, Road]] = {}
    for subject, road in survey.roads.roads.items():
        roads.setdefault(road.installation.deployment, {})[subject] = road
    links: dict[str, list[Link[Reason]]] = {}
    for link in web.links:
        # What holds between two blocks only proves nothing about the rest of their cohorts.
        if not link.tag.partial:
            for deployment in {_deployment(web, link.first), _deployment(web, link.then)}:
                links.setdefault(deployment, []).append(link)
    for deployment, country in ((one, guide) for one, crossed in survey.roads.crossed.items() for guide in crossed):
        if country.guide.works_with:
            own = {subject: sorted(one, key=_index) for subject, one in sequences.get(deployment, {}).items()}
            between = _Between(web, country, deployment, own, roads.get(deployment, {}), links.get(deployment, []))
            findings += between.settle()
    return findings


def _index(block: Block) -> int:
    return block.index


def _deployment(web: Web, key: str) -> str:
    return web.blocks[key].deployment if key in web.blocks else web.barriers[key].deployment


class _Between:
    def __init__(
        self,
        web: Web,
        country: Country,
        deployment: str,
        sequences: Mapping[str, list[Block]],
        roads: Mapping[str, Road],
        links: Iterable[Link[Reason]],
    ) -> None:
        self._web = web
        self._country = country
        self._deployment = deployment
        self._sequences = sequences
        self._cohorts = self._group(roads)
        self._node_of: dict[str, Node] = {
            block.key: (cohort.number, index)
            for cohort in self._cohorts
            for subject in cohort.subjects
            for index, block in enumerate(sequences.get(subject, ()), 1)
        }
        self._after: dict[object, set[object]] = {}
        for cohort in self._cohorts:
            for index in range(1, len(cohort.states) - 1):
                self._after.setdefault((cohort.number, index), set()).add((cohort.number, index + 1))
        for link in links:
            self._link(link.first, link.then)

    def settle(self) -> Iterator[Finding]:
        for rule in self._country.guide.works_with:
            for a in self._cohorts:
                for b in self._cohorts:
                    if a.component == rule.a and b.component == rule.b and self._distinct(a, b, rule):
                        yield from self._settle_pair(rule, a, b)

    def _distinct(self, a: Cohort, b: Cohort, rule: WorksWith) -> bool:
        if rule.a != rule.b:
            return True
        return a.number < b.number or (a.number == b.number and len(a.subjects) > 1)

    def _group(self, roads: Mapping[str, Road]) -> list[Cohort]:
        found: dict[object, list[str]] = {}
        for subject, road in roads.items():
            blocks = self._sequences.get(subject, [])
            if len(blocks) != len(road.hops):
                continue
            states = (road.start, *(hop.after for hop in road.hops))
            down = [False]
            for block in blocks:
                down.append(block.blueprint.is_down(down[-1]))
            found.setdefault((self._country.component(road.installation), states, tuple(down)), []).append(subject)
        return [
            Cohort(number, key[0], key[1], key[2], tuple(subjects))  # type: ignore[index]
            for number, (key, subjects) in enumerate(found.items())
        ]

    def _settle_pair(self, rule: WorksWith, a: Cohort, b: Cohort) -> Iterator[Finding]:
        for i in range(len(a.states)):
            for j in range(len(b.states)):
                if (i == j and a is b) or a.down[i] or b.down[j]:
                    continue
                bad = self._asked(rule, a, b, i, j)
                if bad is None or not self._reachable(a, b, i, j):
                    continue
                last = i == len(a.states) - 1 and j == len(b.states) - 1
                first = i == j == 0
                if bad.unknown or first or last or not self._avoid(bad):
                    yield self._finding(bad, first)

    def _asked(self, rule: WorksWith, a: Cohort, b: Cohort, i: int, j: int) -> _Pair | None:
        facts = Facts({"a": _layer(a, i), "b": _layer(b, j)}, {"a": a.subjects[0], "b": b.subjects[0]})
        answer = self._country.judge.ask(rule.must, facts)
        if not isinstance(answer, Unknown) and answer.value is True:
            return None
        unknown = tuple(facts.address(name) for name in answer.missing) if isinstance(answer, Unknown) else ()
        return _Pair(rule, a, b, i, j, self._country.judge.phrase(rule.says, facts), unknown)

    def _reachable(self, a: Cohort, b: Cohort, i: int, j: int) -> bool:
        """Whether a run can stand there: unless the next hop of one has to come before the last hop of the other."""
        if a is b:
            return True
        return not (self._surely((a.number, i + 1), (b.number, j)) or self._surely((b.number, j + 1), (a.number, i)))

    def _avoid(self, bad: _Pair) -> bool:
        """Add the order that makes the state impossible, if one of the two does not contradict what stands."""
        if bad.a is bad.b:
            return False
        reason = Reason(bad.says, self._country.compiled.cite(bad.rule.source))
        ways = (((bad.a, bad.i + 1), (bad.b, bad.j)), ((bad.b, bad.j + 1), (bad.a, bad.i)))
        for (one, hop), (other, later) in ways:
            if hop >= len(one.states) or later < 1 or self._surely((other.number, later), (one.number, hop)):
                continue
            firsts = [self._sequences[subject][hop - 1].key for subject in one.subjects]
            thens = [self._sequences[subject][later - 1].key for subject in other.subjects]
            release = one.states[hop]
            name = (
                f"{self._deployment}/{one.component}@all/{release}/before-{other.component}-{one.number}-{other.number}"
            )
            before = len(self._web.links)
            self._web.all_before_all(name, firsts, thens, reason)
            for link in self._web.links[before:]:
                self._link(link.first, link.then)
            return True
        return False

    def _link(self, first: str, then: str) -> None:
        one, other = self._node_of.get(first, first), self._node_of.get(then, then)
        if one != other:
            self._after.setdefault(one, set()).add(other)

    def _surely(self, first: Node, then: Node) -> bool:
        """Whether every `first` ends before any `then` begins."""
        seen: set[object] = {first}
        waiting: list[object] = [first]
        while waiting:
            for following in self._after.get(waiting.pop(), ()):
                if following == then:
                    return True
                if following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return False

    def _finding(self, bad: _Pair, first: bool) -> Finding:
        a, b = bad.a, bad.b
        one = f"{a.subjects[0]} at {a.states[bad.i]}"
        other = f"{b.subjects[-1] if a is b else b.subjects[0]} at {b.states[bad.j]}"
        source: Citation = self._country.compiled.cite(bad.rule.source)
        if bad.unknown:
            names = ", ".join(bad.unknown)
            message = f"Not known: {names}. So it cannot be told whether {one} works with {other}."
            return Finding(
                STATE_IN_BETWEEN, "blocker", a.subjects[0], message, f"State {names} in the estate file.", source, True
            )
        if first:
            message = f"{one} stands beside {other} already: {bad.says}"
            return Finding(STATE_IN_BETWEEN, "risk", a.subjects[0], message, "It ends when both have arrived.", source)
        message = f"No order avoids {one} beside {other}: {bad.says}"
        remedy = "Take both down meanwhile, or aim at releases that work together."
        return Finding(STATE_IN_BETWEEN, "blocker", a.subjects[0], message, remedy, source)


def _layer(cohort: Cohort, index: int) -> dict[str, object]:
    state = cohort.states[index]
    layer: dict[str, object] = {"component": cohort.component, "host": cohort.subjects[0].rpartition("@")[2]}
    layer |= {key: value for key, value in (("build", state.build), ("release", state.release)) if value is not None}
    return layer

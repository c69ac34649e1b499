"""States in between: every joint state of two components that a run can pass through has to be supported, or one of
the two has to be down meanwhile.

Installations are looked at by cohort: equal start, equal hops. Where a state is not supported `detours` finds an order
that keeps the run away from it; where none can, the pair that stands in the way is named.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from handrail.assessing.assess import STATE_IN_BETWEEN, Survey
from handrail.assessing.country import Country, Road, State
from handrail.assessing.facts import Facts
from handrail.guides.language import Unknown
from handrail.model.finding import Citation, Finding
from handrail.model.guide import WorksWith
from handrail.planning.blocks import Block
from handrail.planning.detours import Choice, Conflict, Hop, Lay, avoid
from handrail.planning.graph import Link
from handrail.planning.order import Reason, Web


@dataclass(frozen=True, slots=True)
class Cohort:
    """Installations of one component of one deployment with equal states. `down[i]`: down in between after hop i.
    `early`: the hops that can be taken down early."""

    number: int
    component: str
    states: tuple[State, ...]
    down: tuple[bool, ...]
    early: tuple[bool, ...]
    roads: tuple[Road, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(road.installation.subject for road in self.roads)


_Alike = tuple[str, tuple[State, ...], tuple[bool, ...], tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A joint state that is not supported: `a` after its hop `i`, `b` after its hop `j`."""

    country: Country
    rule: WorksWith
    a: Cohort
    b: Cohort
    i: int
    j: int
    says: str
    unknown: tuple[str, ...]

    @property
    def conflict(self) -> Conflict:
        return Conflict(self.a.number, self.i, self.b.number, self.j)


def keep_supported(survey: Survey, web: Web) -> list[Finding]:
    """Adds to `web` the order that keeps every state in between supported; the findings where none does."""
    concerned = {
        deployment
        for deployment, crossed in survey.roads.crossed.items()
        if any(country.guide.works_with for country in crossed)
    }
    if not concerned:
        return []
    sequences: dict[str, dict[str, list[Block]]] = {}
    for block in web.blocks.values():
        if not block.mend and block.deployment in concerned:
            sequences.setdefault(block.deployment, {}).setdefault(block.subject, []).append(block)
    roads: dict[str, list[Road]] = {}
    for road in survey.roads.roads.values():
        roads.setdefault(road.installation.deployment, []).append(road)
    links: dict[str, list[Link[Reason]]] = {}
    for link in web.links:
        # What holds between two blocks only proves nothing about the rest of their cohorts.
        if not link.tag.partial:
            for deployment in {_deployment(web, link.first), _deployment(web, link.then)}:
                links.setdefault(deployment, []).append(link)
    findings: list[Finding] = []
    settled: list[_Between] = []
    for deployment in (one for one in survey.roads.crossed if one in concerned):
        own = {subject: sorted(one, key=_index) for subject, one in sequences.get(deployment, {}).items()}
        countries = survey.roads.crossed[deployment]
        between = _Between(deployment, countries, own, roads.get(deployment, []), links.get(deployment, []))
        findings += between.settle()
        settled.append(between)
    web.take_apart(key for between in settled for key in between.taken_apart())
    for between in settled:
        between.add_to(web)
    return findings


def _index(block: Block) -> int:
    return block.index


def _deployment(web: Web, key: str) -> str:
    return web.blocks[key].deployment if key in web.blocks else web.barriers[key].deployment


class _Between:
    def __init__(
        self,
        deployment: str,
        countries: Sequence[Country],
        sequences: Mapping[str, list[Block]],
        roads: Sequence[Road],
        links: Sequence[Link[Reason]],
    ) -> None:
        self._deployment = deployment
        self._countries = countries
        self._sequences = sequences
        self._links = links
        self._cohorts = self._group(roads)
        self._chosen: list[Choice] = []
        self._reasons: dict[Conflict, Reason] = {}

    def settle(self) -> list[Finding]:
        """Choose the order; the findings where there is none."""
        pairs = {pair.conflict: pair for pair in reversed(list(self._pairs()))}
        pairs = dict(sorted(pairs.items(), key=lambda one: _place(one[0])))
        hopeless = {one: pair for one, pair in pairs.items() if pair.unknown or self._is_end(pair)}
        wanted = [one for one in pairs if one not in hopeless]
        if not pairs:
            return []
        lay = self._lay()
        self._reasons = {
            one: Reason(pair.says, pair.country.compiled.cite(pair.rule.source)) for one, pair in pairs.items()
        }
        self._chosen, left = avoid(lay, wanted)
        return [self._finding(pairs[one]) for one in sorted((*hopeless, *left), key=_place)]

    def taken_apart(self) -> list[str]:
        """The hops of which the first part is taken early."""
        hops = dict.fromkeys(one.first for one in self._chosen if one.early)
        return [key for hop in hops for key in self._keys(hop)]

    def add_to(self, web: Web) -> None:
        """The links that the choices mean; the hops taken early are in two parts by now."""
        for number, one in enumerate(self._chosen):
            firsts = self._keys(one.first)
            if not one.early:
                firsts = [_tail(web, key) for key in firsts]
            thens = [_tail(web, key) for key in self._keys(one.then)]
            cohort, other = self._cohorts[one.first[0]], self._cohorts[one.then[0]]
            state = cohort.states[one.first[1]]
            name = f"{self._deployment}/{cohort.component}@all/{state}/before-{other.component}-{number}"
            reason = self._reason(one)
            if one.early:
                reason = Reason(f"{reason.text} So it goes down before the other comes.", reason.source)
            web.all_before_all(name, firsts, thens, reason)

    def _reason(self, choice: Choice) -> Reason:
        """The conflict that a choice keeps away is the one that its ends stand for."""
        (a, hop), (b, later) = choice.first, choice.then
        for conflict in (Conflict(a, hop - 1, b, later), Conflict(b, later, a, hop - 1)):
            if conflict in self._reasons:
                return self._reasons[conflict]
        return next(iter(self._reasons.values()))

    def _keys(self, hop: Hop) -> list[str]:
        cohort, number = hop
        return [self._sequences[subject][number - 1].key for subject in self._cohorts[cohort].subjects]

    def _lay(self) -> Lay:
        nodes: dict[str, Hop] = {
            block.key: (cohort.number, index)
            for cohort in self._cohorts
            for subject in cohort.subjects
            for index, block in enumerate(self._sequences.get(subject, ()), 1)
        }
        known: dict[tuple[Hashable, Hashable], None] = {}
        for link in self._links:
            first, then = nodes.get(link.first, link.first), nodes.get(link.then, link.then)
            if first != then and not (link.first in nodes and link.then in nodes and first[0] == then[0]):
                known[first, then] = None
        return Lay(
            hops={cohort.number: len(cohort.states) - 1 for cohort in self._cohorts},
            early=frozenset(
                (cohort.number, index)
                for cohort in self._cohorts
                for index, possible in enumerate(cohort.early, 1)
                if possible
            ),
            links=tuple(known),
        )

    def _group(self, roads: Sequence[Road]) -> list[Cohort]:
        found: dict[_Alike, list[Road]] = {}
        for road in roads:
            blocks = self._sequences.get(road.installation.subject, [])
            if len(blocks) != len(road.hops):
                continue
            states = (road.start, *(hop.after for hop in road.hops))
            ups = [False]
            for block in blocks:
                ups.append(block.blueprint.is_down(ups[-1]))
            early = tuple(block.blueprint.halves() is not None for block in blocks)
            found.setdefault((road.installation.component, states, tuple(ups), early), []).append(road)
        return [
            Cohort(number, component, states, down, early, tuple(alike))
            for number, ((component, states, down, early), alike) in enumerate(found.items())
        ]

    def _pairs(self) -> Iterator[_Pair]:
        for country in self._countries:
            for rule in country.guide.works_with:
                ones = [one for one in self._cohorts if self._called(country, one) == rule.a]
                others = [one for one in self._cohorts if self._called(country, one) == rule.b]
                for a in ones:
                    for b in others:
                        if self._distinct(a, b, rule):
                            yield from self._of_pair(country, rule, a, b)

    def _called(self, country: Country, cohort: Cohort) -> str | None:
        return country.called(cohort.roads[0].installation)

    def _distinct(self, a: Cohort, b: Cohort, rule: WorksWith) -> bool:
        if rule.a != rule.b:
            return True
        return a.number < b.number or (a.number == b.number and len(a.roads) > 1)

    def _of_pair(self, country: Country, rule: WorksWith, a: Cohort, b: Cohort) -> Iterator[_Pair]:
        for i in range(len(a.states)):
            for j in range(len(b.states)):
                if (i == j and a is b) or a.down[i] or b.down[j]:
                    continue
                facts = Facts(
                    {"a": _layer(a, i, rule.a), "b": _layer(b, j, rule.b)},
                    {"a": a.subjects[0], "b": b.subjects[0]},
                )
                answer = country.judge.ask(rule.must, facts)
                if not isinstance(answer, Unknown) and answer.value is True:
                    continue
                unknown = tuple(facts.address(name) for name in answer.missing) if isinstance(answer, Unknown) else ()
                yield _Pair(country, rule, a, b, i, j, country.judge.phrase(rule.says, facts), unknown)

    def _is_end(self, pair: _Pair) -> bool:
        """Whether it is where the estate stands now, or where it is going: nothing can be done about that by order."""
        last = pair.i == len(pair.a.states) - 1 and pair.j == len(pair.b.states) - 1
        return last or pair.i == pair.j == 0

    def _finding(self, bad: _Pair) -> Finding:
        a, b = bad.a, bad.b
        one = f"{a.subjects[0]} at {a.states[bad.i]}"
        other = f"{b.subjects[-1] if a is b else b.subjects[0]} at {b.states[bad.j]}"
        source: Citation = bad.country.compiled.cite(bad.rule.source)
        if bad.unknown:
            names = ", ".join(bad.unknown)
            message = f"Not known: {names}. So it cannot be told whether {one} works with {other}."
            return Finding(
                STATE_IN_BETWEEN, "blocker", a.subjects[0], message, f"State {names} in the estate file.", source, True
            )
        if bad.i == bad.j == 0:
            message = f"{one} stands beside {other} already: {bad.says}"
            return Finding(STATE_IN_BETWEEN, "risk", a.subjects[0], message, "It ends when both have arrived.", source)
        message = f"No order avoids {one} beside {other}: {bad.says}"
        remedy = "Take both down meanwhile, or aim at releases that work together."
        return Finding(STATE_IN_BETWEEN, "blocker", a.subjects[0], message, remedy, source)


def _place(one: Conflict) -> tuple[int, int, int, int]:
    return one.a, one.b, one.i, one.j


def _tail(web: Web, key: str) -> str:
    """The second part of a hop that was taken apart; the hop itself otherwise."""
    return f"{key}~" if f"{key}~" in web.blocks else key


def _layer(cohort: Cohort, index: int, called: str) -> dict[str, object]:
    state = cohort.states[index]
    layer: dict[str, object] = {"component": called, "host": cohort.subjects[0].rpartition("@")[2]}
    layer |= {key: value for key, value in (("build", state.build), ("release", state.release)) if value is not None}
    return layer

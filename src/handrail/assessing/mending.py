"""What the plan itself sees to before a hop, and the facts that this leaves.

Roads and rules both ask here, so that an edge is judged of the same platform as the rules about it.
"""

from __future__ import annotations

from collections.abc import Iterable

from handrail.assessing.country import Country, Way
from handrail.assessing.evaluate import Judge
from handrail.assessing.facts import Facts, Layer
from handrail.assessing.procedures import carried
from handrail.guides.language import Unknown
from handrail.model.guide import Requirement


def concerns(judge: Judge, requirement: Requirement, facts: Facts) -> bool:
    """Whether a rule is about this at all, or might be."""
    if requirement.when is None:
        return True
    answer = judge.ask(requirement.when, facts)
    return isinstance(answer, Unknown) or answer.value is True


def content(judge: Judge, requirement: Requirement, facts: Facts) -> bool | Unknown:
    """Whether a rule is content: True when it does not concern this, or when what must hold does."""
    concerns: object = True
    if requirement.when is not None:
        answer = judge.ask(requirement.when, facts)
        concerns = answer if isinstance(answer, Unknown) else answer.value
        if concerns is False:
            return True
    holds: object = False
    if requirement.must is not None:
        answer = judge.ask(requirement.must, facts)
        holds = answer if isinstance(answer, Unknown) else answer.value
    if holds is True:
        return True
    missing = tuple(name for part in (concerns, holds) if isinstance(part, Unknown) for name in part.missing)
    return Unknown(tuple(dict.fromkeys(missing))) if missing else False


def after_mend(country: Country, requirement: Requirement, media: Layer, facts: Facts) -> Facts:
    """The facts once the mend of a requirement is through."""
    if requirement.mend is None:
        return facts
    own = facts.layers.get("media", {})
    leaving = country.procedures.leaving(requirement.mend.procedure)
    return carried(country.judge, leaving, facts.with_layer("media", media)).with_layer("media", own)


def mending(country: Country, component: str) -> Iterable[Requirement]:
    """The requirements of a component whose mends leave facts behind."""
    return (
        one
        for one in country.guide.requirements
        if one.mend is not None
        and one.scope not in ("deployment", "estate")
        and (not one.components or component in one.components)
        and country.procedures.leaving(one.mend.procedure)
    )


def platform(country: Country, component: str, deployment: str, way: Way, last: bool, facts: Facts) -> Facts:
    """The facts just before a hop, as the mends of its rules leave them. `facts` hold the layers of the hop; `last`
    says whether it reaches the aim, so that rules about that speak too."""
    for one in mending(country, component):
        assert one.mend is not None
        if (one.ask == "aim" and not last) or not country.asks(one, deployment, way):
            continue
        if content(country.judge, one, facts) is not False:
            continue
        picked = country.shelf.pick(one.mend.media, component, facts)
        if picked.missing:
            continue
        media = {**facts.layers.get("media", {}), **country.media(picked.media)}
        after = after_mend(country, one, media, facts)
        if content(country.judge, one, after) is True:
            facts = after
    return facts

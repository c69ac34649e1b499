"""Whose yes a hold needs: anyone's, that of somebody who did not start the run, or that of two people.

A guide says it of a hold (`with: {by: another}`), an estate of all its holds (`holds: two`); both count. A no is
anybody's, and halts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handrail.errors import BadInput
from handrail.model.estate import Estate, Whose
from handrail.model.plan import Step

PLAYED = ("played", "another, played", "a third, played")
"""Who answers, in the journal, where people are played; the first alone where nobody else is demanded."""


@dataclass(frozen=True, slots=True)
class Demand:
    """`others`: who started the run does not count. `people`: so many different ones have to say yes."""

    others: bool = False
    people: int = 1

    def refuses(self, who: str, starter: str, agreed: Sequence[str]) -> str | None:
        """Why the yes of `who` does not count; None when it does."""
        if self.others and _same(who, starter):
            return f"{who} started this run, so somebody else has to say yes."
        if any(_same(who, one) for one in agreed):
            return f"{who} has said yes already, so somebody else has to say it too."
        return None

    def met(self, agreed: Sequence[str]) -> bool:
        """Whether it is enough that these people said yes."""
        return len({_plain(one) for one in agreed}) >= self.people

    def says(self, starter: str, agreed: Sequence[str] = ()) -> str:
        """Who said yes, and who still has to; empty when anyone may."""
        if agreed:
            but = f", but not {starter}, who started the run" if self.others and starter else ""
            return f"{' and '.join(agreed)} said yes; somebody else has to say it too{but}."
        if self.people > 1:
            but = f", neither of them {starter}, who started the run" if self.others and starter else ""
            return f"Two people have to say yes{but}."
        if self.others:
            named = f"{starter}, who started the run," if starter else "whoever started the run"
            return f"Somebody other than {named} has to say yes."
        return ""

    @property
    def waits_for(self) -> str:
        """Before a run: for whom the hold will wait."""
        others = " who did not start the run" if self.others else ""
        if self.people > 1:
            return f"two people{others}"
        return f"a person{others}"

    @property
    def names(self) -> tuple[Whose, ...]:
        """As guides and estates write it."""
        named: tuple[tuple[bool, Whose], ...] = ((self.others, "another"), (self.people > 1, "two"))
        return tuple(name for is_so, name in named if is_so)


ANYONE = Demand()
_DEMANDS: Mapping[str, Demand] = {"anyone": ANYONE, "another": Demand(others=True), "two": Demand(people=2)}


def demand_of(step: Step, estate: Estate) -> Demand:
    """What a hold demands of those who say yes; of other steps nothing. BadInput when the plan says something that we
    do not know."""
    if step.kind != "hold":
        return ANYONE
    said = step.with_.get("by", "anyone")
    if said not in _DEMANDS:
        raise BadInput(f"Step {step.id} of the plan is to be answered by {said!r}, which means nothing here.")
    one, all_ = _DEMANDS[said], _DEMANDS[estate.holds]
    return Demand(one.others or all_.others, max(one.people, all_.people))


def demand_named(names: Sequence[str]) -> Demand:
    """The demand that `Demand.names` named."""
    return Demand("another" in names, 2 if "two" in names else 1)


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return name.strip().casefold()

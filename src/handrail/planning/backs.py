"""What a way back needs beside its steps: media of what was there before, and a person where something is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.assessing.country import Country
from handrail.assessing.evaluate import Judge
from handrail.assessing.facts import Facts, Layer
from handrail.assessing.media import describe
from handrail.guides.language import Known
from handrail.model.guide import MediumNeed
from handrail.planning.blueprint import Shaped

BY_HAND = "person.do"
_FIELDS = ("release", "component", "product", "build")


@dataclass(frozen=True, slots=True)
class Shelved:
    """`media` is what a way back reads as `media`; `lacks` the needs that no medium of the estate meets (named
    `media.NEED`), each with what it wants, in words."""

    media: Layer
    lacks: Mapping[str, str]

    def read(self, facts: Facts) -> Facts:
        return facts.with_layer("media", self.media)


def shelved(country: Country, procedure: str, component: str, facts: Facts, known: dict[object, Shelved]) -> Shelved:
    """The media for a way back: those of the hop, and those that the procedure names. `known` keeps what was found."""
    wanted: dict[str, MediumNeed] = {}
    lacks: dict[str, str] = {}
    for name, need in country.guide.procedures[procedure].media.items():
        exact = _exact(country.judge, need, facts)
        if exact is None:
            lacks[f"media.{name}"] = describe(_shown(country.judge, need, facts), country.guide.name)
        else:
            wanted[name] = exact
    before: Layer = facts.layers.get("media", {})
    has = tuple((name, medium["id"]) for name, medium in before.items())
    key = (
        country.guide.name,
        procedure,
        component,
        tuple(wanted.items()),
        tuple(lacks.items()),
        country.shelf.key(facts),
        has,
    )
    found = known.get(key)
    if found is None:
        picked = country.shelf.pick(wanted, component, facts)
        lacks |= {f"media.{name}": describe(wanted[name], country.guide.name) for name in picked.missing}
        found = known[key] = Shelved({**before, **country.media(picked.media)}, lacks)
    return found


def by_hand(
    judge: Judge,
    step: Shaped,
    facts: Facts,
    with_: Mapping[str, Any],
    lacks: Mapping[str, str],
    missing: tuple[str, ...],
) -> Mapping[str, Any]:
    """What a person is told in place of a step that could not be made exact."""
    template = step.chosen.flat.template
    instructions = [f"Bring {says}: the estate had none when this was planned." for says in lacks.values()]
    names = [facts.address(name) for name in missing if name not in lacks]
    if names:
        instructions.append(f"Find out {', '.join(names)}, not known when this was planned.")
    if step.chosen.unsure:
        instructions.append(f"Do this only if so: {step.chosen.unsure}")
    values = template.with_.get("values") or {}
    if template.uses == BY_HAND:
        written = template.with_.get("instructions") or ()
        texts = [written] if isinstance(written, str) else written
        instructions += [judge.phrase(str(text), facts) for text in texts]
    else:
        title = judge.phrase(template.title, facts) or step.signature.summary
        instructions.append(f"{title.rstrip('.')}. The guide would do it by {template.uses}, with these values.")
        values = {name: value for name, value in template.with_.items() if name in with_ or isinstance(value, str)}
    known = {name: judge.value(value, facts) for name, value in values.items()}
    told = {
        name: answer.value if isinstance(answer, Known) else judge.phrase(str(values[name]), facts)
        for name, answer in known.items()
    }
    shown = with_.get("until") if template.uses == BY_HAND else _shown_by(step, known)
    return {"instructions": instructions, "values": told, **({"until": shown} if shown else {})}


def _shown_by(step: Shaped, known: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What shows that somebody did what the step would have done: the product at its build. None when nothing does."""
    if not step.signature.installs or step.chosen.unsure:
        return None
    exact = {name: answer.value for name, answer in known.items() if isinstance(answer, Known)}
    if not all(isinstance(exact.get(name), str) for name in ("product", "build")):
        return None
    file = {"file": exact["file"]} if isinstance(exact.get("file"), str) else {}
    return {"product": exact["product"], "builds": [exact["build"]], **file}


def _exact(judge: Judge, need: MediumNeed, facts: Facts) -> MediumNeed | None:
    """The need with its expressions filled in; None when one of them cannot be."""
    found: dict[str, Any] = {}
    for name in _FIELDS:
        written = getattr(need, name)
        if written is None or "{{" not in written:
            continue
        answer = judge.render(written, facts)
        if not isinstance(answer, Known) or answer.value in (None, ""):
            return None
        found[name] = str(answer.value)
    return replace(need, **found) if found else need


def _shown(judge: Judge, need: MediumNeed, facts: Facts) -> MediumNeed:
    shown: dict[str, Any] = {name: judge.phrase(getattr(need, name) or "", facts) or None for name in _FIELDS}
    return replace(need, **shown)

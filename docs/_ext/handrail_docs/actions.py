"""What a step can do: every action with its parameters, from its class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from handrail.actions.catalogue import ACTIONS, signatures
from handrail.model.signature import Parameter, Signature
from handrail_docs.writing import code, codes, explained, prose, sentence, table
from handrail_docs.writing import page as a_page

_SETTLED = {
    "state": "by looking at the state it brings about",
    "receipt": "by the receipt of its own attempt",
    "person": "by a person's answer",
}


def page() -> str:
    """A table of all, then each with its parameters."""
    known = signatures()
    parts = [
        "What a step of a guide can name under `uses`, and what it takes under `with`. A parameter may be an "
        "expression (`{{ }}`) or, as `{late: STEP.output}`, what an earlier step gave. Each action observes before "
        "and after it acts: a step is done when its condition was seen, not when a command returned 0.",
        *_systems(known),
    ]
    for family, names in groupby(known, key=lambda name: name.partition(".")[0]):
        listed = list(names)
        parts.append(f"## {family}")
        if len(listed) > 1:
            parts.append(table(("action", ""), ((_link(one), sentence(ACTIONS[one].__doc__ or "")) for one in listed)))
        for name in listed:
            parts += _action(known[name])
    return a_page("Actions", *parts)


def _systems(known: Mapping[str, Signature]) -> Iterator[str]:
    """Most actions are for Windows alone, so whoever writes for anything else is told first what there is."""
    here = [one for one in known.values() if "linux" in one.platforms]
    both = [one.name for one in here if "windows" in one.platforms]
    alone = [one.name for one in here if "windows" not in one.platforms and not one.name.startswith("postgresql.")]
    linked = [", ".join(map(_link, names)) for names in (alone, both)]
    yield (
        f"**On Linux** there are {linked[0]}, and the family [postgresql](#postgresql). "
        f"**On both** there are {linked[1]}. "
        "All others are for Windows. A plan that asks one of a host of another system is blocked."
    )


def _link(name: str) -> str:
    return f"[{name}](#{name.replace('.', '').replace(' ', '-')})"


def _action(one: Signature) -> list[str]:
    general, meanings = explained(ACTIONS[one.name].__doc__ or "", one.parameters)
    return [
        f"### {one.name}",
        prose(general),
        table(
            ("parameter", "takes", "what it is", "required", "otherwise"),
            (_parameter(each, meanings.get(each.name, "")) for each in one.parameters.values()),
        ),
        " ".join(_traits(one)),
    ]


def _traits(one: Signature) -> Iterator[str]:
    yield f"Settled {_SETTLED[one.settles]}; revision {one.revision}."
    if one.outputs:
        yield f"Gives {codes(one.outputs)}."
    if one.destroys:
        yield "It destroys: a proved way back has to stand before it."
    if one.reversible:
        yield "It is undone by its opposite."
    if one.restores:
        yield "It says how what it secured is put back."
    if one.repeatable:
        yield "In doubt, it is simply done again."
    if one.lasting:
        yield "`handrail verify` looks at it again."
    if len(one.platforms) == 1:
        yield f"On {one.platforms[0].capitalize()} only."


def _parameter(one: Parameter, meaning: str) -> tuple[str, str, str, str, str]:
    takes = "a reference to a secret" if one.secret else typed(one.schema)
    otherwise = "" if one.required or one.default in (None, "", (), {}, False) else code(_shown(one.default))
    return code(one.name), takes, meaning, "yes" if one.required else "", otherwise


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def typed(schema: object) -> str:
    """A JSON Schema in words."""
    if not isinstance(schema, dict) or not schema:
        return "anything"
    if "enum" in schema:
        return " or ".join(code(one) for one in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(typed(one) for one in schema["anyOf"] if one != {"type": "null"}))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of: {typed(schema.get('items'))}"
    if kind == "object":
        inner = schema.get("properties")
        if inner:
            return f"mapping with {codes(inner)}"
        return f"mapping of names to: {typed(schema.get('additionalProperties'))}"
    words = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}
    return words.get(str(kind), str(kind))

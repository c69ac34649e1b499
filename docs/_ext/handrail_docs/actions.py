"""What a step can do: every action with its parameters, from its class."""

from __future__ import annotations

from itertools import groupby

from handrail.actions.catalogue import ACTIONS, signatures
from handrail.model.signature import Parameter, Signature
from handrail_docs.writing import code, codes, prose, sentence, table
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
        "What the words in the tables mean: a *repeatable* action may be tried again when it is in doubt whether it "
        "took effect; a *lasting* one is looked at again by `handrail verify`; *undone by its opposite* means that "
        "taking it back needs no restore point; one that *destroys* is allowed only behind a proved way back.",
    ]
    for family, names in groupby(known, key=lambda name: name.partition(".")[0]):
        listed = list(names)
        parts.append(f"## {family}")
        if len(listed) > 1:
            parts.append(table(("action", ""), ((_link(one), sentence(ACTIONS[one].__doc__ or "")) for one in listed)))
        for name in listed:
            parts += _action(known[name])
    return a_page("Actions", *parts)


def _link(name: str) -> str:
    return f"[{name}](#{name.replace('.', '').replace(' ', '-')})"


def _action(one: Signature) -> list[str]:
    return [
        f"### {one.name}",
        prose(ACTIONS[one.name].__doc__ or ""),
        table(("parameter", "takes", "required", "otherwise"), map(_parameter, one.parameters.values())),
        " ".join(_traits(one)),
    ]


def _traits(one: Signature) -> list[str]:
    said = [f"Settled {_SETTLED[one.settles]}; revision {one.revision}."]
    if one.outputs:
        said.append(f"Gives {codes(one.outputs)}.")
    traits = [
        *(["repeatable"] if one.repeatable else []),
        *(["lasting"] if one.lasting else []),
        *(["undone by its opposite"] if one.reversible else []),
        *(["says how what it secured is put back"] if one.restores else []),
        *(["destroys"] if one.destroys else []),
    ]
    if traits:
        said.append(f"It is {', '.join(traits)}." if "says" not in traits[0] else f"It {', '.join(traits)}.")
    if len(one.platforms) == 1:
        said.append(f"On {one.platforms[0].capitalize()} only.")
    return said


def _parameter(one: Parameter) -> tuple[str, str, str, str]:
    takes = "a reference to a secret" if one.secret else typed(one.schema)
    otherwise = "" if one.required or one.default in (None, "", (), {}, False) else code(_shown(one.default))
    return code(one.name), takes, "yes" if one.required else "", otherwise


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

"""Lint of procedures: steps, their actions and parameters, what they read from each other, and their way back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from handrail.documents.read import Keys, describe
from handrail.errors import suggestion
from handrail.guides.expansion import INCLUDE, Placed, expand, step_keys
from handrail.guides.lint_backs import RESTORE, check_backs, readable
from handrail.guides.notes import Notes
from handrail.guides.reader import GuideDocument
from handrail.model.guide import Guide, StepTemplate, When
from handrail.model.journal import StepState
from handrail.model.signature import Kind, Signature

_ID = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_TAKES = re.compile(r"\d+(\.\d+)?[smh]\Z")
_BUILT_IN = ("hold", "barrier", RESTORE)
_ENDED = ("done", "skipped", "failed")


def check_steps(document: GuideDocument, notes: Notes, signatures: Mapping[str, Signature] | None) -> None:
    guide = document.guide
    for name in guide.procedures:
        expansion = expand(guide, name)
        if expansion.cycle:
            chain = " includes ".join(expansion.cycle)
            notes.add(
                ("procedures", name), f"The procedure includes itself: {chain}.", "Break the circle.", at_key=True
            )
            continue
        _Procedure(guide, name, expansion.steps, notes, signatures).all()
    _check_untils(guide, notes)
    check_backs(document, notes, signatures)


def _check_untils(guide: Guide, notes: Notes) -> None:
    """What a passing state lasts until comes later in some procedure that its step is carried out in."""
    asked: dict[Keys, str] = {}
    found: set[Keys] = set()
    for name in guide.procedures:
        placed = expand(guide, name).steps
        for number, one in enumerate(placed):
            if one.step.until is None:
                continue
            asked[one.keys] = one.step.until
            parts = one.id.split("-")
            prefixes = ["-".join((*parts[:length], "")) for length in range(len(parts))]
            if {prefix + one.step.until for prefix in prefixes} & {later.id for later in placed[number + 1 :]}:
                found.add(one.keys)
    for keys, until in asked.items():
        if keys not in found:
            notes.add(
                (*keys, "until"), f"{until!r} is no step that comes later.", "Name the step that ends this state."
            )


class _Procedure:
    """One procedure as written, with what its includes bring (for references to their steps)."""

    def __init__(
        self,
        guide: Guide,
        name: str,
        placed: list[Placed],
        notes: Notes,
        signatures: Mapping[str, Signature] | None,
    ) -> None:
        self.guide = guide
        self.name = name
        self.notes = notes
        self.signatures = signatures
        self.placed = {one.id: one for one in placed}
        self.outside = readable(guide, name)

    def all(self) -> None:
        steps = self.guide.procedures[self.name].steps
        if not steps:
            self.notes.add(("procedures", self.name), f"The procedure {self.name!r} has no steps.", "Write some.")
        self._steps(steps, step_keys(self.name), "", [], [])

    def _steps(
        self, steps: Iterable[StepTemplate], keys: Keys, prefix: str, before: list[str], failed: list[StepTemplate]
    ) -> None:
        """`before` are the steps that may be referred to; `failed` those whose remedy this is."""
        seen: dict[str, None] = {}
        for number, step in enumerate(steps):
            place = (*keys, number)
            if not _ID.match(step.id):
                self.notes.add((*place, "id"), f"{step.id!r} is no id for a step.", "Use a-z, 0-9 and hyphens.")
            if step.id in seen:
                self.notes.add((*place, "id"), f"The step {step.id!r} stands here twice.", "Give it another id.")
            for name in step.after or ():
                if name not in seen:
                    self.notes.add(
                        (*place, "after"), f"{name!r} is no step written before this one.", suggestion(name, seen)
                    )
            seen[step.id] = None
            self._step(step, place, before, failed)
            inner = [step.id] if not step.uses.startswith(INCLUDE) else self._included(prefix + step.id)
            if not failed or not step.uses.startswith(INCLUDE):
                for which, remedy in enumerate(step.on_error):
                    at = (*place, "on_error", which)
                    if remedy.error not in self.guide.known_errors:
                        self.notes.unknown((*at, "error"), "The known error", remedy.error, self.guide.known_errors)
                    if not 0 <= remedy.retries <= 10 or not 0 <= remedy.wait <= 3600:
                        self.notes.add(at, "Retries are 0 to 10, and the wait is at most an hour.", "Correct it.")
                    self._steps(
                        remedy.steps,
                        (*at, "steps"),
                        f"{prefix}{step.id}-{remedy.error}-",
                        [*before, step.id],
                        [*failed, step],
                    )
            before = [*before, *inner]

    def _included(self, id: str) -> list[str]:
        return [name for name, one in self.placed.items() if name.startswith(id + "-") and one.remedy_of is None]

    def _step(self, step: StepTemplate, keys: Keys, before: list[str], failed: list[StepTemplate]) -> None:
        if step.uses.startswith(INCLUDE):
            self._include(step, keys)
        else:
            self._source(step, keys)
            self._action(step, keys, before, failed)
        if step.takes is not None and not _TAKES.match(step.takes):
            self.notes.add((*keys, "takes"), f"{step.takes!r} is no duration.", "Write it as 90s, 5m or 1h.")
        if step.kind is not None and step.kind not in get_args(Kind):
            self.notes.unknown((*keys, "kind"), "The kind of step", step.kind, get_args(Kind))
        for erratum in step.errata:
            if erratum not in self.guide.errata:
                self.notes.unknown((*keys, "errata"), "The erratum", erratum, self.guide.errata)
        for number, when in enumerate(step.when):
            self._when(when, (*keys, "when", number), before)

    def _source(self, step: StepTemplate, keys: Keys) -> None:
        document, _, section = step.source.partition("#")
        if not step.source:
            self.notes.add(keys, f"The step {step.id!r} cites no source.", "Write `source: DOCUMENT#SECTION`.")
        elif document not in self.guide.sources:
            self.notes.unknown((*keys, "source"), "The source", document, self.guide.sources)
        elif not section.strip():
            self.notes.add((*keys, "source"), "The source names no section.", f"Write {document}#SECTION.")

    def _include(self, step: StepTemplate, keys: Keys) -> None:
        name = step.uses.removeprefix(INCLUDE)
        if name not in self.guide.procedures:
            self.notes.unknown((*keys, "uses"), "The procedure", name, self.guide.procedures)
        for key, value in (("with", step.with_), ("on_error", step.on_error), ("leaves", step.leaves)):
            if value:
                self.notes.add((*keys, key), f"An included procedure takes no {key!r}.", "Write it at its steps.")

    def _action(self, step: StepTemplate, keys: Keys, before: list[str], failed: list[StepTemplate]) -> None:
        for name, value in step.with_.items():
            self._late((*keys, "with", name), value, before, failed)
        if self.signatures is None:
            return
        signature = self.signatures.get(step.uses)
        if signature is None:
            if step.uses not in _BUILT_IN:
                known = [*self.signatures, *_BUILT_IN, *(INCLUDE + name for name in self.guide.procedures)]
                message = f"There is no action {step.uses!r}."
                self.notes.add((*keys, "uses"), message, suggestion(step.uses, known))
            return
        for name, value in step.with_.items():
            parameter = signature.parameters.get(name)
            if parameter is None:
                message = f"{step.uses} has no parameter {name!r}."
                self.notes.add((*keys, "with", name), message, suggestion(name, signature.parameters), at_key=True)
                continue
            wrong = mismatch(parameter.schema, value)
            if wrong:
                seen = "" if isinstance(value, Mapping) and wrong != "a mapping" else f", not {describe(value)}"
                self.notes.add((*keys, "with", name), f"{name!r} of {step.uses} must be {wrong}{seen}.")
        for name, parameter in signature.parameters.items():
            if parameter.required and name not in step.with_:
                self.notes.add(keys, f"{step.uses} needs the parameter {name!r}.", "Add it under `with`.")

    def _late(self, keys: Keys, value: Any, before: list[str], failed: list[StepTemplate]) -> None:
        if isinstance(value, list | tuple):
            for number, entry in enumerate(value):
                self._late((*keys, number), entry, before, failed)
        if not isinstance(value, Mapping):
            return
        if "late" not in value:
            for name, entry in value.items():
                self._late((*keys, name), entry, before, failed)
            return
        late = value["late"]
        if len(value) != 1 or not isinstance(late, str) or late.count(".") != 1:
            self.notes.add(keys, "A late value is `{late: STEP.output}` and nothing else.", "Correct it.")
            return
        step, output = late.split(".")
        if step not in before and step not in self.outside:
            known = [*before, *self.outside]
            self.notes.add(keys, f"{step!r} is no step that ends before this one.", suggestion(step, known))
            return
        self._output(keys, step, output, failed)

    def _output(self, keys: Keys, step: str, output: str, failed: Iterable[StepTemplate]) -> None:
        template = self._template(step) or next((one for one in failed if one.id == step), None)
        if template is None or self.signatures is None or template.uses not in self.signatures:
            return
        known = [*self.signatures[template.uses].outputs, *self._captured(template)]
        if output not in known:
            advice = suggestion(output, known) or "It has none."
            self.notes.add(keys, f"{template.uses} has no output {output!r}.", advice)

    def _captured(self, step: StepTemplate) -> list[str]:
        """Named groups of the known errors that the step mends become outputs of its failed attempt."""
        names: list[str] = []
        for remedy in step.on_error:
            known = self.guide.known_errors.get(remedy.error)
            names += re.findall(r"\(\?P<(\w+)>", known.log) if known and known.log else []
        return names

    def _template(self, id: str) -> StepTemplate | None:
        placed = self.placed.get(id)
        return placed.step if placed else self.outside.get(id)

    def _when(self, when: When, keys: Keys, before: list[str]) -> None:
        if when.step not in before and when.step not in self.outside:
            advice = suggestion(when.step, [*before, *self.outside])
            self.notes.add(keys, f"{when.step!r} is no step that ends before this one.", advice)
            return
        for state in when.ended:
            if state not in _ENDED:
                known = ", ".join(_ENDED)
                meant = "is no state in which a step ends" if state in get_args(StepState) else "is no state"
                self.notes.add((*keys, "ended"), f"{state!r} {meant}.", f"Known: {known}.")
        if when.error is not None and when.error not in self.guide.known_errors:
            self.notes.unknown((*keys, "error"), "The known error", when.error, self.guide.known_errors)
        if when.output is not None:
            self._output((*keys, "output"), when.step, when.output, ())
        if not when.ended and when.error is None and when.output is None:
            self.notes.add(keys, "This condition asks nothing.", "Give `ended`, `error`, or `output` with `equals`.")


def mismatch(schema: Mapping[str, Any], value: Any) -> str:
    """What a plain value should be after a JSON Schema; empty when it fits or is known only later."""
    if isinstance(value, str) and "{{" in value:
        return ""
    if isinstance(value, Mapping) and set(value) == {"late"}:
        return ""
    if "anyOf" in schema:
        found = [mismatch(one, value) for one in schema["anyOf"]]
        return "" if "" in found else " or ".join(found)
    if "enum" in schema:
        return "" if value in schema["enum"] else "one of " + ", ".join(str(one) for one in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        if not isinstance(value, list | tuple):
            return "a list"
        inner = [mismatch(schema.get("items", {}), entry) for entry in value]
        return f"a list of which every entry is {max(inner)}" if any(inner) else ""
    if kind == "object":
        if not isinstance(value, Mapping):
            return "a mapping"
        rest = schema.get("additionalProperties", {})
        properties = schema.get("properties", {})
        for name in value if rest is False else ():
            if name not in properties:
                return f"a mapping of {', '.join(properties)}, and has no {name!r}"
        for name in schema.get("required", ()):
            if name not in value:
                return f"a mapping that has {name!r}"
        for name, entry in value.items():
            wrong = mismatch(properties.get(name, rest if isinstance(rest, Mapping) else {}), entry)
            if wrong:
                return f"a mapping whose {name!r} is {wrong}"
        return ""
    if kind == "string" and schema.get("format") == "regex":
        return _regex(value)
    return _simple(kind, value)


def _regex(value: Any) -> str:
    if not isinstance(value, str):
        return "text"
    try:
        re.compile(value)
    except re.error as wrong:
        return f"a regular expression ({wrong})"
    return ""


def _simple(kind: Any, value: Any) -> str:
    yes_no = isinstance(value, bool)
    if kind == "string":
        return "" if isinstance(value, str) else "text"
    if kind == "boolean":
        return "" if yes_no else "true or false"
    if kind == "integer":
        return "" if isinstance(value, int) and not yes_no else "a whole number"
    if kind == "number":
        return "" if isinstance(value, int | float) and not yes_no else "a number"
    if kind == "null":
        return "" if value is None else "null"
    return ""

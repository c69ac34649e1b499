"""The plan file: a plan as JSON, and its digest.

The digest is the SHA-256 of canonical JSON (sorted keys, no spaces, ASCII) of everything but itself. The file holds one
step in a line, so that two plans can be compared by eye. Written by hand rather than by reflection, and one step after
the other: plans may have half a million steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handrail.documents.estate import estate_from_json, estate_to_json
from handrail.documents.files import read_bytes, write_parts
from handrail.documents.plan_reader import PlanShape
from handrail.documents.plan_stream import CANONICAL, plan_of_canonical, refuse
from handrail.documents.records import record_to_json
from handrail.errors import BadInput, Place, Tampered
from handrail.model.finding import Citation, Finding
from handrail.model.plan import SCHEMA, Because, Condition, Erratum, Fact, Hop, Plan, Remedy, Step, WayBack

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Entries:
    """A list of the document whose entries are made one at a time, whenever they are asked for."""

    of: tuple[Any, ...]
    make: Callable[[Any], Json]

    def __iter__(self) -> Iterator[Json]:
        return map(self.make, self.of)


def digest_of(plan: Plan) -> str:
    """`sha256:...` of the plan as it is, whatever digest it carries."""
    return _digest(_document(plan))


def freeze(plan: Plan) -> Plan:
    """The same plan with its digest set."""
    return replace(plan, digest=digest_of(plan))


def write_plan(plan: Plan, path: Path | str) -> None:
    """Write the plan atomically, with its digest set. BadInput when the file cannot be written."""
    document = _document(plan)
    document["digest"] = _digest(document)
    write_parts(path, (part.encode("ascii") for part in _render(document)), "The plan file")


def read_plan(path: Path | str) -> Plan:
    """The plan in the file. BadInput when it is not one; Tampered when it does not match its digest."""
    return plan_of_text(read_bytes(path, "The plan file"), str(path))


def plan_of_text(source: bytes | str, file: str) -> Plan:
    """The plan in a text (a file, or the copy kept with a run). Raises as `read_plan` does."""
    if isinstance(source, str) and (found := plan_of_canonical(source, PlanShape(estate_from_json))) is not None:
        return found
    place = Place(file)
    try:
        document = json.loads(source, parse_constant=refuse)
    except json.JSONDecodeError as error:
        where = Place(file, error.lineno, error.colno)
        raise BadInput("This is not a plan file: it is not JSON.", "Make it with `handrail plan -o`.", where) from None
    except (ValueError, RecursionError):
        raise BadInput("This is not a plan file: it is not JSON.", "Make it with `handrail plan -o`.", place) from None
    try:
        return plan_from_json(document)
    except BadInput as error:
        if error.place is not None and error.place.file == file:
            raise
        raise (
            type(error)(error.message, error.advice, place)
            if type(error) in (BadInput, Tampered)
            else BadInput(f"This plan cannot be read: {error.message}", error.advice, place)
        ) from None


def plan_from_json(document: Any) -> Plan:
    """The plan in plain data. BadInput when it is not one; Tampered when it does not match its digest."""
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith("handrail/plan/"):
        raise BadInput("This is not a plan.", "Make one with `handrail plan ESTATE -o PLAN`.")
    if document["schema"] != SCHEMA:
        raise BadInput(f"This plan is {document['schema']!r}; this program reads {SCHEMA!r}.", "Make it anew.")
    try:
        found = _digest(document)
    except (ValueError, TypeError, RecursionError):
        raise BadInput("This is not a plan.", "Make one with `handrail plan ESTATE -o PLAN`.") from None
    if document.get("digest") != found:
        raise Tampered(
            "The plan does not match its digest: it was changed after it was made.",
            "Make it anew with `handrail plan` and have it approved again.",
        )
    return PlanShape(estate_from_json).plan(document)


def plan_to_json(plan: Plan) -> Json:
    """The plan in the shape of the plan file (design: `handrail/plan/v1`), with the digest that it carries."""
    return {key: list(value) if isinstance(value, _Entries) else value for key, value in _document(plan).items()}


def _document(plan: Plan) -> Json:
    document: Json = {
        "schema": SCHEMA,
        "digest": plan.digest,
        "estate": estate_to_json(plan.estate),
        "aim": dict(plan.aim),
        "guides": [{"name": one.name, "digest": one.digest} for one in plan.guides],
        "findings": _Entries(plan.findings, finding_to_json),
        "hops": _Entries(plan.hops, _hop),
        "steps": _Entries(plan.steps, step_to_json),
        "point_of_no_return": plan.point_of_no_return,
        "downtime": {name: [list(span) for span in spans] for name, spans in plan.downtime.items()},
    }
    if plan.errata:
        document["errata"] = [_erratum(one) for one in plan.errata]
    if plan.back:
        document["back"] = _Entries(plan.back, step_to_json)
    if plan.detect.components or plan.detect.software:
        document["detect"] = {
            "components": {
                product: {name: record_to_json(one) for name, one in known.items()}
                for product, known in plan.detect.components.items()
            },
            "software": {name: record_to_json(one) for name, one in plan.detect.software.items()},
        }
    if plan.fleet is not None:
        document["fleet"] = record_to_json(plan.fleet)
    if plan.goes_back is not None:
        document["goes_back"] = {"run": plan.goes_back.run, "plan": plan.goes_back.plan}
    return document


def citation_to_json(citation: Citation) -> Json:
    document: Json = {"document": citation.document, "section": citation.section}
    if citation.url is not None:
        document["url"] = citation.url
    if citation.title is not None:
        document["title"] = citation.title
    return document


def finding_to_json(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "level": finding.level,
        "unknown": finding.unknown,
        "accepted": finding.accepted,
        "subject": finding.subject,
        "message": finding.message,
        "remedy": finding.remedy,
        "source": citation_to_json(finding.source),
    }


def step_to_json(step: Step) -> Json:
    document: Json = {
        "id": step.id,
        "title": step.title,
        "installation": step.installation,
        "host": step.host,
        "uses": step.uses,
        "revision": step.revision,
        "with": _mapping(step.with_),
        "when": [_condition(one) for one in step.when],
        "kind": step.kind,
        "lasting": step.lasting,
        "takes": step.takes,
        "after": list(step.after),
        "because": [_because(one) for one in step.because],
        "rests_on": [_fact(one) for one in step.rests_on],
        "leaves": [_fact(one) for one in step.leaves],
        "way_back": _way_back(step.way_back),
        "downtime": step.downtime,
        "source": citation_to_json(step.source),
    }
    if step.protects:
        document["protects"] = list(step.protects)
    if step.proves:
        document["proves"] = list(step.proves)
    if step.changes:
        document["changes"] = list(step.changes)
    if step.no_return:
        document["no_return"] = True
    if step.soak:
        document["soak"] = step.soak
    if step.tolerant:
        document["tolerant"] = True
    if step.until is not None:
        document["until"] = step.until
    if step.remedies:
        document["remedies"] = [_remedy(one) for one in step.remedies]
    if step.says:
        document["says"] = step.says
    if step.errata:
        document["errata"] = list(step.errata)
    return document


def _mapping(values: Mapping[str, Any]) -> Json:
    return values if type(values) is dict else dict(values)


def _way_back(way: WayBack) -> Json:
    document: Json = {"kind": way.kind, "from": list(way.from_)}
    if way.by:
        document["by"] = list(way.by)
    return document


def _fact(fact: Fact) -> Json:
    return {"address": fact.address, "value": fact.value}


def _because(one: Because) -> Json:
    return {"after": one.after, "reason": one.reason, "source": citation_to_json(one.source)}


def _condition(one: Condition) -> Json:
    document: Json = {"step": one.step}
    if one.ended:
        document["ended"] = list(one.ended)
    if one.error is not None:
        document["error"] = one.error
    if one.output is not None:
        document["output"] = one.output
        document["equals"] = one.equals
    return document


def _remedy(one: Remedy) -> Json:
    document: Json = {"error": one.error, "steps": list(one.steps), "retries": one.retries, "wait": one.wait}
    if one.log is not None:
        document["log"] = one.log
    if one.exit:
        document["exit"] = list(one.exit)
    if one.says:
        document["says"] = one.says
    if one.source is not None:
        document["source"] = citation_to_json(one.source)
    return document


def _hop(hop: Hop) -> Json:
    document: Json = {
        "installation": hop.installation,
        "from": hop.from_,
        "to": hop.to,
        "method": hop.method,
        "why": hop.why,
        "not": [{"method": one.method, "because": one.because} for one in hop.not_],
        "source": citation_to_json(hop.source),
    }
    if hop.build is not None:
        document["build"] = hop.build
    return document


def _erratum(one: Erratum) -> Json:
    return {
        "id": one.id,
        "says": one.says,
        "we_do": one.we_do,
        "because": one.because,
        "source": citation_to_json(one.source),
    }


_PLAIN = json.JSONEncoder()


def _digest(document: Json) -> str:
    """Of the canonical JSON, which is never whole in memory."""
    found = hashlib.sha256()
    for number, key in enumerate(sorted(key for key in document if key != "digest")):
        value = document[key]
        found.update(f"{',' if number else '{'}{CANONICAL.encode(key)}:".encode("ascii"))
        if isinstance(value, (list, _Entries)):
            found.update(b"[")
            for part in _joined(map(CANONICAL.encode, value), ","):
                found.update(part.encode("ascii"))
            found.update(b"]")
        else:
            found.update(CANONICAL.encode(value).encode("ascii"))
    found.update(b"}")
    return "sha256:" + found.hexdigest()


def _joined(parts: Iterable[str], between: str) -> Iterator[str]:
    for number, part in enumerate(parts):
        yield between + part if number else part


def _render(document: Json) -> Iterator[str]:
    """JSON with one entry of each top-level list in a line."""
    for number, (key, value) in enumerate(document.items()):
        yield ",\n" if number else "{\n"
        yield f" {_PLAIN.encode(key)}: "
        if isinstance(value, (list, _Entries)) and any(True for _ in value):
            yield "[\n"
            yield from _joined((f"  {_PLAIN.encode(entry)}" for entry in value), ",\n")
            yield "\n ]"
        else:
            yield _PLAIN.encode(list(value) if isinstance(value, _Entries) else value)
    yield "\n}\n"

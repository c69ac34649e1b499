"""Compares what was expected of assessing and planning with what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from handrail.documents.read import Keys
from handrail.errors import suggestion
from handrail.model.finding import Assessment, Finding
from handrail.model.plan import Hop, Plan, Step
from handrail.rehearsing.differences import Found, holds_text, short, shown
from handrail.rehearsing.naming import meant, nothing
from handrail.rehearsing.scenario import UNSAID, Expectation, ExpectedFinding, ExpectedHop, Rollback


@dataclass(frozen=True, slots=True)
class Renderings:
    """How a plan is told to people; handed in, because telling comes after us. Each gives text."""

    explain: Callable[[Plan, str | None], str]
    runbook: Callable[[Plan], str]


@dataclass(frozen=True, slots=True)
class Came:
    """What came out: findings always, hops always, a plan unless findings forbid it."""

    assessment: Assessment
    hops: tuple[Hop, ...]
    plan: Plan | None


def compare(expected: Expectation, came: Came, renderings: Renderings) -> Found:
    """Everything that is otherwise than expected."""
    yield from _findings(expected, came.assessment)
    yield from _hops(expected.hops, came.hops)
    about_plan = (
        expected.order, expected.steps, expected.no_steps, expected.values, expected.way_back, expected.errata,
        expected.explain, expected.runbook,
    )  # fmt: skip
    if came.plan is not None:
        yield from _plan(expected, came.plan, renderings)
    elif any(about_plan) or expected.point_of_no_return != UNSAID:
        yield ("expect",), f"There is no plan to look at: {_blocking(came.assessment)}."


def _blocking(assessment: Assessment) -> str:
    blockers = [f"{one.rule} for {one.subject}" for one in assessment.findings if one.blocks]
    return f"it is blocked by {', '.join(blockers[:4])}{', …' if len(blockers) > 4 else ''}"


# -- findings -----------------------------------------------------------------------------------------------------


def _findings(expected: Expectation, assessment: Assessment) -> Found:
    if expected.verdict is not None and assessment.verdict != expected.verdict:
        because = f": {_blocking(assessment)}" if assessment.verdict == "blocked" else ""
        yield ("expect", "verdict"), f"Expected the verdict {expected.verdict}, got {assessment.verdict}{because}."
    found = assessment.findings
    matched: set[int] = set()
    for n, one in enumerate(expected.findings):
        fitting = [number for number, finding in enumerate(found) if _fits(one, finding)]
        matched.update(fitting)
        if not fitting:
            yield ("expect", "findings", n), f"Expected {_told(one)}, {_instead(one, found)}."
    if expected.only:
        for number, finding in enumerate(found):
            if number not in matched and finding.level != "note":
                yield ("expect", "only"), f"Expected no other blocker or risk, got {_described(finding)}."
    for n, rule in enumerate(expected.absent):
        for finding in found:
            if finding.rule == rule:
                yield ("expect", "absent", n), f"Expected nothing of {rule}, got {_described(finding)}."


def _fits(expected: ExpectedFinding, finding: Finding) -> bool:
    return finding.rule == expected.rule and not list(_unlike(expected, finding))


def _unlike(expected: ExpectedFinding, finding: Finding) -> Iterator[str]:
    if expected.subject is not None and finding.subject != expected.subject:
        yield f"for {finding.subject}"
    if expected.level is not None and finding.level != expected.level:
        yield f"as a {finding.level}"
    if finding.unknown != expected.unknown:
        yield "marked unknown" if finding.unknown else "as known"
    if expected.accepted is not None and finding.accepted != expected.accepted:
        yield "accepted" if finding.accepted else "not accepted"
    if not all(holds_text(finding.message, part) for part in expected.says):
        yield f"saying {short(finding.message)!r}"
    if not all(holds_text(finding.remedy, part) for part in expected.remedy):
        yield f"advising {short(finding.remedy)!r}"


def _told(expected: ExpectedFinding) -> str:
    kind = "an unknown" if expected.unknown else "a"
    words = [kind, expected.level or "finding", "of", expected.rule]
    if expected.subject is not None:
        words += ["for", expected.subject]
    if expected.says:
        words += ["saying", " and ".join(repr(part) for part in expected.says)]
    if expected.remedy:
        words += ["advising", " and ".join(repr(part) for part in expected.remedy)]
    return " ".join(words)


def _instead(expected: ExpectedFinding, found: Sequence[Finding]) -> str:
    """What the rule says instead: the nearest of its findings, by how many ways it differs."""
    same = [(list(_unlike(expected, one)), one) for one in found if one.rule == expected.rule]
    if not same:
        near = suggestion(expected.rule, {one.rule for one in found})
        return f"got none of that rule. {near}".rstrip(". ") if near.startswith("Did") else "got none of that rule"
    unlike, _ = min(same, key=lambda pair: len(pair[0]))
    return f"got it {', '.join(unlike)}"


def _described(finding: Finding) -> str:
    unknown = "unknown " if finding.unknown else ""
    return f"{unknown}{finding.level} {finding.rule} for {finding.subject}: {short(finding.message)}"


# -- hops ---------------------------------------------------------------------------------------------------------


def _hops(expected: Mapping[str, tuple[ExpectedHop, ...]], hops: Sequence[Hop]) -> Found:
    for subject, wanted in expected.items():
        got = [hop for hop in hops if hop.installation == subject]
        if len(got) != len(wanted) or any(
            (one.to, one.method) != (hop.to, hop.method) for one, hop in zip(wanted, got, strict=False)
        ):
            lists = f"Expected {_road(wanted)} for {subject}, got {_road(got)}."
            near = suggestion(subject, {hop.installation for hop in hops}) if not got else ""
            yield ("expect", "hops", subject), f"{lists} {near}".rstrip() if near.startswith("Did") else lists
            continue
        for n, (one, hop) in enumerate(zip(wanted, got, strict=True)):
            yield from ((("expect", "hops", subject, n, *keys), message) for keys, message in _hop(one, hop))


def _road(hops: Sequence[ExpectedHop] | Sequence[Hop]) -> str:
    if not hops:
        return "no hop"
    return ("hop " if len(hops) == 1 else "hops ") + ", then ".join(f"to {one.to} by {one.method}" for one in hops)


def _hop(expected: ExpectedHop, hop: Hop) -> Found:
    if expected.from_ is not None and hop.from_ != expected.from_:
        yield ("from",), f"Expected the hop to {hop.to} to begin at {expected.from_}, got {hop.from_}."
    methods = [one.method for one in hop.not_]
    for n, method in enumerate(expected.not_):
        if method not in methods:
            yield ("not", n), f"Expected {method} among the methods passed over to {hop.to}, got {shown(methods)}."
    for n, part in enumerate(expected.why):
        if not holds_text(hop.why, part):
            yield ("why", n), f"Expected the hop to {hop.to} to be explained with {part!r}, got {short(hop.why)!r}."


# -- the plan -----------------------------------------------------------------------------------------------------


def _plan(expected: Expectation, plan: Plan, renderings: Renderings) -> Found:
    yield from steps_of(expected, plan)
    yield from _values(expected.values, plan)
    yield from _ways_back(expected, plan)
    shown_errata = [one.id for one in plan.errata]
    for n, id in enumerate(expected.errata):
        if id not in shown_errata:
            yield ("expect", "errata", n), f"Expected the plan to show the erratum {id}, got {shown(shown_errata)}."
    yield from _told_texts(expected, plan, renderings)


def steps_of(expected: Expectation | Rollback, plan: Plan, within: Keys = ("expect",)) -> Found:
    """What is otherwise about which steps there are, and in which order. `within`: where the scenario says so."""
    ids = [step.id for step in plan.steps]
    for n, name in enumerate(expected.steps):
        if not meant(name, ids):
            yield (*within, "steps", n), nothing(name, ids)
    for n, name in enumerate(expected.no_steps):
        for id in meant(name, ids)[:3]:
            yield (*within, "no_steps", n), f"Expected no step {name!r}, got {id}."
    yield from _order(expected.order, plan, within)


def _order(expected: Sequence[Sequence[str]], plan: Plan, within: Keys) -> Found:
    if not expected:
        return
    ids = [step.id for step in plan.steps]
    before = _before(plan.steps)
    for n, names in enumerate(expected):
        keys = (*within, "order", n)
        for at, name in enumerate(names):
            if not meant(name, ids):
                yield (*keys, at), nothing(name, ids)
        for at, (first, then) in enumerate(pairwise(names)):
            pairs = [(a, b) for a in meant(first, ids) for b in meant(then, ids) if a != b]
            wrong = next(((a, b) for a, b in pairs if a not in before[b]), None)
            if wrong is not None:
                a, b = wrong
                how = "the other way round" if b in before[a] else "no order between them"
                yield (*keys, at + 1), f"Expected {a} before {b}, got {how}."


def _before(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """For every step all that surely end before it begins."""
    found: dict[str, frozenset[str]] = {}
    for step in steps:
        found[step.id] = frozenset(step.after).union(*(found[one] for one in step.after))
    return found


def _values(expected: Mapping[str, Mapping[str, Any]], plan: Plan) -> Found:
    ids = [step.id for step in plan.steps]
    by_id = {step.id: step for step in plan.steps}
    for name, values in expected.items():
        found = meant(name, ids)
        if not found:
            yield ("expect", "values", name), nothing(name, ids)
        for id in found:
            given = by_id[id].with_
            for parameter, value in values.items():
                keys = ("expect", "values", name, parameter)
                if parameter not in given:
                    yield keys, f"The step {id} has no {parameter!r}. {suggestion(parameter, given)}".rstrip()
                elif _plain(given[parameter]) != _plain(value):
                    got = shown(given[parameter])
                    yield keys, f"Expected {parameter} of {id} to be {shown(value)}, got {got}."


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _ways_back(expected: Expectation, plan: Plan) -> Found:
    ids = [step.id for step in plan.steps]
    by_id = {step.id: step for step in plan.steps}
    for name, kind in expected.way_back.items():
        found = meant(name, ids)
        if not found:
            yield ("expect", "way_back", name), nothing(name, ids)
        for id in found:
            got = by_id[id].way_back.kind
            if got != kind:
                yield ("expect", "way_back", name), f"Expected the way back of {id} to be {kind}, got {got}."
    if expected.point_of_no_return == UNSAID:
        return
    wanted, got_point = expected.point_of_no_return, plan.point_of_no_return
    if wanted is None and got_point is not None:
        yield ("expect", "point_of_no_return"), f"Expected no point of no return, got {got_point}."
    elif wanted is not None and not meant(wanted, [got_point] if got_point else []):
        message = f"Expected the point of no return at {wanted}, got {shown(got_point)}."
        yield ("expect", "point_of_no_return"), message


def _told_texts(expected: Expectation, plan: Plan, renderings: Renderings) -> Found:
    ids = [step.id for step in plan.steps]
    for name, parts in expected.explain.items():
        found = meant(name, ids) if name else [""]
        if not found:
            yield ("expect", "explain", name), nothing(name, ids)
        for id in found:
            text = renderings.explain(plan, id or None)
            for n, part in enumerate(parts):
                if not holds_text(text, part):
                    what = f"of {id}" if id else "of the plan"
                    yield ("expect", "explain", name, n), f"The explanation {what} does not say {part!r}."
    if expected.runbook:
        rest = " ".join(renderings.runbook(plan).split())
        whole = rest
        for n, part in enumerate(expected.runbook):
            _, fits, after = rest.partition(" ".join(part.split()))
            if fits:
                rest = after
                continue
            where = "earlier than what comes before it here" if holds_text(whole, part) else "nowhere"
            yield ("expect", "runbook", n), f"The runbook says {part!r} {where}."

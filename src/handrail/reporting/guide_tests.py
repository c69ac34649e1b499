"""What testing guides brought to light: scenarios, and the demands that they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handrail.errors import BadInput, Place
from handrail.model.plan import Plan
from handrail.planning.explain import explain
from handrail.rehearsing.expecting import Renderings
from handrail.rehearsing.guide_tests import Coverage, GuideTest
from handrail.rehearsing.trial import Trial
from handrail.reporting import markdown, text, words
from handrail.reporting.explanation import explanation_page
from handrail.reporting.page import Block, Heading, Item, Items, Page, Paragraph
from handrail.reporting.runbook import runbook_page

SCHEMA = "handrail/guide-test/v1"


def renderings() -> Renderings:
    """How scenarios have plans told: as the commands do."""
    return Renderings(_explained, _runbook)


def _explained(plan: Plan, step: str | None) -> str:
    return "\n".join(text.render(explanation_page(explain(plan, step), plan), width=10_000))


def _runbook(plan: Plan) -> str:
    return "\n".join(markdown.render(runbook_page(plan)))


def guide_page(name: str, title: str) -> Page:
    """What stands above a guide's scenarios."""
    yield Heading(f"{title} ({name})", 1)


def trial_page(trial: Trial) -> Page:
    """One scenario, and what differed."""
    yield Items((_trial(trial),))


def coverage_page(test: GuideTest) -> Page:
    """The demands of a guide, each with what shows it."""
    if not test.trials:
        yield Paragraph(f"{test.guide} has no scenarios. Put some into a folder `scenarios` beside its guide.yaml.")
    if test.coverage and test.whole:
        yield Heading(f"What is demanded of {test.guide}")
        yield Items(tuple(map(_coverage, test.coverage)))


def sum_page(tests: Sequence[GuideTest]) -> Page:
    """All of it in one sentence."""
    yield Paragraph(verdict(tests), "good" if all(test.passed for test in tests) else "bad")


def verdict(tests: Sequence[GuideTest]) -> str:
    """How many scenarios failed, which demands none shows, and which guides have none."""
    trials = [trial for test in tests for trial in test.trials]
    failed = [trial for trial in trials if not trial.passed]
    missing = [f"{test.guide} {one.id}" for test in tests if test.whole for one in test.coverage if not one.shown]
    empty = [test.guide for test in tests if not test.trials]
    said = [f"{words.count(len(trials), 'scenario')}, {len(failed) or 'none'} failed"]
    if missing:
        said.append(f"{words.count(len(missing), 'demand')} without one: {words.listed(missing, 40)}")
    elif any(test.whole and test.coverage for test in tests):
        said.append("every demand is shown")
    if empty:
        said.append(f"no scenario of {words.listed(empty, 12)}")
    return "; ".join(said) + "."


def _trial(trial: Trial) -> Item:
    covers = f" ({', '.join(trial.covers)})" if trial.covers else ""
    title = f"{trial.title}{covers}"
    if trial.passed:
        return Item(title, "pass", "good")
    inside: list[Block] = [Items(tuple(Item(_sentence(one.message, one.place)) for one in trial.differences))]
    if trial.mistakes:
        told = (_sentence(f"{one.message} {one.advice}".strip(), one.place) for one in trial.mistakes)
        inside = [Items(tuple(map(Item, told))), *(inside if trial.differences else ())]
    return Item(title, "bad" if trial.mistakes else "FAIL", "bad", tuple(inside))


def _sentence(message: str, place: Place | None) -> str:
    return f"{place}: {message}" if place else message


def _coverage(one: Coverage) -> Item:
    if not one.shown:
        return Item(f"{one.demand.says} No scenario shows it.", one.id, "bad")
    first, more = one.scenarios[0], len(one.scenarios) - 1
    shown = f"{first!r}" + (f" and {words.count(more, 'other')}" if more else "")
    return Item(f"{one.demand.says} Shown by {shown}.", one.id)


def tests_document(tests: Sequence[GuideTest]) -> dict[str, Any]:
    """The JSON of `handrail guide test`."""
    trials = [trial for test in tests for trial in test.trials]
    return {
        "schema": SCHEMA,
        "guides": [
            {
                "guide": test.guide,
                "passed": test.passed,
                "scenarios": [_trial_document(trial) for trial in test.trials],
                "demands": [
                    {
                        "id": one.id,
                        "says": one.demand.says,
                        "source": one.demand.source,
                        "shown": one.shown,
                        "scenarios": list(one.scenarios),
                    }
                    for one in test.coverage
                ],
                "whole": test.whole,
            }
            for test in tests
        ],
        "passed": sum(trial.passed for trial in trials),
        "failed": sum(not trial.passed for trial in trials),
        "uncovered": sum(not one.shown for test in tests if test.whole for one in test.coverage),
    }


def _trial_document(trial: Trial) -> dict[str, Any]:
    return {
        "title": trial.title,
        "file": trial.file,
        "covers": list(trial.covers),
        "result": "bad" if trial.mistakes else "pass" if trial.passed else "fail",
        "ran": trial.ran,
        "seconds": round(trial.seconds, 3),
        "differences": [_place(one.place) | {"message": one.message} for one in trial.differences],
        "mistakes": [_mistake(one) for one in trial.mistakes],
    }


def _mistake(one: BadInput) -> dict[str, Any]:
    return _place(one.place) | {"message": one.message, "advice": one.advice}


def _place(place: Place | None) -> dict[str, Any]:
    return {
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }

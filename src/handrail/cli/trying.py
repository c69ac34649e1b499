"""`guide test`: a guide's scenarios tried, which of its demands they show, and their plans rehearsed if asked to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handrail.actions.catalogue import signatures
from handrail.cli import options
from handrail.cli.faults import sentence
from handrail.cli.output import Output
from handrail.errors import BadInput
from handrail.guides import catalogue as guide_catalogue
from handrail.guides.catalogue import Catalogue
from handrail.rehearsing.faults import Fault
from handrail.rehearsing.faults import chosen as faults_chosen
from handrail.rehearsing.guide_tests import Chosen, GuideTest, choose, guide_folders, only, try_guides
from handrail.rehearsing.results import to_json
from handrail.rehearsing.sweep import SamePlan, Swept, plans_of, sweep, told
from handrail.rehearsing.trial import Trial
from handrail.reporting import text
from handrail.reporting.guide_tests import (
    coverage_page,
    guide_page,
    renderings,
    sum_page,
    tests_document,
    trial_page,
    verdict,
)
from handrail.reporting.page import Block, Heading
from handrail.reporting.rehearsal import case_page, rehearsal_page
from handrail.reporting.sweep import sums_page, swept_document, swept_page, swept_verdict


@dataclass(frozen=True, slots=True)
class Rehearsing:
    """How the plans of scenarios are rehearsed afterwards: with these faults, and with so many seeds each."""

    faults: tuple[Fault, ...]
    seeds: int = 0


def rehearsing(asked: bool, faults: str | None, seeds: int | None) -> Rehearsing | None:
    """What the options ask for. BadInput when they ask for nothing."""
    if not asked:
        if faults is not None or seeds is not None:
            raise BadInput("--faults and --seeds are about rehearsing.", "Give them with --rehearse.")
        return None
    if seeds is not None and seeds < 1:
        raise BadInput(f"--seeds {seeds} asks for nothing.", "Give a number of seeds, such as 100.")
    return Rehearsing(faults_chosen("all" if faults is None else faults), seeds or 0)


def test_guides(
    output: Output,
    names: Sequence[str],
    guides: Sequence[str],
    format: str,
    *,
    patterns: Sequence[str] = (),
    how: Rehearsing | None = None,
) -> int:
    """0 when all scenarios pass, every demand is shown by one and every rehearsal passes, 2 when a scenario cannot be
    read, 1 otherwise."""
    catalogue = _catalogue(names, guides)
    chosen = _chosen(names, patterns, catalogue)
    teller = _Teller(output, format == "text")
    tests = try_guides(chosen, catalogue, renderings(), progress=teller)
    if format == "text":
        teller.rest(tests)
    swept = _rehearse(output, tests, catalogue, how, format) if how else []
    if format == "json":
        faults = [one.name for one in how.faults] if how else []
        output.json(tests_document(tests) | ({"rehearsal": swept_document(swept, faults)} if how else {}))
    mistakes = [mistake for test in tests for trial in test.trials for mistake in trial.mistakes]
    for mistake in mistakes:
        output.complain(sentence(mistake))
    if mistakes:
        return 2
    if not all(test.passed for test in tests):
        output.complain(f"handrail: {verdict(tests)}")
        return 1
    if not all(one.passed for one in swept):
        output.complain(f"handrail: {swept_verdict(swept)}")
        return 1
    return 0


def show_case(
    output: Output, names: Sequence[str], guides: Sequence[str], format: str, case: str, patterns: Sequence[str] = ()
) -> int:
    """One case of one scenario's plan, as a story; 0 when it passes, or ends without a way back as planned."""
    catalogue = _catalogue(names, guides)
    scenarios = [(one.guide.guide.name, str(file)) for one in _chosen(names, patterns, catalogue) for file in one.files]
    if len(scenarios) != 1:
        raise BadInput("--case is about one scenario.", "Name its file, or choose it with --only.")
    (guide, file), *_ = scenarios
    found = told(SamePlan(guide, (file,), 0), catalogue, case)
    if format == "json":
        output.json(to_json(found))
    else:
        page = rehearsal_page(found, file) if found.unfaulted else case_page(found)
        output.lines(text.render(page, width=output.width, colour=output.colour))
    return found.exit_code


def _chosen(names: Sequence[str], patterns: Sequence[str], catalogue: Catalogue) -> list[Chosen]:
    chosen = choose(names, catalogue)
    return only(chosen, patterns) if patterns else chosen


def _rehearse(
    output: Output, tests: Sequence[GuideTest], catalogue: Catalogue, how: Rehearsing, format: str
) -> list[Swept]:
    """Every plan once; each is told of as it ends. Interrupted, it says how to go on."""
    plans = plans_of(tests)
    found: list[Swept] = []
    if format == "text":
        output.line()
        output.lines(text.render(iter([Heading("Rehearsing")]), width=output.width, colour=output.colour))
    try:
        with contextlib.closing(sweep(plans, catalogue, how.faults, seeds=how.seeds)) as several:
            for one in several:
                found.append(one)
                if format == "text":
                    output.lines(text.render(swept_page(one), width=output.width, colour=output.colour))
                    output.flush()
    except KeyboardInterrupt:
        done = {one.same.names[0] for one in found}
        rest = [one.names[0] for one in plans if one.names[0] not in done]
        output.complain(f"handrail: Interrupted. Go on with the same command and --only {','.join(rest)}")
        raise
    if format == "text":
        output.line()
        output.lines(text.render(sums_page(found), width=output.width, colour=output.colour))
    return found


def _catalogue(names: Sequence[str], guides: Sequence[str]) -> Catalogue:
    """The guides that there are, and those that the names lead to."""
    own = guide_catalogue.SHIPPED.resolve()
    folders = options.folders(guides)
    folders += [one for one in guide_folders(names) if own not in (one.resolve(), one.resolve().parent)]
    alone = {one.resolve(): one for one in folders}
    return guide_catalogue.load(list(alone.values()), signatures=signatures())


class _Teller:
    """Tells of each scenario as it ends, below the title of its guide."""

    def __init__(self, output: Output, speaks: bool) -> None:
        self._output = output
        self._speaks = speaks
        self._told: set[str] = set()

    def __call__(self, chosen: Chosen, trial: Trial) -> None:
        if not self._speaks:
            return
        self._title(chosen.guide.guide.name, chosen.guide.guide.title)
        self._show(trial_page(trial))
        self._output.flush()

    def rest(self, tests: Sequence[GuideTest]) -> None:
        """What can be said only when all have ended."""
        for test in tests:
            self._title(test.guide, test.title)
            page = list(coverage_page(test))
            if page and test.trials:
                self._output.line()
            self._show(page)
        self._output.line()
        self._show(sum_page(tests))

    def _title(self, name: str, title: str) -> None:
        if name in self._told:
            return
        if self._told:
            self._output.line()
        self._show(guide_page(name, title))
        self._told.add(name)

    def _show(self, page: Iterable[Block]) -> None:
        self._output.lines(text.render(page, width=self._output.width, colour=self._output.colour))

"""`guide test`: a guide's scenarios tried, and which of its demands they show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handrail.actions.catalogue import signatures
from handrail.cli import options
from handrail.cli.faults import sentence
from handrail.cli.output import Output
from handrail.guides import catalogue as guide_catalogue
from handrail.guides.catalogue import Catalogue
from handrail.rehearsing.guide_tests import Chosen, GuideTest, choose, guide_folders, try_guides
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
from handrail.reporting.page import Block


def test_guides(output: Output, names: Sequence[str], guides: Sequence[str], format: str) -> int:
    """0 when all scenarios pass and every demand is shown by one, 2 when one cannot be read, 1 otherwise."""
    catalogue = _catalogue(names, guides)
    teller = _Teller(output, format == "text")
    tests = try_guides(choose(names, catalogue), catalogue, renderings(), progress=teller)
    if format == "json":
        output.json(tests_document(tests))
    else:
        teller.rest(tests)
    mistakes = [mistake for test in tests for trial in test.trials for mistake in trial.mistakes]
    for mistake in mistakes:
        output.complain(sentence(mistake))
    if mistakes:
        return 2
    if all(test.passed for test in tests):
        return 0
    output.complain(f"handrail: {verdict(tests)}")
    return 1


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

"""What a rehearsal does to a plan, and what a run writes down."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import get_args

from handrail.model import journal
from handrail.rehearsing.faults import FAULTS
from handrail_docs.writing import code, codes, page, prose, table


def faults_page() -> str:
    """The faults of a rehearsal."""
    return page(
        "Faults of a rehearsal",
        "[Rehearsal](../rehearsal.md) tells what happens in a case and who judges. `--faults NAME,…` chooses some.",
        table(
            ("fault", "at this step …", "then", "mended before going on"),
            ((code(one.name), one.says, " and ".join(one.then), one.mended) for one in FAULTS.values()),
        ),
    )


def journal_page() -> str:
    """Events, lanes and states."""
    lanes = (
        (code("HOST"), "the steps of that host, in order"),
        (code(journal.ESTATE_LANE), "steps without a host"),
        (code(journal.RUN_LANE), "what concerns the run as a whole"),
        (code(journal.PEOPLE_LANE), "what others than the runner write: answers, verifications"),
    )
    return page(
        "Journal",
        "Everything that happens in a run is an event in its journal, written before it counts. "
        "`handrail journal RUN` gives all of them out, as lines of JSON. Each lane is a hash chain of its own.",
        "## Lanes",
        table(("lane", "holds"), lanes),
        "## Events",
        table(("event", "says"), ((code(name), says) for name, says in events())),
        "## An event",
        prose(journal.Event.__doc__ or ""),
        "`entry` is what was appended: its kind, the step, the attempt, and data.",
        "## States",
        f"A step is {codes(get_args(journal.StepState))}.",
        f"A run is {codes(get_args(journal.RunState))}.",
    )


def events() -> Iterator[tuple[str, str]]:
    """Every kind of event with what is written beside it in the code."""
    source = inspect.getsource(journal)
    for name in get_args(journal.EventKind):
        found = re.search(rf'^    "{re.escape(name)}",  # (.+)$', source, re.MULTILINE)
        yield name, found[1] if found else ""

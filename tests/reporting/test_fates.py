"""The fate table: in a plan what is expected of customisations, in a run what became of them."""

from __future__ import annotations

from dataclasses import replace

from tests.support.plans import sample_plan, status_of

from handrail.comparing.fates import Fate, from_json, to_json
from handrail.model.journal import RunStatus
from handrail.model.plan import Plan
from handrail.reporting.markdown import render as markdown
from handrail.reporting.plan import plan_page
from handrail.reporting.run import outcome_page, run_page
from handrail.reporting.text import render
from handrail.running.status import status_to_json

PLAN = sample_plan()
ROWS = (
    Fate("miiserver.exe.config", "appSettings/add[key=Timeout]", "carried", "value=30", "value=30"),
    Fate("miiserver.exe.config", "trace/@level", "needs-a-person", "2", None, "both changed it", "Decide."),
)


def told(*rows: Fate) -> RunStatus:
    status = status_of(PLAN, "running", look="done")
    steps = tuple(
        replace(one, outputs={"fates": to_json(rows)}) if one.state == "done" else one for one in status.steps
    )
    return replace(status, steps=steps)


def planned() -> Plan:
    first, *rest = PLAN.steps
    merge = replace(
        first, uses="config.merge", with_={"file": "C:\\Sync\\miiserver.exe.config", "kept": {"late": "a.b"}}
    )
    return replace(PLAN, steps=(merge, *rest))


def test_a_plan_says_what_is_expected_and_in_which_step() -> None:
    shown = "\n".join(render(plan_page(planned())))

    assert "Customisations" in shown
    assert "miiserver.exe.config" in shown
    assert "Customisations" not in "\n".join(render(plan_page(PLAN)))


def test_a_run_shows_every_row_with_those_that_need_a_person_first() -> None:
    for shown in ("\n".join(render(page(told(*ROWS), PLAN))) for page in (run_page, outcome_page)):
        assert "1 needing a person, 1 carried." in shown
        assert shown.index("trace/@level") < shown.index("appSettings/add[key=Timeout]")


def test_markdown_has_the_same_table() -> None:
    shown = "\n".join(markdown(run_page(told(*ROWS), PLAN)))

    assert "## Customisations" in shown
    assert "needs-a-person" in shown


def test_the_json_of_a_run_lists_them_with_their_step_and_leaves_them_out_where_there_are_none() -> None:
    document = status_to_json(told(*ROWS))

    assert [(one["item"], one["fate"]) for one in document["fates"]] == [(one.item, one.fate) for one in ROWS]
    assert "fates" not in status_to_json(told())


def test_rows_survive_being_written_and_what_is_no_row_is_left_out() -> None:
    assert from_json([*to_json(ROWS), "nonsense", {"fate": "unheard-of"}]) == ROWS
    assert from_json(None) == ()

"""Where a document is wrong is shown wherever a plan is: what it says, what we do, why."""

from __future__ import annotations

import pytest
from tests.support.fleets import GUIDE, SIGNATURES, catalogue, small

from handrail.model.plan import Plan
from handrail.planning.explain import explain
from handrail.planning.plan import make_plan
from handrail.reporting import markdown, text
from handrail.reporting.explanation import explanation_document, explanation_page
from handrail.reporting.plan import plan_page
from handrail.reporting.runbook import runbook_page

ERRATA = """errata:
  e2: {document: manual, says: any size goes, we_do: ask for the size, because: Big ones burst., source: manual#size}
  e3: {document: manual, says: copy by hand, we_do: run setup, because: Hands slip., source: manual#two}
  e4: {document: manual, says: beta is fine, we_do: refuse it, because: It is not., source: manual#beta}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A step follows e1, a rule e2, an edge e3; the rule that follows e4 concerns nobody here."""
    guide = (
        GUIDE.replace("errata:\n", ERRATA)
        .replace(
            "remedy: Make it smaller.,\n     source: manual#size, level",
            "errata: e2, remedy: Shrink., source: manual#size, level",
        )
        .replace("when: 'installation.size == \"big\"',", "when: 'installation.size != \"big\"', must: 'true',")
        .replace("procedure: upgrade, source: manual#two,", "procedure: upgrade, source: manual#two, errata: [e3],")
        .replace(
            "works_with:\n",
            "  - {rule: shop/beta, when: host.beta, says: Beta., remedy: No., source: manual#beta, errata: e4}\n"
            "works_with:\n",
        )
    )
    made = make_plan(small(), catalogue(guide), SIGNATURES)
    assert isinstance(made, Plan), made
    return made


def test_a_plan_holds_the_errata_of_its_steps_edges_and_rules_and_no_others(plan: Plan) -> None:
    assert [one.id for one in plan.errata] == ["e1", "e2", "e3"]


def test_plan_explanation_and_runbook_show_each_in_three_parts(plan: Plan) -> None:
    pages = (
        text.render(plan_page(plan), width=100),
        text.render(explanation_page(explain(plan), plan), width=100),
        markdown.render(runbook_page(plan)),
    )
    for page in ("\n".join(lines) for lines in pages):
        for one in plan.errata:
            assert one.id in page
            for part in (one.says, one.we_do, one.because):
                assert part in page, part


def test_a_step_names_the_errata_that_it_follows(plan: Plan) -> None:
    step = next(one for one in plan.steps if one.errata)
    document = explanation_document(explain(plan, step.id))
    page = "\n".join(text.render(explanation_page(explain(plan, step.id), plan), width=100))

    assert [one["id"] for one in document["errata"]] == ["e1"]
    assert "stop it twice" in page and "stop it once" in page and "Once is enough." in page

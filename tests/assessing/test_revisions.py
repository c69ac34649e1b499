"""Two revisions of a document side by side: one counts, the other is shown."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.fleets import SIGNATURES, compiled, estate_of

from handrail.documents.tree import parse
from handrail.errors import UnknownName
from handrail.guides.catalogue import Catalogue
from handrail.guides.lint import lint
from handrail.model.estate import Acceptance
from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan

GUIDE = """
guide: lamp
title: Lamp
versioning: dotted
sources:
  manual: {title: The manual, publisher: Lamp Inc, seen: 2026-01, revisions: ["2019-09", "2019-10"],
           withdrawn_rule: lamp/withdrawn}
releases:
  "1": {title: One, builds: ["1.0"], source: manual#r}
  "2": {title: Two, builds: ["2.0"], source: manual#r}
components: {bulb: {title: Bulb}}
edges:
  - {component: bulb, from: "1.0", to: "2", method: in-place, procedure: swap, source: manual#in, revision: "2019-09"}
  - {component: bulb, from: "1.0", to: "2", method: side-by-side, procedure: swap, source: manual#side}
requirements:
  - {rule: lamp/dark, revision: "2019-10", when: 'aim.release == "2"', must: 'host.os == "debian-12"',
     says: "{{host.name}} is too dark", remedy: Light it., source: manual#dark}
procedures:
  swap:
    - {id: look, uses: test.look, source: manual#in}
    - {id: shake, uses: test.look, source: manual#in, revision: "2019-09"}
    - {id: turn, uses: test.look, source: manual#in, revision: "2019-10"}
"""


def made(os: str = "debian-12", accept: tuple[str, ...] = (), **aim: Any) -> Plan | Assessment:
    known = Catalogue({"lamp": compiled(GUIDE)})
    data = {
        "name": "hall",
        "hosts": {"a": {"os": os}},
        "deployments": {
            "hall": {"product": "lamp", "installations": [{"component": "bulb", "host": "a", "build": "1.0"}]}
        },
        "aim": {"hall": {"to": "2", **aim}},
    }
    return make_plan(estate_of(data, known), known, SIGNATURES, accept=[Acceptance(one) for one in accept])


def plan(**more: Any) -> Plan:
    found = made(**more)
    assert isinstance(found, Plan), found
    return found


def steps(found: Plan) -> list[str]:
    return [one.id.rpartition("/")[2] for one in found.steps]


def test_the_newest_counts_by_default_and_the_plan_shows_what_it_withdrew() -> None:
    found = plan()

    assert found.hops[0].method == "side-by-side"
    assert [(one.method, one.because) for one in found.hops[0].not_] == [
        ("in-place", "withdrawn by the revision of 2019-10")
    ]
    assert steps(found) == ["look", "turn"]


def test_the_aim_may_choose_an_older_one_and_is_told_of_the_risk() -> None:
    found = plan(revision="2019-09")

    assert found.hops[0].method == "in-place"
    assert [(one.rule, one.level) for one in found.findings] == [("lamp/withdrawn", "risk")]
    assert steps(found) == ["look", "shake"]


def test_a_method_that_the_newest_withdrew_is_a_blocker_that_can_be_accepted() -> None:
    blocked = made(prefer="in-place")
    assert isinstance(blocked, Assessment)
    assert [(one.rule, one.level) for one in blocked.findings] == [("lamp/withdrawn", "blocker")]

    found = plan(prefer="in-place", accept=("lamp/withdrawn",))
    assert found.hops[0].method == "in-place"
    assert steps(found) == ["look", "shake"], "the steps are those of the revision that has the method"


def test_a_rule_of_another_revision_is_a_note() -> None:
    counting = made(os="debian-11")
    assert isinstance(counting, Assessment) and counting.verdict == "blocked"

    found = plan(os="debian-11", revision="2019-09")
    note = next(one for one in found.findings if one.rule == "lamp/dark")
    assert note.level == "note" and note.message == "The revision of 2019-10 says: a is too dark"


def test_a_revision_that_no_document_has_is_refused() -> None:
    with pytest.raises(UnknownName, match="2019-08"):
        made(revision="2019-08")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('#in, revision: "2019-09"}\n  -', '#in, revision: "2019-08"}\n  -', "no revision '2019-08'"),
        ('rule: lamp/dark, revision: "2019-10"', 'rule: lamp/dark, revision: "x"', "no revision 'x'"),
        ('"2019-09", "2019-10"]', '"2019-09", "2019-09"]', "twice"),
        ("lamp/withdrawn", "Withdrawn", "no name for a rule"),
        ('#in, revision: "2019-10"}\n', '#in, revision: "2019-1"}\n', "no revision '2019-1'"),
    ],
)
def test_lint_knows_revisions(before: str, after: str, said: str) -> None:
    assert before in GUIDE
    mistakes = lint(parse(GUIDE.replace(before, after), "guide.yaml"))

    assert any(said in one.message for one in mistakes), [one.message for one in mistakes]

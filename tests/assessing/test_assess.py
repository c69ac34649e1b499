from __future__ import annotations

import pytest
from tests.support.fleets import GUIDE, catalogue, small

from handrail.assessing.assess import assess
from handrail.errors import UnknownName
from handrail.model.estate import Acceptance
from handrail.model.finding import Assessment, Finding

STORE, DESK = "shop/store@a", "shop/desk@b"


def assessed(*changes: tuple[str, object], guide: str = GUIDE, accept: tuple[Acceptance, ...] = ()) -> Assessment:
    known = catalogue(guide)
    return assess(small(*changes, known=known), known, accept=accept)


def of(found: Assessment, rule: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.rule == rule]


def test_an_estate_that_may_go_is_clear() -> None:
    found = assessed()
    assert found.verdict == "clear"
    assert [(one.rule, one.level) for one in found.findings] == [("shop/baseline", "note")]


def test_a_rule_of_a_host_speaks_of_the_host() -> None:
    (found,) = of(assessed(("hosts.a.os", "debian-9")), "shop/os")
    assert (found.level, found.subject, found.message) == ("blocker", "host:a", "a runs debian-9")
    assert found.source.section == "os"


def test_a_fact_that_is_not_stated_blocks_with_the_command_that_settles_it() -> None:
    (found,) = of(assessed(("hosts.a.os", None)), "shop/os")
    assert found.unknown
    assert found.blocks
    assert "host:a.os" in found.message
    assert "cat /etc/os-release" in found.remedy


def test_a_risk_whose_condition_is_unknown_blocks() -> None:
    found = assessed(("deployments.shop.installations.0.facts.size", None))
    assert [(one.level, one.unknown) for one in of(found, "shop/big")] == [("blocker", True)]


def test_a_risk_does_not_block() -> None:
    assert assessed(("deployments.shop.installations.0.facts.size", "big")).verdict == "risky"


def test_all_rules_are_asked_before_stopping() -> None:
    found = assessed(("hosts.a.os", "debian-9"), ("media.two", None), ("deployments.shop.installations.1.build", "1.2"))
    assert {one.rule for one in found.findings if one.blocks} == {"shop/os", "shop/media", "shop/unknown-build"}


def test_a_hop_that_is_announced_is_a_note_with_its_medium_and_a_blocker_without() -> None:
    assert [one.level for one in of(assessed(), "shop/baseline")] == ["note"]
    (found,) = of(assessed(("media.patch", None)), "shop/baseline")
    assert found.level == "blocker"
    assert "kind msp" in found.remedy


def test_a_missing_medium_is_named_in_full() -> None:
    found = of(assessed(("media.two", None)), "shop/media")
    assert [one.subject for one in found] == [DESK, STORE]
    assert "a medium of shop, release 2, kind exe" in found[0].message


def test_what_the_plan_can_mend_is_a_note() -> None:
    estate = ("hosts.a.software", {"runtime": "1"})
    (found,) = of(assessed(estate), "shop/runtime")
    assert (found.level, found.message) == ("note", "The runtime is installed on a")


def test_what_could_be_mended_blocks_without_the_medium() -> None:
    (found,) = of(assessed(("hosts.a.software", {"runtime": "1"}), ("media.runtime-3", None)), "shop/runtime")
    assert found.level == "blocker"
    assert "a medium of runtime, kind msi" in found.remedy


def test_a_rule_asked_at_every_hop_sees_what_earlier_hops_left() -> None:
    """The runtime of 2 is mended before the hop to 2, and that of 3 before the hop to 3."""
    known = catalogue()
    found = assess(small(), known, to={"shop": "3"})
    assert [one.level for one in of(found, "shop/runtime")] == ["note", "note"]
    assert {one.subject for one in of(found, "shop/runtime")} == {"host:a", "host:b"}


def test_a_mend_that_does_not_help_does_not_lift_the_blocker() -> None:
    guide = GUIDE.replace('{{ {"runtime": hop.release} }}', '{{ {"runtime": "0"} }}')
    (found,) = of(assessed(("hosts.a.software", {"runtime": "1"}), guide=guide), "shop/runtime")
    assert found.level == "blocker"


def test_a_rule_may_be_accepted_only_if_the_guide_says_so() -> None:
    huge = ("deployments.shop.installations.0.facts.size", "huge")
    assert assessed(huge).verdict == "blocked"
    accepted = assessed(huge, accept=(Acceptance("shop/locale"),))
    assert accepted.verdict == "risky"
    assert of(accepted, "shop/locale")[0].accepted
    refused = assessed(("hosts.a.os", "debian-9"), accept=(Acceptance("shop/os"),))
    assert refused.verdict == "blocked"
    assert "cannot be accepted" in of(refused, "shop/os")[0].remedy


def test_an_acceptance_for_one_subject_counts_for_that_one_only() -> None:
    huge = [(f"deployments.shop.installations.{number}.facts.size", "huge") for number in (0, 1)]
    found = assessed(*huge, accept=(Acceptance("shop/locale", STORE),))
    assert [(one.subject, one.accepted) for one in of(found, "shop/locale")] == [(DESK, False), (STORE, True)]
    assert found.verdict == "blocked"


def test_the_estate_itself_may_accept() -> None:
    found = assessed(("deployments.shop.installations.0.facts.size", "huge"), ("accept", ["shop/locale"]))
    assert found.verdict == "risky"


def test_accepting_a_rule_that_nothing_has_is_a_mistake() -> None:
    with pytest.raises(UnknownName, match="shop/oss"):
        assessed(accept=(Acceptance("shop/oss"),))


def test_who_has_arrived_is_asked_nothing() -> None:
    arrived = [(f"deployments.shop.installations.{number}.build", "2.0") for number in (0, 1)]
    assert assessed(*arrived, ("hosts.a.os", None)).findings == ()


def test_the_gravest_findings_come_first() -> None:
    found = assessed(("hosts.a.os", "debian-9"), ("deployments.shop.installations.0.facts.size", "big"))
    assert [one.level for one in found.findings] == ["blocker", "risk", "note"]


DEPLOYMENT = (
    "requirements:\n"
    "  - {rule: shop/one-store, scope: deployment, must: 'size(deployment.hosts[\"store\"]) <= 1',"
    " says: Too many stores., remedy: Close one., source: manual#stores}\n"
    "  - {rule: shop/named, scope: estate, must: 'estate.name != \"small\"', level: note, says: A small estate.,"
    " remedy: None., source: manual#estate}\n"
)


def test_a_deployment_and_the_estate_are_asked_once() -> None:
    found = assessed(guide=GUIDE.replace("requirements:\n", DEPLOYMENT))
    assert of(found, "shop/one-store") == []
    assert [one.subject for one in of(found, "shop/named")] == ["estate"]
    second = {"component": "store", "host": "b", "build": "1.5", "database": "goods", "facts": {"size": "small"}}
    crowded = assessed(("deployments.shop.installations.1", second), guide=GUIDE.replace("requirements:\n", DEPLOYMENT))
    assert [one.subject for one in of(crowded, "shop/one-store")] == ["deployment:shop"]


def test_a_rule_that_tells_why_there_is_no_road_speaks_instead_of_the_general_one() -> None:
    stuck = (("deployments.shop.installations.1.build", "1.0"),)
    plain = assessed(*stuck, guide=_without_desks_edge(""))
    assert of(plain, "handrail/no-road")
    told = assessed(*stuck, guide=_without_desks_edge("\n    tells_why_no_road: true"))
    assert of(told, "shop/never") and not of(told, "handrail/no-road")


def _without_desks_edge(more: str) -> str:
    """A guide in which desks go nowhere and a rule says why."""
    never = f"""
  - rule: shop/never
    components: [desk]
    says: never
    remedy: none
    source: manual#os{more}
"""
    return GUIDE.replace("requirements:\n", "requirements:" + never, 1).replace("component: desk", "component: store")

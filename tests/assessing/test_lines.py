"""Roads over two guides: the line is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.fleets import SIGNATURES, compiled, estate_of

from handrail.errors import UnknownName
from handrail.guides.catalogue import Catalogue
from handrail.guides.lines import check_line, line_of
from handrail.model.finding import Assessment
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan

OLD = """
guide: cart
title: Cart
versioning: dotted
sources: {old: {title: The cart's manual, publisher: Shop Inc, seen: 2026-01}}
releases:
  c1: {title: Cart 1, builds: ["1.0"], source: old#releases}
  c2: {title: Cart 2, builds: ["2.0"], source: old#releases}
components:
  barrow: {title: Barrow, values: {service: barrowd}, assets: {data: {kind: database, title: the data}}}
  bell: {title: Bell, values: {service: belld}}
facts:
  installation: {wheels: {type: whole, says: how many, default: 2}}
edges:
  - {component: [barrow, bell], from: "1.0", to: c2, method: in-place, procedure: swap, source: old#two}
requirements:
  - {rule: cart/wheels, ask: hop, must: installation.wheels < 4, says: "{{installation.id}} has too many wheels",
     remedy: Take one off., source: old#wheels}
order:
  - {first: barrow, then: bell, because: The bell hangs on it., source: old#order}
procedures:
  swap:
    - {id: stop, uses: test.stop, with: {name: "{{component.service}}"}, downtime: begins, source: old#two}
    - {id: start, uses: test.start, with: {name: "{{component.service}}"}, downtime: ends, source: old#two,
       errata: [o1], leaves: {host.os: debian-12}}
errata: {o1: {document: old, says: kick it, we_do: push it, because: It breaks., source: old#two}}
"""
NEW = """
guide: truck
title: Truck
versioning: dotted
sources: {new: {title: The truck's manual, publisher: Shop Inc, seen: 2026-01}}
continues: {guide: cart, components: {barrow: loader}}
releases:
  t1: {title: Truck 1, builds: ["3.0"], source: new#releases}
  t2: {title: Truck 2, builds: ["4.0"], source: new#releases}
components:
  loader: {title: Loader, values: {service: loaderd}, assets: {data: {kind: database, title: the data}}}
edges:
  - {component: loader, from: {release: c2}, to: t1, method: side-by-side, procedure: build, source: new#one}
  - {component: loader, from: {below: "4.0"}, to: t2, method: in-place, procedure: build, source: new#two,
     when: 'host.os == "debian-12"', otherwise: It needs Debian 12}
requirements:
  - {rule: truck/load, when: 'aim.release == "t2"', must: installation.load != null, says: Load is not said.,
     remedy: Say it., source: new#load, level: note}
facts:
  installation: {load: {type: whole, says: how much, nullable: true}}
procedures:
  build:
    - {id: stop, uses: test.stop, with: {name: "{{component.service}}"}, downtime: begins, source: new#one}
    - {id: start, uses: test.start, with: {name: "{{component.service}}"}, downtime: ends, source: new#one}
"""
ESTATE: Mapping[str, Any] = {
    "name": "yard",
    "hosts": {"a": {"os": "debian-11"}},
    "databases": {"goods": {"engine": "postgresql", "version": "15.0", "host": "a", "name": "goods"}},
    "deployments": {
        "yard": {
            "product": "cart",
            "installations": [{"component": "barrow", "host": "a", "build": "1.0", "database": "goods"}],
        }
    },
    "aim": {"yard": {"to": "t2"}},
}


def catalogue(*texts: str) -> Catalogue:
    guides = [compiled(text) for text in texts or (OLD, NEW)]
    return Catalogue({one.guide.name: one for one in guides})


def estate(**changes: Any) -> dict[str, Any]:
    deployment = {"component": "barrow", "host": "a", "build": "1.0", "database": "goods", "load": 3}
    product = changes.pop("product", "cart")
    aim = changes.pop("to", "t2")
    installation = {**deployment, **changes}
    return {
        **ESTATE,
        "deployments": {"yard": {"product": product, "installations": [installation]}},
        "aim": {"yard": {"to": aim}},
    }


def planned(data: Mapping[str, Any], known: Catalogue | None = None) -> Plan:
    known = known or catalogue()
    made = make_plan(estate_of(data, known), known, SIGNATURES)
    assert isinstance(made, Plan), made.findings
    return made


def test_an_estate_of_the_earlier_guide_reaches_a_release_of_the_later_one() -> None:
    plan = planned(estate())

    assert [(one.from_, one.to, one.source.document) for one in plan.hops] == [
        ("1.0", "c2", "old"),
        ("2.0", "t1", "new"),
        ("3.0", "t2", "new"),
    ]
    assert [one.name for one in plan.guides] == ["cart", "truck"]


def test_each_hop_is_made_with_the_names_of_its_own_guide() -> None:
    plan = planned(estate())

    assert [one.with_["name"] for one in plan.steps if one.uses == "test.stop"] == ["barrowd", "loaderd", "loaderd"]
    assert {one.installation for one in plan.steps} == {"yard/barrow@a"}
    assert [one.id for one in plan.errata] == ["o1"]


def test_what_a_hop_of_the_earlier_guide_leaves_is_seen_by_the_later_one() -> None:
    """The last edge asks for Debian 12, which a step of the first hop brings about."""
    plan = planned(estate())
    first = next(one for one in plan.steps if one.id == "yard/barrow@a/t2/stop")

    assert ("host:a.os", "debian-12") in [(one.address, one.value) for one in first.rests_on]


def test_an_estate_of_the_later_guide_may_stand_at_a_release_of_the_earlier_one() -> None:
    plan = planned({**estate(product="truck", component="loader", build="2.0"), "hosts": {"a": {"os": "debian-12"}}})

    assert [one.to for one in plan.hops] == ["t1", "t2"]


def test_rules_of_each_guide_are_asked_of_its_own_hops() -> None:
    known = catalogue()
    made = make_plan(estate_of(estate(wheels=5, load=None), known), known, SIGNATURES)

    assert isinstance(made, Assessment)
    assert {one.rule for one in made.findings} == {"cart/wheels", "truck/load"}


def test_a_component_without_a_counterpart_has_no_road_across() -> None:
    known = catalogue()
    made = make_plan(estate_of(estate(component="bell", database=None), known), known, SIGNATURES)

    assert isinstance(made, Assessment)
    assert [one.rule for one in made.findings] == ["handrail/no-road"]


def test_there_is_no_road_back() -> None:
    known = catalogue()
    data = estate(product="truck", component="loader", build="3.0", to="c1")
    made = make_plan(estate_of(data, known), known, SIGNATURES)

    assert isinstance(made, Assessment)
    assert [one.rule for one in made.findings if one.level == "blocker"] == ["handrail/no-road"]


def test_a_release_that_no_guide_of_the_line_has_is_unknown() -> None:
    known = catalogue()

    with pytest.raises(UnknownName, match="cart and truck"):
        make_plan(estate_of(estate(), known), known, SIGNATURES, to={"yard": "t9"})


def test_a_line_begins_with_the_earliest_guide_whichever_is_asked() -> None:
    for product in ("cart", "truck"):
        assert [one.guide.name for one in line_of(catalogue(NEW, OLD), product).guides] == ["cart", "truck"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("guide: cart, comp", "guide: card, comp", "'card'"),
        ("barrow: loader", "barow: loader", "no component 'barow'"),
        ("  t2: {title", "  c2: {title", "'c2' is one of 'cart' too"),
        ("from: {release: c2}", "from: {release: c3}", "'c3'"),
        ("versioning: dotted", "versioning: windows", "counts builds in another way"),
    ],
)
def test_a_bad_joint_is_told(before: str, after: str, said: str) -> None:
    guide = NEW.replace(before, after).replace("to: t2", "to: c2" if "c2: {" in after else "to: t2")
    mistakes = check_line(catalogue(OLD, guide), "truck")

    assert any(said in one.message for one in mistakes), mistakes
    assert all(one.place and one.place.line for one in mistakes)


def test_two_guides_that_continue_one_are_not_of_one_line() -> None:
    """An author's own variant of a guide may stand beside the shipped one."""
    known = catalogue(OLD, NEW, NEW.replace("guide: truck", "guide: lorry"))

    assert [one.guide.name for one in line_of(known, "lorry").guides] == ["cart", "lorry"]
    assert check_line(known, "lorry") == []


def test_a_circle_of_guides_is_told() -> None:
    known = catalogue(OLD + "continues: {guide: truck}\n", NEW)

    assert any("circle" in one.message for one in check_line(known, "truck"))

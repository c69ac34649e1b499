from __future__ import annotations

import pytest
from tests.support.fleets import GUIDE, catalogue, small

from handrail.assessing.assess import assess
from handrail.assessing.country import Road
from handrail.assessing.roads import Roads, find_roads
from handrail.errors import BadInput, UnknownName
from handrail.model.estate import Estate

IN_PLACE = '{component: [store, desk], from: "1.5", to: "2", method: in-place'
STORE, DESK = "shop/store@a", "shop/desk@b"


def roads(*changes: tuple[str, object], guide: str = GUIDE, to: str | None = None) -> Roads:
    known = catalogue(guide)
    return find_roads(small(*changes, known=known), known, {"shop": to} if to else None)


def hops(found: Roads, subject: str = STORE) -> list[tuple[str, str, str]]:
    return [(str(hop.before), hop.to, hop.edge.method) for hop in found.roads[subject].hops]


def test_several_hops_lead_to_the_aim() -> None:
    assert hops(roads()) == [("1.1", "1.5", "patch"), ("1.5", "2", "in-place")]


def test_a_build_between_releases_is_known_by_the_guide() -> None:
    first = roads().roads[STORE].hops[0]
    assert (first.after.build, first.after.release) == ("1.5", "1")


def test_the_build_of_a_release_is_read_from_the_medium() -> None:
    last = roads(to="3").roads[STORE].hops[-1]
    assert (last.after.build, last.after.release) == ("3.0.7", "3")


def test_without_a_build_on_the_medium_it_is_not_known() -> None:
    last = roads(("media.three.build", None), to="3").roads[STORE].hops[-1]
    assert (last.after.build, last.after.release) == (None, "3")


def test_who_has_arrived_has_no_hops() -> None:
    road = roads(("deployments.shop.installations.0.build", "2.0")).roads[STORE]
    assert road.arrived


def test_who_is_at_a_build_that_only_a_medium_knows_has_arrived_too() -> None:
    assert roads(("deployments.shop.installations.0.build", "3.0.7"), to="3").roads[STORE].arrived


def test_a_build_that_the_guide_does_not_know_has_no_road() -> None:
    road = roads(("deployments.shop.installations.0.build", "1.2")).roads[STORE]
    assert road.unknown_build
    assert "1.2" in road.blocked


def test_a_medium_vouches_for_no_build_of_a_release_whose_builds_the_guide_lists() -> None:
    road = roads(
        ("deployments.shop.installations.0.build", "1.2"), ("media.two.release", "1"), ("media.two.build", "1.2")
    )
    assert road.roads[STORE].unknown_build


def test_of_edges_that_apply_the_first_wins_and_the_others_say_why_not() -> None:
    moving = (
        ("hosts.new", {"os": "debian-12", "software": {}}),
        ("aim.shop", {"to": "2", "installations": {"desk@b": {"host": "new"}}}),
    )
    found = roads(*moving)
    assert hops(found, DESK) == [("1.5", "2", "in-place")]
    country = found.country(found.roads[DESK])
    rejected = country.not_(found.roads[DESK], found.roads[DESK].hops[0])
    assert [(one.method, one.because) for one in rejected] == [
        ("side-by-side", "possible, but the guide puts in-place first")
    ]


def test_the_aim_may_prefer_another_method_that_applies() -> None:
    found = roads(
        ("hosts.new", {"os": "debian-12", "software": {}}),
        ("aim.shop", {"to": "2", "prefer": "side-by-side", "installations": {"desk@b": {"host": "new"}}}),
    )
    assert hops(found, DESK) == [("1.5", "2", "side-by-side")]
    country = found.country(found.roads[DESK])
    assert country.why(found.roads[DESK], found.roads[DESK].hops[0]) == "It moves. The aim prefers it."


def test_a_preferred_method_that_does_not_apply_is_refused_with_its_reason() -> None:
    found = roads(("aim.shop", {"to": "2", "prefer": "side-by-side"}))
    assert hops(found, DESK) == [("1.5", "2", "in-place")]
    country = found.country(found.roads[DESK])
    rejected = country.not_(found.roads[DESK], found.roads[DESK].hops[0])
    assert [(one.method, one.because) for one in rejected] == [("side-by-side", "desk@b stays on its host")]


def test_missing_media_do_not_change_the_road() -> None:
    road = roads(("media.patch", None)).roads[STORE]
    assert [hop.to for hop in road.hops] == ["1.5", "2"]
    assert road.hops[0].picked.missing == ("patch",)


def test_an_edge_whose_condition_is_unknown_counts_as_open() -> None:
    guide = GUIDE.replace(
        "when: installation.moves, otherwise", """when: 'host.software["fast"] == "yes"', otherwise"""
    )
    preferring = ("aim.shop", {"to": "2", "prefer": "side-by-side"})
    hop = roads(preferring, guide=guide).roads[DESK].hops[0]
    assert hop.edge.method == "side-by-side"
    assert hop.unknown == ('host.software["fast"]',)


def test_a_road_over_an_edge_whose_condition_is_unknown_blocks() -> None:
    guide = GUIDE.replace(
        "when: installation.moves, otherwise", """when: 'host.software["fast"] == "yes"', otherwise"""
    )
    known = catalogue(guide)
    found = assess(small(("aim.shop", {"to": "2", "prefer": "side-by-side"}), known=known), known)
    assert [(one.subject, one.unknown) for one in found.findings if one.blocks] == [(DESK, True), (STORE, True)]
    assert 'host:b.software["fast"]' in next(one.message for one in found.findings if one.subject == DESK)


def test_a_dead_end_says_why_no_method_will_do() -> None:
    guide = GUIDE.replace(IN_PLACE, IN_PLACE.replace("[store, desk]", "store"))
    road = roads(guide=guide).roads[DESK]
    assert road.hops == ()
    assert "side-by-side: desk@b stays on its host" in road.blocked


def cohort_of(estate: Estate) -> list[Road]:
    return list(find_roads(estate, catalogue()).roads.values())


def test_equal_installations_share_their_hops() -> None:
    installations = [
        {"component": "desk", "host": host, "build": "1.5", "facts": {"size": "small"}} for host in ("a", "b")
    ]
    one, other = cohort_of(small(("deployments.shop.installations", installations), ("databases", None)))
    assert one.hops[0] is other.hops[0]


def test_equal_dead_ends_name_each_their_own() -> None:
    guide = GUIDE.replace(IN_PLACE, IN_PLACE.replace("[store, desk]", "store"))
    installations = [
        {"component": "desk", "host": host, "build": "1.5", "facts": {"size": "small"}} for host in ("a", "b")
    ]
    known = catalogue(guide)
    estate = small(("deployments.shop.installations", installations), ("databases", None), known=known)
    found = find_roads(estate, known)
    assert "desk@a stays" in found.roads["shop/desk@a"].blocked
    assert "desk@b stays" in found.roads["shop/desk@b"].blocked


def test_the_command_line_wins_over_the_file_and_may_leave_the_deployment_out() -> None:
    known = catalogue()
    estate = small()
    assert find_roads(estate, known, {"": "3"}).aims["shop"].to == "3"


@pytest.mark.parametrize("to", [{"shop": "9"}, {"shpo": "2"}])
def test_what_nothing_is_called_is_refused(to: dict[str, str]) -> None:
    with pytest.raises(UnknownName):
        find_roads(small(), catalogue(), to)


def test_a_preferred_method_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'in-place'"):
        roads(("aim.shop", {"to": "2", "prefer": "in-palce"}))


def test_without_an_aim_there_is_nothing_to_plan() -> None:
    with pytest.raises(BadInput, match="no aim"):
        find_roads(small(("aim", None)), catalogue())


def test_after_a_hop_that_moves_the_host_aimed_at_is_the_present_one() -> None:
    guide = GUIDE.replace("method: side-by-side, procedure: upgrade", "method: side-by-side, procedure: move")
    guide = guide.replace("procedures:\n", "procedures:\n" + _MOVE, 1)
    guide = guide.replace(
        'to: "3", method: in-place, procedure: upgrade,',
        'to: "3", method: in-place, procedure: upgrade,\n     when: \'!installation.moves && present.name == "b"'
        ' && installation.beside == ["desk"]\', otherwise: it moves,',
    )
    guide = guide.replace(IN_PLACE, IN_PLACE + ", when: '!installation.moves'")
    aim = ("aim.shop.installations", {"store@a": {"host": "b"}})
    found = roads(aim, guide=guide, to="3")
    assert [hop[1:] for hop in hops(found)] == [("1.5", "patch"), ("2", "side-by-side"), ("3", "in-place")]


_MOVE = """
  move:
    - {id: install, uses: test.setup, with: {path: "{{media.setup.path}}", build: "{{hop.to}}"}, source: manual#side,
       leaves: {installation.moves: "{{false}}"}}
"""

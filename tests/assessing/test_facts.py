from __future__ import annotations

from tests.support.fleets import catalogue, small

from handrail.assessing.facts import MISSING, FactBook, Facts
from handrail.model.estate import Aim, InstallationAim

NEW = ("hosts.new", {"os": "debian-12", "software": {"runtime": "2"}})
MOVE = ("aim.shop", {"to": "2", "installations": {"desk@b": {"host": "new"}}})


def facts(component: str = "store", *changes: tuple[str, object], aim: Aim | None = None) -> Facts:
    estate = small(*changes)
    one = next(each for each in estate.deployments["shop"].installations if each.component == component)
    return FactBook(estate, catalogue().of("shop"), {"shop": aim or estate.aim["shop"]}).of(one)


def test_what_the_estate_does_not_state_is_missing() -> None:
    assert facts("store", ("hosts.a.os", None)).get("host.os", MISSING) is MISSING


def test_what_a_fact_means_when_unstated_is_the_guides_to_say() -> None:
    assert facts().get("installation.agents", MISSING) == []


def test_what_an_aim_does_not_say_is_known_absence() -> None:
    assert facts().get("aim.window", MISSING) is None
    assert facts().get("aim.prefer", MISSING) is None


def test_a_component_without_database_has_none_for_certain() -> None:
    assert facts("desk").get("database.name", MISSING) is None


def test_a_component_that_keeps_data_has_an_unknown_database_when_none_is_named() -> None:
    unnamed = facts("store", ("databases", None), ("deployments.shop.installations.0.database", None))
    assert unnamed.get("database.name", MISSING) is MISSING


def test_the_host_is_the_future_one_and_present_the_one_it_is_on() -> None:
    moving = facts("desk", NEW, MOVE)
    assert (moving.get("host.name"), moving.get("present.name")) == ("new", "b")
    assert moving.get("host.new") is True
    assert moving.get("present.new") is False
    assert moving.get("installation.moves") is True


def test_a_setup_account_that_is_not_named_is_unknown() -> None:
    assert facts().get("setup_account.name", MISSING) is MISSING


def test_hosts_of_components_are_listed_now_and_after_the_aim() -> None:
    moving = facts("desk", NEW, MOVE)
    assert moving.get("deployment.hosts") == {"store": ["a"], "desk": ["b"]}
    assert moving.get("deployment.aimed_hosts") == {"store": ["a"], "desk": ["new"]}


def test_neighbours_share_the_present_host() -> None:
    together = facts("desk", ("hosts.b", None), ("deployments.shop.installations.1.host", "a"))
    assert together.get("installation.beside") == ["store"]


def test_every_fact_has_an_address() -> None:
    known = facts()
    assert known.address("host.os") == "host:a.os"
    assert known.address("installation.build") == "shop/store@a.build"
    assert known.address("database.version") == "database:goods.version"


def test_a_fact_of_the_host_is_one_of_the_present_host_when_they_are_one() -> None:
    staying = facts().with_fact("host.os", "debian-13")
    assert staying.get("present.os") == "debian-13"
    moving = facts("desk", NEW, MOVE).with_fact("host.os", "debian-13")
    assert moving.get("present.os") == "debian-12"


def test_facts_never_change_in_place() -> None:
    before = facts()
    before.with_fact("host.os", "debian-13")
    before.with_fact("host.os", MISSING)
    assert before.get("host.os") == "debian-12"


def test_an_aim_may_come_from_elsewhere_than_the_file() -> None:
    aim = Aim("shop", "3", installations={"store@a": InstallationAim(host="b")})
    assert facts(aim=aim).get("aim.release") == "3"
    assert facts(aim=aim).get("host.name") == "b"

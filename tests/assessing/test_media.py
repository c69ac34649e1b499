from __future__ import annotations

from typing import Any

from tests.support.fleets import catalogue

from handrail.assessing.facts import Facts
from handrail.assessing.media import Shelf
from handrail.model.estate import Estate, Medium
from handrail.model.guide import MediumNeed

GUIDE = catalogue().of("shop").guide


def medium(id: str, **changes: Any) -> Medium:
    return Medium(**{"id": id, "product": "shop", "kind": "exe", "path": f"/m/{id}", "release": "2", **changes})


def picked(need: MediumNeed, *media: Medium, component: str = "store", **facts: Any) -> str | None:
    """The id of the medium that meets a need of an installation on host a."""
    known = Facts({"host": {"name": "a"}, "present": {"name": "a"}, "installation": facts}, {})
    shelf = Shelf(Estate("e", media={one.id: one for one in media}), GUIDE)
    found = shelf.pick({"it": need}, component, known).media.get("it")
    return found.id if found else None


TWO = MediumNeed(kind=("exe",), release="2")


def test_every_given_key_must_match() -> None:
    assert picked(TWO, medium("x", kind="iso")) is None
    assert picked(TWO, medium("x", release="3")) is None
    assert picked(MediumNeed(("exe",), component="store"), medium("x")) is None
    assert picked(TWO, medium("x")) == "x"


def test_a_need_without_product_means_the_guides_own() -> None:
    assert picked(TWO, medium("x", product="other")) is None
    assert picked(MediumNeed(("exe",), product="other"), medium("x", product="other")) == "x"


def test_the_components_own_medium_goes_before_one_for_all() -> None:
    assert picked(TWO, medium("all"), medium("own", component="store")) == "own"


def test_of_several_the_newest_build_is_taken() -> None:
    assert picked(TWO, medium("a", build="2.9"), medium("b", build="2.10"), medium("c")) == "b"


def test_of_equals_the_lesser_id_is_taken() -> None:
    assert picked(TWO, medium("b"), medium("a")) == "a"


def test_a_least_build_is_compared_as_a_build() -> None:
    need = MediumNeed(("exe",), build=">=2.9")
    assert picked(need, medium("x", build="2.10")) == "x"
    assert picked(need, medium("x", build="2.8")) is None
    assert picked(need, medium("x")) is None


def test_an_exact_build_is_meant_as_a_build_not_as_text() -> None:
    assert picked(MediumNeed(("exe",), build="2.0"), medium("x", build="2")) == "x"


def test_a_medium_that_lies_on_another_host_is_of_no_use() -> None:
    assert picked(TWO, medium("x", host="elsewhere")) is None
    assert picked(TWO, medium("anywhere"), medium("here", host="a")) == "here"


def test_architecture_and_language_must_not_contradict() -> None:
    assert picked(TWO, medium("x", architecture="x86"), architecture="x64") is None
    assert picked(TWO, medium("x", language="de"), medium("y", language="en"), language="de") == "x"
    assert picked(TWO, medium("x", language="de")) == "x"

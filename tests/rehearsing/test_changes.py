"""Changes of a sample estate: what a path leads to is set, taken away or refused with a suggestion."""

from __future__ import annotations

from typing import Any

import pytest

from handrail.errors import BadInput, Place
from handrail.rehearsing.changes import changed

HERE = Place("scenario.yaml", 3, 5)
ESTATE: dict[str, Any] = {
    "hosts": {"sync01": {"os": "windows-server-2019", "software": {"msoledbsql": "18.6.7"}}},
    "deployments": {"identity": {"installations": [{"component": "sync", "host": "sync01", "build": "1.0.0.0"}]}},
    "aim": {"identity": {"to": "2"}},
}


def after(path: str, value: Any) -> Any:
    return changed(ESTATE, {path: (value, HERE)})


def test_a_value_is_set() -> None:
    assert after("hosts.sync01.os", "windows-server-2016")["hosts"]["sync01"]["os"] == "windows-server-2016"


def test_null_is_a_value_and_a_dash_takes_away() -> None:
    assert after("hosts.sync01.software.msoledbsql", None)["hosts"]["sync01"]["software"] == {"msoledbsql": None}
    assert after("hosts.sync01.software.msoledbsql", "-")["hosts"]["sync01"]["software"] == {}


def test_the_estate_itself_stays_as_it_is() -> None:
    after("hosts.sync01.os", "windows-server-2016")
    assert ESTATE["hosts"]["sync01"]["os"] == "windows-server-2019"


@pytest.mark.parametrize("name", ["sync@sync01", '"sync@sync01"', "'sync@sync01'", "0"])
def test_an_installation_is_named_by_its_id_or_number(name: str) -> None:
    found = after(f"deployments.identity.installations.{name}.build", "3.0.0.0")
    assert found["deployments"]["identity"]["installations"][0]["build"] == "3.0.0.0"


def test_an_installation_is_added_under_its_id() -> None:
    found = after("deployments.identity.installations.pcns@dc01", {"build": "1.0.0.0"})
    added = found["deployments"]["identity"]["installations"][1]
    assert added == {"component": "pcns", "host": "dc01", "build": "1.0.0.0"}


def test_what_is_on_the_way_is_made() -> None:
    found = after('aim.identity.installations."sync@sync01".host', "sync02")
    assert found["aim"]["identity"]["installations"] == {"sync@sync01": {"host": "sync02"}}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("hosts.snyc01.os", "x", "The estate has no 'snyc01' under hosts. Did you mean 'sync01'?"),
        ("hosts.sync02", "-", "There is no 'hosts.sync02' to take away. Did you mean 'sync01'?"),
        ("deployments.identity.installations.synk@sync01.build", "1", "Did you mean 'sync@sync01'?"),
        ("deployments.identity.installations.7", {}, "There is no entry '7' in this estate."),
        ("hosts.sync01.os.build", "x", "leads into a value that has no keys."),
        ("hosts..os", "x", "is no path into an estate."),
        ('hosts."sync01', "x", "is no path into an estate."),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_a_suggestion(path: str, value: Any, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        after(path, value)
    assert said in str(caught.value)
    assert caught.value.place == HERE

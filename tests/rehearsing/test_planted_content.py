"""What can be wrong with content: rows of a table, objects in a connector space; and what the twin then says of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.twins import SERVICE, SYNC, Console, a_twin, an_estate

from handrail.errors import BadInput
from handrail.rehearsing.plants import Plant, SetObject, SetTable, plant_on
from handrail.twin.mechanisms import files
from handrail.twin.mechanisms.databases import rows
from handrail.twin.things import Database, Entry
from handrail.twin.world import Twin

SEVENTH = "CN=object00007,OU=HR,DC=twin"


def twin_with(*plants: Plant) -> Twin:
    twin = a_twin(an_estate(test_agents=["HR", "AD"]))
    for one in plants:
        plant_on(twin, one)
    return twin


def an_object(**said: Any) -> SetObject:
    return SetObject(host="sql01", **{"of": SERVICE, "space": "HR", "object": SEVENTH, **said})


def a_table(**said: Any) -> SetTable:
    return SetTable(host="sql01", **{"of": SERVICE, **said})


def database(twin: Twin) -> Database:
    found = twin.machine("sql01").get(Database, f"|{SERVICE}")
    assert found is not None
    return found


def exported(twin: Twin, agent: str) -> str:
    assert Console(twin)(f"{SYNC}\\Bin\\csexport.exe", agent, "C:\\a.xml").code == 0
    entry = twin.machine("sync01").get(Entry, "C:\\a.xml")
    assert entry is not None
    return files.content(entry).decode()


def objects(text: str) -> set[str]:
    """An export has another order each time."""
    return set(text.removesuffix("</cs-objects>").split("<cs-object ")[1:])


def test_an_object_that_is_gone_leaves_all_others_as_they_were() -> None:
    whole, less = exported(twin_with(), "HR"), exported(twin_with(an_object(absent=True)), "HR")

    assert SEVENTH in whole and SEVENTH not in less
    assert len(objects(whole) - objects(less)) == 1
    assert len(objects(less)) == len(objects(whole)) - 1


def test_an_object_of_one_agent_is_none_of_another() -> None:
    whole, same = exported(twin_with(), "AD"), exported(twin_with(an_object(absent=True)), "AD")
    assert objects(whole) == objects(same)


def test_the_table_counts_what_is_gone_and_what_came() -> None:
    before = database(twin_with()).tables["connectorspace"]
    gone = database(twin_with(an_object(absent=True))).tables["connectorspace"]
    came = database(twin_with(an_object(object="CN=new,DC=twin", values={"mail": "a@b"}))).tables["connectorspace"]

    assert (gone["rows"], came["rows"]) == (before["rows"] - 1, before["rows"] + 1)
    assert len({one["digest"] for one in (before, gone, came)}) == 3


def test_attributes_are_set_taken_away_and_written_with_their_type() -> None:
    text = exported(twin_with(an_object(values={"enabled": False, "displayName": None, "proxy": ["a", "b"]})), "HR")
    (mine,) = (one for one in objects(text) if SEVENTH in one)

    assert '<attr name="enabled" type="boolean" multivalued="false"><value>false</value></attr>' in mine
    assert '<attr name="proxy" type="string" multivalued="true"><value>a</value><value>b</value></attr>' in mine
    assert "displayName" not in mine


def test_what_is_as_it_was_is_no_change() -> None:
    assert database(twin_with(an_object(values={"type": "user"}))) == database(twin_with())


def test_rows_that_fit_are_changed_or_gone() -> None:
    changed = database(twin_with(a_table(table="agents", where={"Name": "HR"}, values={"Type": "LDAP"})))
    gone = database(twin_with(a_table(table="agents", where={"Name": "HR"})))

    assert [(row["Name"], row["Type"]) for row in rows(changed, "agents")] == [
        ("HR", "LDAP"),
        ("AD", "Active Directory"),
    ]
    assert [row["Name"] for row in rows(gone, "agents")] == ["AD"]


def test_a_counted_table_has_another_count_and_other_content() -> None:
    before = database(twin_with()).tables["metaverse"]
    after = database(twin_with(a_table(table="metaverse", rows=7))).tables["metaverse"]
    assert after["rows"] == 7 and after["digest"] != before["digest"]


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (an_object(of="FIMSync"), "no database 'FIMSync'. Known: FIMService"),
        (an_object(space="HRM"), "no management agent 'HRM'. Did you mean 'HR'"),
        (an_object(object="CN=nobody", absent=True), "has no object 'CN=nobody'"),
        (a_table(table="metavers", rows=1), "Did you mean 'metaverse'"),
        (a_table(table="metaverse", where={"id": 1}), "only counts its rows"),
        (a_table(table="agents", where={"Name": "ERP"}), "none is like this"),
        (a_table(table="agents", rows=1), "lists its rows"),
    ],
)
def test_what_is_not_there_cannot_be_changed(plant: Plant, expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        twin_with(plant)
    assert expected in str(caught.value)

"""The tools that write down what a synchronization service holds, and what they answer when they cannot."""

from __future__ import annotations

import re

import pytest
from tests.support.twins import SERVICE, SYNC, Console, a_twin, an_estate

from handrail.errors import NotRehearsed
from handrail.twin.mechanisms import files
from handrail.twin.things import Entry

SPACES, CONFIGURATION = f"{SYNC}\\Bin\\csexport.exe", f"{SYNC}\\Bin\\svrexport.exe"


def content(console: Console, path: str) -> str:
    found = console.twin.machine("sync01").get(Entry, path)
    assert found is not None
    return files.content(found).decode()


def console_of(*agents: str) -> Console:
    return Console(a_twin(an_estate(test_agents=list(agents))))


def test_a_space_is_written_whole_and_each_time_in_another_order() -> None:
    console = console_of("HR")

    texts = []
    for name in ("C:\\a.xml", "C:\\b.xml"):
        assert console(SPACES, "HR", name).code == 0
        texts.append(content(console, name))

    objects = [re.findall(r"<cs-object .*?</cs-object>", text) for text in texts]
    assert len(objects[0]) > 1
    assert objects[0] != objects[1]
    assert sorted(objects[0]) == sorted(objects[1])


def test_each_agent_has_its_own_space() -> None:
    console = console_of("HR", "AD")
    for agent in ("HR", "AD"):
        assert console(SPACES, agent, f"C:\\{agent}.xml").code == 0

    assert content(console, "C:\\HR.xml") != content(console, "C:\\AD.xml")


def test_exporting_is_an_effect_and_changes_no_content() -> None:
    console = console_of("HR")
    before = dict(console.twin.machine("sql01").context.draft.items("sql01", "database"))

    console(SPACES, "HR", "C:\\a.xml")

    assert dict(console.twin.machine("sql01").context.draft.items("sql01", "database")) == before
    assert "connector space of HR exported to C:\\a.xml" in [one.what for one in console.twin.effects()]


def test_what_cannot_be_exported_is_no_success() -> None:
    console = console_of("HR")

    assert console(SPACES, "Nobody", "C:\\a.xml").code != 0
    assert console(SPACES, "HR", "Z:\\a.xml").code != 0
    assert console(SPACES, "HR", "C:\\None\\a.xml").code != 0
    console("sc", "stop", SERVICE)
    assert console(SPACES, "HR", "C:\\a.xml").code != 0
    assert console(CONFIGURATION, "C:\\config").code != 0


def test_parts_of_a_space_are_not_rehearsed() -> None:
    with pytest.raises(NotRehearsed):
        console_of("HR")(SPACES, "HR", "C:\\a.xml", "/f:x")


def test_a_configuration_wants_a_new_folder_and_says_where_it_comes_from() -> None:
    console = console_of("HR", "AD")

    assert console(CONFIGURATION, "C:\\config").code == 0
    assert 'server="sync01"' in content(console, "C:\\config\\MV.xml")
    assert console(CONFIGURATION, "C:\\config").code != 0

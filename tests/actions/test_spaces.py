"""Connector spaces and configuration on the twin: exported by the product's tools, compared, searched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.support import virtual_time
from tests.support.scripted_host import ScriptedHost, receipt
from tests.support.spaces import person, written

import handrail
from handrail.actions import build
from handrail.actions.protocol import ActFailed, Observation
from handrail.documents.estate import read_estate
from handrail.errors import BadInput
from handrail.twin.raising import raise_twin
from handrail.twin.things import Database
from handrail.twin.world import Twin

MIM = Path(handrail.__file__).parent / "products" / "mim"
BIN = "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Synchronization Service\\Bin"
TO = "C:\\Backup"
DATABASE = "|FIMSynchronizationService"


@pytest.fixture(scope="module")
def raised(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    estate = read_estate(MIM / "estates" / "contoso.yaml").estate
    return raise_twin(estate, {"mim": MIM / "twin.yaml"}, tmp_path_factory.mktemp("twin"))


@pytest.fixture
def twin(raised: Twin) -> Twin:
    return raised.fork()


def look(twin: Twin, uses: str, step: str = "step", **with_: Any) -> Observation:
    return virtual_time.run(build(uses, with_).observe(twin.host("sync01"), receipt(step)))


def export(twin: Twin, step: str, uses: str = "sync.export_space", **with_: Any) -> Mapping[str, Any]:
    assert look(twin, uses, step, to=TO, **with_).state == "not_done"
    virtual_time.run(build(uses, {"to": TO, **with_}).act(twin.host("sync01"), receipt(step)))
    after = look(twin, uses, step, to=TO, **with_)
    assert after.state == "done", after
    return after.outputs


def change(twin: Twin, **tables: Any) -> None:
    """Somebody changes what the database holds."""

    def work(machine: Any) -> None:
        key, database = next((key, one) for key, one in machine.context.draft.items("sql01", "database")
                             if one.name == "FIMSynchronizationService")  # fmt: skip
        new: Database = replace(database, tables={**database.tables, **tables})
        machine.context.draft.put("sql01", "database", key, new)
        machine.did("database", "changed for a test")

    twin.transact("sql01", "test", work)


def test_every_agent_is_exported_and_equal_afterwards_in_whatever_order(twin: Twin) -> None:
    before, after = export(twin, "before"), export(twin, "after")

    assert before["folder"] != after["folder"]
    assert set(before["agents"]) == {"AD", "HR", "MIM Service"} or before["agents"]
    seen = look(twin, "sync.compare_space", before=before["folder"], after=after["folder"])
    assert seen.state == "done", seen
    assert seen.outputs["objects"] > 0
    assert seen.outputs["differing"] == 0


def test_the_tool_can_be_named_and_agents_chosen(twin: Twin) -> None:
    every = export(twin, "all")["agents"]

    assert export(twin, "one", agents=every[:1], tool=f"{BIN}\\csexport.exe")["agents"] == every[:1]


def test_content_that_changed_is_found_and_named(twin: Twin) -> None:
    before = export(twin, "before")
    change(twin, connectorspace={"rows": 12600, "digest": "other content"})
    after = export(twin, "after")

    seen = look(twin, "sync.compare_space", before=before["folder"], after=after["folder"])

    assert seen.state == "not_done"
    assert "content in synchronized-hologram/entry" in seen.because
    agent = next(iter(seen.evidence["agents"].values()))
    assert agent["changed"] == agent["before"]["objects"]
    allow = [{"name": "known", "ignore": ["content"]}]
    seen = look(twin, "sync.compare_space", before=before["folder"], after=after["folder"], allow=allow)
    assert seen.state == "done"
    assert "known" in seen.because


def test_objects_that_are_rows_are_written_with_their_attributes(twin: Twin) -> None:
    agent = export(twin, "agents")["agents"][0]
    row = {"agent": agent, "dn": "CN=one,DC=x", "type": "group", "member": ("a", "b")}
    change(twin, connectorspace={"rows": (row,)})
    made = export(twin, "made", agents=[agent])

    seen = look(twin, "sync.search_space", folder=made["folder"], agent=agent, name="one")

    assert seen.state == "done"
    assert seen.evidence == {"types": {"group": 1}, "found": ["CN=one,DC=x (rdn)"]}
    assert look(twin, "sync.search_space", folder=made["folder"], agent=agent, subtree="DC=x").state == "done"
    assert look(twin, "sync.search_space", folder=made["folder"], agent=agent, name="two").state == "not_done"
    assert look(twin, "sync.search_space", folder=made["folder"], agent="Z", name="two").state == "not_done"


def test_deletions_that_wait_are_counted(twin: Twin) -> None:
    every = export(twin, "none")
    assert look(twin, "sync.pending", folder=every["folder"]).state == "done"
    agent = every["agents"][0]
    rows = [{"agent": agent, "dn": f"CN={one}", "type": "user", "pending": one} for one in ("delete", "update")]
    change(twin, connectorspace={"rows": tuple(rows)})
    made = export(twin, "made")

    seen = look(twin, "sync.pending", folder=made["folder"])

    assert seen.state == "not_done"
    assert seen.because == f"1 deletions wait (1 of {agent}), 0 expected"
    assert seen.outputs["pending"][agent] == {"unapplied-export delete": 1, "unapplied-export update": 1}
    assert look(twin, "sync.pending", folder=made["folder"], deletions=1).state == "done"


def test_a_new_empty_database_is_seen_by_what_is_missing(twin: Twin) -> None:
    before = export(twin, "before")
    change(twin, connectorspace={"rows": 0, "digest": ""})
    after = export(twin, "after")

    seen = look(twin, "sync.compare_space", before=before["folder"], after=after["folder"])

    assert seen.state == "not_done"
    assert "missing of" in seen.because


def test_agents_that_are_gone_or_new_are_named(twin: Twin) -> None:
    every = export(twin, "all")
    one = export(twin, "one", agents=every["agents"][:1])

    gone = look(twin, "sync.compare_space", before=every["folder"], after=one["folder"])
    came = look(twin, "sync.compare_space", before=one["folder"], after=every["folder"])

    assert "not among the agents any more" in gone.because or len(every["agents"]) == 1
    assert "new agent" in came.because or len(every["agents"]) == 1


def test_an_export_that_is_gone_is_unknown_not_fine(twin: Twin) -> None:
    seen = look(twin, "sync.compare_space", before="C:\\None", after="C:\\None")

    assert seen.state == "unknown"
    assert "any more" in seen.because


def test_an_export_that_was_changed_counts_no_more(twin: Twin) -> None:
    made = export(twin, "before")
    names = json.loads(virtual_time.run(twin.host("sync01").read(made["folder"] + "\\spaces.json")))
    path = made["folder"] + "\\" + names[made["agents"][0]]
    virtual_time.run(twin.host("sync01").write(path, b"<cs-objects><cs-object"))

    assert look(twin, "sync.export_space", "before", to=TO).state == "not_done"
    seen = look(twin, "sync.compare_space", before=made["folder"], after=made["folder"])
    assert seen.state == "not_done"
    assert f"sync01:{path}" in seen.because
    assert "ends in the middle" in seen.because


def test_a_stopped_service_exports_nothing(twin: Twin) -> None:
    stop = build("service.stop", {"name": "FIMSynchronizationService"})
    virtual_time.run(stop.act(twin.host("sync01"), receipt("stop")))

    with pytest.raises(ActFailed, match="csexport"):
        virtual_time.run(
            build("sync.export_space", {"to": TO, "agents": ["AD"]}).act(twin.host("sync01"), receipt("export"))
        )


def test_the_configuration_is_exported_and_compared_without_server_and_date(twin: Twin) -> None:
    before = export(twin, "before", "sync.export_configuration")
    after = export(twin, "after", "sync.export_configuration")

    seen = look(twin, "sync.compare_configuration", before=before["folder"], after=after["folder"])
    assert seen.state == "done", seen
    assert seen.outputs["files"] >= 2

    change(twin, agents={"rows": ({"Name": "AD", "profiles": ("Export",)},)})
    changed = export(twin, "changed", "sync.export_configuration")
    seen = look(twin, "sync.compare_configuration", before=before["folder"], after=changed["folder"])
    assert seen.state == "not_done"


def test_without_a_service_there_is_nothing_to_export() -> None:
    services = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
    host = ScriptedHost({f"reg query {services}\\{one} /v ImagePath": 1 for one in
                         ("FIMSynchronizationService", "miiserver")})  # fmt: skip

    with pytest.raises(ActFailed, match="no synchronization service"):
        virtual_time.run(build("sync.export_space", {"to": TO}).act(host, receipt()))


def test_an_older_service_is_found_as_well() -> None:
    services = "HKLM\\SYSTEM\\CurrentControlSet\\Services"
    found = '\nHKEY_LOCAL_MACHINE\\x\n    ImagePath    REG_EXPAND_SZ    "C:\\MIIS\\Bin\\miiserver.exe"\n'
    tool = "C:\\MIIS\\Bin\\csexport.exe"
    host = ScriptedHost(
        {
            f"reg query {services}\\FIMSynchronizationService /v ImagePath": 1,
            f"reg query {services}\\miiserver /v ImagePath": found,
        },
        otherwise=None,
        jobs={f"{tool} HR {TO}\\x": 0},
    )
    from handrail.actions.spaces import tool_beside_service

    assert virtual_time.run(tool_beside_service(host, "", "csexport.exe")) == tool


def test_wrong_allowances_are_refused_before_anything_is_done() -> None:
    with pytest.raises(BadInput, match="no name"):
        build("sync.compare_space", {"before": "a", "after": "b", "allow": [{"ignore": ["x"]}]})
    with pytest.raises(BadInput, match="one of both"):
        build("sync.search_space", {"folder": "a", "agent": "b"})


def test_a_damaged_list_is_unknown() -> None:
    host = ScriptedHost(files={"C:\\a\\spaces.json": b"[1]"})

    seen = virtual_time.run(build("sync.compare_space", {"before": "C:\\a", "after": "C:\\a"}).observe(host, receipt()))

    assert (seen.state, "damaged" in seen.because) == ("unknown", True)


def test_evidence_stays_small_however_much_differs() -> None:
    many = [person(number) for number in range(500)]
    host = ScriptedHost(
        files={
            "C:\\a\\spaces.json": b'{"AD": "1.xml"}',
            "C:\\b\\spaces.json": b'{"AD": "1.xml"}',
            "C:\\a\\1.xml": written(many).encode(),
            "C:\\b\\1.xml": written([]).encode(),
        }
    )

    seen = virtual_time.run(build("sync.compare_space", {"before": "C:\\a", "after": "C:\\b"}).observe(host, receipt()))

    assert seen.evidence["agents"]["AD"]["missing"] == 500
    assert len(seen.evidence["agents"]["AD"]["differences"]) == 20
    assert len(json.dumps(seen.evidence)) < 10_000


def test_the_steps_that_the_documentation_shows_are_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "comparing-content.md").read_text("utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]

    steps = YAML(typ="safe").load(text)["steps"]

    for step in steps:
        values = {name: "C:\\x" if isinstance(one, dict) else one for name, one in step["with"].items()}
        if isinstance(values.get("agents"), str):
            values["agents"] = ["HR"]
        assert build(step["uses"], values)
    assert [step["uses"] for step in steps] == ["sync.export_space", "sync.pending", "sync.compare_space"]

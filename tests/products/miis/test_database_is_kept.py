"""A new, empty database cannot be asked for; should there be one all the same, it is found out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import virtual_time
from tests.support.shipped import shipped

from handrail.actions import build, signatures
from handrail.actions.protocol import Observation, Receipt, Secrets
from handrail.assessing.assess import assess
from handrail.documents.estate import estate_document, read_estate
from handrail.documents.tree import load as load_tree
from handrail.documents.tree import tree_of
from handrail.errors import BadDocument
from handrail.guides.catalogue import SHIPPED, Catalogue, open_guide
from handrail.guides.facts import check_estate
from handrail.hosts.protocol import Command
from handrail.model.estate import Estate
from handrail.model.plan import Plan
from handrail.planning.plan import make_plan
from handrail.twin import wizards
from handrail.twin.declarations import read_declarations
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import databases
from handrail.twin.raising import raise_in_memory
from handrail.twin.things import Database, KeySet
from handrail.twin.world import Twin

FOLDER = SHIPPED / "miis"
DATABASE = "MicrosoftIdentityIntegrationServer"
TYPED = {"SQL server": "sql01", "SQL instance": "(the default instance)", "service account": r"CONTOSO\svc-miis"}


class NoSecrets(Secrets):
    def resolve(self, reference: str) -> str:
        raise AssertionError(f"nobody needs {reference}")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return shipped()


def changed(catalogue: Catalogue, **installation: Any) -> Estate:
    """The sample estate with keys of its installation set, or taken away by None."""
    data = load_tree(FOLDER / "estates" / "contoso.yaml").data
    one = data["deployments"]["directory"]["installations"][0]
    for key, value in installation.items():
        if value is None:
            one.pop(key)
        else:
            one[key] = value
    return check_estate(estate_document(tree_of(data, "the estate")), catalogue)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (str(key), *texts(one))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from texts(one)


def a_twin() -> Twin:
    declarations = read_declarations({"miis": FOLDER / "twin.yaml"})
    return raise_in_memory(read_estate(FOLDER / "estates" / "contoso.yaml").estate, declarations)


def set_up(twin: Twin, **more: str) -> None:
    """Somebody runs MIIS 2003's setup on iifp01."""
    bits = next(one.wizard for one in wizard_steps(twin) if one.wizard is not None)
    values = {**TYPED, **more}
    twin.transact("iifp01", "setup", lambda machine: wizards.run(machine, "miis", "directory", bits, values))


def wizard_steps(twin: Twin) -> Any:
    return twin.machine("iifp01").context.declarations.products["miis"].persons


def look(twin: Twin, uses: str, **with_: Any) -> Observation:
    receipt = Receipt("run-1", uses, 1, NoSecrets(), "2020-01-01T00:00:00Z")
    given = {"server": "sql01", "database": DATABASE, "tool": "osql", **with_}
    return virtual_time.run(build(uses, given).observe(twin.host("sql01"), receipt))


def drop(machine: Machine) -> None:
    server = databases.connect(machine, "sql01")
    assert server is not None
    databases.drop(server, DATABASE)


def test_setup_without_a_database_that_is_there_cannot_be_planned(catalogue: Catalogue) -> None:
    found = assess(changed(catalogue, database=None), catalogue)
    made = make_plan(changed(catalogue, database=None), catalogue, signatures())

    assert found.verdict == "blocked"
    assert not isinstance(made, Plan)


def test_no_step_can_name_another_database_than_the_one_that_is_there(catalogue: Catalogue) -> None:
    plan = make_plan(changed(catalogue), catalogue, signatures())
    assert isinstance(plan, Plan)

    named = {one for step in plan.steps for key, one in step.with_.items() if key == "database"}
    install = next(step for step in plan.steps if step.id.endswith("/install"))
    assert named == {DATABASE}
    assert install.with_["values"]["database that already exists"] == DATABASE
    assert install.with_["values"]["use the existing database"] == "Yes"


def test_no_action_that_the_guide_uses_creates_or_drops_a_database(catalogue: Catalogue) -> None:
    plan = make_plan(changed(catalogue), catalogue, signatures())
    assert isinstance(plan, Plan)

    for name in {step.uses for step in plan.steps}:
        parameters = set(signatures()[name].parameters)
        assert not [one for one in parameters if any(word in one for word in ("new", "create", "drop", "recreate"))]
    commands = [one for step in plan.steps if step.uses != "person.do" for one in texts(dict(step.with_))]
    assert not [one for one in commands if "CREATE DATABASE" in one.upper() or "DROP DATABASE" in one.upper()]


@pytest.mark.parametrize("asset", ["database", "extensions", "binaries"])
def test_a_guide_that_uninstalls_what_was_not_proved_is_refused(asset: str, tmp_path: Path) -> None:
    line = f"        proves: [{asset}]\n"
    text = (FOLDER / "guide.yaml").read_text()
    assert text.count(line) == 1
    for part in FOLDER.glob("*.yaml"):
        shutil.copy(part, tmp_path)
    (tmp_path / "guide.yaml").write_text(text.replace(line, ""))

    with pytest.raises(BadDocument, match=asset):
        open_guide(tmp_path / "guide.yaml", lint=True, signatures=signatures())


def test_setup_on_the_existing_database_keeps_what_it_holds() -> None:
    twin = a_twin()
    before = look(twin, "sqlserver.count")
    set_up(twin)

    assert look(twin, "sqlserver.rows_kept", before=before.outputs["tables"]).state == "done"


def test_a_database_that_setup_made_anew_is_found_out() -> None:
    twin = a_twin()
    before = look(twin, "sqlserver.count")
    twin.transact("sql01", "somebody", drop)
    assert look(twin, "sqlserver.online").state == "not_done"
    assert look(twin, "sqlserver.files").state == "not_done"
    set_up(twin)

    seen = look(twin, "sqlserver.rows_kept", before=before.outputs["tables"])
    assert look(twin, "sqlserver.online").state == "done"
    assert seen.state == "not_done"
    assert "5400 before, 0 now" in seen.because
    assert look(twin, "sqlserver.count").because.endswith("is empty")


@pytest.mark.parametrize(("file", "fits"), [(r"C:\keys.bin", True), (r"C:\none.bin", False), ("", False)])
def test_setup_takes_the_key_file_when_the_account_has_no_keys_here(file: str, fits: bool) -> None:
    twin = a_twin()
    tool = r"C:\Program Files\Microsoft Identity Integration Server\Bin\miiskmu.exe"
    account = TYPED["service account"]
    virtual_time.run(twin.host("iifp01").execute(Command((tool, "/e", r"C:\keys.bin", f"/u:{account}", "secret"))))
    twin.transact("iifp01", "profile deleted", lambda machine: machine.drop(KeySet, account))
    set_up(twin, **{"key file, if setup asks": file})

    database = twin.machine("sql01").get(Database, f"|{DATABASE}")
    own = twin.machine("iifp01").get(KeySet, account)
    assert database is not None
    assert own is not None
    assert (own.id == database.key_set) is fits


def test_setup_does_not_ask_an_account_that_has_keys_here() -> None:
    twin = a_twin()
    before = twin.machine("iifp01").get(KeySet, TYPED["service account"])
    set_up(twin)

    assert twin.machine("iifp01").get(KeySet, TYPED["service account"]) == before

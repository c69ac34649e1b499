"""The public Python interface: small, typed, pinned, quick to import; and its page's example runs as it stands there.

After a change that is meant: raise `API_VERSION`, then `python -m tests.test_api` writes the file anew.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handrail import api

PINNED = Path(__file__).parent / "data" / "api.json"
PAGE = Path(__file__).parent.parent / "docs" / "python-api.md"
ESTATES = Path(__file__).parent.parent / "src" / "handrail" / "products" / "mim" / "estates"
OF_SESSION = (
    *("approve", "approvals", "start", "carry_out", "status", "answer", "verify", "rollback"),
    *("runs", "find", "plan", "events", "cost"),
)
"""The methods of Session that others may use; its other names may change."""


def told(name: str) -> Any:
    """What is promised of a name: a signature, fields, or what kind of error it is."""
    one = getattr(api, name)
    if name == "Session":
        return {method: str(inspect.signature(getattr(one, method))) for method in OF_SESSION}
    if inspect.isclass(one) and issubclass(one, Exception):
        return {"is a": one.__mro__[1].__name__, "exit code": getattr(one, "exit_code", None)}
    if dataclasses.is_dataclass(one):
        return {field.name: str(field.type) for field in dataclasses.fields(one)}
    if callable(one):
        return str(inspect.signature(one))
    return type(one).__name__


def interface() -> dict[str, Any]:
    return {"version": api.API_VERSION, "names": {name: told(name) for name in sorted(api.__all__)}}


def test_names_and_signatures_are_those_that_were_promised() -> None:
    assert interface() == json.loads(PINNED.read_text("utf-8")), (
        "meant? raise API_VERSION, then: python -m tests.test_api"
    )


def test_every_name_says_what_it_is() -> None:
    for name in api.__all__:
        one = getattr(api, name)
        if inspect.isfunction(one) or (inspect.isclass(one) and not issubclass(one, Exception)):
            assert inspect.getdoc(one), name
    assert set(dir(api)) == set(api.__all__)
    with pytest.raises(AttributeError):
        _ = api.nonsense


def test_importing_it_loads_nothing_heavy() -> None:
    show = "import sys, handrail.api; from handrail.api import Plan; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout.split()
    assert not {name.partition(".")[0] for name in loaded} & {
        "pydantic",
        "ruamel",
        "sqlalchemy",
        "rich",
        "typer",
        "lxml",
    }


def test_the_page_names_everything_and_its_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text("utf-8")
    for name in (*api.__all__, *OF_SESSION):
        if name in ("__version__", "Acceptance", "Citation", "Finding", "Entry", "Event", "Step", "StepStatus"):
            continue  # what the others are made of
        if name not in ("approvals", "find", "cost"):
            assert re.search(rf"\b{name}\b", page), name
    example = re.search(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert example is not None
    shutil.copy(ESTATES / "contoso.yaml", tmp_path)
    ended = subprocess.run([sys.executable, "-c", example[1]], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(
        r"119 steps, point of no return: .*\ncontoso-\S+ succeeded\nall of it holds\n\d+ steps would take it back\n",
        ended.stdout,
    )

    monkeypatch.chdir(tmp_path)
    plan = api.read_plan("upgrade.plan")
    assert api.to_json(plan)["digest"] == plan.digest
    with api.open_session("home", make=False) as session:
        assert api.to_json(session.status(session.find()))["state"] == "succeeded"


def test_what_stands_in_the_way_is_an_answer_and_what_is_wrong_an_error(tmp_path: Path) -> None:
    estate = api.read_estate(ESTATES / "contoso-blocked.yaml")
    found = api.make_plan(estate)
    assert isinstance(found, api.Assessment) and found == api.assess(estate)
    assert api.to_json(found)["verdict"] == "blocked"
    with pytest.raises(api.UnknownName):
        api.assess(estate, to={"identity": "2016-sp9"})
    with pytest.raises(api.BadInput):
        api.assess(estate, accept=["@host"])
    (tmp_path / "x.yaml").write_text("hosts: 7\n")
    with pytest.raises(api.BadDocument):
        api.read_estate(tmp_path / "x.yaml")


if __name__ == "__main__":
    PINNED.write_text(json.dumps(interface(), indent=2) + "\n", "utf-8")

"""What is loaded before anything is done, and how the program presents itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command import handrail

HEAVY = {"rich", "ruamel", "pydantic", "pydantic_core", "sqlalchemy", "alembic", "cel_expr_python", "platformdirs"}
OF_TYPER = {"pydantic", "pydantic_core"}  # what Typer itself loads to read an option's value
SHOW = """
import sys
from handrail.cli.main import main
code = main(sys.argv[1:])
print("LOADED", *sys.modules)
"""


def loaded(*arguments: str) -> set[str]:
    ended = subprocess.run([sys.executable, "-c", SHOW, *arguments], capture_output=True, text=True, check=True)
    return set(ended.stdout.rpartition("LOADED")[2].split())


def test_help_loads_nothing_heavy() -> None:
    modules = loaded("--help")

    assert "handrail.cli.app" in modules
    assert not {name.partition(".")[0] for name in modules} & HEAVY
    assert not any(name.startswith(("handrail.model", "handrail.guides", "asyncio", "json")) for name in modules)


@pytest.mark.parametrize("arguments", [["--version"], ["plan", "--help"], ["guide", "--help"], ["nonsense"]])
def test_what_only_speaks_of_the_program_loads_nothing_of_its_work(arguments: list[str]) -> None:
    modules = {name.partition(".")[0] for name in loaded(*arguments)}

    assert not modules & (HEAVY - OF_TYPER)


def test_help_names_every_command_of_this_version_and_none_of_a_later_one(tmp_path: Path) -> None:
    said = handrail("--help", home=tmp_path)
    commands = said.out.partition("--help ")[2].split("\n")[1:]
    named = {line.split()[0] for line in commands if line.startswith("  ")}

    before = {"discover", "assess", "plan", "explain", "rehearse", "approve", "preflight", "secrets"}
    then = {"run", "status", "resume", "answer", "rollback", "verify", "report", "journal", "conform", "worker"}
    assert named == before | then | {"serve", "account", "guide", "demo", "completion", "store"}
    assert said.code == 0 and said.err == ""


def test_help_fits_80_columns(tmp_path: Path) -> None:
    for command in (["plan"], ["run"], ["answer"], ["status"], ["rollback"], ["guide", "lint"]):
        said = handrail(*command, "--help", home=tmp_path)
        assert said.code == 0
        assert max(map(len, said.out.splitlines())) <= 80


def test_version(tmp_path: Path) -> None:
    from handrail import __version__

    assert handrail("--version", home=tmp_path).out == f"handrail {__version__}\n"


def test_without_a_command_it_shows_how_it_is_used(tmp_path: Path) -> None:
    said = handrail(home=tmp_path)

    assert said.code == 2 and said.out == "" and "Usage:" in said.err


def test_help_writes_nothing_into_the_home_folder(tmp_path: Path) -> None:
    handrail("--help", home=tmp_path / "home")

    assert not (tmp_path / "home").exists()

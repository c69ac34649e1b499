"""Completion: what may stand next, asked of us and of real shells; fast, and never an error in somebody's prompt."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.command import ESTATES, handrail
from tests.support.plans import sample_plan

from handrail.cli.app import COMMANDS, Family, name_of
from handrail.cli.completing import FILES, FOLDERS, complete, parameters_of
from handrail.cli.completion import words_of
from handrail.documents.plan import write_plan


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a plan, another file and a folder, and a home whose run waits; and that run's id."""
    folder = tmp_path_factory.mktemp("place")
    assert handrail("plan", ESTATES / "contoso.yaml", "-o", folder / "upgrade.plan", home=folder / "home").code == 0
    assert handrail("run", folder / "upgrade.plan", "--twin", "--ask", home=folder / "home").code == 4
    (folder / "upgrade.txt").write_text("no plan")
    (folder / "my plans").mkdir()
    write_plan(sample_plan(), folder / "my plans" / "a b.plan")
    return folder, handrail("status", "--format", "json", home=folder / "home").json["run"]


def offered(place: Path, *words: str) -> list[str]:
    before = Path.cwd()
    os.chdir(place)
    try:
        return [one.text for one in complete(["handrail", *words], {"HANDRAIL_HOME": str(place / "home")})]
    finally:
        os.chdir(before)


def test_every_command_and_every_option_is_offered(tmp_path: Path) -> None:
    assert set(offered(tmp_path, "")) == {name_of(one) for _, members in COMMANDS for one in members}
    for _, members in COMMANDS:
        for one in members:
            for command in one.commands if isinstance(one, Family) else (one,):
                last = name_of(command)
                words = [one.name, last.removeprefix(one.name + "-")] if isinstance(one, Family) else [last]
                shown = handrail(*words, "--help", home=tmp_path).out
                for name in offered(tmp_path, *words, "-"):
                    assert name in shown
                for parameter in parameters_of(command):
                    assert not parameter.names or parameter.names[0] in offered(tmp_path, *words, "-")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pl"], ["plan"]),
        (["guide", "l"], ["list", "lint"]),
        (["guide", "show", "sys"], ["system-center"]),
        (["plan", "--format", "m"], ["markdown"]),
        (["plan", "--format=m"], ["--format=markdown"]),
        (["plan", "x.yaml", "--out"], ["--output"]),
        (["plan", "x.yaml", "--output", "y", "--out"], []),
        (["plan", "--to", "a", "--t"], ["--to"]),
        (["answer", "run", "step", ""], ["yes", "no", "done"]),
        (["explain", ""], ["upgrade.plan", FOLDERS]),
        (["explain", "my plans/"], ["my plans/a b.plan", FOLDERS]),
        (["explain", "nothing/here"], []),
        (["plan", ""], [FILES]),
        (["plan", "-o", ""], [FILES]),
        (["plan", "--guides", ""], [FOLDERS]),
        (["explain", "upgrade.plan", "identity/service@svc01/4.6.673.0/back-up-prove-d"],
         ["identity/service@svc01/4.6.673.0/back-up-prove-database"]),
        (["rehearse", "upgrade.plan", "--faults", "disk"], ["disk-full"]),
        (["rehearse", "upgrade.plan", "--faults", "disk-full,two"], ["disk-full,two-runners"]),
        (["rehearse", "upgrade.plan", "--case", "identity/service@svc01/4.6.673.0/stop:disk"],
         ["identity/service@svc01/4.6.673.0/stop:disk-full"]),
        (["status", "--store", "postgresql://db01/handrail", ""], []),
        (["status", "--store", "sqlite:////no/such/store.db", ""], []),
        (["nonsense", ""], []),
        (["guide", "nonsense", ""], []),
        (["explain", "--", "--"], [FILES]),
    ],
)  # fmt: skip
def test_what_may_stand_next(place: tuple[Path, str], words: list[str], expected: list[str]) -> None:
    assert offered(place[0], *words) == expected


def test_runs_and_the_steps_that_wait_are_offered(place: tuple[Path, str]) -> None:
    folder, run = place
    waiting = [
        step["id"]
        for step in handrail("status", run, "--format", "json", home=folder / "home").json["steps"]
        if step["state"] == "waiting"
    ]
    for command in ("status", "resume", "verify", "rollback", "journal", "answer"):
        assert offered(folder, command, run[:4]) == [run]
    assert waiting and offered(folder, "answer", run, "") == waiting


def test_scenarios_of_the_guides_on_the_line_are_offered(tmp_path: Path) -> None:
    of_mim = offered(tmp_path, "guide", "test", "mim", "--only", "")
    of_all = offered(tmp_path, "guide", "test", "--only", "")
    assert of_mim and len(of_all) > len(of_mim)
    assert f"{of_mim[0]},{of_mim[1]}" in offered(tmp_path, "guide", "test", "mim", "--only", f"{of_mim[0]},")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0nonsense", b"{"])
def test_what_cannot_be_read_offers_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "store.db").write_bytes(content)
    (tmp_path / "x.plan").write_bytes(b'{"schema": "handrail/plan/v1"' + content)
    assert offered(tmp_path, "status", "") == []
    assert offered(tmp_path, "explain", "x.plan", "") == []
    assert (tmp_path / "home" / "store.db").read_bytes() == content


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("handrail ", ["handrail", ""]),
        ("handrail answer r a@b:c", ["handrail", "answer", "r", "a@b:c"]),
        ("handrail explain 'my pl", ["handrail", "explain", "my pl"]),
        ('handrail explain "my plans/', ["handrail", "explain", "my plans/"]),
        ("handrail explain my\\ plans", ["handrail", "explain", "my plans"]),
        ("handrail explain 'a b' ", ["handrail", "explain", "a b", ""]),
    ],
)
def test_a_line_is_taken_apart_as_a_shell_would(line: str, expected: list[str]) -> None:
    assert words_of(line) == expected


def test_asking_loads_nothing_that_does_work() -> None:
    """Each press of the Tab key costs about as much as --help."""
    line = ["completion", "zsh", "--", "handrail", "status", ""]
    command = [sys.executable, "-X", "importtime", "-m", "handrail.cli.main", *line]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in shown.stderr.splitlines()}
    assert not loaded & {"rich", "ruamel", "sqlalchemy", "alembic", "cel_expr_python", "asyncio"}


# -- in real shells -----------------------------------------------------------------------------------------------


# Completing is the real thing; every other call only says what it was given.
STAND_IN = f"""#!/bin/sh
if [ "$1" = completion ]; then
    {sys.executable} -m handrail.cli.main "$@"; echo >> "$HOME/asked"
else
    printf '%s\\n' "$#" "$@" >> "$HOME/given"
fi
"""

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(handrail completion bash)"\n'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -D -u; eval "$(handrail completion zsh)"\n'),
    "fish": (["fish", "--no-config", "-i"], "handrail completion fish | source\n"),
}


class Shell:
    """An interactive shell on a pseudo-terminal, in `folder`; `home` is where the stand-in says what it was given."""

    def __init__(self, command: list[str], folder: Path, home: Path, environment: dict[str, str]) -> None:
        self._home = home
        self._process, self._screen = pty.fork()
        if self._process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)

    def type(self, text: str, file: str) -> str:
        """Type; wait until the stand-in has written something more into that file, which is given back."""
        path = self._home / file
        before = path.read_text() if path.exists() else ""
        os.write(self._screen, text.encode())
        deadline = time.monotonic() + 60
        shown = b""
        while True:
            if select.select([self._screen], [], [], 0.05)[0]:
                shown += os.read(self._screen, 65536)
            found = path.read_text() if path.exists() else ""
            if len(found) > len(before) and found.endswith("\n"):
                return found[len(before) :]
            assert time.monotonic() < deadline, f"after {text!r}: {shown!r}"

    def completed(self, line: str) -> list[str]:
        """What the command is given when Tab, then Return, is pressed behind `line`."""
        self.type(line + "\t", "asked")
        time.sleep(0.2)  # for the shell to put it into its line
        count, *given = self.type("\n", "given").splitlines()
        assert int(count) == len(given)
        return given

    def close(self) -> None:
        os.kill(self._process, 9)
        os.waitpid(self._process, 0)
        os.close(self._screen)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", SHELLS)
def test_a_real_shell_completes(place: tuple[Path, str], tmp_path: Path, name: str) -> None:
    """A command, an option's value, a run, a step with its @, and a plan in a folder with a space in its name."""
    folder, run = place
    (tmp_path / "handrail").write_text(STAND_IN)
    (tmp_path / "handrail").chmod(0o755)
    environment = {
        **{key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")},
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "HANDRAIL_HOME": str(folder / "home"),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "TERM": "xterm",
    }
    waiting = offered(folder, "answer", run, "")[0]
    command, prepare = SHELLS[name]
    shell = Shell(command, folder, tmp_path, environment)
    try:
        shell.type(prepare, "asked")
        for line, expected in (
            ("handrail rehe", ["rehearse"]),
            ("handrail plan --format ma", ["plan", "--format", "markdown"]),
            (f"handrail status {run[:6]}", ["status", run]),
            (f"handrail answer {run} {waiting.partition('@')[0]}@", ["answer", run, waiting]),
            ("handrail explain up", ["explain", "upgrade.plan"]),
            ("handrail explain my\\ plans/", ["explain", "my plans/a b.plan"]),
        ):
            assert shell.completed(line) == expected
    finally:
        shell.close()

"""What is given to others: the wheel and the sdist, the demo from a fresh environment, the container's recipe."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as opened:
        return set(opened.namelist())


def tracked(under: str) -> set[str]:
    """The files of a folder as the repository has them, or, outside a checkout, as they lie there."""
    found = subprocess.run(["git", "ls-files", under], cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 0 and found.stdout:
        return {line for line in found.stdout.splitlines() if (ROOT / line).exists()}
    paths = (path for path in (ROOT / under).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(ROOT)) for path in paths}


@pytest.mark.slow
def test_the_wheel_holds_the_package_whole_and_nothing_else(contents: set[str]) -> None:
    ours = {name for name in contents if not name.partition("/")[0].endswith(".dist-info")}
    assert {path.removeprefix("src/") for path in tracked("src")} <= ours
    assert all(name.startswith("handrail/") for name in ours)
    assert not any("test" in Path(name).parts or name.endswith((".pyc", ".db", ".orig")) for name in ours)
    for needed in (
        *("handrail/py.typed", "handrail/products/mim/guide.yaml", "handrail/products/mim/estates/contoso.yaml"),
        *("handrail/console/static/htmx.min.js", "handrail/console/static/handrail.css", "handrail/twin/windows.yaml"),
        *("handrail/console/templates/frame.html", "handrail/running/migrations/env.py"),
    ):
        assert needed in ours


@pytest.mark.slow
def test_the_wheel_says_what_it_is_and_under_which_licence(wheel: Path, contents: set[str]) -> None:
    with zipfile.ZipFile(wheel) as opened:
        folder = next(name.partition("/")[0] for name in contents if ".dist-info/" in name)
        said = email.message_from_bytes(opened.read(f"{folder}/METADATA"))
        entry = opened.read(f"{folder}/entry_points.txt").decode()
        assert opened.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert opened.read(f"{folder}/licenses/NOTICE") == (ROOT / "NOTICE").read_bytes()
    assert said["Name"] == "handrail" and said["License-Expression"] == PROJECT["license"]
    assert "handrail = handrail.cli.main:main" in entry
    assert {"winrm", "fleet", "console"} <= set(said.get_all("Provides-Extra") or ())
    assert "Typing :: Typed" in (said.get_all("Classifier") or ())


@pytest.mark.slow
def test_the_sdist_builds_the_same_wheel_and_brings_the_tests(built: Path, wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as opened:
        opened.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for needed in ("LICENSE", "NOTICE", "Makefile", "hatch_build.py", "tests/test_distribution.py", "docs/index.md"):
        assert (source / needed).is_file()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "again")]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (again,) = (tmp_path / "again").iterdir()
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {(each.filename, each.CRC) for each in one.infolist()} == {
            (each.filename, each.CRC) for each in other.infolist()
        }


# -- installed ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with the wheel, and with everything else that is installed here: what it needs, not itself."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "everything.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--disable-pip-version-check", "--ignore-installed", wheel], check=True
    )
    yield folder


def called(installed: Path, here: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [str(installed / "bin" / "handrail"), *arguments],
        cwd=here,
        env={**kept, "HANDRAIL_HOME": str(here / "home"), **environment},
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.mark.slow
def test_the_installed_demo_tells_its_story(installed: Path, tmp_path: Path) -> None:
    """A plan, a run that is killed half-way, resumed and verified; with nothing but the wheel's own files."""
    shown = "import handrail; print(handrail.__file__)"
    where = subprocess.run(
        [str(installed / "bin" / "python"), "-c", shown], cwd=tmp_path, capture_output=True, text=True
    )
    assert Path(where.stdout.strip()).is_relative_to(installed)
    said = called(installed, tmp_path, "demo", "story")
    assert said.returncode == 0, said.stdout[-2000:] + said.stderr
    assert "killed with SIGKILL when" in said.stdout and "Everything holds." in said.stdout and said.stderr == ""
    made = {path.name for path in (tmp_path / "story").iterdir()}
    assert made == {
        "contoso-blocked.yaml",
        "contoso.yaml",
        "identity.plan.json",
        "identity-runbook.md",
        "identity-evidence",
        "home",
    }
    assert not (tmp_path / "home").exists(), "the demo keeps to its own folder"
    again = called(installed, tmp_path, "demo", "story")
    assert again.returncode == 2 and "is not empty" in again.stderr and again.stderr.count("\n") == 1


BLOCK = """
import sys
class But:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {absent} else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)
sys.meta_path[:] = map(But, sys.meta_path)
"""
OF_EXTRAS = {
    "winrm": {"pypsrp", "requests", "requests_credssp", "spnego"},
    "fleet": {"psycopg", "psycopg_pool", "procrastinate"},
    "console": {"fastapi", "starlette", "uvicorn", "jinja2", "multipart", "python_multipart", "argon2"},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("console", ["serve"]),
        ("fleet", ["worker", "--store", "postgresql://nobody@127.0.0.1:9/none"]),
        ("winrm", ["preflight", "estate.yaml"]),
    ],
)
def test_without_its_extra_a_command_names_it_in_one_sentence(
    installed: Path, tmp_path: Path, extra: str, arguments: list[str]
) -> None:
    """All extras are made absent; `scripts/try_wheel.py` does it for real, with every extra alone."""
    absent = {name for names in OF_EXTRAS.values() for name in names}
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(BLOCK.format(absent=absent))
    estate = (ROOT / "src/handrail/products/mim/estates/contoso.yaml").read_text("utf-8")
    (tmp_path / "estate.yaml").write_text(re.sub(r"address: [\w.]+", "address: 127.0.0.1", estate))
    said = called(installed, tmp_path, *arguments, PYTHONPATH=str(tmp_path / "without"))
    assert f"pip install 'handrail[{extra}]'" in " ".join((said.stdout + said.stderr).split())
    if arguments[0] == "preflight":  # a host that cannot be reached is a finding
        assert said.returncode == 3 and said.stderr == ""
    else:
        assert said.returncode == 2 and said.stderr.count("\n") == 1 and said.stdout == ""


# -- recipes ------------------------------------------------------------------------------------------------------


def test_the_container_is_made_of_what_there_is() -> None:
    """It names files, extras and an entry that exist; `scripts/try_container.py` builds it where there is an engine."""
    recipe = (ROOT / "Containerfile").read_text("utf-8")
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    taken = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", recipe, re.MULTILINE)).split()
    assert set(taken) == sent and all((ROOT / one).exists() for one in taken)
    named = re.findall(r"whl\)\[([\w,]+)\]", recipe)
    assert named and set(named[0].split(",")) <= set(PROJECT["optional-dependencies"])
    assert 'ENTRYPOINT ["handrail"]' in recipe and "handrail" in PROJECT["scripts"]
    assert re.search(r"^USER (?!root|0\b)", recipe, re.MULTILINE)
    assert re.search(r"^VOLUME \[\"/data\"\]$", recipe, re.MULTILINE) and "HANDRAIL_HOME=/data" in recipe
    pinned = re.search(r"^ARG BASE=\S*python:(\d+)\.(\d+)", recipe, re.MULTILINE)
    assert pinned is not None and (int(pinned[1]), int(pinned[2])) >= (3, 11)


def test_versions_agree() -> None:
    import handrail

    assert PROJECT["version"] == handrail.__version__

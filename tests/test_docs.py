"""What the documentation tells readers to write and to type works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.support.command import handrail

PAGE = Path(__file__).parent.parent / "docs" / "how-to-write-a-guide.md"
_FILE = re.compile(r"^`(?P<name>[\w./-]+)`\n\n```yaml\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page."""
    for found in _FILE.finditer(PAGE.read_text("utf-8")):
        path = tmp_path / found["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found["text"], "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_who_follows_the_page_word_for_word_gets_a_guide_that_works(there: Path) -> None:
    blocks = [found["text"] for found in _BLOCK.finditer(PAGE.read_text("utf-8")) if not found["kind"]]
    told = [line for block in blocks for line in block.splitlines()]
    commands = [shlex.split(line.partition(" > ")[0])[1:] for line in told if line.startswith("handrail ")]
    assert len(commands) == 9
    for command in commands:
        said = handrail(*command, home=there / "home")
        assert said.code == 0, f"handrail {shlex.join(command)}: {said.err}{said.out}"
        if command[0] == "status":
            assert "Succeeded." in said.out


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("facts: {free_gb: 40.0}", "facts: {}", 3, "wmic logicaldisk get freespace"),
        ("windows-server-2022", "windows-server-2016", 3, "Courier 3 needs Windows Server 2019 or 2022."),
        ("free_gb: 40.0", "free_bg: 40.0", 2, "free_gb"),
    ],
)
def test_its_rules_speak_as_the_page_says(there: Path, old: str, new: str, code: int, says: str) -> None:
    estate = there / "estate.yaml"
    estate.write_text(estate.read_text("utf-8").replace(old, new, 1), "utf-8")
    said = handrail("assess", estate, "--guides", there / "courier", home=there / "home")

    assert said.code == code
    assert says in " ".join((said.out + said.err).split())

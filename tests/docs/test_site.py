"""The documentation site builds without a warning, loads nothing from elsewhere, and its reference says what the code
says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from tests.support.pages import DOCS, ROOT

from handrail.actions.catalogue import ACTIONS, signatures
from handrail.assessing.assess import OWN_RULES
from handrail.assessing.transport_rules import RULES
from handrail.cli.app import COMMANDS, Family, name_of
from handrail.guides.catalogue import FILE, SHIPPED, open_guide
from handrail.model.journal import EventKind
from handrail.rehearsing.faults import FAULTS
from handrail_docs import PAGES, actions, commands, findings, guides, links, records, runs, shapes, writing

_LOADS = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//[^>]*>")
_CSS_LOADS = re.compile(r"@import|url\([\"']?(?:https?:)?//")


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Sphinx also looks at every link of the generated pages, anchors included."""
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", tmp_path / "doctrees", DOCS, site],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert built.returncode == 0, built.stderr
    assert (site / "index.html").is_file()
    assert {path.stem for path in (site / "reference").glob("*.html")} >= set(PAGES)
    assert not [found for path in site.rglob("*.html") for found in _LOADS.findall(path.read_text("utf-8"))]
    assert not [path.name for path in site.rglob("*.css") if _CSS_LOADS.search(path.read_text("utf-8"))]


def test_every_command_and_option_stands_in_the_reference() -> None:
    text = commands.page()

    for _, members in COMMANDS:
        for one in members:
            inner = [name_of(one)]
            if isinstance(one, Family):
                inner = [f"{one.name} {name_of(each).removeprefix(one.name + '-')}" for each in one.commands]
            assert all(f"\n### handrail {name}\n" in text for name in inner)
    assert "| `-o, --output PLAN` |" in text
    assert "| `5` | in doubt |" in commands.exit_codes_page()


def test_every_action_stands_there_with_its_parameters_and_says_what_it_does() -> None:
    text = actions.page()

    for name, one in signatures().items():
        section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert section.strip()[:1] not in ("", "|"), f"{name} does not say what it does"
        assert all(f"| `{parameter}` |" in section for parameter in one.parameters), name
    assert set(signatures()) == set(ACTIONS)


def test_every_rule_says_what_it_means() -> None:
    text = findings.page()

    for name in [*OWN_RULES, *RULES]:
        row = re.search(rf"^\| `{re.escape(name)}` \|(.*)\|$", text, re.MULTILINE)
        assert row, name
        assert all(len(cell.strip()) > 3 for cell in row[1].split("|")[: 2 if name in RULES else 1]), name


def test_every_event_and_fault_is_told_of() -> None:
    told = dict(runs.events())

    assert set(told) == set(get_args(EventKind))
    assert all(told.values()), "an event has no words beside it in model/journal.py"
    assert all(f"| `{name}` |" in runs.faults_page() for name in FAULTS)


@pytest.mark.parametrize("name", guides.NAMES)
def test_every_rule_of_a_guide_stands_on_its_page_with_its_source(name: str) -> None:
    guide, text = open_guide(SHIPPED / name / FILE).guide, guides.page_of(name)()

    for one in guide.requirements:
        section = text.partition(f"\n### {one.rule}\n")[2].partition("\n### ")[0]
        assert re.search(r"^Source: \S.*\.$", section, re.MULTILINE), one.rule
    assert all(f"| `{source}` |" in text for source in guide.sources)


def test_every_key_of_the_files_that_people_write_stands_there() -> None:
    assert all(f"| `{key}` |" in records.estate_page() for key in ("hosts", "build", "tls_floor", "soak", "approvers"))
    assert all(f"| `{key}` |" in records.guide_page() for key in ("guide", "edges", "settle", "no_return", "uninstall"))
    assert all(f"| `{key}` |" in records.scenario_page() for key in ("scenario", "verdict", "rollback", "effects"))


def test_a_json_document_is_outlined_by_its_keys_and_types() -> None:
    document = {"schema": "x", "steps": [{"id": "a", "host": None}, {"id": "b", "host": "c"}], "of": {"a/b@c": [1]}}

    assert shapes.outlined(document).splitlines() == [
        *("schema: text", "steps: [", "  id: text", "  host: null|text", "]", "of:", "  ID: [number]")
    ]


@pytest.mark.parametrize(
    ("link", "becomes"),
    [
        ("[fleets](fleet.md#waves)", "[fleets](fleet.md#waves)"),
        ("[decisions](decisions/)", "[decisions](decisions/README.md)"),
        ("[the licence](../LICENSE)", "the licence (`LICENSE`)"),
        ("[`LICENSE`](../LICENSE)", "`LICENSE`"),
        ("[gone](../no-such-file)", "[gone](../no-such-file)"),
        ("[there](https://example.com/a)", "[there](https://example.com/a)"),
    ],
)
def test_a_link_out_of_the_documentation_becomes_a_path(link: str, becomes: str) -> None:
    assert links.rewritten(link, DOCS, DOCS) == becomes


def test_a_section_of_another_file_comes_with_links_that_lead_where_they_did(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "fleet.md").write_text("", "utf-8")
    (tmp_path / "code.py").write_text("", "utf-8")
    read_me = tmp_path / "README.md"
    read_me.write_text("# A\n\n## B\n\n[x](docs/fleet.md#y) [z](code.py) [w](#b)\n\n## C\n\nc\n", "utf-8")

    assert links.section(read_me, "B", docs, docs) == "[x](fleet.md#y) z (`code.py`) [w](#b)"
    with pytest.raises(ValueError, match="'D'"):
        links.section(read_me, "D", docs, docs)


def test_a_docstring_is_taken_apart_into_what_it_says_of_each_key() -> None:
    text = """A thing. `if_` is when it counts; `no` says never. SSH: `key` is a file.

    `a` and `b`: both ends; `c` is none of them, or `x` elsewhere.
    """

    general, keys = writing.explained(text, {"if", "key", "a", "b", "c"})

    assert general == "A thing."
    assert keys["if"] == "when it counts; `no` says never."
    assert keys["key"] == "(SSH) a file."
    assert keys["a"] == "(with `b`) both ends."
    assert keys["c"] == "none of them, or `x` elsewhere."


def test_a_table_leaves_out_columns_without_a_word() -> None:
    rows: Iterator[tuple[str, str]] = iter([("a|b", ""), ("c", "")])

    assert writing.table(("x", "y"), rows).splitlines() == ["| x |", "| --- |", r"| a\|b |", "| c |"]
    assert writing.table(("x",), []) == ""

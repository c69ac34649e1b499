"""Files that the documentation shows are read by the program as they stand there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.pages import ANYTHING, ROOT, Block, blocks, pages

from handrail.actions.catalogue import signatures
from handrail.documents import tree
from handrail.documents.estate import estate_document
from handrail.errors import BadInput
from handrail.guides.lint import lint
from handrail.rehearsing.scenario import read_scenario

YAML = [one for page in pages() for one in blocks(page) if one.language in ("yaml", "yml")]
ESTATE = {"hosts", "databases", "accounts", "media", "deployments", "aim", "accept", "approvers", "custodians"}
ESTATE |= {"rollout", "holds", "name", "handrail"}


def mistakes_in(block: Block, folder: Path) -> str:
    """Why the program would not read it; empty when it does. A part of a guide, or of
    anything else (`…`), has to be YAML and no more."""
    path = folder / "shown.yaml"
    path.write_text(block.text, "utf-8")
    try:
        found = tree.load(path, "The file")
        data = found.data
        if not isinstance(data, Mapping) or ANYTHING in block.text:
            return ""
        if data.get("handrail") == "estate/v1":
            estate_document(found)
        elif set(data) <= ESTATE and "handrail" not in data:
            estate_document(tree.tree_of({"handrail": "estate/v1", "name": "shown", **data}, "shown"), whole=False)
        elif "guide" in data and "edges" in data:
            return "; ".join(map(str, lint(found, signatures())))
        elif "scenario" in data:
            read_scenario(found)
    except BadInput as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("block", YAML, ids=lambda block: f"{block.page.relative_to(ROOT)}:{block.line}")
def test_yaml_that_is_shown_is_read(block: Block, tmp_path: Path) -> None:
    assert mistakes_in(block, tmp_path) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("handrail: estate/v1\nname: x\nhostz: {}\n", "hostz"),
        ("rollout: {wafes: []}\n", "wafes"),
        ("scenario: x\nestate: y\nexspect: {}\n", "exspect"),
        ("a: [\n", "shown.yaml"),
    ],
)
def test_a_file_that_is_not_so_is_noticed(text: str, says: str, tmp_path: Path) -> None:
    assert says in mistakes_in(Block(ROOT / "README.md", 1, "yaml", text, ""), tmp_path)

"""Guides are found, read with their short spellings, and cited; an author's are linted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.guides import GUIDE, SIGNATURES

from handrail.documents.tree import parse
from handrail.errors import BadDocument, BadInput, UnknownName
from handrail.guides.catalogue import SHIPPED, Catalogue, CompiledGuide, load, open_guide
from handrail.guides.lint import lint
from handrail.guides.reader import read_guide
from handrail.model.finding import Citation
from handrail.model.guide import From


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "guide.yaml").write_text(GUIDE)
    return tmp_path


def shop(folder: Path) -> CompiledGuide:
    return load([folder], signatures=SIGNATURES).of("shop")


def test_a_guide_is_found_in_its_folder_in_the_one_above_and_by_its_file(folder: Path) -> None:
    for path in (folder, folder / "shop", folder / "shop" / "guide.yaml"):
        assert "shop" in load([path]).guides


def test_a_folder_without_a_guide_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no guide\.yaml in this folder"):
        load([tmp_path])
    with pytest.raises(BadInput):
        load([tmp_path / "none"])


def test_an_authors_guide_is_linted(folder: Path) -> None:
    path = folder / "shop" / "guide.yaml"
    path.write_text(GUIDE.replace("host.os in", "host.oss in"))
    with pytest.raises(BadDocument, match=r"guide\.yaml:45:\d+: `host\.oss` is not a fact"):
        load([folder])


def test_an_unknown_product_is_named_with_a_suggestion(folder: Path) -> None:
    with pytest.raises(UnknownName, match=r"The product 'shpo' is not known\. Did you mean 'shop'"):
        load([folder]).of("shpo")
    assert Catalogue({}).guides == {}


def test_a_source_becomes_a_citation(folder: Path) -> None:
    guide = shop(folder)
    assert guide.cite("manual#os") == Citation("manual", "os", "https://example.org/manual", "The manual")
    assert guide.cite("ours#Because. So.").document == "ours"


def test_a_build_belongs_to_a_release_or_is_not_known(folder: Path) -> None:
    guide = shop(folder)
    assert guide.release_of("1.0.10.0") == "r1"
    assert guide.release_of("1.0.3.0") is None
    assert guide.release_of("nonsense") is None
    assert guide.key("1.0.10.0") > guide.key("1.0.2.0")


def test_the_twins_file_is_known_when_it_is_there(folder: Path) -> None:
    assert shop(folder).twin_path is None
    (folder / "shop" / "twin.yaml").write_text("{}")
    assert shop(folder).twin_path == folder / "shop" / "twin.yaml"


def test_the_digest_changes_with_the_file(folder: Path) -> None:
    before = shop(folder).guide.digest
    (folder / "shop" / "guide.yaml").write_text(GUIDE + "# a word more\n")
    assert before.startswith("sha256:") and shop(folder).guide.digest != before


def test_an_edge_may_be_for_several_components_and_need_no_id() -> None:
    text = GUIDE.replace("  - id: patch-web\n    component: web", "  - component: [web, worker]", 1)
    text = text.replace("from: {release: r1, least: 1.0.2.0}", "from: 1.0.2.0")
    edges = read_guide(parse(text, "g")).guide.edges
    assert [edge.component for edge in edges] == ["web", "worker"]
    assert [edge.id for edge in edges] == ["web-1.0.2.0-r2-patch", "worker-1.0.2.0-r2-patch"]
    assert edges[0].from_ == From(build="1.0.2.0")


def test_a_fact_that_is_not_stated_has_the_default_of_its_guide(folder: Path) -> None:
    answer = shop(folder).language.expression("size(installation.agents)").evaluate({})
    assert getattr(answer, "value", None) == 0


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/guide.yaml")), ids=lambda path: path.parent.name)
def test_shipped_guides_can_be_read_and_their_expressions_compile(path: Path) -> None:
    compiled = open_guide(path)
    assert lint(compiled.tree, None) == []

"""Links within the documentation lead somewhere, anchors included, on a forge as on the site."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from tests.support.pages import DOCS, GENERATED, ROOT, pages

_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<to>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$|``[^`].*?``|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@cache
def _anchors(page: Path) -> frozenset[str]:
    """As forges make them of headings: lower case, words with hyphens, nothing else."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: dict[str, int] = {}
    names = []
    for heading in _HEADING.findall(text):
        name = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        names.append(name if name not in found else f"{name}-{found[name]}")
        found[name] = found.get(name, 0) + 1
    return frozenset(names)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    wrong = []
    for found in _LINK.finditer(_CODE.sub("", page.read_text("utf-8"))):
        to = found["to"]
        if re.match(r"\w+:", to):
            continue
        path, _, anchor = to.partition("#")
        target = (page.parent / path).resolve() if path else page
        generated = target.parent == GENERATED and target.name != "index.md"
        if generated or not target.exists() or not target.is_relative_to(ROOT):
            wrong.append(f"{to}: there is no such file" + (", it is made with the site" if generated else ""))
        elif anchor and (target.suffix != ".md" or anchor not in _anchors(target)):
            wrong.append(f"{to}: there is no such heading")

    assert not wrong, "\n".join(wrong)


def test_every_page_is_reached_from_the_first_one() -> None:
    """From docs/index.md, in as many steps as it takes. A new page needs a line there, and one in its toctree."""
    seen: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        for found in _LINK.finditer(page.read_text("utf-8")):
            target = (page.parent / found["to"].partition("#")[0]).resolve()
            if target.suffix == ".md" and target.is_file() and target.is_relative_to(DOCS) and target not in seen:
                waiting.append(target)

    assert not [str(page) for page in pages() if page.is_relative_to(DOCS) and page not in seen]


@pytest.mark.parametrize(("text", "anchor"), [("## Their plans, rehearsed", "their-plans-rehearsed")])
def test_anchors_are_made_as_forges_make_them(text: str, anchor: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# One\n\n```\n# not a heading\n```\n\n{text}\n", "utf-8")

    assert _anchors(page) == {"one", anchor}

"""The matrix: every step by every fault, each cell with its case; large ones folded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.support.console import Site
from tests.support.desk import desk
from tests.support.rehearsals import id_of, mill

from handrail.console.rehearsals import FOLDS, NEVER, matrix
from handrail.rehearsing.results import Case, Rehearsal, Result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with desk(tmp_path_factory.mktemp("desk")) as site:
        yield site


@pytest.fixture(scope="module")
def base(made: Site) -> str:
    return f"/rehearsals/{made.app.state.desk.documents.of('rehearsal')[0].id}"


def rehearsal(*cases: Case, **more: object) -> Rehearsal:
    steps = tuple(dict.fromkeys(one.step for one in cases if one.of == "plan"))
    faults = {one.fault: "it breaks" for one in cases}
    return Rehearsal("sha256:0", "x", steps, {}, faults, cases, {}, {}, **more)  # type: ignore[arg-type]


def case(step: str, fault: str, result: Result = "pass", because: str = "") -> Case:
    return Case(step, fault, "resume", result, because)


class _Headers(HTMLParser):
    """Every cell of data has a row with a header, every column too."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = self.rows = self.cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        scope = dict(attrs).get("scope")
        self.columns += tag == "th" and scope == "col"
        self.rows += tag == "th" and scope == "row"
        self.cells += tag == "td" and "class" in dict(attrs)


def test_the_matrix_is_a_table_with_headers_whose_signs_can_be_heard(made: Site, base: str) -> None:
    text = made.browser("viewer").get(base).text
    found = _Headers()
    found.feed(text)

    assert found.columns >= 3
    assert found.rows > 5
    assert found.cells == found.rows * 3
    assert '<span aria-hidden="true">✓</span><span class="hidden">passed</span>' in text
    assert 'class="hidden">cannot happen there</span>' in text
    assert "none failed" in text


def test_a_cell_leads_to_its_case_with_the_command_that_tells_it(made: Site, base: str) -> None:
    browser = made.browser("viewer")
    links = re.findall(rf'href="({base}/case\?[^"]*)"', browser.get(base).text)
    patch = next(one for one in links if "patch" in one and "lost-done" in one).replace("&amp;", "&")
    text = browser.get(patch).text

    assert f"handrail rehearse mill.plan --case {id_of('patch')}:lost-done" in text
    assert "Then it was gone on with" in text
    assert "Then it was taken back" in text
    title = next(step.title for step in mill().steps if step.id == id_of("patch"))
    assert title in text


def test_a_case_that_was_not_tried_is_not_found(made: Site, base: str) -> None:
    answer = made.browser("viewer").get(f"{base}/case", params={"step": "nothing", "fault": "<script>"})

    assert answer.status_code == 404
    assert "<script>" not in answer.text.replace('<script src="/static', "")


def test_the_list_says_how_each_ended(made: Site, base: str) -> None:
    text = made.browser("viewer").get("/rehearsals").text

    assert base in text
    assert "none failed" in text


def test_a_large_matrix_is_folded_to_its_parts_and_each_can_be_opened() -> None:
    cases = [case(f"d/c@h{n % 3}/2/s{n}", "restarts", "fail" if n == 4 else "pass") for n in range(FOLDS + 1)]
    found = rehearsal(*cases)

    (folded,) = matrix(found, "/r/x")
    assert [line.name for line in folded.lines] == ["d/c@h0/2", "d/c@h1/2", "d/c@h2/2"]
    assert [line.cells[0].says for line in folded.lines] == ["passed", "failed", "passed"]
    (part,) = matrix(found, "/r/x", "d/c@h1/2")
    assert len(part.lines) == len([one for one in cases if "@h1" in one.step])
    assert sum(len(one.lines) for one in matrix(found, "/r/x", whole=True)) == len(cases)
    assert matrix(found, "/r/x", "nothing") == []


def test_the_worst_of_several_cases_is_shown_and_what_cannot_happen_is_a_dot() -> None:
    found = rehearsal(
        case("a/b@c/1/x", "restarts"),
        Case("a/b@c/1/x", "restarts", "rollback", "no-way-back-as-planned"),
        case("a/b@c/1/y", "lost-done", "fail"),
    )
    (block,) = matrix(found, "/r/x")

    assert [[cell.says for cell in line.cells] for line in block.lines] == [
        ["no way back, as planned", NEVER.says],
        [NEVER.says, "failed"],
    ]


def test_what_failed_stands_above_with_its_reason_and_command(made: Site) -> None:
    document = {
        "schema": "handrail/rehearsal/v1",
        "plan": "sha256:" + "1" * 64,
        "estate": "<i>x</i>",
        "cases": [
            {"step": "a/b@c/1/x", "fault": "restarts", "then": "resume", "result": "fail", "because": "lost <key>"}
        ],
        "faults": {"restarts": "the host restarts"},
    }
    (made.console.folders[0] / "failed.json").write_text(json.dumps(document))
    made.app.state.desk.documents._looked = None
    found = next(one for one in made.app.state.desk.documents.of("rehearsal") if one.file == "failed.json")
    text = made.browser("viewer").get(f"/rehearsals/{found.id}").text

    assert "What failed" in text
    assert "lost &lt;key&gt;" in text
    assert "handrail rehearse PLAN --case a/b@c/1/x:restarts" in text
    assert "<i>x</i>" not in text
    Path(found.path).unlink()

"""Journals in the console: page by page, by lane, step and kind; whether the chains hold; all of it as lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.console import Site
from tests.support.desk import desk, waiting_run

from handrail.console import journals
from handrail.running.export import lines_of, read_lines


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with desk(tmp_path) as site:
        yield site


def test_events_are_shown_with_what_they_say_and_the_chains_hold(made: Site) -> None:
    run = waiting_run(made)
    made.console.session.answer(run, "it/app@-/2/two", "yes", "anna", "<script>alert(1)</script>")
    text = made.browser("viewer").get(f"/runs/{run}/journal").text

    assert "The chains of all" in text
    assert "yes, anna" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text


def test_filters_leave_only_what_fits(made: Site) -> None:
    run = waiting_run(made)
    made.console.session.answer(run, "it/app@-/2/two", "yes", "anna")
    for asked, there, gone in (
        ({"kind": "asked"}, "<td>asked</td>", "<td>created</td>"),
        ({"lane": "(people)"}, "<td>agreed</td>", "<td>asked</td>"),
        ({"step": "it/app@-/2/two"}, "<td>asked</td>", "<td>created</td>"),
        ({"lane": "nothing"}, "No event fits.", "<td>created</td>"),
        ({"kind": "nonsense"}, "No event fits.", "<td>created</td>"),
    ):
        text = made.browser("viewer").get(f"/runs/{run}/journal", params=asked).text
        assert there in text, asked
        assert gone not in text, asked


def test_a_long_journal_goes_on_page_by_page(made: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run = waiting_run(made)
    monkeypatch.setattr(journals, "LENGTH", 3)
    browser = made.browser("viewer")
    shown, where = [], f"/runs/{run}/journal"
    while where:
        text = browser.get(where).text
        shown += [int(part.split("<")[0]) for part in text.split('<th scope="row">')[1:]]
        where = text.split('rel="next"')[0].rpartition('href="')[2].split('"')[0] if 'rel="next"' in text else ""
        where = where.replace("&amp;", "&")

    assert shown == [one.position for one in made.console.session.events(run)]


def test_a_journal_that_was_changed_is_said_to_be(made: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "SHARE", 0.0)
    run = waiting_run(made)
    browser = made.browser("viewer")
    assert "The chains of all" in browser.get(f"/runs/{run}/journal").text
    made.console.session.answer(run, "it/app@-/2/two", "yes", "anna")
    with sqlite3.connect(tmp_path / "home" / "store.db") as store:
        store.execute("DELETE FROM events WHERE kind = 'agreed'")

    text = browser.get(f"/runs/{run}/journal").text
    assert "The chains do not hold." in text
    assert "events are missing" in text


def test_the_export_is_that_of_the_command_line(made: Site) -> None:
    run = waiting_run(made)
    session = made.console.session
    answer = made.browser("viewer").get(f"/runs/{run}/journal.jsonl")
    lines = list(lines_of(run, "twin", session.plan(run), session.events(run), session.status(run)))

    assert answer.headers["content-disposition"] == f'attachment; filename="{run}.jsonl"'
    assert answer.text.splitlines() == lines
    assert read_lines(answer.text.splitlines(), "x").run == run


def test_secrets_are_hidden_in_what_is_exported(made: Site) -> None:
    run = waiting_run(made)
    made.console.session.answer(run, "it/app@-/2/two", "yes", "anna", "the word is Sesam-oeffne-dich")
    made.console.session.secrets.redactor.hide("Sesam-oeffne-dich")

    for where in ("journal", "journal.jsonl"):
        text = made.browser("viewer").get(f"/runs/{run}/{where}").text
        assert "the word is" in text
        assert "Sesam-oeffne-dich" not in text


def test_what_cannot_be_asked_for_is_refused(made: Site) -> None:
    run = waiting_run(made)
    for asked in ({"after": "-1"}, {"after": "x"}, {"after": str(2**70)}, {"kind": "x" * 50}):
        assert made.browser("viewer").get(f"/runs/{run}/journal", params=asked).status_code == 422, asked

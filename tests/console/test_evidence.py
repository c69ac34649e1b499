"""The evidence of a run in the console: shown, checked, and to be taken away as `handrail report` writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.reporting.test_html import Seen
from tests.support import counting
from tests.support.console import Site, site
from tests.support.counting import plan, step
from tests.support.evidence import carried

from handrail.console import evidence
from handrail.reporting.evidence_check import check
from handrail.reporting.evidence_files import HTML, JSON
from handrail.running import standing
from handrail.running.schema import events

EVIL = "<script>alert(1)</script>"


@contextmanager
def begun(folder: Path) -> Iterator[tuple[Site, str]]:
    """A console, and a run in its store that has failed."""
    failing = step("one", "stubborn", with_={"name": "one", "needs": "never", "log": EVIL})
    with carried(folder, plan(failing, step("two", host="b"))) as (_, run):
        pass
    with site(folder / "home") as made:
        yield made, run


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    with begun(tmp_path_factory.mktemp("console")) as made:
        yield made


def test_it_is_shown_checked_and_runs_nothing(told: tuple[Site, str]) -> None:
    console, run = told

    answer = console.browser("viewer").get(f"/runs/{run}/evidence")

    assert answer.status_code == 200
    page = Seen(answer.text.replace("<!doctype html>", ""))
    assert f"Evidence of run {run}: failed" in page.text and "it holds." in page.text
    assert "alert(1)" in page.text and EVIL not in answer.text
    assert page.tags.count("main") == page.tags.count("h1") == 1
    assert "style" not in page.tags and "style" not in {name for name, _ in page.attributes}


def test_the_files_are_taken_away_and_hold(told: tuple[Site, str], tmp_path: Path) -> None:
    console, run = told
    browser = console.browser("viewer")
    folder = tmp_path / "taken"
    folder.mkdir()

    for name in (HTML, JSON):
        answer = browser.get(f"/runs/{run}/evidence/{name}")
        assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
        (folder / name).write_bytes(answer.content)

    assert check(folder).holds
    assert json.loads((folder / JSON).read_bytes())["made"]["by"] == "viewer"


@pytest.mark.parametrize("name", ["evidence.json.sig", "other", "..%2f..%2fstore.db", "%2e%2e/store.db"])
def test_there_is_no_other_file(told: tuple[Site, str], name: str) -> None:
    console, run = told

    assert console.browser("viewer").get(f"/runs/{run}/evidence/{name}").status_code == 404


def test_programs_get_the_same_files_byte_for_byte(told: tuple[Site, str], tmp_path: Path) -> None:
    console, run = told
    browser = console.browser("viewer")
    place = f"/api/v1/runs/{run}/evidence"

    answer = browser.get(place)
    assert answer.headers["content-type"] == "application/json" and answer.json()["schema"] == "handrail/evidence/v1"
    for name in (HTML, JSON):
        (tmp_path / name).write_bytes(browser.get(f"{place}/{name}").content)
    assert (tmp_path / JSON).read_bytes() == answer.content
    assert check(tmp_path).holds
    unsigned = browser.get(f"{place}/evidence.json.sig")
    assert unsigned.status_code == 404 and "is not signed" in unsigned.json()["detail"]
    assert browser.get(f"{place}/other").status_code == 422
    assert browser.get("/api/v1/runs/no-such-run/evidence").status_code == 404
    assert console.browser().get(place).status_code == 401


def test_of_no_run_there_is_none_and_strangers_see_nothing(told: tuple[Site, str]) -> None:
    console, run = told

    assert console.browser("viewer").get("/runs/no-such-run/evidence").status_code == 404
    for path in (f"/runs/{run}/evidence", f"/runs/{run}/evidence/{JSON}"):
        assert console.browser().get(path).headers["location"].startswith("/sign-in")


def test_of_a_journal_that_was_changed_there_is_none_and_that_is_said(tmp_path: Path) -> None:
    with begun(tmp_path) as (console, run):
        with console.console.session.journal.store.write(run) as connection:
            connection.execute(sa.update(events).where(events.c.position == 3).values(at="2020-01-01T00:00:00Z"))

        answer = console.browser("viewer").get(f"/runs/{run}/evidence")

    assert "There is no evidence of this run." in answer.text and "does not hold together" in answer.text


def test_a_large_run_names_the_command_instead(told: tuple[Site, str], monkeypatch: pytest.MonkeyPatch) -> None:
    console, run = told
    monkeypatch.setattr(evidence, "MOST", 3)
    browser = console.browser("viewer")

    assert f"handrail report {run} -o FOLDER" in browser.get(f"/runs/{run}/evidence").text
    assert browser.get(f"/runs/{run}/evidence/{JSON}").status_code == 409
    refused = browser.get(f"/api/v1/runs/{run}/evidence")
    assert refused.status_code == 409 and f"handrail report {run} -o FOLDER" in refused.json()["advice"]


def test_it_is_written_anew_only_when_something_has_happened(told: tuple[Site, str]) -> None:
    console, run = told
    reports = evidence.Reports(console.console.session)

    first = reports.of(run, "eve")
    assert reports.of(run, "eve") is first
    assert reports.of(run, "tom") is not first
    for number in range(evidence.KEPT):
        reports.of(run, f"person {number}")
    assert not first.written.folder.exists()


def test_a_plan_of_many_steps_is_large_before_anything_has_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "LARGE", 3)
    with site(tmp_path / "home", build=counting.build, signatures=counting.signatures()) as made:
        session = made.console.session
        run = session.start(plan(*(step(f"s{number}") for number in range(5))), "ann", target="twin")
        reports = evidence.Reports(session)
        assert reports.of(run, "ann").checked.holds
        monkeypatch.setattr(evidence, "MOST_STEPS", 4)
        with pytest.raises(evidence.TooLarge):
            reports.of(run, "bob")

"""What assessment says, as text and JSON."""

from __future__ import annotations

from dataclasses import replace

from tests.support.plans import ACCEPTED, BLOCKER, NOTE, RISK, UNKNOWN

from handrail.model.finding import Assessment, Finding
from handrail.reporting.findings import assessment_document, assessment_page
from handrail.reporting.text import render


def text(*findings: Finding) -> str:
    return "\n".join(render(assessment_page(Assessment("contoso", {"identity": "2016-sp3"}, findings))))


def test_the_json_is_the_one_of_the_contract() -> None:
    document = assessment_document(Assessment("contoso", {"identity": "2016-sp3"}, (UNKNOWN,)))

    assert document == {
        "schema": "handrail/assessment/v1",
        "estate": "contoso",
        "aim": {"identity": "2016-sp3"},
        "verdict": "blocked",
        "findings": [
            {
                "rule": "x/disk",
                "level": "blocker",
                "unknown": True,
                "accepted": False,
                "subject": "host:sync01",
                "message": "Free space is not known.",
                "remedy": "Run `df`.",
                "source": {
                    "document": "manual",
                    "section": "Upgrading",
                    "title": "The manual",
                    "url": "https://example.com/manual",
                },
            }
        ],
    }


def test_blockers_come_first_with_remedy_and_source() -> None:
    shown = text(NOTE, RISK, BLOCKER)

    assert shown.index("x/os") < shown.index("x/key") < shown.index("x/window")
    assert "Upgrade it first." in shown and "The manual, Upgrading" in shown


def test_the_verdict_counts_what_blocks() -> None:
    assert "Blocked by 2 findings, 1 of them because something is not known." in text(BLOCKER, UNKNOWN, NOTE)
    assert "Blocked by 1 finding." in text(BLOCKER, RISK)


def about(subject: str, message: str) -> Finding:
    return replace(RISK, subject=subject, message=message)


def test_what_is_said_of_several_in_the_same_words_is_said_once() -> None:
    shown = text(*(about(f"it/sync@{host}", f"it/sync@{host}: {host} is down.") for host in ("a1", "b1", "c1")))

    assert "a1 is down." in shown and "b1 is down." not in shown
    assert "same for  it/sync@b1 and it/sync@c1" in shown
    assert shown.count("Save first.") == 1


def test_what_differs_in_more_than_the_name_is_said_of_each() -> None:
    shown = text(about("host:a1", "a1 runs an old system."), about("host:b1", "b1 runs a new system."))

    assert "a1 runs an old system." in shown and "b1 runs a new system." in shown


def test_what_was_accepted_is_shown_as_accepted_and_not_as_blocker() -> None:
    shown = text(ACCEPTED)

    assert "Risky" in shown and "Accepted" in shown and "Blockers" not in shown


def test_nothing_found_is_said() -> None:
    assert "Clear" in text()


def test_a_rule_that_concerns_a_fleet_is_told_once() -> None:
    many = [replace(BLOCKER, subject=f"identity/sync@ws{number:04}") for number in range(10_000)]
    shown = text(*many)

    assert "Blocked by 10000 findings" in shown.replace(",", "")
    assert "9,993 more" in shown and len(shown.splitlines()) < 60

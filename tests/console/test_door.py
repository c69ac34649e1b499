"""Nobody gets in without signing in."""

from __future__ import annotations

from tests.support.console import Site


def test_a_stranger_is_sent_to_sign_in(console: Site) -> None:
    answer = console.browser().get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_whoever_is_signed_in_reads(console: Site) -> None:
    answer = console.browser("viewer").get("/")

    assert answer.status_code == 200
    assert "viewer" in answer.text

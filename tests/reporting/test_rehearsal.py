"""A rehearsal as text, as JSON and as one page: what failed is told with the command that shows it again."""

from __future__ import annotations

from html.parser import HTMLParser

from handrail.rehearsing.results import Case, Rehearsal, to_json
from handrail.reporting import rehearsal_html, text
from handrail.reporting.rehearsal import case_page, rehearsal_page, verdict

STEP = "identity/sync@sync01/2/"
FAILED = Case(f"{STEP}patch", "lost-done", "rollback", "fail", "it is <gone> & lost", story=("the line is lost",))


def sample(*more: Case) -> Rehearsal:
    cases = (
        Case(f"{STEP}stop", "killed-after-intent", "resume", "pass"),
        Case(f"{STEP}stop", "killed-after-intent", "rollback", "pass"),
        Case(f"{STEP}patch", "lost-done", "resume", "pass"),
        FAILED,
        Case(f"{STEP}link", "lost-done", "rollback", "no-way-back-as-planned", "the plan had said so"),
        Case(f"{STEP}taste", "any", "resume", "not-rehearsed", "nobody knows how"),
        Case(f"{STEP}undo-stop", "lost-done", "resume", "pass", of="rollback"),
        *more,
    )
    return Rehearsal(
        "sha256:ab",
        "contoso",
        tuple(f"{STEP}{name}" for name in ("stop", "patch", "link", "taste")),
        {},
        {"killed-after-intent": "we are killed", "lost-done": "the line is lost"},
        cases,
        {f"{STEP}stop": ("identity/sync@sync02/2/stop",)},
        {f"{STEP}taste": "nobody knows how"},
        back=(f"{STEP}undo-stop",),
    )


def shown(rehearsal: Rehearsal) -> str:
    return "\n".join(text.render(rehearsal_page(rehearsal, "my plan"), width=100))


def test_the_matrix_has_a_mark_for_each_fault_at_each_step() -> None:
    lines = shown(sample()).splitlines()

    assert any(line.split() == ["+.", "stop", "(and", "1", "other", "like", "it)"] for line in lines)
    assert any(line.split() == [".X", "patch"] for line in lines)
    assert any(line.split() == [".1", "link"] for line in lines)
    assert any(line.split() == [".+", "undo-stop"] for line in lines)
    assert not any(line.endswith("  taste") for line in lines)


def test_a_failure_is_told_with_the_command_that_shows_it_again() -> None:
    assert f"handrail rehearse 'my plan' --case {STEP}patch:lost-done" in shown(sample())


def test_the_verdict_counts_what_passed_failed_and_was_not_rehearsed() -> None:
    assert verdict(sample()) == "6 cases; 4 passed, 1 failed; 1 without a way back, as planned; 1 not rehearsed."
    assert sample().exit_code == 1


def test_json_is_the_contract() -> None:
    document = to_json(sample())

    assert document["schema"] == "handrail/rehearsal/v1"
    assert (document["plan"], document["passed"], document["failed"]) == ("sha256:ab", 4, 1)
    assert document["cases"][3] == {
        "step": f"{STEP}patch",
        "fault": "lost-done",
        "then": "rollback",
        "result": "fail",
        "because": "it is <gone> & lost",
        "of": "plan",
        "story": ["the line is lost"],
    }


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_needs_no_script_and_hides_nothing_that_failed() -> None:
    page = rehearsal_html.render(sample(), "my plan")
    tags = _Tags()
    tags.feed(page)

    assert tags.open == []
    assert not tags.seen & {"script", "link", "img"}
    assert "http:" not in page and "https:" not in page
    assert "it is &lt;gone&gt; &amp; lost" in page
    assert "prefers-color-scheme: dark" in page


def test_a_case_is_told_as_a_story() -> None:
    told = "\n".join(text.render(case_page(sample()), width=100))

    assert "the line is lost, then rollback" in told
    assert "fail: it is <gone> & lost" in told

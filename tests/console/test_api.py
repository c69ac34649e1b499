"""The API: the documents of the command line, under the same rules as the pages; no input makes it fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import checks
from schemathesis.core.result import Ok
from tests.support.console import ADDRESS, BASE, Browser, Site
from tests.support.desk import carry_on, desk, held_plan, launched, waiting_run
from tests.support.rehearsals import mill

from handrail.console.context import Settings
from handrail.console.limits import Buckets, Limits
from handrail.documents.plan import plan_from_json

TWO = "it/app@-/2/two"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    with desk(tmp_path) as site:
        yield site


class Program:
    """A program with a token of somebody's account."""

    def __init__(self, made: Site, *roles: str, name: str = "robot") -> None:
        accounts = made.console.accounts
        if accounts.find(name) is None:
            accounts.add(name, None, list(roles))
        self._browser = Browser(made.app, base_url=BASE, client=(ADDRESS, 50000), raise_server_exceptions=False)
        self.headers = {"Authorization": f"Bearer {accounts.new_token(name, 'tests')}"}

    def get(self, path: str, **asked: Any) -> Any:
        answer = self._browser.get(f"/api/v1{path}", params=asked, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        answer = self._browser.post(f"/api/v1{path}", json=body, headers=self.headers)
        return answer.status_code, answer.json()


def test_nobody_reads_without_signing_in(made: Site) -> None:
    for path in ("/api/v1/runs", "/api/v1/plans", "/api/openapi.json"):
        answer = made.browser().get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.json()["detail"] == "Sign in first."
    assert made.browser().get("/api").status_code == 303


def test_a_run_is_the_document_of_the_command_line_with_what_it_waits_for(made: Site) -> None:
    run = waiting_run(made)
    found = Program(made).get(f"/runs/{run}")

    assert (found["schema"], found["state"], found["started_by"]) == ("handrail/run/v1", "waiting", "adam")
    assert found["waits_for"][0]["step"] == TWO
    assert found["waits_for"][0]["answers"] == {"yes": "go on", "no": "halt"}
    assert found["waits_for"][0]["by"] == ["two"]


def test_programs_answer_under_the_same_rules(made: Site) -> None:
    run = waiting_run(made)
    anna, bea = Program(made, "approver", name="anna"), Program(made, "operator", name="bea")

    assert Program(made).post(f"/runs/{run}/answers", step=TWO, answer="yes")[0] == 403
    status, event = anna.post(f"/runs/{run}/answers", step=TWO, answer="yes", note="go")
    assert (status, event["kind"], event["data"]["who"]) == (201, "agreed", "anna")
    status, problem = anna.post(f"/runs/{run}/answers", step=TWO, answer="yes")
    assert (status, problem["title"]) == (400, "Bad Request")
    assert "somebody else has to say it too" in problem["detail"]
    assert bea.post(f"/runs/{run}/answers", step=TWO, answer="yes")[1]["kind"] == "answered"
    status, problem = bea.post(f"/runs/{run}/answers", step=TWO, answer="no", asked=event["data"]["asked"])
    assert status == 409
    assert "bea answered yes" in problem["detail"]


def test_a_cookie_alone_changes_nothing(made: Site) -> None:
    run = waiting_run(made)
    browser = made.browser("operator")
    body = {"step": TWO, "answer": "yes"}

    assert browser.post(f"/api/v1/runs/{run}/answers", json=body).status_code == 403
    told = {"X-CSRF-Token": browser.csrf}
    assert browser.post(f"/api/v1/runs/{run}/answers", json=body, headers=told).status_code == 201


def test_events_are_read_behind_a_position_until_there_are_none(made: Site) -> None:
    run = waiting_run(made)
    program, found, after = Program(made), [], 0
    while after is not None:
        part = program.get(f"/runs/{run}/events", after=after, limit=2)
        found += part["events"]
        after = part["next"]

    assert [one["position"] for one in found] == list(range(1, len(found) + 1))
    assert [one["hash"] for one in found] == [one.hash for one in made.console.session.events(run)]
    assert {one["kind"] for one in program.get(f"/runs/{run}/events", kind="asked")["events"]} == {"asked"}


def test_lists_come_page_by_page(made: Site) -> None:
    runs = [waiting_run(made) for _ in range(3)]
    program = Program(made)

    found = [program.get("/runs", page=page, limit=1) for page in (1, 2, 3, 4)]
    assert [[one["run"] for one in part["runs"]] for part in found] == [*([one] for one in runs[::-1]), []]
    assert {part["total"] for part in found} == {3}


def test_a_plan_is_whole_and_keeps_its_digest(made: Site) -> None:
    program = Program(made)
    listed = {one["digest"]: one["file"] for one in program.get("/plans")["plans"]}

    assert listed == {held_plan().digest: "held.plan", mill().digest: "mill.plan"}
    assert plan_from_json(program.get(f"/plans/{mill().digest}")) == mill()


def test_a_plan_is_approved_and_begun(made: Site) -> None:
    digest = held_plan().digest
    anna, bea = Program(made, "approver", name="anna"), Program(made, "operator", name="bea")

    assert bea.post(f"/plans/{digest}/approvals")[0] == 403
    status, found = anna.post(f"/plans/{digest}/approvals", note="as agreed")
    assert (status, [one["who"] for one in found["approvals"]]) == (201, ["anna"])
    assert anna.post(f"/plans/{digest}/runs", target="twin")[0] == 403
    status, found = bea.post(f"/plans/{digest}/runs", target="twin")
    assert (status, launched(made)) == (201, [found["run"]])
    assert made.console.session.journal.row(found["run"]).who == "bea"
    assert carry_on(made, found["run"]) == "waiting"


def test_rehearsals_and_estates_are_listed_and_read(made: Site) -> None:
    program = Program(made)
    (one,) = program.get("/rehearsals")["rehearsals"]
    assert one["plan"] == mill().digest
    found = program.get(f"/rehearsals/{one['id']}")
    assert (found["schema"], found["failed"]) == ("handrail/rehearsal/v1", 0)
    assert program.get("/estates")["estates"] == [{"id": "valley", "name": "valley", "file": "valley.yaml"}]
    assert program.get("/estates/valley")["name"] == "valley"


def test_what_is_not_there_is_a_problem_with_a_sentence(made: Site) -> None:
    for path in ("/runs/x", "/runs/x/events", "/plans/x", "/estates/x", "/rehearsals/x", "/nothing"):
        answer = made.browser("viewer").get(f"/api/v1{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["detail"].endswith(".")


def test_the_page_about_it_names_every_operation_and_needs_nothing_from_elsewhere(made: Site) -> None:
    browser = made.browser("viewer")
    text = browser.get("/api").text
    paths = browser.get("/api/openapi.json").json()["paths"]

    for path, methods in paths.items():
        for method in methods:
            assert f"{method.upper()} {path}" in text.replace("&#34;", '"')
    assert "https://" not in text.replace("https://HOST/api/v1/runs", "")


def test_the_description_says_who_may_ask_and_gives_examples(made: Site) -> None:
    found = made.browser("viewer").get("/api/openapi.json").json()

    assert found["openapi"].startswith("3.1")
    assert set(found["components"]["securitySchemes"]) == {"token", "sitting"}
    assert all("401" in one["responses"] for methods in found["paths"].values() for one in methods.values())
    assert found["paths"]["/api/v1/runs"]["get"]["responses"]["200"]["content"]["application/json"]["example"]


# -- whatever is sent ---------------------------------------------------------------------------------------------

OFTEN = Buckets(1_000_000, 0.0001)


def test_whatever_is_sent_is_answered_as_the_description_says(tmp_path: Path) -> None:
    """schemathesis over every operation: no 500, no status and no document that is not declared."""
    with desk(tmp_path, settings=Settings(hosts=frozenset({"testserver"}))) as made:
        object.__setattr__(made.console, "limits", Limits(requests=OFTEN, strangers=OFTEN))
        run = waiting_run(made)
        program = Program(made, "operator", "approver")
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", made.app, headers=program.headers)
        known = {"run": run, "digest": held_plan().digest, "name": "valley"}
        tried = 0
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result
            tried += 1
            _try(result.ok(), program, known)
    assert tried == 19


def _try(operation: Any, program: Program, known: dict[str, str]) -> None:
    for mode, number in ((schemathesis.GenerationMode.POSITIVE, 3), (schemathesis.GenerationMode.NEGATIVE, 3)):
        strategy = operation.as_strategy(generation_mode=mode)
        hypothesis.given(case=strategy)(_sent(program, known, number))()


def _sent(program: Program, known: dict[str, str], number: int) -> Any:
    turns = iter(range(10_000))

    @hypothesis.settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def sent(case: Any) -> None:
        if next(turns) % 2 == 0:  # half of them ask for what is there
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        case.call_and_validate(
            headers=program.headers,
            checks=[
                checks.not_a_server_error,
                checks.CHECKS.get_one("status_code_conformance"),
                checks.CHECKS.get_one("content_type_conformance"),
                checks.CHECKS.get_one("response_schema_conformance"),
            ],
        )

    return sent

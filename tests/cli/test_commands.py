"""Every command from end to end on the sample estates: from findings to a verified run on the twin."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import ESTATES, Said, handrail, start

from handrail.documents.plan import digest_of, read_plan
from handrail.guides.catalogue import SHIPPED

CONTOSO = ESTATES / "contoso.yaml"
BLOCKED = ESTATES / "contoso-blocked.yaml"
UNKNOWN = ESTATES / "unknown-facts.yaml"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "contoso.plan"
    assert handrail("plan", CONTOSO, "-o", path, home=path.parent / "home").code == 0
    return path


@pytest.fixture(scope="module")
def finished(plan: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Said]:
    """A home with a run of the plan that has succeeded on the twin."""
    home = tmp_path_factory.mktemp("finished")
    said = handrail("run", plan, "--twin", home=home)
    return home, run_of(said), said


def run_of(said: Said) -> str:
    found = re.match(r"Run ([\w-]+)", said.out) or re.search(r"Run ([\w-]+)", said.err)
    assert found, said
    return found[1]


def states(home: Path, run: str) -> dict[str, Any]:
    document = handrail("status", run, "--format", "json", home=home).json
    return {step["id"]: step["state"] for step in document["steps"]}


# -- assess and plan --------------------------------------------------------------------------------------------


def test_a_blocked_estate_is_told_why_and_what_to_do(tmp_path: Path) -> None:
    said = handrail("assess", BLOCKED, home=tmp_path)

    assert said.code == 3 and said.err == ""
    assert "Blocked by" in said.out and "mim/sp3/supported-os" in said.out
    assert said.out.index("Blockers") < said.out.index("Notes")
    assert max(map(len, said.out.splitlines())) <= 80


def test_assess_as_json_keeps_the_contract(tmp_path: Path) -> None:
    document = handrail("assess", BLOCKED, "--format", "json", home=tmp_path).json

    assert set(document) == {"schema", "estate", "aim", "verdict", "findings"}
    assert document["schema"] == "handrail/assessment/v1" and document["verdict"] == "blocked"
    for finding in document["findings"]:
        wanted = {"rule", "level", "unknown", "accepted", "subject", "message", "remedy", "source"}
        assert wanted <= set(finding)
        assert {"document", "section"} <= set(finding["source"])
        assert finding["level"] in ("blocker", "risk", "note")


def test_what_is_not_known_blocks_and_says_how_to_find_out(tmp_path: Path) -> None:
    said = handrail("assess", UNKNOWN, "--format", "json", home=tmp_path)
    unknown = [finding for finding in said.json["findings"] if finding["unknown"]]

    assert said.code == 3
    assert unknown and all(finding["level"] == "blocker" and finding["remedy"] for finding in unknown)


def test_a_blocked_plan_prints_the_findings_and_writes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    text = handrail("plan", BLOCKED, "-o", target, home=tmp_path)
    document = handrail("plan", BLOCKED, "--format", "json", "-o", target, home=tmp_path)
    book = handrail("plan", BLOCKED, "--format", "markdown", home=tmp_path)

    assert text.code == document.code == book.code == 3
    assert text.out == book.out == handrail("assess", BLOCKED, home=tmp_path).out
    assert document.json["schema"] == "handrail/assessment/v1"
    assert not target.exists()


def test_neither_plan_nor_rehearsal_replaces_what_it_is_made_from(tmp_path: Path, plan: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_bytes(CONTOSO.read_bytes())
    (tmp_path / "link").symlink_to(estate)
    for arguments in (("plan", estate, "-o", tmp_path / "link"), ("rehearse", plan, "-o", plan)):
        said = handrail(*arguments, home=tmp_path)
        assert said.code == 2 and "it would replace what it is made from" in said.err

    assert estate.read_bytes() == CONTOSO.read_bytes() and read_plan(plan)


def test_an_acceptance_that_does_nothing_is_mentioned(tmp_path: Path) -> None:
    refused = handrail("assess", BLOCKED, "--accept", "mim/sp3/supported-os", home=tmp_path)

    assert refused.code == 3 and "cannot be accepted" in refused.err


def test_a_clear_estate_gets_a_plan_that_stands_in_the_file_as_on_the_screen(tmp_path: Path, plan: Path) -> None:
    shown = handrail("plan", CONTOSO, "--format", "json", home=tmp_path).json
    written = json.loads(plan.read_bytes())

    assert shown == written, "the same estate, aim and guides give the same plan"
    assert digest_of(read_plan(plan)) == shown["digest"]
    assert shown["schema"] == "handrail/plan/v1"
    hops = {(hop["installation"], hop["from"], hop["to"]) for hop in shown["hops"]}
    assert ("identity/sync@sync01", "4.6.34.0", "4.6.673.0") in hops
    assert ("identity/sync@sync01", "4.6.673.0", "2016-sp3") in hops
    seen: set[str] = set()
    for step in shown["steps"]:
        assert set(step["after"]) <= seen, "steps are listed in one valid order"
        assert {"id", "title", "kind", "with", "when", "because", "rests_on", "leaves", "way_back"} <= set(step)
        seen.add(step["id"])


def test_the_plan_as_text_fits_80_columns_and_tells_the_way_back(tmp_path: Path) -> None:
    said = handrail("plan", CONTOSO, home=tmp_path)

    assert said.code == 0
    assert max(map(len, said.out.splitlines())) <= 80
    for heading in ("Hops", "Order", "Steps on sync01", "Downtime", "Restore points", "The way back"):
        assert f"\n{heading}\n" in said.out


def test_the_runbook_has_every_step_with_what_to_type(tmp_path: Path, plan: Path) -> None:
    book = handrail("plan", CONTOSO, "--format", "markdown", home=tmp_path).out
    steps = json.loads(plan.read_bytes())["steps"]

    for number, step in enumerate(steps, 1):
        assert f"\n### {number}. " in book and f"`{step['id']}`" in book
    assert "sc stop FIMSynchronizationService" in book
    assert "REINSTALLMODE=emus" in book and "msiexec /p" in book
    assert "insert-disk" in book


def test_the_runbook_is_also_one_html_document_that_needs_nothing_else(tmp_path: Path, plan: Path) -> None:
    book = handrail("plan", CONTOSO, "--format", "html", home=tmp_path).out

    assert book.startswith("<!DOCTYPE html>") and book.endswith("</main>\n</body>\n</html>\n")
    assert all(f"<code>{step['id']}</code>" in book for step in json.loads(plan.read_bytes())["steps"])
    assert "<script" not in book and "src=" not in book and "sc stop FIMSynchronizationService" in book


def test_the_runbook_says_how_to_get_back(tmp_path: Path) -> None:
    book = handrail("plan", CONTOSO, "--format", "markdown", home=tmp_path).out
    back = book.partition("## Getting back by hand")[2]

    assert back.index("Apply SP3 to the Service") < back.index("Apply SP3 to the Synchronization Service")
    assert "RESTORE DATABASE [FIMSynchronizationService] FROM DISK = N'<file noted at step " in back
    assert '" "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Service" /MIR' in back
    assert "sc start FIMService" in back and "at 4.6.34.0." in back


def test_explain_answers_for_the_plan_and_for_its_steps(tmp_path: Path, plan: Path) -> None:
    whole = handrail("explain", plan, home=tmp_path)
    assert whole.code == 0 and "not new-deployment" in whole.out

    steps = json.loads(plan.read_bytes())["steps"]
    for number, step in [*enumerate(steps, 1)][::-7][::-1]:
        by_number = handrail("explain", plan, number, home=tmp_path)
        assert by_number.code == 0 and step["id"] in by_number.out and "The way back" in by_number.out
    by_id = handrail("explain", plan, steps[-1]["id"], home=tmp_path)
    assert by_id.out == by_number.out
    document = handrail("explain", plan, steps[0]["id"], "--format", "json", home=tmp_path).json
    assert document["schema"] == "handrail/explanation/v1" and document["step"]["id"] == steps[0]["id"]


# -- guides -----------------------------------------------------------------------------------------------------


def test_guides_are_listed_shown_and_linted(tmp_path: Path) -> None:
    assert "mim" in handrail("guide", "list", home=tmp_path).out
    names = [guide["name"] for guide in handrail("guide", "list", "--format", "json", home=tmp_path).json["guides"]]
    assert "postgresql" in names
    assert "PostgreSQL" in handrail("guide", "show", "postgresql", home=tmp_path).out
    assert handrail("guide", "show", "mim", "--format", "json", home=tmp_path).json["name"] == "mim"
    linted = handrail("guide", "lint", SHIPPED / "postgresql", home=tmp_path)
    assert (linted.code, linted.err) == (0, "")


@pytest.mark.slow
def test_every_shipped_guide_is_without_mistakes_and_can_be_shown(tmp_path: Path) -> None:
    linted = handrail("guide", "lint", home=tmp_path)
    assert (linted.code, linted.err) == (0, "")
    for folder in SHIPPED.glob("*/guide.yaml"):
        assert handrail("guide", "show", folder.parent.name, home=tmp_path).code == 0


def test_the_schema_of_guides_is_json(tmp_path: Path) -> None:
    assert handrail("guide", "schema", home=tmp_path).json["$schema"].startswith("https://json-schema.org/")


def test_an_unknown_guide_gets_a_suggestion(tmp_path: Path) -> None:
    said = handrail("guide", "show", "mimm", home=tmp_path)

    assert said.code == 2 and "Did you mean 'mim'?" in said.err


def test_an_authors_guide_is_used_and_its_mistakes_are_told_with_their_place(tmp_path: Path) -> None:
    shipped = ESTATES.parent / "guide.yaml"
    own = tmp_path / "own" / "guide.yaml"
    own.parent.mkdir()
    for part in shipped.parent.glob("*.yaml"):
        (own.parent / part.name).write_bytes(part.read_bytes())
    own.write_text(shipped.read_text("utf-8").replace("guide: mim", "guide: ours", 1), "utf-8")
    assert "ours" in handrail("guide", "list", "--guides", own.parent, home=tmp_path).out
    assert handrail("guide", "lint", own, home=tmp_path).code == 0

    own.write_text(own.read_text("utf-8").replace("uses: service.stop", "uses: service.stopp", 1), "utf-8")
    said = handrail("guide", "lint", own, home=tmp_path)
    assert said.code == 2
    assert re.match(rf"{re.escape(str(own))}:\d+:\d+: .*service\.stopp", said.err)
    document = handrail("guide", "lint", own, "--format", "json", home=tmp_path).json
    assert document["mistakes"][0]["line"] > 1


# -- runs -------------------------------------------------------------------------------------------------------


def test_a_run_names_itself_first_tells_its_story_and_says_what_to_do_next(finished: tuple[Path, str, Said]) -> None:
    _, run, said = finished

    assert said.code == 0 and said.err == ""
    assert said.out.startswith(f"Run {run}, on the twin of contoso\n")
    assert "Apply SP3 to the Synchronization Service on sync01" in said.out
    assert said.out.rstrip().endswith(f"handrail verify {run}")


def test_status_as_json_keeps_the_contract(finished: tuple[Path, str, Said], plan: Path) -> None:
    home, run, _ = finished
    document = handrail("status", run, "--format", "json", home=home).json

    assert document["schema"] == "handrail/run/v1" and document["run"] == run
    assert document["plan"] == json.loads(plan.read_bytes())["digest"]
    assert document["state"] == "succeeded"
    assert {step["state"] for step in document["steps"]} == {"done", "skipped"}
    assert all({"id", "state", "attempts", "begun", "ended"} <= set(step) for step in document["steps"])


def test_status_without_a_run_shows_the_newest(finished: tuple[Path, str, Said]) -> None:
    home, run, _ = finished

    assert handrail("status", home=home).out.startswith(f"Run {run}\n")
    assert handrail("status", "--format", "json", home=home).json["run"] == run


def test_verify_looks_again_and_says_that_everything_holds(finished: tuple[Path, str, Said]) -> None:
    home, run, _ = finished
    said = handrail("verify", run, home=home)
    document = handrail("verify", run, "--format", "json", home=home).json

    assert said.code == 0 and "Everything holds." in said.out
    assert document["holds"] is True and document["checks"]


def test_resuming_a_finished_run_does_nothing(finished: tuple[Path, str, Said]) -> None:
    home, run, _ = finished
    said = handrail("resume", run, home=home)

    assert said.code == 0 and "Succeeded." in said.out and " begun " not in said.out


def test_a_run_as_json_is_one_document_and_its_story_goes_to_standard_error(tmp_path: Path, plan: Path) -> None:
    said = handrail("run", plan, "--twin", "--format", "json", home=tmp_path)

    assert said.json["schema"] == "handrail/run/v1" and said.json["state"] == "succeeded"
    assert said.err.startswith(f"Run {said.json['run']}")


def test_the_store_may_lie_elsewhere(tmp_path: Path, plan: Path) -> None:
    store = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    said = handrail("run", plan, "--twin", "--ask", "--store", store, home=tmp_path / "home")
    run = run_of(said)

    assert f"--store {store}" in said.out
    assert handrail("status", run, home=tmp_path / "home").code == 2
    assert handrail("status", run, "--store", store, home=tmp_path / "home").code == 0


def test_real_hosts_are_refused_while_approvals_are_missing(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(CONTOSO.read_text("utf-8").replace("name: contoso", "name: contoso\napprovers: 2", 1), "utf-8")
    demanding = tmp_path / "plan"
    assert handrail("plan", estate, "-o", demanding, home=tmp_path).code == 0
    assert handrail("run", demanding, home=tmp_path).code == 3

    approved = handrail("approve", demanding, home=tmp_path)
    assert approved.code == 0 and "demands 2 approvals" in approved.out
    assert handrail("approve", demanding, home=tmp_path) == approved, "twice by the same person is once"
    said = handrail("run", demanding, home=tmp_path)
    assert said.code == 3 and "approve" in said.err


# -- people -----------------------------------------------------------------------------------------------------


def test_hosts_that_cannot_be_reached_are_refused_before_there_is_a_run(tmp_path: Path) -> None:
    estate, plan = tmp_path / "contoso.yaml", tmp_path / "contoso.plan"
    estate.write_text(re.sub(r"(?m)^ *connect: .*\n", "", CONTOSO.read_text("utf-8"), count=1), "utf-8")
    assert handrail("plan", estate, "-o", plan, home=tmp_path).code == 0
    said = handrail("run", plan, home=tmp_path)

    assert said.code == 2
    assert "does not say how host" in said.err and "--twin" in said.err
    assert said.out == ""
    assert "Nothing has been run yet" in handrail("status", home=tmp_path).err


def commands(said: Said, word: str) -> list[list[str]]:
    """The answers that the output offers, ready to be called."""
    import shlex

    found = [line.strip() for line in said.out.splitlines() if line.strip().startswith("handrail answer")]
    offered = [shlex.split(line, comments=True)[1:] for line in found]
    return [one for one in offered if one[3] == word]


def test_a_run_waits_for_people_and_goes_on_when_they_have_answered(tmp_path: Path, plan: Path) -> None:
    said = handrail("run", plan, "--twin", "--ask", home=tmp_path)
    run = run_of(said)
    for _ in range(20):
        if said.code != 4:
            break
        offered = commands(said, "yes") + commands(said, "done")
        assert offered, said.out
        for one in offered:
            assert handrail(*one, "--note", "go", home=tmp_path).code == 0
        said = handrail("resume", run, "--ask", home=tmp_path)

    assert said.code == 0 and set(states(tmp_path, run).values()) == {"done", "skipped"}


def test_a_no_halts_the_run(tmp_path: Path, plan: Path) -> None:
    said = handrail("run", plan, "--twin", "--ask", home=tmp_path)
    run = run_of(said)
    assert said.code == 4
    assert handrail(*commands(said, "no")[0], home=tmp_path).code == 0
    halted = handrail("resume", run, "--ask", home=tmp_path)

    assert halted.code == 1 and "a person said no" in halted.err
    assert "done" in states(tmp_path, run).values()


@pytest.mark.parametrize(
    ("step", "word", "expected"),
    [
        ("ready", "done", "cannot be answered"),
        ("redy", "yes", "4.6.673.0/ready"),
        ("identity/sync@sync01/4.6.673.0/stop", "yes", "does not wait"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(
    tmp_path: Path, plan: Path, step: str, word: str, expected: str
) -> None:
    run = run_of(handrail("run", plan, "--twin", "--ask", home=tmp_path))
    said = handrail("answer", run, step, word, home=tmp_path)

    assert said.code == 2 and expected in said.err


# -- processes that die -----------------------------------------------------------------------------------------


def lines(process: Any) -> Iterator[str]:
    for line in iter(process.stdout.readline, b""):
        yield line.decode()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are a thing of POSIX")
@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_half_way_is_resumed_to_the_end(tmp_path: Path, plan: Path, signal_: int) -> None:
    process = start("run", plan, "--twin", home=tmp_path)
    run = ""
    for line in lines(process):
        run = run or (re.match(r"Run ([\w-]+)", line) or [""])[1]
        if "Apply the hotfix" in line:
            break
    process.send_signal(signal_)
    _, errors = process.communicate(timeout=60)
    assert b"Traceback" not in errors
    assert process.returncode == (-signal.SIGKILL if signal_ == signal.SIGKILL else 1)
    before = states(tmp_path, run)
    assert "pending" in before.values()

    said = handrail("resume", run, home=tmp_path)
    assert said.code == 0
    assert all(state == "done" for id, state in states(tmp_path, run).items() if before[id] == "done")
    assert handrail("verify", run, home=tmp_path).code == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are a thing of POSIX")
def test_a_second_runner_on_the_same_run_is_refused(tmp_path: Path, plan: Path) -> None:
    process = start("run", plan, "--twin", home=tmp_path)
    run = ""
    for line in lines(process):
        run = run or (re.match(r"Run ([\w-]+)", line) or [""])[1]
        if "Stop FIMSynchronizationService" in line:
            break
    process.send_signal(signal.SIGSTOP)
    try:
        said = handrail("resume", run, home=tmp_path)
        assert said.code == 2 and run in said.err and said.err.count("\n") == 1 + said.err.count("goes on")
    finally:
        process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)

    assert process.returncode == 0


@pytest.mark.slow
def test_a_run_whose_reader_goes_away_goes_on_to_its_end(tmp_path: Path, plan: Path) -> None:
    process = start("run", plan, "--twin", home=tmp_path)
    run = (re.match(r"Run ([\w-]+)", process.stdout.readline().decode()) or [""])[1]  # type: ignore[union-attr]
    process.stdout.close()  # type: ignore[union-attr]
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""  # type: ignore[union-attr]

    assert set(states(tmp_path, run).values()) == {"done", "skipped"}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are a thing of POSIX")
def test_on_a_terminal_the_story_is_told_in_full(tmp_path: Path, plan: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = start("run", plan, "--twin", home=tmp_path, stdout=theirs, environment={"TERM": "xterm", "COLUMNS": "80"})
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    _, errors = process.communicate(timeout=60)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())

    assert process.returncode == 0 and errors == b""
    assert "Apply SP3 to the Synchronization Service on sync01" in text and "Succeeded." in text

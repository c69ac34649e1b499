"""The plan for people, and the runbook."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.plans import ID, SERVICE, SYNC, sample_plan, step

from handrail.model.estate import Host
from handrail.model.plan import Condition, Plan
from handrail.reporting import markdown, text, words
from handrail.reporting.byhand import BY_HAND, by_hand, lines, quote, sentence, used
from handrail.reporting.byhand_entry import ByHand
from handrail.reporting.outline import Outline
from handrail.reporting.plan import plan_page
from handrail.reporting.runbook import condition_text, runbook_page


def shown(plan: Plan | None = None) -> str:
    return "\n".join(text.render(plan_page(plan or sample_plan())))


def runbook(plan: Plan | None = None) -> str:
    return "\n".join(markdown.render(runbook_page(plan or sample_plan())))


@pytest.mark.parametrize(
    "expected",
    [
        "identity/sync@sync01: 4.6.673.0 to 2016-sp3 (4.7.12.0) by patch",
        "It keeps the database.",
        "There is no installer for it.",
        "identity/sync@sync01 to 2016-sp3 before identity/service@svc01 to 2016-sp3: The engine comes first.",
        "Steps on sync01",
        "2.  Stop the service [downtime]",
        "6.  Remove what names the old medium [only after a known error]",
        "from step 2 (Stop the service)",
        "step 4 (Prove the backup) proves database",
        "Point of no return: step 7 (Go through the wizard)",
        "No way back: step 7",
        "Map the drive twice.",
        "We map it once.",
        "Once is enough.",
        "The key tool may crash.",
    ],
)
def test_the_plan_says(expected: str) -> None:
    assert expected in " ".join(shown().split()) or expected in shown()


def test_the_plan_fits_80_columns() -> None:
    assert max(map(len, shown().splitlines())) <= 80


def test_two_outages_of_one_installation_are_both_told() -> None:
    """Though both begin and end alike: each hop has one."""
    plan = sample_plan()
    ((name, spans),) = plan.downtime.items()

    assert shown(replace(plan, downtime={name: (*spans, *spans)})).count(f"{name}: about") == 2


def test_an_empty_plan_says_that_there_is_nothing_to_do() -> None:
    assert "Nothing is to be done" in shown(replace(sample_plan(), steps=(), hops=(), point_of_no_return=None))


def test_hosts_with_the_same_steps_are_shown_once() -> None:
    steps = tuple(
        replace(step("stop", f"Stop it on ws{number:05}"), id=f"d/a@ws{number:05}/2/stop", host=f"ws{number:05}")
        for number in range(10_000)
    )
    plan = replace(sample_plan(), steps=steps, point_of_no_return=None, downtime={}, hops=(), errata=())

    assert "and the same on ws00001, ws00002" in " ".join(shown(plan).split())
    assert len(shown(plan).splitlines()) < 60


def test_order_within_one_procedure_needs_no_reason() -> None:
    assert [(one.first, one.then, one.times) for one in Outline(sample_plan()).reasons()] == [
        (f"{SYNC} to 2016-sp3", f"{SERVICE} to 2016-sp3", 1)
    ]


def test_remedies_do_not_count_into_the_time_it_takes() -> None:
    outline = Outline(sample_plan())

    assert outline.seconds() == 8 * 60
    assert [outage.seconds for outage in outline.outages()] == [4 * 60]


@pytest.mark.parametrize(
    "expected",
    [
        "### 5. Install the patch",
        "sc stop SyncService",
        'cd /d "<path noted at step 1>"',
        'msiexec /p sync.msp REINSTALLMODE=emus REINSTALL=ALL /qn /norestart /l*v "C:\\Logs\\patch log.txt"',
        "- **note down:** path (for step 5)",
        "- **worked:** STATE is STOPPED.",
        "- **cause:** It looks for a disk.",
        "step 6 (Remove what names the old medium); then this step again, once",
        "- **only if:** step 5 (Install the patch) failed with 'insert-disk'",
        "1. Choose Next.\n2. Type the server.",
        "| Server | sql01 |",
        "Decide: Go on?",
        "The document is wrong here; see E9 at the end. We map it once.",
        "- **way back:** restored from step 4 (Prove the backup)",
        "<https://example.com/manual>",
    ],
)
def test_the_runbook_says(expected: str) -> None:
    assert expected in runbook()


def test_every_step_of_the_runbook_is_numbered_and_has_its_source() -> None:
    plan = sample_plan()
    pieces = runbook().split("\n### ")[1:]
    pieces = [piece for piece in pieces if piece[0].isdigit()]

    assert [piece.partition(".")[0] for piece in pieces] == [str(number + 1) for number in range(len(plan.steps))]
    assert all("- **source:** The manual, Upgrading" in piece for piece in pieces)


def test_the_point_of_no_return_stands_before_its_step() -> None:
    book = runbook()

    assert book.index("### 6.") < book.index("POINT OF NO RETURN") < book.index("### 7.")


def test_a_windows_host_gets_an_elevated_prompt() -> None:
    plan = sample_plan()
    plan = replace(plan, estate=replace(plan.estate, hosts={"sync01": Host("sync01", os="windows-server-2019")}))

    assert "On sync01, in an elevated command prompt:" in runbook(plan)


def test_an_error_that_is_not_tried_again_says_to_mend_the_cause() -> None:
    plan = sample_plan()
    patch = replace(plan.steps[4], remedies=tuple(replace(one, retries=0, steps=()) for one in plan.steps[4].remedies))

    assert "mend the cause" in runbook(replace(plan, steps=(*plan.steps[:4], patch, *plan.steps[5:])))


def test_conditions_are_words() -> None:
    outline = Outline(sample_plan())

    assert condition_text(outline, Condition(f"{ID}/stop", ended=("done",))) == "step 2 (Stop the service) was done"
    assert condition_text(outline, Condition(f"{ID}/source", output="mapped", equals=True)).endswith("mapped = yes")


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_what_is_done_by_hand_fits_the_action(name: str) -> None:
    """Every entry speaks of an action that there is, and of parameters that it has."""
    from handrail.actions import signatures

    known = signatures()
    assert name in known
    assert used(BY_HAND[name]) <= set(known[name].parameters)


def test_lines_without_their_value_are_left_out_and_values_are_quoted() -> None:
    entry = ByHand(('tool "{folder}\\{sub?}\\{file}"', "other {missing}", "run {file}"))

    assert lines(entry.do, {"folder": "C:\\a b", "file": "x y.msi"}, words.value) == (
        'tool "C:\\a b\\x y.msi"',
        'run "x y.msi"',
    )
    assert sentence("One {file}. Two {missing}.", {"file": "x y"}, words.value) == "One x y."
    assert quote("a b") == '"a b"' and quote("a") == "a" and quote("<a b>") == "<a b>"


def test_a_command_of_the_product_is_a_line_to_copy_and_one_that_looks() -> None:
    until = {"run": ["/srv/app", "schema"], "says": r"^\d{1,2}$", "exit": [0, 3]}
    with_ = {"run": ["/srv/app", "migrate", "two words", {"late": "look.key"}], "until": until, "cwd": "/srv"}
    entry = by_hand("command.run", with_)
    values = {**entry.defaults, **with_}

    assert lines(entry.do, values, words.value) == ("(cd /srv && /srv/app migrate 'two words' KEY)",)
    assert lines(entry.look, values, words.value) == ("(cd /srv && /srv/app schema)",)
    assert sentence(entry.expect, values, words.value) == (
        r"It ends with 0 or 3. What it prints matches this regular expression: ^\d{1,2}$."
    )
    assert used(entry) >= set(with_)


@pytest.mark.parametrize(
    ("uses", "on_linux", "on_windows"),
    [
        ("config.keep", "cp ", "copy "),
        ("secret.seal", "cmp ", "fc /b "),
        ("secret.open", "sha256sum ", "certutil "),
        ("secret.shred", "shred ", "sdelete "),
    ],
)
def test_a_file_on_linux_is_treated_with_tools_of_linux(uses: str, on_linux: str, on_windows: str) -> None:
    there = by_hand(uses, {"file": "/etc/app.conf"})
    here = by_hand(uses, {"file": r"C:\app.config"})

    assert any(line.startswith(on_linux) for line in (*there.do, *there.look))
    assert any(line.startswith(on_windows) for line in (*here.do, *here.look))


def test_a_plan_says_who_will_open_what_it_seals() -> None:
    """And what it means that nobody is named."""
    plan = sample_plan()
    sealing = replace(plan, steps=(*plan.steps, step("seal", "Seal the keys", "secret.seal")))
    named = replace(sealing, estate=replace(plan.estate, custodians={"alice": "age1a", "safe": "age1b"}))

    assert "sealed for" not in shown(plan)
    assert "sealed for this program alone: name custodians" in " ".join(shown(sealing).split())
    assert "sealed for this program, alice and safe" in " ".join(shown(named).split())

"""The page about the first real upgrade leads from an estate to evidence: its own commands, on the tutorial's estate
and its twin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import handrail
from tests.support.pages import DOCS, Player, blocks, typed

ON_A_TWIN = {
    "handrail discover -o estate.yaml --update": "true",  # there is no host to be read again
    "handrail rehearse upgrade.plan": "handrail rehearse upgrade.plan --faults none",
    "handrail rehearse upgrade.plan --seeds 200": "true",  # two hundred runs
    "handrail run upgrade.plan": "handrail run upgrade.plan --twin --ask",
}


@pytest.mark.slow
def test_what_the_page_says_brings_an_estate_to_its_evidence(tmp_path: Path) -> None:
    """The run waits for a person, as the page says, ends with 4, and is gone on with after the answer."""
    home = tmp_path / "home"
    player = Player(tmp_path, home)
    for one in blocks(DOCS / "tutorial.md"):
        if one.file == "estate.yaml":
            (player.change if one.language == "diff" else player.write)(one)
    played = [one for one in blocks(DOCS / "first-upgrade.md") if "test_first_upgrade" in (one.not_run or "")]
    assert len(played) == 5, "assess, plan, run, answer, verify"

    run, step = "", ""
    for one in played:
        for command in (line.command for line in typed(one)):
            here = ON_A_TWIN.get(command, command).replace(" RUN", f" {run}").replace(" STEP", f" {step}")
            waits = "--ask" in here
            player.type(replace(one, text=f"$ {here}\n…\n" + ("$ echo $?\n4\n" if waits else "")))
            if waits:
                stands = handrail("status", "--format", "json", home=home).json
                run = stands["run"]
                (step,) = (each["id"] for each in stands["steps"] if each["state"] == "waiting")

    assert (tmp_path / "evidence" / "evidence.html").is_file()

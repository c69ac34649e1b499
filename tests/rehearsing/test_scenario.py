"""Scenarios are read with a place and a suggestion for every slip of the pen."""

from __future__ import annotations

import pytest

from handrail.documents.tree import parse
from handrail.errors import BadDocument
from handrail.rehearsing.naming import meant, nothing
from handrail.rehearsing.plants import Mount
from handrail.rehearsing.scenario import UNSAID, read_scenario
from handrail.rehearsing.truths import DatabaseTruth, EffectsTruth

WHOLE = """\
scenario: It works
covers: [A1]
estate: ../estates/one.yaml
change: {hosts.a.os: null}
expect:
  verdict: clear
  findings:
    - {rule: a/b, says: this}
  hops: {d/c@h: [{to: "2", method: patch, not: [in-place]}]}
run:
  plant:
    - {host: a, mount: 'C:\\x.iso', at: patch, attempt: 2}
  people: {ready: no}
  twin:
    - {database: db, content: kept}
    - {effects: once}
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(BadDocument) as caught:
        read_scenario(parse(text, "s.yaml"))
    return str(caught.value).splitlines()


def test_a_scenario_is_read_whole() -> None:
    found = read_scenario(parse(WHOLE, "guides/shop/scenarios/s.yaml"))
    assert found.run is not None
    assert str(found.estate) == "guides/shop/estates/one.yaml"
    assert found.change == {"hosts.a.os": None}
    assert found.run.plant == (Mount(host="a", mount="C:\\x.iso", at="patch", attempt=2),)
    assert found.run.people == {"ready": "no"}
    assert found.run.twin == (DatabaseTruth(database="db", content="kept"), EffectsTruth(effects="once"))
    assert found.expect.point_of_no_return == UNSAID


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("verdict: clear", "verdict: cleer", "6:12: 'verdict' must be one of clear, risky, blocked"),
        ("covers:", "cover:", "2:1: The key 'cover' is not known here. Did you mean 'covers'?"),
        ("says: this", "say: this", "8:19: The key 'say' is not known here. Did you mean 'says'?"),
        ("mount:", "muont:", "12:17: The key 'muont' is not known here. Did you mean 'mount'?"),
        ("content: kept", "content: kempt", "15:31: 'content' must be one of kept, changed, absent"),
        ("- {effects: once}", "- {host: a}", "Nothing here says what is meant. Give one of: installation, database,"),
        ("- {effects: once}", "- once", "Each entry is a mapping, not the text 'once'."),
        ("{ready: no}", "{ready: perhaps}", "'ready' must be one of yes, no, done, idle, silent"),
        ("scenario: It works", "scenario: ''", "The scenario has no title."),
        ("estate: ../estates/one.yaml\n", "", "lacks the key 'estate'"),
        ("  verdict: clear", "  order: [a, b]", "An order has at least two steps."),
        ("  people: {ready: no}", "  at: patch", "A run that succeeds stands at no step."),
    ],
)
def test_a_slip_is_named_with_its_place(before: str, after: str, said: str) -> None:
    assert before in WHOLE
    found = mistakes(WHOLE.replace(before, after, 1))
    assert any(said in one for one in found), found


IDS = ["d/c@h/2/patch", "d/c@h/2/patch-eject", "d/c@h/1/patch", "d/b@h/2/start"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("d/c@h/2/patch", ["d/c@h/2/patch"]),
        ("2/patch", ["d/c@h/2/patch"]),
        ("patch", ["d/c@h/2/patch", "d/c@h/1/patch"]),
        ("*/2/*", ["d/c@h/2/patch", "d/c@h/2/patch-eject", "d/b@h/2/start"]),
        ("patch-*", ["d/c@h/2/patch-eject"]),
        ("atch", []),
        ("[p]atch", []),
    ],
)
def test_steps_are_named_by_id_end_or_pattern(name: str, found: list[str]) -> None:
    assert meant(name, IDS) == found


def test_a_name_that_means_nothing_gets_a_suggestion() -> None:
    assert nothing("d/c@h/2/ptach", IDS) == "No step is called 'd/c@h/2/ptach'. Did you mean 'd/c@h/2/patch'?"
    assert nothing("strat", IDS) == "No step is called 'strat'. Did you mean 'start'?"
    assert nothing("*/3/*", IDS) == "No step fits '*/3/*'."

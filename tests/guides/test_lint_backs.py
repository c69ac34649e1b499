"""Lint of ways back: each kind of mistake at its place; a way back that leads back has none."""

# The table below reads better in lines than in blocks.
# ruff: noqa: E501

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.guides import GUIDE, SIGNATURES

from handrail.documents.tree import parse
from handrail.guides.lint import lint

AGAIN = """\
  again:
    title: Again {{hop.from}}
    media:
      former: {kind: msp, component: web, build: "{{hop.from}}"}
      base: {kind: msp, release: "{{hop.from_release}}", build: "{{hop.from_base}}"}
    steps:
      - id: halt
        uses: service.stop
        with: {name: "{{component.service}}"}
        source: manual#again
      - id: clear
        uses: patch.apply
        with: {file: "{{media.base.path}}"}
        changes: [programs]
        source: manual#again
      - id: rebuild
        uses: db.prove
        if: '!hop.from.same_as(hop.from_base)'
        with: {file: "{{media.former.path}} {{media.patch.path}}"}
        restores: [programs]
        source: manual#again
      - id: data
        uses: restore
        with: {asset: database}
        source: manual#again
      - id: keys
        uses: db.prove
        with: {file: {late: secure-save.file}}
        source: manual#again
"""
BACKED = (
    GUIDE.replace("known_errors:\n", AGAIN + "known_errors:\n")
    .replace("    title: Patch {{component.title}}\n", "    title: Patch {{component.title}}\n    back: again\n")
    .replace(
        "      database: {kind: database, title: database}\n",
        "      database: {kind: database, title: database}\n      programs: {kind: binaries, title: programs}\n",
    )
    .replace("      proves: [database]\n", "      proves: [database, programs]\n")
    .replace("        changes: [database]\n", "        changes: [database, programs]\n")
)


def mistakes(text: str) -> list[str]:
    return [str(mistake) for mistake in lint(parse(text, "guide.yaml"), SIGNATURES)]


def test_a_way_back_that_leads_back_has_no_mistake() -> None:
    assert mistakes(BACKED) == []


@pytest.mark.parametrize(
    ("before", "after", "at", "message"),
    [
        ("back: again", "back: agian", "agian", "The procedure 'agian' is not in this guide. Did you mean 'again'?"),
        ("    title: Again", "    back: secure\n    title: Again", "again\n", "'again' is a way back and has none of its own."),
        ("back: again\n", "bakc: again\n", "bakc", "Did you mean 'back'?"),
        ("asset: database", "asset: databse", "databse", "has no asset 'databse'. Did you mean 'database'?"),
        ("asset: database", "asset: '{{host.name}}'", "'{{host.name", "must be the name of an asset"),
        ("asset: database", "aset: database", "- id: data\n", "restore needs the parameter 'asset'."),
        ("restores: [programs]", "restores: [program]", "[program]\n", "has no asset 'program'. Did you mean 'programs'?"),
        ("restores: [programs]", "says: nothing", "changes: [database", "the step 'patch' may destroy programs, which 'again' never brings back."),
        ("changes: [programs]", "says: nothing", "- id: clear", "patch.apply destroys, but the step 'clear' does not say what."),
        ("with: {asset: database}", "with: {asset: database}\n        changes: [database]", "changes: [database]\n", "changes and restores its asset, no other"),
        ("late: secure-save.file", "late: secure-sav.file", "{late: secure-sav.", "'secure-sav' is no step that ends before this one. Did you mean"),
        ("late: secure-save.file", "late: secure-save.fil", "{late: secure-save.", "db.backup has no output 'fil'. Did you mean 'file'?"),
        ("late: secure-save.file", "late: patch.exit", "{late: patch.exit", "The way back may begin after 'patch', when 'patch' has not surely ended."),
        ("{{media.base.path}}", "{{media.bsae.path}}", "media.bsae", "`media.bsae.path` is not a fact that this guide declares"),
        ('"{{hop.from_release}}"', '"{{hop.from_relase}}"', "hop.from_relase", "Did you mean 'hop.from_release'?"),
        ("former: {kind: msp", "former: {kind: mps", "mps", "Did you mean 'msp'?"),
        ("        if: '!hop.from.same_as(hop.from_base)'\n", "        when: {step: halt, ended: skipped}\n", "changes: [database", "may destroy programs, which 'again' never brings back"),
        ("        if: '!hop.from.same_as(hop.from_base)'\n", "        no_return: true\n", "true\n        with: {file: \"{{media.former", "A way back has no point of no return."),
        ("      - id: stop\n", "      - id: stop\n        restores: [database]\n", "[database]\n        uses: service.stop", "Only steps of a way back restore something."),
        ("  secure:\n    - id: save\n      uses: db.backup\n      with: {database: \"{{database.name}}\"}", "  secure:\n    - id: save\n      uses: restore\n      with: {asset: database}", "restore\n      with: {asset: database}\n      protects", "'restore' stands for a restore point, in a way back only."),
        ("    title: Patch {{component.title}}\n", "    title: Patch {{component.title}}\n    media: {former: {kind: msp}}\n", "{former: {kind: msp}}", "'patch-web' is not the way back of any procedure."),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_place(before: str, after: str, at: str, message: str) -> None:
    assert before in BACKED
    text = BACKED.replace(before, after, 1)
    found = [one for one in mistakes(text) if message in one]
    assert found, mistakes(text)
    assert at in text
    line = text[: text.index(at)].count("\n") + 1
    assert any(one.startswith(f"guide.yaml:{line}:") for one in found), (line, found)


def test_what_the_way_back_destroys_must_be_proved_before_it_may_begin() -> None:
    early = "      - id: early\n        uses: patch.apply\n        with: {file: x}\n        changes: [database]\n        source: manual#stop\n"
    text = BACKED.replace(
        "      - {id: secure, uses: procedure/secure}\n", early + "      - {id: secure, uses: procedure/secure}\n"
    )
    found = [one for one in mistakes(text) if "may begin after 'early'" in one]
    assert found and "when programs is not proved restorable yet" in found[0]


def test_an_output_of_a_step_that_may_be_left_out_is_read_only_where_the_way_back_is_left_out_too() -> None:
    maybe = BACKED.replace(
        "- {id: ask, uses: hold",
        "- {id: other, uses: db.backup, if: host.new, with: {database: x}, source: manual#save}\n      - {id: ask, uses: hold",
    )
    maybe = maybe.replace(
        "      - id: stop\n",
        "      - {id: note, uses: db.backup, if: host.new, with: {database: x}, source: manual#save}\n      - id: stop\n",
    )
    text = maybe.replace("late: secure-save.file", "late: note.file")
    assert any("when 'note' has not surely ended" in one for one in mistakes(text))
    assert mistakes(text.replace("      - id: keys\n", "      - id: keys\n        if: host.new\n")) == []


def test_a_step_without_return_needs_nothing_that_brings_back_what_it_changes() -> None:
    text = BACKED.replace("restores: [programs]", "says: nothing")
    assert any("never brings back" in one for one in mistakes(text))
    assert mistakes(text.replace("        takes: 10m\n", "        takes: 10m\n        no_return: true\n")) == []


_LINES = BACKED.splitlines()
_FIRST = next(number for number, line in enumerate(_LINES) if line == "  again:")


@settings(max_examples=40, deadline=None)
@given(st.integers(_FIRST, _FIRST + AGAIN.count("\n") - 1))
def test_a_line_that_is_lost_from_a_way_back_is_reported_and_never_raised(number: int) -> None:
    text = "\n".join(line for at, line in enumerate(_LINES) if at != number)
    try:
        tree = parse(text, "guide.yaml")
    except Exception as error:
        assert type(error).__name__ in ("BadInput", "BadDocument")
        return
    for mistake in lint(tree, SIGNATURES):
        assert mistake.place is not None and mistake.message

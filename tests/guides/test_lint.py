"""Lint finds each kind of mistake, at its place, with advice; and finds none in a guide without any."""

# The table below reads better in lines than in blocks.
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.guides import GUIDE, SIGNATURES

from handrail.documents.tree import parse
from handrail.errors import BadInput
from handrail.guides.lint import lint
from handrail.guides.lint_steps import mismatch


def mistakes(text: str) -> list[str]:
    return [str(mistake) for mistake in lint(parse(text, "guide.yaml"), SIGNATURES)]


def place_of(text: str, find: str) -> str:
    before = text[: text.index(find)]
    return f"guide.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_a_guide_without_mistakes_has_none() -> None:
    assert mistakes(GUIDE) == []


@pytest.mark.parametrize(
    ("before", "after", "at", "message"),
    [
        # spelling
        ("title: Shop\n", "titel: Shop\n", "titel", "The key 'titel' is not known here. Did you mean 'title'?"),
        ("guide: shop\n", "", "", "The key 'guide' is missing. Begin the file with `guide: NAME`."),
        ("method: patch", "metod: patch", "metod", "Did you mean 'method'?"),
        # names, sources, releases
        ("versioning: windows", "versioning: window", "window\n", "Did you mean 'windows'?"),
        ("source: manual#os", "source: manul#os", "manul#os", "The source 'manul' is not in this guide. Did you mean"),
        ("source: manual#os", "source: manual", "manual\n", "names no section"),
        ("source: manual#os", "source: talk#os", "talk#os", "A source of kind memory may inform a note only."),
        ("[1.0.0.0, 1.0.2.0, 1.0.10.0]", "[1.0.0.0, 1.0.10.0, 1.0.2.0]", "1.0.2.0],", "not newer than the build before"),
        ("1.0.10.0]", '"1.10"]', '"1.10"', "'1.10' is not a build: expected four numbers"),
        ("from_medium: true", "from_medium: false", "{title: Shop 2", "The release 'r2' has no builds."),
        ("release: r1, least", "release: r9, least", "r9,", "The release 'r9' is not in this guide."),
        ("to: r2\n    method", "to: r22\n    method", "r22", "The release or build 'r22' is not in this guide. Did you mean"),
        ("component: web\n    from", "component: wbe\n    from", "wbe", "Did you mean 'web'?"),
        ("procedure: patch-web", "procedure: patch-wbe", "patch-wbe", "The procedure 'patch-wbe' is not in this guide."),
        ("rule: shop/os", "rule: os", "os\n    scope", "is no name for a rule"),
        ("kind: msp, release", "kind: mps, release", "mps", "Did you mean 'msp'?"),
        ("    media_rule: shop/media\n", "", "- id: patch-web", "names no rule for it"),
        ("    otherwise: A patch moves nothing.\n", "", "- id: patch-web", "does not say why it fails"),
        ("age_days: {type: number", "age_days: {type: numbr", "numbr", "The type 'numbr' is not in this guide."),
        ("agents: {type: list", "agents: {type: text", "[]}", "The default is not of the type text."),
        ("edition: {type", "edi-tion: {type", "edi-tion", "cannot be named in an expression"),
        ("edition: {type", "build: {type", "build: {type", "installation.build is always there."),
        ("log: 'insert (", "log: 'insert ((", "'insert ((", "not a regular expression"),
        ("{log: 'insert (?P<label>\\w+)', cause", "{cause", "{cause", "Nothing tells the error 'disk'."),
        ("errata: [name]", "errata: [nam]", "[nam]", "The erratum 'nam' is not in this guide. Did you mean 'name'?"),
        ("first: web, then: worker", "first: web, then: wroker", "wroker", "Did you mean 'worker'?"),
        ("first: web, then: worker", "first: web", "{first", "`first` and `then`, or `one_by_one`"),
        # steps
        ("uses: patch.apply", "uses: patch.aply", "patch.aply", "no action 'patch.aply'. Did you mean 'patch.apply'?"),
        ("procedure/secure", "procedure/secur", "procedure/secur", "The procedure 'secur' is not in this guide."),
        ("times: 1", "tims: 1", "tims", "patch.apply has no parameter 'tims'. Did you mean 'times'?"),
        ("times: 1", "times: often", "often", "'times' of patch.apply must be a whole number, not the text 'often'."),
        ('{file: "{{media.patch.path}}", times: 1}', "{times: 1}", "- id: patch\n", "needs the parameter 'file'"),
        ('instructions: ["Insert it"]', "instructions: Insert it", "Insert it", "must be a list, not the text"),
        ("late: save.file", "late: sav.file", "{late: sav", "'sav' is no step that ends before this one. Did you mean"),
        ("late: save.file", "late: save.fil", "{late: save", "has no output 'fil'. Did you mean 'file'?"),
        ("late: save.file", "late: prove.file", "{late: prove", "'prove' is no step that ends before this one."),
        ("late: save.file", "late: 3", "{late: 3", "A late value is `{late: STEP.output}`"),
        ("late: patch.label", "late: patch.lable", "{late: patch", "Did you mean 'label'?"),
        ("error: disk\n", "error: dsik\n", "dsik", "The known error 'dsik' is not in this guide. Did you mean 'disk'?"),
        ("step: patch, output: reboot", "step: pacth, output: reboot", "{step: pacth", "Did you mean 'patch'?"),
        ("output: reboot, equals: true", "output: rebot, equals: true", "rebot", "has no output 'rebot'."),
        ("output: reboot, equals: true", "ended: [over]", "[over]", "'over' is no state. Known: done, skipped, failed."),
        ("output: reboot, equals: true}", "}", "{step: patch, }", "This condition asks nothing."),
        ("takes: 10m", "takes: ten", "ten", "'ten' is no duration. Write it as 90s, 5m or 1h."),
        ("- id: again", "- id: stop", "stop\n        uses: service.stop\n        each", "stands here twice"),
        ("source: manual#stop", "title: Stop", "- id: stop", "The step 'stop' cites no source."),
        ("changes: [database]", "changes: [databse]", "[databse]", "has no asset 'databse'. Did you mean 'database'?"),
        # ways back
        ("        changes: [database]\n", "", "- id: patch\n", "destroys, but the step 'patch' does not say what."),
        ("      proves: [database]\n", "", "[database]\n        takes", "may destroy database without a proved way back."),
        ("- {id: secure, uses: procedure/secure}", "- {id: secure, uses: procedure/secure, if: host.new}", "changes: [database]", "way back"),
        # expressions
        ("host.os in [", "host.oss in [", "host.oss", "`host.oss` is not a fact that this guide declares. Did you mean"),
        ("{{host.os}}", "{{host.oss}}", "host.oss", "Did you mean 'host.os'?"),
        ("host.os in [", "3 in [", "3 in", "`in` does not go between"),
        ('must: host.os in ["windows-server-2019", "windows-server-2022"]', "must: host.os", "host.os", "must give true or"),
        ('must: host.os in ["windows-server-2019", "windows-server-2022"]', "must: \"{{host.os == 'x'}}\"", '"{{host.os ==', "'must' is an expression as it is."),
        ("each: installation.agents", "each: host.os", "host.os\n", "'each' must give a list, and this gives text."),
        ('installation.build.at_least("1.0.2.0")', 'installation.build >= "1.0.2.0"', ">=", "letter by letter. Compare versions"),
        ('installation.build.at_least("1.0.2.0")', 'installation.build == "1.0.2.0"', "==", "Write `.same_as("),
        ('installation.build.at_least("1.0.2.0")', 'installation.build in ["1.0.2.0"]', 'in ["1.0.2.0"]', "letter by letter"),
        ('.at_least("1.0.2.0")', '.at_least("1.0.2")', '"1.0.2"', "'1.0.2' is not a build: expected four numbers"),
        ('.at_least("1.0.2.0")', ".at_least(1)", "1)\n", "not text"),
        ("host.age_days < 7", 'host.age_days == "7"', "==", "host.age_days is a number and never equals text."),
        ("host.age_days < 7", 'host.age_days < "7"', "<", "`<` does not go between a number and text."),
        ("host.age_days < 7", 'host.alias >= 7', ">=", "go between a whole number and text."),
        ("host.alias == null", "host.alias == 7", "== 7", "host.alias is text and never equals a whole number."),
        ("host.alias == null", 'has(host.alias)', "has(", "`has()` would turn a fact that was not read into a no."),
        ("host.alias == null", "item == 1", "item", "`item` can be read only in a step with `each`."),
        ("host.alias == null", 'hop.to == "r2"', "hop.to", "`hop.to` can be read only in a hop."),
        ("a.release == b.release", "a.release == host.os", "a.release ==", "`host.os` cannot be read here"),
        ("{{media.patch.path}}", "{{media.patch.pth}}", "media.patch.pth", "A medium has no 'pth'. Did you mean 'path'?"),
        ("patch: {kind: msp", "other: {kind: msp", 'with: {file: "{{media', "`media.patch.path` is not a fact"),
        ("values: {service: shopweb}", "values: {servic: shopweb}", '"{{component.service', "has no value for. Did you mean"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_place(before: str, after: str, at: str, message: str) -> None:
    assert before in GUIDE
    text = GUIDE.replace(before, after, 1)
    found = mistakes(text)
    assert any(message in one for one in found), found
    line = place_of(text, at).rsplit(":", 1)[0] if at else ""
    assert any(message in one and one.startswith(line) for one in found), (line, found)


def test_the_column_points_into_the_expression() -> None:
    text = GUIDE.replace("host.os in [", "host.oss in [")
    assert mistakes(text)[0].startswith(place_of(text, "host.oss"))


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = GUIDE.replace("source: manual#os", "source: manul#os").replace("takes: 10m", "takes: ten")
    text = text.replace("host.alias == null", "host.alais == null")
    assert len(mistakes(text)) == 3
    lines = [int(one.split(":")[1]) for one in mistakes(text)]
    assert lines == sorted(lines)


def test_an_order_that_bites_its_tail_is_found() -> None:
    more = "  - {first: worker, then: web, because: No., source: manual#order}\n"
    text = GUIDE.replace("procedures:\n", more + "procedures:\n", 1)
    assert any("This order cannot be kept: web before worker before web." in one for one in mistakes(text)), mistakes(
        text
    )


def test_orders_for_different_releases_do_not_meet() -> None:
    more = "  - {first: worker, then: web, to: [r1], because: No., source: manual#order}\n"
    assert mistakes(GUIDE.replace("procedures:\n", more + "procedures:\n", 1)) == []


def test_a_procedure_that_includes_itself_is_found() -> None:
    more = "    - {id: round, uses: procedure/patch-web}\n"
    text = GUIDE.replace("  patch-web:\n    title", more + "  patch-web:\n    title", 1)
    assert any("includes itself: patch-web includes secure includes patch-web." in one for one in mistakes(text))


def test_a_backup_that_was_only_taken_is_no_way_back() -> None:
    text = GUIDE.replace("      proves: [database]\n", "      protects: [database]\n", 1)
    assert any("without a proved way back" in one for one in mistakes(text))


def test_a_proof_after_the_destructive_step_is_no_way_back() -> None:
    lines = GUIDE.replace("      - {id: secure, uses: procedure/secure}\n", "").replace(
        "      - {id: ask", "      - {id: secure, uses: procedure/secure}\n      - {id: ask"
    )
    assert any("without a proved way back" in one for one in mistakes(lines))


def test_a_step_of_an_include_is_referred_to_by_both_ids() -> None:
    text = GUIDE.replace('name: "{{item}}"', "name: {late: secure-save.file}")
    assert mistakes(text) == []
    assert any("'save' is no step that ends before" in one for one in mistakes(text.replace("secure-save", "save")))


def test_without_signatures_actions_are_not_looked_at() -> None:
    tree = parse(GUIDE.replace("patch.apply", "what.ever"), "guide.yaml")
    assert lint(tree, None) == []


_LINES = GUIDE.splitlines()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, len(_LINES) - 1),
    st.sampled_from(["", "x: y", "- 1", "  : ", "{{", "null", "[]"]) | st.text("ab:-{}[]\"' .0\n", max_size=12),
    st.integers(0, 40),
)
def test_any_damage_to_a_guide_is_reported_and_never_raised(number: int, instead: str, column: int) -> None:
    lines = list(_LINES)
    lines[number] = lines[number][:column] + instead
    try:
        tree = parse("\n".join(lines), "guide.yaml")
    except BadInput:
        return
    for mistake in lint(tree, SIGNATURES):
        assert mistake.place is not None and mistake.message


def test_errata_of_edges_and_rules_have_to_be_there() -> None:
    text = GUIDE.replace("    method: patch\n", "    method: patch\n    errata: nmae\n").replace(
        "  - rule: shop/os\n", "  - rule: shop/os\n    errata: [other]\n"
    )
    said = [one.message for one in lint(parse(text, "guide.yaml"), SIGNATURES)]

    assert any("'nmae'" in one for one in said) and any("'other'" in one for one in said)


LOOK = {
    "type": "object",
    "properties": {
        "run": {"type": "array", "items": {"type": "string"}},
        "says": {"type": "string", "format": "regex"},
    },
    "required": ["run"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"run": ["a", "{{host.name}}"], "says": "^ok$"}, ""),
        ({"run": ["a"], "says": {"late": "look.value"}}, ""),
        ({"rum": ["a"]}, "a mapping of run, says, and has no 'rum'"),
        ({"says": "ok"}, "a mapping that has 'run'"),
        ({"run": ["a"], "says": "("}, "a mapping whose 'says' is a regular expression (missing )"),
        ({"run": "a"}, "a mapping whose 'run' is a list"),
        ("a", "a mapping"),
    ],
)
def test_a_mapping_within_a_parameter_is_held_against_its_keys_too(value: Any, wrong: str) -> None:
    """Otherwise a slip of the pen shows at night, when the step is begun."""
    assert mismatch(LOOK, value).startswith(wrong) and bool(mismatch(LOOK, value)) is bool(wrong)

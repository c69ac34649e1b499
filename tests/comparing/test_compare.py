"""Two exports of one connector space: whatever their order, and exactly what differs."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.spaces import Thing, file, person, written

from handrail.comparing.allowances import read_allowances
from handrail.comparing.compare import Comparison, compare
from handrail.comparing.differences import Change

PEOPLE = [person(number, proxyAddresses=["smtp:a", "smtp:b", "smtp:c"]) for number in range(30)]

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
names = st.sampled_from(["displayName", "mail", "sn", "a b>", "attr ", "<x>", "value>", 'quo"te'])
things = st.builds(
    Thing,
    dn=st.text("abcd,=ä&<>\"' ", min_size=1, max_size=8),
    id=st.just(""),
    type=st.sampled_from(["user", "group", "attr> "]),
    attributes=st.dictionaries(names, st.lists(texts, max_size=3, unique=True), max_size=3),
    references=st.dictionaries(st.sampled_from(["manager", "member"]), st.lists(texts, max_size=3, unique=True)),
    state=st.dictionaries(st.sampled_from(["connector", "obsoletion"]), texts, max_size=2),
    delta=st.sampled_from(["", "", "update", "delete"]),
)
spaces = st.lists(things, max_size=6, unique_by=lambda one: one.dn)


def compared(before: str | bytes, after: str | bytes, *allow: object, keep: int = 100) -> Comparison:
    with TemporaryDirectory() as folder:
        paths = []
        for name, content in (("before.xml", before), ("after.xml", after)):
            paths.append(Path(folder, name))
            paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
        return compare(paths[0], paths[1], read_allowances(allow), keep=keep)


def changes(found: Comparison) -> list[Change]:
    return [change for difference in found.differences for change in difference.changes]


@settings(max_examples=60, deadline=None)
@given(spaces, st.randoms(use_true_random=False), st.booleans())
def test_any_order_of_objects_attributes_and_values_is_equal(
    space: list[Thing], shuffle: random.Random, pretty: bool
) -> None:
    found = compared(written(space), written(space, shuffle, pretty=pretty))

    assert found.equal, found.differences
    assert found.same == len(space) == found.before.objects == found.after.objects


@settings(max_examples=60, deadline=None)
@given(spaces.filter(bool), st.randoms(use_true_random=False), st.data())
def test_any_single_change_is_found_and_named(space: list[Thing], shuffle: random.Random, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(space) - 1))
    old = space[at]
    field = data.draw(st.sampled_from(["attributes", "references", "state"]))
    name = data.draw(st.sampled_from(sorted(getattr(old, field)) or ["new"]))
    kept = dict(getattr(old, field))
    if field == "state":
        kept[name] = kept.get(name, "") + "!"
        wanted = f"<{name}>"
    else:
        kept[name] = [*kept.get(name, ()), "another value"]
        wanted = name
    changing: dict[str, Any] = {field: kept}
    changed = [*space[:at], replace(old, **changing), *space[at + 1 :]]

    found = compared(written(space), written(changed, shuffle))

    assert dict(found.counts) == {"changed": 1}
    assert found.differences[0].dn == old.dn
    assert [change.what for change in changes(found)] == [wanted]
    assert changes(found)[0].new == ((kept[name],) if field == "state" else ("another value",))


@settings(max_examples=40, deadline=None)
@given(spaces, spaces, st.randoms(use_true_random=False))
def test_the_two_sides_only_change_places(one: list[Thing], other: list[Thing], shuffle: random.Random) -> None:
    """What is missing one way is added the other, and equality does not depend on the way."""
    there, back = compared(written(one), written(other)), compared(written(other, shuffle), written(one, shuffle))

    assert there.equal == back.equal
    assert there.counts.get("missing", 0) == back.counts.get("added", 0)
    assert there.counts.get("changed", 0) == back.counts.get("changed", 0)
    assert there.same == back.same


def test_what_changed_is_named_with_its_old_and_new_value() -> None:
    after = [*PEOPLE[:5], replace(PEOPLE[5], attributes={**PEOPLE[5].attributes, "mail": ["new@contoso.com"]})]
    after += PEOPLE[6:]

    found = compared(written(PEOPLE), written(after, random.Random(1)))

    assert (found.same, dict(found.counts)) == (29, {"changed": 1})
    assert found.differences[0].dn == PEOPLE[5].dn
    assert changes(found) == [
        Change(
            "synchronized-hologram/entry",
            "mail",
            ("person5@contoso.com",),
            ("new@contoso.com",),
            "string",
            ("<synchronized-hologram>", "<entry>", "mail"),
        )
    ]
    assert "mail in synchronized-hologram/entry: 'person5@contoso.com' → 'new@contoso.com'" in str(found.differences[0])


def test_of_many_values_only_those_that_differ_are_named() -> None:
    group = Thing("CN=all", references={"member": [f"CN={n}" for n in range(500)]}, type="group")
    after = replace(group, references={"member": [f"CN={n}" for n in range(1, 501)]})

    found = compared(written([group]), written([after], random.Random(3)))

    assert [(one.what, one.old, one.new) for one in changes(found)] == [("member", ("CN=0",), ("CN=500",))]


def test_a_value_that_moves_to_another_attribute_is_a_change() -> None:
    before = Thing("CN=x", attributes={"a": ["1"], "b": ["2"]})
    after = Thing("CN=x", attributes={"a": ["2"], "b": ["1"]})

    assert [one.what for one in changes(compared(written([before]), written([after])))] == ["a", "b"]


def test_references_that_swap_their_anchors_are_a_change() -> None:
    def group(*pairs: tuple[str, str]) -> str:
        inner = "".join(f"<dn-value><dn>{a}</dn><anchor>{b}</anchor></dn-value>" for a, b in pairs)
        attr = f'<dn-attr name="member">{inner}</dn-attr>'
        return f'<cs-objects><cs-object cs-dn="g"><h><entry>{attr}</entry></h></cs-object></cs-objects>'

    assert not compared(group(("A", "1"), ("B", "2")), group(("A", "2"), ("B", "1"))).equal
    assert compared(group(("A", "1"), ("B", "2")), group(("B", "2"), ("A", "1"))).equal


def test_missing_added_and_renamed_objects_are_told_apart() -> None:
    renamed = replace(PEOPLE[3], dn="CN=new name,OU=People,DC=contoso,DC=com")
    after = [*PEOPLE[:2], renamed, *PEOPLE[4:], person(77)]

    found = compared(written(PEOPLE), written(after, random.Random(2)))

    assert dict(found.counts) == {"added": 1, "missing": 1, "renamed": 1}
    kinds = {one.kind: one for one in found.differences}
    assert kinds["missing"].dn == PEOPLE[2].dn
    assert kinds["added"].dn == person(77).dn
    assert (kinds["renamed"].dn, kinds["renamed"].became) == (PEOPLE[3].dn, renamed.dn)


def test_summaries_count_types_and_pending_changes() -> None:
    space = [person(1), replace(person(2), delta="delete"), replace(person(3), delta="update", type="group")]

    found = compared(written(space), written(space[:2]))

    assert dict(found.before.types) == {"group": 1, "user": 2}
    assert dict(found.before.pending) == {"unapplied-export delete": 1, "unapplied-export update": 1}
    assert dict(found.after.pending) == {"unapplied-export delete": 1}


def test_only_the_first_differences_are_kept_and_all_are_counted() -> None:
    found = compared(written(PEOPLE), written([]), keep=4)

    assert found.counts["missing"] == 30
    assert [one.dn for one in found.differences] == sorted(one.dn for one in PEOPLE)[:4]


def test_an_empty_space_is_equal_to_an_empty_space() -> None:
    assert compared("<cs-objects/>", written([])).equal


@pytest.mark.parametrize(
    "unusual",
    [
        written(PEOPLE).encode("utf-16"),
        written(PEOPLE).replace("utf-8", "iso-8859-1").encode("iso-8859-1"),
        written(PEOPLE).encode("utf-8-sig"),
        written(PEOPLE).replace("</cs-object>", "</cs-object >").encode(),
        written(PEOPLE).replace("</entry>", "<!-- </entry></cs-object><cs-object> --></entry>").encode(),
        written(PEOPLE).replace("Person 7", "<![CDATA[Person]]> 7").encode(),
        written(PEOPLE).replace("Person 7", "&#80;erson 7").encode(),
        written(PEOPLE).replace('"string"', "'string'").encode(),
        b"<!-- a note -->" + written(PEOPLE).split("\n", 1)[1].encode(),
    ],
    ids=["utf-16", "latin-1", "mark", "end-tag", "comment", "cdata", "reference", "quotes", "first-comment"],
)
def test_equal_content_is_equal_however_it_is_written(unusual: bytes) -> None:
    assert compared(written(PEOPLE), unusual).same == 30
    assert compared(unusual, written(PEOPLE, random.Random(5))).same == 30


def test_changes_are_found_in_unusual_documents_too(tmp_path: Path) -> None:
    after = [*PEOPLE[:-1], replace(PEOPLE[-1], type="contact")]

    found = compared(written(PEOPLE).encode("utf-16"), written(after).encode("utf-16"))

    assert [one.what for one in changes(found)] == ["@object-type", "<primary-objectclass>"]


def test_an_object_of_many_blocks_is_compared_whole(tmp_path: Path) -> None:
    big = Thing("CN=big", attributes={"photo": ["x" * 300_000], "b": ["2"]}, references={"member": ["CN=1"] * 1})
    other = replace(big, attributes={"photo": ["x" * 299_999 + "y"], "b": ["2"]})
    one, same, changed = (
        file(tmp_path, name, [person(1), thing, person(2)]) for name, thing in (("1", big), ("2", big), ("3", other))
    )

    assert compare(one, same).equal
    assert [change.what for change in changes(compare(one, changed))] == ["photo"]


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "iso-8859-1"])
def test_memory_does_not_grow_with_the_export(tmp_path: Path, coding: str) -> None:
    text = written([person(number, note=["x" * 1500]) for number in range(3000)])
    path = tmp_path / "big.xml"
    path.write_bytes(text.replace("utf-8", coding).encode(coding))

    tracemalloc.start()
    try:
        assert compare(path, path).same == 3000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < path.stat().st_size
    assert peak < 4_000_000

"""Files to trees: every place is kept, and everything that is not a document of ours is refused in one sentence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.documents.tree import LIMIT, load, parse
from handrail.errors import BadInput

TEXT = """\
name: contoso
hosts:
  sync01: {os: windows-server-2019, note: "it's \\"x\\" here"}
rules:
  - when: >-
      host.os == "a"
      && host.nope == "b"
  - when: |
      first line
      second line
  - when: host.plain
"""


def refused(source: bytes | str, file: str = "f.yaml") -> BadInput:
    with pytest.raises(BadInput) as caught:
        parse(source, file)
    return caught.value


def test_places_are_line_and_column_of_key_and_value() -> None:
    tree = parse(TEXT, "f.yaml")
    assert str(tree.place("hosts", "sync01", "os")) == "f.yaml:3:16"
    assert str(tree.key_place("hosts", "sync01", "os")) == "f.yaml:3:12"
    assert str(tree.place("rules", 1)) == "f.yaml:8:5"


def test_the_place_of_what_is_missing_is_that_of_its_container() -> None:
    tree = parse(TEXT, "f.yaml")
    assert tree.place("hosts", "sync01", "zone", "deeper") == tree.place("hosts", "sync01")
    assert str(tree.place("nothing")) == "f.yaml:1:1"


@pytest.mark.parametrize(
    ("keys", "find", "place"),
    [
        (("rules", 0, "when"), "host.nope", "7:10"),
        (("rules", 1, "when"), "second", "10:7"),
        (("rules", 2, "when"), "plain", "11:16"),
        (("hosts", "sync01", "note"), "here", "3:55"),
    ],
)
def test_a_character_of_a_text_is_found_in_every_style_of_yaml(
    keys: tuple[str | int, ...], find: str, place: str
) -> None:
    tree = parse(TEXT, "f.yaml")
    assert str(tree.inside(keys, tree.at(*keys).index(find))) == f"f.yaml:{place}"


def test_json_is_read_too_and_knows_its_places() -> None:
    tree = parse('{\n  "a": {"b": [1,\n 2]}\n}', "f.json")
    assert tree.data == {"a": {"b": [1, 2]}}
    assert str(tree.place("a", "b", 1)) == "f.json:3:2"


def test_scalars_follow_yaml_1_2_so_that_no_and_dates_and_builds_are_text() -> None:
    data = parse("{a: no, b: 2026-11-20, c: 4.6.34.0, d: 4.6, e: 0x10, f: ~, g: true, h: '1', i: 1e3}", "f").data
    assert list(data.values()) == ["no", "2026-11-20", "4.6.34.0", 4.6, 16, None, True, "1", 1000.0]


@pytest.mark.parametrize(
    ("source", "message", "place"),
    [
        (b"", "is empty", None),
        (b"# only a comment\n", "is empty", None),
        (b"null", "is empty", None),
        (b"a: 1\na: 2\n", "a second time", "f.yaml:2:1"),
        (b"a: {b: 1, b: 2}", "a second time", "f.yaml:1:11"),
        (b"a: &x [1]\nb: *x\n", "Aliases", "f.yaml:2:4"),
        (b"a: !!python/object:os.system x\n", "tag", "f.yaml:1:4"),
        (b"a: 1\n---\nb: 2\n", "second document", "f.yaml:2:1"),
        (b"a: [1\nb: 2\n", "not YAML", None),
        (b"? [a, b]\n: 1\n", "key must be text", None),
        (b"\x00\x01\x02", "binary", "f.yaml:1"),
        (b"a: \xff\xfe\n", "UTF-8", "f.yaml:1"),
        (b"a: 99999999999999999999\n", "too large", "f.yaml:1:4"),
        (b"a: " + b"9" * 5000, "too large", "f.yaml:1:4"),
        (b"a: 1e999\n", "too large", "f.yaml:1:4"),
        (b'a: "\\ud800"\n', "half of a character", None),
        (b"a: " + b"[" * 100 + b"]" * 100, "deep", None),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(source: bytes, message: str, place: str | None) -> None:
    error = refused(source)
    assert message in str(error)
    if place:
        assert str(error.place) == place


@pytest.mark.parametrize("source", ['{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 1', "[" * 2000, '{"a": 1e999}'])
def test_broken_json_is_refused_with_its_place(source: str) -> None:
    assert refused(source, "f.json").place


def test_a_file_of_50_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    begun = time.process_time()
    with pytest.raises(BadInput, match=r"50\.0 MB large; the limit is 16\.0 MB"):
        load(path)
    assert path.stat().st_size > LIMIT
    assert time.process_time() - begun < 5  # reading it alone would take longer under any load


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        load(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="is a folder"):
        load(tmp_path)
    with pytest.raises(BadInput):
        load("a\0b")


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_tree_or_bad_input(source: bytes) -> None:
    for file in ("f.yaml", "f.json"):
        try:
            parse(source, file)
        except BadInput as error:
            assert "Traceback" not in str(error)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab: -[]{},\n\"'|>&*!%@`#?\\\t0x~<u1."), max_size=80))
def test_any_text_of_yaml_marks_gives_a_tree_or_bad_input(source: str) -> None:
    try:
        tree = parse(source, "f.yaml")
    except BadInput:
        return
    tree.place("a", 0)
    tree.inside(("a",), 2)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab:{[ é\"'#\n\\", max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(_json)
def test_json_means_the_same_whether_read_as_json_or_as_yaml(data: object) -> None:
    import json

    from handrail.documents.nodes import read_yaml

    text = json.dumps({"x": data}, ensure_ascii=True)
    try:
        other, _ = read_yaml(text, "f")
    except BadInput:
        return  # a surrogate pair written as two escapes is JSON only
    if "\\ud" not in text:
        assert other == parse(text, "f.json").data

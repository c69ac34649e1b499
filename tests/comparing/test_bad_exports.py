"""What is no export: one clear sentence with file and line, and nothing is fetched or expanded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.spaces import file, person, written

from handrail.comparing.compare import compare
from handrail.errors import BadInput, HandrailError

GOOD = written([person(number) for number in range(5)])
LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12)
)  # a billion and more, if anybody expanded them


def refused(tmp_path: Path, content: bytes) -> BadInput:
    good, bad = file(tmp_path, "good.xml", []), tmp_path / "bad.xml"
    bad.write_bytes(content)
    with pytest.raises(BadInput) as raised:
        compare(good, bad)
    assert raised.value.place is not None
    assert raised.value.place.file == str(bad)
    assert "\n" not in str(raised.value)
    return raised.value


def line(error: BadInput) -> int | None:
    assert error.place is not None
    return error.place.line


def test_broken_tags_are_named_with_their_line(tmp_path: Path) -> None:
    error = refused(tmp_path, GOOD.replace("</entry>", "</entri>", 1).encode())

    assert "not well-formed" in error.message
    assert line(error) == 3


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_export_is_refused(tmp_path: Path, part: float) -> None:
    error = refused(tmp_path, GOOD.encode()[: int(len(GOOD) * part)])

    assert "ends in the middle" in error.message


def test_an_object_that_is_there_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    error = refused(tmp_path, "\n".join([*lines[:5], lines[2], *lines[5:]]).encode())

    assert person(0).dn in error.message
    assert "line 3" in error.message
    assert line(error) == 6


def test_lines_are_right_in_documents_that_are_read_another_way(tmp_path: Path) -> None:
    lines = GOOD.splitlines()
    error = refused(tmp_path, "\n".join([*lines[:5], lines[2], *lines[5:]]).encode("utf-16"))

    assert line(error) == 6


@pytest.mark.parametrize("use", ["<x>&l11;</x>", '<cs-object cs-dn="&l11;"/>'])
def test_entities_are_never_expanded(tmp_path: Path, use: str) -> None:
    error = refused(
        tmp_path, f"<?xml version='1.0'?>\n<!DOCTYPE z [{LAUGHS}]>\n<cs-objects>{use}</cs-objects>".encode()
    )

    assert "document type" in error.message
    assert line(error) == 2


def test_other_files_are_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    document = f'<!DOCTYPE z [<!ENTITY s SYSTEM "{secret.as_uri()}">]><cs-objects>&s;</cs-objects>'

    assert "document type" in refused(tmp_path, document.encode()).message
    assert "document type" in refused(tmp_path, document.encode("utf-16")).message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (bytes(range(256)), "begins with something else"),
        (b"MZ\x90\0", "begins with something else"),
        (b"<html></html>", "root is <html>"),
        (b"<cs-objects><cs-object/></cs-objects>", "neither cs-dn nor id"),
        (b"<cs-objects><a><cs-object id='1'/></a></cs-objects>", "within another"),
        (b"<cs-objects>" + b"<cs-object id='1'/>" + b"<x/>" * 2000 + b"</cs-objects>", "more than"),
        (b"<cs-objects>&nbsp;</cs-objects>", "not well-formed"),
        (b"<cs-objects>\0</cs-objects>", "ends in the middle|not well-formed"),
    ],
)
def test_anything_else_is_said_in_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    assert re.search(says, refused(tmp_path, content).message)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not there"):
        compare(tmp_path / "none.xml", tmp_path / "none.xml")
    with pytest.raises(BadInput, match="cannot be read"):
        compare(tmp_path, tmp_path)


def test_no_room_for_temporary_files_is_said(tmp_path: Path) -> None:
    good = file(tmp_path, "good.xml", [])

    with pytest.raises(HandrailError, match="temporary files"):
        compare(good, good, folder=tmp_path / "none")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=3))
def test_whatever_is_damaged_is_compared_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, by: bytes
) -> None:
    """Never another error."""
    folder = tmp_path_factory.mktemp("damaged")
    good, bad = folder / "good.xml", folder / "bad.xml"
    good.write_text(GOOD)
    content = GOOD.encode()
    bad.write_bytes(content[:at] + by + content[at + len(by) :])
    try:
        found = compare(good, bad)
    except BadInput as error:
        assert error.place is not None
    else:
        assert found.before.objects == 5

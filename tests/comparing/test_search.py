"""Searching an exported connector space: by name or anchor as it begins, by first part, within a subtree."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from tests.support.spaces import Thing, file, written

from handrail.comparing.search import Found, search
from handrail.errors import BadInput

OU = "OU=People,DC=contoso,DC=com"
SPACE = [
    Thing(f"CN=Anna,{OU}", "{1}"),
    Thing(f"CN=Anton\\, Dr.,{OU}", "{2}"),
    Thing(f"CN=Berta,OU=Sales,{OU}", "{3}"),
    Thing(OU, "{4}", "organizationalUnit"),
    Thing("100", "{5}", "person"),
    Thing("1001", "{6}", "person"),
]


def found(tmp_path: Path, **query: str) -> Found:
    return search(file(tmp_path, "space.xml", SPACE), **query)  # type: ignore[arg-type]


def names(result: Found) -> list[str]:
    return [one.id for one in result.matches]


@pytest.mark.parametrize(
    ("name", "ids", "by"),
    [
        ("CN=An", ["{1}", "{2}"], "dn"),
        ("cn=an", ["{1}", "{2}"], "dn"),
        ("an", ["{1}", "{2}"], "rdn"),
        ("Anton\\, Dr.", ["{2}"], "rdn"),
        ("People", ["{4}"], "rdn"),
        ("OU=People", ["{4}"], "dn"),
        ("100", ["{5}", "{6}"], "dn"),
        ("Zoe", [], None),
    ],
)
def test_a_name_is_found_by_how_it_begins(tmp_path: Path, name: str, ids: list[str], by: str | None) -> None:
    result = found(tmp_path, name=name)

    assert names(result) == ids
    assert {one.by for one in result.matches} == ({by} if by else set())


@pytest.mark.parametrize(
    ("subtree", "ids"),
    [
        (OU, ["{1}", "{2}", "{3}", "{4}"]),
        ("ou=sales", ["{3}"]),
        ("OU=Peo", ["{1}", "{2}", "{3}", "{4}"]),
        ("DC=com", ["{1}", "{2}", "{3}", "{4}"]),
        ("eople", []),
        ("Dr.", []),
    ],
)
def test_a_subtree_is_found_by_how_its_name_begins(tmp_path: Path, subtree: str, ids: list[str]) -> None:
    assert names(found(tmp_path, subtree=subtree)) == ids


@pytest.mark.parametrize(
    ("anchor", "encoding"),
    [
        ("employee-7", ""),
        (base64.b64encode("employee-7".encode("utf-16-le")).decode(), ' encoding="base64"'),
        (base64.b64encode(b"\x14\0\0\0" + "employee-7".encode("utf-16-le")).decode(), ' encoding="base64"'),
    ],
    ids=["plain", "encoded", "with its length"],
)
def test_an_anchor_is_found_by_how_it_begins(tmp_path: Path, anchor: str, encoding: str) -> None:
    text = written([Thing("x", "{1}")]).replace("<primary", f"<anchor{encoding}>{anchor}</anchor><primary")
    path = tmp_path / "space.xml"
    path.write_text(text)

    result = search(path, name="Employee")

    assert [(one.id, one.by) for one in result.matches] == [("{1}", "anchor")]


def test_all_are_counted_and_the_first_are_kept(tmp_path: Path) -> None:
    path = file(tmp_path, "space.xml", [Thing(f"CN=a{number}", type="user") for number in range(200)])

    result = search(path, name="a", keep=3)

    assert (result.count, len(result.matches), dict(result.types)) == (200, 3, {"user": 200})
    assert str(result) == "200 found (200 user): CN=a0; CN=a1; CN=a2; …"


def test_nothing_found_is_said(tmp_path: Path) -> None:
    assert str(found(tmp_path, name="nobody")) == "no object was found"


@pytest.mark.parametrize("query", [{}, {"name": "a", "subtree": "b"}])
def test_a_search_takes_one_thing(tmp_path: Path, query: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="one of both"):
        found(tmp_path, **query)

"""A guide in several files is read as one, and every mistake names the file it is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.guides import GUIDE, SIGNATURES

from handrail.errors import BadDocument, BadInput
from handrail.guides.catalogue import open_guide

_AT = GUIDE.index("\nrequirements:") + 1


def _split(folder: Path, main: str, rest: str) -> Path:
    (folder / "guide.yaml").write_text(main)
    (folder / "rest.yaml").write_text(rest)
    return folder / "guide.yaml"


def _halves() -> tuple[str, str]:
    head = GUIDE.partition("\n")[0]
    return f"{head}\nparts: [rest.yaml]\n{GUIDE[len(head) + 1 : _AT]}", GUIDE[_AT:]


def test_parts_make_the_same_guide(tmp_path: Path) -> None:
    whole = tmp_path / "whole.yaml"
    whole.write_text(GUIDE)
    parted = open_guide(_split(tmp_path, *_halves()), lint=True, signatures=SIGNATURES).guide
    one = open_guide(whole).guide
    assert parted.procedures == one.procedures and parted.requirements == one.requirements
    assert parted.digest != one.digest


def test_a_mistake_in_a_part_names_that_part(tmp_path: Path) -> None:
    main, rest = _halves()
    path = _split(tmp_path, main, rest.replace("host.os in", "host.oss in", 1))
    line = rest[: rest.index("host.os in")].count("\n") + 1
    with pytest.raises(BadDocument, match=rf"rest\.yaml:{line}:\d+: `host\.oss` is not a fact"):
        open_guide(path, lint=True)


def test_lists_follow_each_other_and_keep_their_places(tmp_path: Path) -> None:
    main, rest = _halves()
    more = "requirements:\n  - {rule: shop/more, says: no, remedy: none, source: manual#os, when: host.oss == '1'}\n"
    (tmp_path / "more.yaml").write_text(more)
    path = _split(tmp_path, main.replace("[rest.yaml]", "[rest.yaml, more.yaml]"), rest)
    with pytest.raises(BadDocument, match=r"more\.yaml:2:\d+"):
        open_guide(path, lint=True)


def test_what_stands_twice_is_refused(tmp_path: Path) -> None:
    main, rest = _halves()
    with pytest.raises(BadDocument, match=r"rest\.yaml:\d+:1: 'title' stands in another part"):
        open_guide(_split(tmp_path, main, rest + "title: Another\n"))


@pytest.mark.parametrize("parts", ["rest.yaml", "[1]", "[../rest.yaml]", "[rest.yaml, rest.yaml]", "[none.yaml]"])
def test_parts_are_files_beside_the_guide(tmp_path: Path, parts: str) -> None:
    main, rest = _halves()
    with pytest.raises(BadInput):
        open_guide(_split(tmp_path, main.replace("[rest.yaml]", parts), rest))

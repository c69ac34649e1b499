"""Exported configurations: what an export says of itself never counts, everything else does."""

from __future__ import annotations

import pytest

from handrail.comparing.allowances import read_allowances
from handrail.comparing.configuration import Configurations, compare_configuration
from handrail.errors import BadInput

MV = b'<saved-mv-configuration server="%s" export-date="%s"><mv-data><a>%s</a></mv-data></saved-mv-configuration>'


def both(before: bytes, after: bytes, *allow: object) -> Configurations:
    return compare_configuration({"MV.xml": before}, {"MV.xml": after}, read_allowances(allow))


def test_server_and_date_of_an_export_never_count() -> None:
    assert not both(MV % (b"sync01", b"1", b"x"), MV % (b"sync02", b"2", b"x")).differences


def test_what_differs_is_named_with_its_file() -> None:
    found = both(MV % (b"a", b"1", b"x"), MV % (b"a", b"1", b"y"))

    assert [str(one) for one in found.differences] == ["MV.xml: <a> in mv-data: 'x' → 'y'"]


def test_an_allowance_covers_what_it_names() -> None:
    found = both(MV % (b"a", b"1", b"de-DE"), MV % (b"a", b"1", b"de"), {"name": "l", "rename": {"de-DE": "de"}})

    assert not found.differences
    assert dict(found.allowed) == {"l": 1}


def test_files_that_only_one_side_has_are_named() -> None:
    found = compare_configuration({"a.xml": b"<a/>"}, {"b.xml": b"<a/>"})

    assert [str(one) for one in found.differences] == ["a.xml is missing", "b.xml was not there before"]


@pytest.mark.parametrize("content", [b"", b"<a>", b"<!DOCTYPE a><a/>", b"\0"])
def test_what_is_no_configuration_is_refused_with_its_file(content: bytes) -> None:
    with pytest.raises(BadInput) as raised:
        both(content, b"<a/>")

    assert raised.value.place is not None
    assert raised.value.place.file == "MV.xml"

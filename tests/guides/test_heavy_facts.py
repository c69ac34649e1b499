"""Facts of thousands of entries are handed to an expression only when it needs them; the answer is the same."""

from __future__ import annotations

from typing import Any

import pytest

from handrail.guides import language
from handrail.guides.language import Known, Language

LANGUAGE = Language({"hosts": "map", "names": "list", "method": "text", "flag": "yes-no"}, name="shop")
HOSTS = {"sync": [f"sync{number:04}" for number in range(500)], "sql": ["sql01"]}
NAMES = [f"pc{number:04}" for number in range(500)]
FACTS: dict[str, Any] = {"hosts": HOSTS, "names": NAMES, "method": "patch"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('method == "side-by-side" && names.all(name, name in hosts["sync"])', False),
        ('method == "patch" && "pc0499" in names', True),
        ('method == "patch" || "nobody" in names', True),
        ('hosts["sql"].exists(host, host == "sql01")', True),
        ('!("sql" in hosts)', False),
        ("size(names)", 500),
        ('method == "patch" ? size(hosts["sync"]) : 0', 500),
        ("names.exists(name, name in hosts.sync)", False),
    ],
)
def test_the_answer_is_that_of_the_whole_fact(text: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = LANGUAGE.expression(text).evaluate(FACTS)
    monkeypatch.setattr(language, "_HEAVY", 10**9)

    assert left_out == LANGUAGE.expression(text).evaluate(FACTS) == Known(value)


def test_what_is_missing_is_still_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ('flag && "pc0001" in names', 'hosts["portal"].exists(host, flag)'):
        with monkeypatch.context() as patch:
            patch.setattr(language, "_HEAVY", 10**9)
            whole = LANGUAGE.expression(text).evaluate(FACTS)
        assert LANGUAGE.expression(text).evaluate(FACTS) == whole


def test_what_decides_without_it_does_not_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planning asks each of ten thousand installations about all hosts: that must not be a hundred million entries."""
    seen: list[int] = []
    plain = language._plain

    def counting(value: Any) -> Any:
        seen.append(len(value) if isinstance(value, list) else 0)
        return plain(value)

    monkeypatch.setattr(language, "_plain", counting)
    LANGUAGE.expression('method == "side-by-side" && names.all(name, name in hosts["sync"])').evaluate(FACTS)

    assert max(seen) == 0

"""The page of benchmarks is written by the program that measures them, one table at a time."""

from __future__ import annotations

from pathlib import Path

from bench import page
from bench.__main__ import BENCHMARKS
from bench.tables import Result, Verdict, text

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def result(found: float) -> Result:
    verdicts = (Verdict("ours / theirs", found, 1.5),)
    return Result(
        "Something", "How it was measured.", ("", "took"), (("ours", f"{found:.1f} s"),), verdicts, "load 0.1"
    )


def test_one_table_is_measured_anew_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    page.put(path, "second", result(1.0), ("first", "second"))
    page.put(path, "first", result(2.0), ("first", "second"))
    before = path.read_text().partition("<!-- table: second -->")[2]

    page.put(path, "first", result(1.2), ("first", "second"))

    written = path.read_text()
    assert written.index("table: first") < written.index("table: second")
    assert "| ours | 1.2 s |" in written and "2.0 s" not in written
    assert written.partition("<!-- table: second -->")[2] == before


def test_a_limit_that_was_missed_is_said() -> None:
    assert "ours / theirs: 1.70 (at most 1.5: MISSED)" in text(result(1.7)) and not result(1.7).kept
    assert Verdict("rate", 0.6, 0.5, at_least=True).kept


def test_every_table_on_the_page_is_measured_by_a_benchmark() -> None:
    names = [part.partition(" -->")[0] for part in PAGE.read_text().split("<!-- table: ")[1:]]

    assert names and set(names) <= set(BENCHMARKS)

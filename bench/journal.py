"""How fast is the journal? Events a second from eight lanes at once, beside bare commits of one row each.

The bare rate is what the disk and the database give to somebody who keeps nothing but the text of the event: one
insert, one commit, synchronised. Ours checks epochs, chains hashes, redacts, and moves the lane's head on. Both take
turns in one run, so that whatever else the machine does falls upon both.

    python -m bench.journal
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.tables import Load, Result, Verdict, text
from handrail.model.journal import Entry
from handrail.running.chain import canonical
from handrail.running.journal import Journal, open_journal
from handrail.running.writer import Writer

LANES = 8
ROUNDS = 5
SECONDS = 1.5
LIMIT = 0.5
EVENT = {"because": "the service is stopped", "evidence": {"state": "STOPPED", "pid": 0}, "outputs": {"was": "RUNNING"}}

Rate = Callable[[], float]


def ours(journal: Journal) -> float:
    run = journal.create("bench", "sha256:0", canonical({}), "twin", "bench")
    return asyncio.run(_append(journal, run))


async def _append(journal: Journal, run: str) -> float:
    writer = Writer(journal, run)
    lanes = [f"host{number}" for number in range(LANES)]
    writer.take(lanes, {})
    end = time.perf_counter() + SECONDS
    made = 0

    async def lane(name: str) -> None:
        nonlocal made
        number = 0
        while time.perf_counter() < end:
            number += 1
            await writer.append((name, Entry("done", f"it/app@{name}/2/step{number}", 1, EVENT)))
            made += 1

    began = time.perf_counter()
    await asyncio.gather(*map(lane, lanes))
    await writer.close()
    return made / (time.perf_counter() - began)


def bare_sqlite(path: Path) -> float:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as sql:
        sql.execute("PRAGMA journal_mode=WAL")
        sql.execute("PRAGMA synchronous=FULL")
        sql.execute("CREATE TABLE IF NOT EXISTS bare (n INTEGER PRIMARY KEY, data TEXT)")
        return _timed(lambda: sql.execute("INSERT INTO bare (data) VALUES (?)", (json.dumps(EVENT),)))


def bare_postgres(address: str) -> float:
    import psycopg

    with psycopg.connect(address, autocommit=True) as sql:
        sql.execute("CREATE TABLE IF NOT EXISTS bare (n bigserial PRIMARY KEY, data TEXT)")
        return _timed(lambda: sql.execute("INSERT INTO bare (data) VALUES (%s)", (json.dumps(EVENT),)))


def _timed(insert: Callable[[], object]) -> float:
    began = time.perf_counter()
    end = began + SECONDS
    made = 0
    while time.perf_counter() < end:
        insert()
        made += 1
    return made / (time.perf_counter() - began)


ABOUT = """\
Eight lanes append events at once, for {seconds:g} s; beside them somebody who keeps nothing but the event's text: one
insert, one commit, one synchronisation to the disk at a time. Both take turns, {rounds} rounds; medians are shown, and
the ratio is the median of the ratios of one turn. Ours checks epochs, chains hashes, redacts, and joins what several
lanes append at the same time into one commit. The databases lie on a disk, not in memory, with synchronous commits."""


def compare(*, quick: bool = False) -> Result:
    from tests.support.databases import serving

    load = Load()
    rounds = 1 if quick else ROUNDS
    rows, verdicts = [], []

    def add(name: str, own: Rate, bare: Rate) -> None:
        pairs = [(own(), bare()) for _ in range(rounds)]
        ratio = statistics.median(mine / other for mine, other in pairs)
        mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        rows.append((name, f"{mine:,.0f}", f"{other:,.0f}", f"{ratio:.2f}"))
        verdicts.append(Verdict(f"{name}: events / bare commits", ratio, LIMIT, at_least=True))

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        journal = open_journal(str(Path(folder) / "store.db"))
        add("SQLite", lambda: ours(journal), lambda: bare_sqlite(Path(folder) / "bare.db"))
        journal.close()
    with serving(durable=True, on_disk=True) as server:
        url = server.database()
        journal = open_journal(url)
        add("PostgreSQL 17", lambda: ours(journal), lambda: bare_postgres(url))
        journal.close()
    return Result(
        "Events journaled per second, eight lanes",
        ABOUT.format(seconds=SECONDS, rounds=rounds),
        ("", "events/s", "bare commits/s", "ratio"),
        tuple(rows),
        tuple(verdicts),
        str(load),
    )


def main() -> int:
    result = compare()
    print(text(result))
    return 0 if result.kept else 1


if __name__ == "__main__":
    raise SystemExit(main())

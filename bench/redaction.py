"""What hiding secrets costs: records appended to a journal per second, with no secret known and with fifty.

python -m bench.redaction [SECRETS]
"""

from __future__ import annotations

import asyncio
import random
import string
import sys
import tempfile
import time
from pathlib import Path

from handrail.actions.redacting import Redactor
from handrail.model.journal import Entry
from handrail.running.journal import open_journal
from handrail.running.redaction import Redact, keep
from handrail.running.writer import Writer

LANES = (1, 32, 200)
RECORDS = 4_000
ROUNDS = 5

DATA = {
    "because": "C:\\Program Files\\Microsoft Forefront Identity Manager\\2010\\Synchronization Service\\Bin"
    "\\miiserver.exe has build 4.6.673.0, and the plan says 4.7.12.0",
    "evidence": {
        "file": "C:\\Media\\sync.msp",
        "sha256": "0123456789abcdef" * 4,
        "tool": "Product is installed. Property REINSTALLMODE=vomus; return code 3010, a restart is needed.",
    },
    "outputs": {"free_bytes": 123456789, "size": 2},
}


def secrets(count: int) -> list[str]:
    rng = random.Random(1)
    letters = string.ascii_letters + string.digits + "!$%&/()=?+-_.äö€'\""
    return ["".join(rng.choices(letters, k=rng.randint(8, 24))) for _ in range(count)]


def per_second(redact: Redact, lanes: int, records: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        journal = open_journal(str(Path(folder) / "store.db"), redact=redact)
        try:
            return asyncio.run(_append(Writer(journal, journal.create("e", "p", "{}", "hosts", "me")), lanes, records))
        finally:
            journal.close()


async def _append(writer: Writer, lanes: int, records: int) -> float:
    names = [f"host{number}" for number in range(lanes)]
    writer.take(names, {})

    async def lane(name: str) -> None:
        for number in range(records // lanes):
            await writer.append((name, Entry("done", f"step{number}", 1, DATA)))

    began = time.perf_counter()
    await asyncio.gather(*map(lane, names))
    return records / (time.perf_counter() - began)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    redactor = Redactor(secrets(count))
    began = time.perf_counter()
    redactor.finds("")
    print(f"{count} secrets, made ready in {time.perf_counter() - began:.2f} s")
    for lanes in LANES:
        records = RECORDS if lanes > 1 else RECORDS // 10
        bare, hiding = 0.0, 0.0
        for _ in range(ROUNDS):  # in turns: the machine has other things to do, and the best of each counts
            bare = max(bare, per_second(keep, lanes, records))
            hiding = max(hiding, per_second(redactor.redact, lanes, records))
        print(f"{lanes:4} lanes: {bare:8,.0f} records/s bare, {hiding:8,.0f} hiding ({hiding / bare:.0%})")


if __name__ == "__main__":
    main()

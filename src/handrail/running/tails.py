"""What long commands of a run print, told to the store that its workers share: transcripts stay on the worker, and
whoever looks from another machine reads the end of the output here.

It is no part of the journal. Nothing rests on it, new lines replace old ones, and they go when their step ends. A run
takes no notice of whether it can be written.

What it costs is bounded, however many hosts are at work: of a run a worker writes at most once in `EVERY` seconds, in
one transaction that waits for no disk and takes a `SHARE`th of the time at most; and only of commands that have been at
work for `LONG` seconds and have printed something new since.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from handrail.model.journal import Event
from handrail.running.said import AT_WORK, Said, at_work
from handrail.running.schema import tails
from handrail.running.store import Store

EVERY = 2.0
"""Seconds between two writes of one worker."""
TOGETHER = 0.3
"""Seconds that the first line waits for others: hosts are asked one after the other."""
LONG = 5.0
"""Seconds that a command is at work before anything of it is told: most have ended by then."""
SHARE = 20.0
"""A write that took long is followed by a pause of so many times as long."""
AGAIN = 30.0
"""Seconds until it is tried again when the store did not take it."""

_OVER = frozenset(("done", "failed", "in-doubt"))

Put = Callable[[Mapping[str, Said], Collection[str], str], None]
"""Takes what hosts say, by their names; the hosts of which nothing is to be kept; and until when nothing is to be kept
of any (ISO 8601, UTC). May raise anything."""


@dataclass(slots=True)
class _Tail:
    """`since`: when it was first seen at work, by the clock of the loop. `fresh`: not in the store yet. `written`: an
    earlier one may be."""

    since: float
    said: Said
    fresh: bool = True
    written: bool = False


class Tails:
    """Of one run, by one worker. It hears every line of its transcripts and every event that is followed."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._tails: dict[str, _Tail] = {}
        self._gone: set[str] = set()
        self._ended = ""
        self._rest = 0.0
        self._telling: asyncio.Task[None] | None = None

    def hear(self, host: str, line: Mapping[str, Any]) -> None:
        """A line of the transcript of `host`."""
        found = at_work(line)
        if found is None:
            return
        known = self._tails.get(host)
        if known is None:
            self._tails[host] = _Tail(_now(), found)
        elif known.said.lines != found.lines:
            known.said, known.fresh = found, True
        else:
            return
        self._begin()

    def follow(self, event: Event) -> None:
        """An event of the run: with the end of a step, what its host said is over; with the end of the run, everything,
        also what workers left behind that died."""
        known = self._tails.pop(event.lane, None) if event.entry.kind in _OVER else None
        if known is not None and known.written:
            self._gone.add(event.lane)
            self._begin()
        if event.entry.kind == "ended":
            self._ended = event.at
            self._begin()

    def _begin(self) -> None:
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        """As long as there is something to tell. `_rest`: until when nothing is written."""
        while self._ended or self._gone or any(one.fresh for one in self._tails.values()):
            await asyncio.sleep(max(TOGETHER, self._rest - _now()))
            began = _now()
            due = {host: one for host, one in self._tails.items() if one.fresh and began - one.since >= LONG}
            ended, gone = self._ended, self._gone - due.keys()
            if not (ended or gone or due):
                self._rest = LONG + min((one.since for one in self._tails.values() if one.fresh), default=began)
                continue
            for one in due.values():
                one.fresh, one.written = False, True
            self._ended, self._gone = "", set()
            try:
                said = {host: one.said for host, one in due.items()}
                await asyncio.to_thread(self._put, said, gone, ended)
            except Exception:  # whoever needs the store says what is wrong with it
                for one in due.values():
                    one.fresh = True
                self._ended, self._gone = self._ended or ended, self._gone | gone
                self._rest = _now() + AGAIN
            else:
                self._rest = _now() + max(EVERY, SHARE * (_now() - began))


def _now() -> float:
    return asyncio.get_running_loop().time()


def putting(store: Store, run: str) -> Put:
    """What writes to the shared store."""

    def put(said: Mapping[str, Said], gone: Collection[str], until: str) -> None:
        rows = [
            {"run": run, "host": host, "at": one.at, "said": json.dumps(one.lines)}
            for host, one in sorted(said.items())
        ]
        with store.write_aside() as connection:
            if until:
                connection.execute(tails.delete().where(tails.c.run == run, tails.c.at <= until))
            if gone:
                connection.execute(tails.delete().where(tails.c.run == run, tails.c.host.in_(sorted(gone))))
            if rows:
                connection.execute(_PUT, rows)

    return put


_PUT = sa.text(
    "INSERT INTO tails (run, host, at, said) VALUES (:run, :host, :at, :said) "
    "ON CONFLICT (run, host) DO UPDATE SET at = excluded.at, said = excluded.said"
)


def tail(store: Store, run: str, host: str, since: str) -> tuple[Said, ...]:
    """What `host` said last, as far as workers have told it since a moment (ISO 8601, UTC)."""
    query = sa.select(tails.c.at, tails.c.said).where(tails.c.run == run, tails.c.host == host, tails.c.at >= since)
    with store.read() as connection:
        row = connection.execute(query).one_or_none()
    return (Said(row.at, AT_WORK, "", tuple(json.loads(row.said)), True),) if row is not None else ()


def newest(store: Store, run: str) -> str:
    """When the last line was said of those that are kept: whether there is something new to be shown."""
    with store.read() as connection:
        return connection.scalar(sa.select(sa.func.max(tails.c.at)).where(tails.c.run == run)) or ""

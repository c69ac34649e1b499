"""The runner's pen: holds the lanes of a run and joins what is appended at the same time into one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from handrail.errors import StoreLocked
from handrail.model.journal import Event
from handrail.running.chain import Head, head_of
from handrail.running.protocol import Item, Lanes

Waiter = tuple[Sequence[Item], "asyncio.Future[list[Event]]"]


class Writer:
    """Appends to the lanes of one run. `append` returns when its entries are committed, never earlier.

    While a commit is under way, what comes meanwhile is collected and goes into the next one together: with many lanes
    the price of a sync to the disk is shared, with one lane nobody waits for company.
    """

    def __init__(self, journal: Lanes, run: str, free: Collection[str] = ()) -> None:
        """`free`: lanes that belong to nobody, and that everybody may append to."""
        self._journal = journal
        self._run = run
        self._free = frozenset(free)
        self._heads: dict[str, Head] = {}
        self._waiting: list[Waiter] = []
        self._committing: asyncio.Task[None] | None = None

    def take(self, lanes: Sequence[str], data: Mapping[str, Any]) -> list[Event]:
        """Take the lanes over from whoever wrote them before."""
        heads, taken = self._journal.take(self._run, lanes, data)
        self._heads.update(heads)
        return taken

    def epoch(self, lane: str) -> int:
        """The epoch in which we hold a lane."""
        return self._heads[lane].epoch

    def confirm(self, lane: str) -> None:
        """StoreLocked when the lane is not ours, or another writer has taken it over since."""
        head = self._heads.get(lane)
        if head is None:
            raise StoreLocked(f"Lane {lane} of run {self._run} was not taken by this runner.")
        # What stands behind our head may be our own, committed this very moment.
        if any(event.epoch > head.epoch for event in self._journal.tail(self._run, lane, head)):
            raise StoreLocked(
                f"Another process has taken run {self._run} over; this one has stopped.",
                "Follow it with `handrail status`.",
            )

    async def append(self, *items: Item) -> list[Event]:
        """Commit `items`, all or none of them. StoreLocked when a lane was taken over by another writer."""
        for lane, _ in items:
            if lane not in self._heads and lane not in self._free:
                raise StoreLocked(f"Lane {lane} of run {self._run} was not taken by this runner.")
        future: asyncio.Future[list[Event]] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, future))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        return await future

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._committing is not None:
            await asyncio.gather(self._committing, return_exceptions=True)

    def leave(self, lane: str) -> None:
        """Let go of a lane."""
        self._heads.pop(lane, None)

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._commit(batch)
            except StoreLocked as error:
                # One lane was lost; whoever appends to others need not suffer for it.
                if len(batch) == 1:
                    _fail(batch, error)
                for one in batch if len(batch) > 1 else ():
                    await self._commit_alone(one)
            except Exception as error:
                _fail(batch, error)

    async def _commit_alone(self, one: Waiter) -> None:
        try:
            await self._commit([one])
        except Exception as error:
            _fail([one], error)

    async def _commit(self, batch: Sequence[Waiter]) -> None:
        items = [item for waiter in batch for item in waiter[0]]
        # As they are now: the commit may be made beside the loop, where lanes are let go meanwhile.
        heads = {lane: self._heads[lane] for lane, _ in items if lane in self._heads}
        if any(lane not in heads and lane not in self._free for lane, _ in items):
            raise StoreLocked(f"A lane of run {self._run} was let go by this runner.")
        made = await self._journal.append(self._run, heads, items)
        for event in made:
            if event.lane in self._heads:
                self._heads[event.lane] = head_of(event)
        start = 0
        for waited, future in batch:
            if not future.done():
                future.set_result(made[start : start + len(waited)])
            start += len(waited)


def _fail(batch: Sequence[Waiter], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)

"""Work spread over processes that are forked from this one, so that each finds everything as we have it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from handrail.errors import HandrailError

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """How many processes make sense here."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not a Linux
        return os.cpu_count() or 1


def spread(work: Callable[[T], R], several: Sequence[T], processes: int | None = None) -> Iterator[tuple[int, R]]:
    """`work` of each, with its number, as they come. `processes`: by default one for each core. HandrailError when a
    process fails; results must be such that they can be sent to another process."""
    count = min(processes or cores(), len(several))
    if count <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        for number, one in enumerate(several):
            yield number, work(one)
        return
    context = multiprocessing.get_context("fork")
    readers: list[connection.Connection] = []
    workers = []
    next_ = context.Value("l", 0)
    for _ in range(count):
        reader, writer = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(work, several, next_, writer), daemon=True)
        worker.start()
        writer.close()
        readers.append(reader)
        workers.append(worker)
    try:
        while readers:
            for ready in connection.wait(readers):
                assert isinstance(ready, connection.Connection)
                try:
                    number, found, failed = ready.recv()
                except EOFError:
                    readers.remove(ready)
                    continue
                if failed:
                    raise HandrailError(f"A process of the rehearsal failed: {failed}", "Tell us, with the plan.")
                yield number, found
        for worker in workers:
            worker.join()
            if worker.exitcode:
                raise HandrailError(f"A process of the rehearsal ended with {worker.exitcode}.", "Is memory short?")
    finally:
        for worker in workers:
            worker.terminate()


def _work(
    work: Callable[[T], R], several: Sequence[T], next_: Synchronized[int], writer: connection.Connection
) -> None:
    """Whoever is free takes the next: pieces of work are of very different lengths."""
    # An interrupt is for our parent, which then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        with next_.get_lock():
            number = next_.value
            next_.value += 1
        if number >= len(several):
            break
        try:
            writer.send((number, work(several[number]), ""))
        except Exception:
            writer.send((number, None, traceback.format_exc(limit=-3)))
            return
    writer.close()

"""One simulated run's troubles: counts what the workers do, says what goes wrong now, and remembers the story.

It also watches what no worker can see of itself: whether a lane was written by one that had lost it, and whether
everything that a worker was told to be written is there in the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from handrail.model.journal import Event
from handrail.rehearsing.chances import Chances
from handrail.rehearsing.mishaps import WAYS, Counted, Mishap, Stage
from handrail.rehearsing.virtual_time import VirtualClock

LATENCIES = (0.01, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0)
"""Seconds that a commit, or a command's way to its host, may take."""


class Upset:
    def __init__(self, seed: int, mishaps: Iterable[Mishap], clock: VirtualClock) -> None:
        self.clock = clock
        self.stage: Stage = "forward"
        self.story: list[str] = []
        self.problems: list[str] = []
        self.struck: list[Mishap] = []
        self.counts: dict[tuple[Stage, Counted], int] = {}
        self._seed = seed
        self._coming: dict[tuple[Stage, Counted], list[Mishap]] = {}
        for one in mishaps:
            self._coming.setdefault((one.stage, WAYS[one.way].counted), []).append(one)
        for several in self._coming.values():
            several.sort(key=lambda one: one.count)
        self._streams: dict[str, Chances] = {}
        self._silent: dict[str, float] = {}
        self._owners: dict[tuple[str, str], int] = {}
        self._told: dict[str, Event] = {}
        self._print = hashlib.sha256()

    def latency(self, of: str) -> float:
        """How long the next one of these takes; `of` is a host, or the journal."""
        if of not in self._streams:
            self._streams[of] = Chances(self._seed, of)
        return self._streams[of].pick(LATENCIES)

    def next(self, counted: Counted, fits: Callable[[Mishap], bool] = lambda _: True) -> Mishap | None:
        """Count one, and say what goes wrong with it: the first mishap that is due and fits."""
        place = (self.stage, counted)
        self.counts[place] = count = self.counts.get(place, 0) + 1
        coming = self._coming.get(place, [])
        for one in coming:
            if one.count > count:
                break
            if fits(one):
                coming.remove(one)
                self.struck.append(one)
                return one
        return None

    def silence(self, host: str, seconds: float) -> None:
        """From now on the host answers to nobody, for so long."""
        self._silent[host] = max(self.clock.passed + seconds, self._silent.get(host, 0.0))

    def is_silent(self, host: str) -> bool:
        return self.clock.passed < self._silent.get(host, 0.0)

    def all_answer_in(self) -> float:
        """Seconds until every host answers again."""
        return max(0.0, max(self._silent.values(), default=0.0) - self.clock.passed)

    def tell(self, what: str) -> None:
        self.story.append(f"{self.clock.passed:9.2f} s  {what}")

    # -- what is written ----------------------------------------------------------------------------------------

    def took(self, worker: int, events: Sequence[Event]) -> None:
        for event in events:
            self._owners[event.run, event.lane] = worker
        self.wrote(worker, events)

    def wrote(self, worker: int, events: Sequence[Event]) -> None:
        """The journal told a worker that these are written."""
        for event in events:
            owner = self._owners.get((event.run, event.lane), worker)
            if owner != worker:
                self.problems.append(
                    f"worker {worker} wrote to lane {event.lane} of run {event.run} after worker {owner} had taken it "
                    f"over ({event.entry.kind} of {event.entry.step})"
                )
            self.noted(event)

    def noted(self, event: Event) -> None:
        self._told[event.hash] = event
        self._print.update(event.hash.encode())

    def missing_in(self, events: Iterable[Event]) -> list[Event]:
        """What somebody was told to be written, in the run of these events, and is not among them."""
        there = list(events)
        hashes, runs = {one.hash for one in there}, {one.run for one in there}
        return [one for name, one in self._told.items() if name not in hashes and one.run in runs]

    def fingerprint(self, more: Iterable[str]) -> str:
        """Of everything that happened: equal seeds have equal ones, on any machine."""
        for one in (*self.story, *self.problems, *more):
            self._print.update(one.encode())
        return self._print.hexdigest()

"""What every journal can do, wherever it is kept. The runner, its writer and all who read know no more than this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from handrail.model.journal import Entry, Event
from handrail.running.chain import Head
from handrail.running.clock import Clock

Watch = Callable[[Literal["before", "after"]], None]
"""Called just before and just after every commit; tests pull the plug there."""

Item = tuple[str, Entry]
"""A lane, and what is to be appended to it."""


LARGE = 5_000
"""Steps from which on how a run stands is counted in its store, and what going back would cost is only told when asked
for: reading the whole plan takes longer than anybody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Bell:
    """Rung with a commit: some worker of `queue` is to look at `lane`. `again`: what failed there is tried again;
    `after`: not before so many seconds have passed; `first`: something was begun there, so that it comes before lanes
    in which nothing was."""

    queue: str
    lane: str
    again: bool = False
    after: float = 0.0
    first: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """`target` is `hosts` or `twin`; `created` is ISO 8601 in UTC."""

    run: str
    plan: str
    estate: str
    target: str
    created: str
    who: str


class Lanes(Protocol):
    """What a writer needs of a journal."""

    def take(self, run: str, wanted: Sequence[str], data: Mapping[str, Any]) -> tuple[dict[str, Head], list[Event]]:
        """Take lanes over: raises their epochs, so that older writers are refused. For `Writer`."""
        ...

    async def append(self, run: str, heads: Mapping[str, Head], items: Iterable[Item]) -> list[Event]:
        """Append to lanes whose heads the caller holds, in one commit; back when it is made. StoreLocked when a
        lane was taken over."""
        ...

    def tail(self, run: str, lane: str, behind: Head) -> list[Event]:
        """The events of one lane behind its head `behind`, checked as far as they go."""
        ...


class AnyJournal(Lanes, Protocol):
    clock: Clock

    def create(
        self, estate: str, plan: str, document: str, target: str, who: str, data: Mapping[str, Any] | None = None
    ) -> str:
        """Begin a run of the plan with digest `plan` and JSON `document`; its id, which is new and readable."""
        ...

    def runs(self) -> list[RunRow]:
        """All runs, oldest first."""
        ...

    def row(self, run: str) -> RunRow:
        """UnknownName when there is no such run."""
        ...

    def document(self, run: str) -> str:
        """The JSON of the plan that `run` carries out, as it was when the run began. Tampered when it is not."""
        ...

    def read(self, run: str) -> list[Event]:
        """All events of a run in the order of their commits, every chain checked. Tampered when one does not hold."""
        ...

    def has_steps(self, run: str) -> bool:
        """Whether anything was journaled about any step of the run."""
        ...

    def add(self, run: str, lane: str, entry: Entry) -> Event:
        """Append one entry from beside the runner, to a lane that the runner does not write (PEOPLE_LANE)."""
        ...

"""A twin: the state of a pretend estate, the transactions that change it, and the log of what really changed.

What one command changes is applied as a whole, or not at all: first to the file, in one transaction with its rows in
the effect log and the receipt of the job that it ran in; then in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from handrail.errors import HostUnreachable, StoreError, StoreNewer, UnknownName
from handrail.hosts.lifetime import lifetime
from handrail.model.plan import Step
from handrail.twin import codec
from handrail.twin.declarations import Declarations, TwinBits
from handrail.twin.host import LinuxTwinHost, TwinHost
from handrail.twin.machine import Clock, Context, Machine, Note, short_names
from handrail.twin.playing import play
from handrail.twin.state import Address, Draft, State
from handrail.twin.store import FILE, AnyStore, Effect, Overtaken, Store
from handrail.twin.things import SYSTEM, System

__all__ = ["Effect", "Twin", "is_raised", "open_twin"]

T = TypeVar("T")


def clock_of_this_machine() -> datetime:
    return datetime.now(UTC)


STOOD_STILL = 1.0
"""Seconds after which a command that was overtaken is not tried again."""


class Twin:
    """An estate that answers as the real one would. `state` is its ground truth and not to be changed from outside."""

    def __init__(
        self,
        state: State,
        declarations: Declarations,
        hosts: tuple[str, ...],
        *,
        store: AnyStore | None = None,
        effects: Iterable[Effect] = (),
        clock: Clock = clock_of_this_machine,
    ) -> None:
        self._state = state
        self._declarations = declarations
        self._hosts = hosts
        self._names = short_names(hosts)
        self._store = store
        self._effects = list(effects)
        self._clock = clock

    @property
    def state(self) -> State:
        self._refresh()
        return self._state

    @property
    def hosts(self) -> tuple[str, ...]:
        return self._hosts

    def host(self, name: str, user: str | None = None) -> TwinHost | LinuxTwinHost:
        """A connection to a host: a logon session of its own. UnknownName when the estate has no such host."""
        system = self.state.table(name, "system").get("system")
        if system is None:
            raise UnknownName("The host", name, self._hosts)
        if not isinstance(system, System) or not system.os.startswith("windows"):
            return LinuxTwinHost(name)
        return TwinHost(self, name, user or "Administrator")

    def effects(self) -> list[Effect]:
        """What really changed since the twin was raised, in order. Reading and observing leave no trace here."""
        self._refresh()
        return list(self._effects)

    def play(self, step: Step) -> Literal["done", "no"]:
        """Do what a person does at this step, as its product declares, and answer as that person would. NotRehearsed
        when nothing is declared for it."""
        if step.host is None:
            return "done"
        return self.transact(step.host, f"person: {step.id}", lambda machine: play(machine, step))

    def fork(self, clock: Clock | None = None) -> Twin:
        """The same estate at the same moment, in memory only; what happens to one is unseen by the other."""
        self._refresh()
        return Twin(
            self._state.fork(), self._declarations, self._hosts, effects=self._effects, clock=clock or self._clock
        )

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def machine(self, host: str, draft: Draft | None = None) -> Machine:
        """The host as its own operating system sees it, for looking at the ground truth. Changes stay in the draft."""
        context = Context(draft or Draft(self.state), self._clock, self._declarations, self._names)
        return Machine(context, host, SYSTEM)

    def transact(self, host: str, command: str, work: Callable[[Machine], T]) -> T:
        """Let `work` change things on a host. If it raises, nothing has changed; otherwise all that it changed is kept,
        in one transaction with the rows of the effect log."""
        began = lifetime()
        while True:
            self._refresh()
            machine = self.machine(host, Draft(self._state))
            result = work(machine)
            try:
                self._keep(machine.context, host, command)
            except Overtaken:
                # Somebody who stood still that long may have been robbed of the host meanwhile: he has to ask again.
                if lifetime() - began > STOOD_STILL:
                    raise HostUnreachable(f"{host} was changed by somebody else while the command waited.") from None
                continue
            return result

    def _keep(self, context: Context, host: str, command: str) -> None:
        changes = context.draft.changes()
        notes = context.notes or ([_unsaid(host, changes)] if changes else [])
        if not notes:
            return
        at = context.now().isoformat()
        first = len(self._effects) + 1
        effects = [
            Effect(first + n, note.host, command, note.what, note.kind, at, note.job) for n, note in enumerate(notes)
        ]
        if self._store is not None:
            self._store.commit(changes, effects)
        self._state.apply(changes)
        self._effects += effects

    def _refresh(self) -> None:
        """Another process may have carried the same twin on."""
        if self._store is not None:
            self._state, self._effects = self._store.refresh(self._state, self._effects)


def _unsaid(host: str, changes: Sequence[tuple[Address, Any]]) -> Note:
    """What changed without any mechanism saying so, such as a log line or the time of a file."""
    kinds = {kind for (_, kind, _), _ in changes}
    names = sorted(f"{kind} {name}" for (_, kind, name), _ in changes)
    return Note(host, "event" if kinds == {"event"} else "other", ", ".join(names[:5]))


def is_raised(folder: Path) -> bool:
    """Whether a whole twin lies in that folder; one of a newer Handrail is one, too, which opening it says."""
    if not (folder / FILE).is_file():
        return False
    try:
        store = Store(folder)
    except StoreError:
        return False
    try:
        store.about()
    except StoreNewer:
        return True
    except StoreError:
        return False
    finally:
        store.close()
    return True


def open_twin(folder: Path, clock: Clock = clock_of_this_machine) -> Twin:
    """The twin that was raised in `folder`. StoreError when there is none or it cannot be used."""
    if not (folder / FILE).is_file():
        raise StoreError(f"There is no twin in {folder}.", "It is raised when a run with --twin begins.")
    return opened(Store(folder), clock)


def opened(store: AnyStore, clock: Clock = clock_of_this_machine) -> Twin:
    """The twin that a store holds. StoreError when it holds none."""
    about = store.about()
    state, effects = store.load()
    declarations = declarations_from(about["declarations"])
    return Twin(state, declarations, tuple(about["hosts"]), store=store, effects=effects, clock=clock)


def declarations_to(declarations: Declarations) -> dict[str, Any]:
    return {
        "windows": codec.encode(declarations.windows),
        "products": {name: codec.encode(bits) for name, bits in declarations.products.items()},
    }


def declarations_from(data: Mapping[str, Any]) -> Declarations:
    products = {name: codec.decode(TwinBits, bits) for name, bits in data["products"].items()}
    return Declarations(products, codec.decode(TwinBits, data["windows"]))

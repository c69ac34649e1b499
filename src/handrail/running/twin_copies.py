"""Taking the twin of a run along to another store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handrail.errors import BadInput
from handrail.restoring.custody import adopt, identity_in, new_identity
from handrail.running.home import Home, make_folder

if TYPE_CHECKING:
    from handrail.twin.store import AnyStore, Kept


@dataclass(frozen=True, slots=True)
class Twins:
    """Where the twins of a store's runs are kept: in the home folder, or in the PostgreSQL database at `address`."""

    home: Home
    address: str | None = None

    def kept(self, run: str) -> Kept | None:
        """The twin of a run with the identity that opens what was sealed on it; None when none was raised."""
        with self._opened(run, make=False) as store:
            found = store.kept() if store is not None else None
        if found is None or self.address is not None:
            return found
        identity = identity_in(self.home.twin(run) / "custody")
        return replace(found, about={**found.about, "identity": identity or new_identity()})

    def put(self, run: str, kept: Kept) -> None:
        """Have `kept` as the twin of a run. BadInput when there is one on which something else took effect."""
        about = dict(kept.about)
        if self.address is None:
            folder = self.home.twin(run)
            make_folder(folder)
            adopt(folder / "custody", str(about.pop("identity")))
        with self._opened(run, make=False) as there:
            done = there.kept().effects if there is not None else []
        if kept.effects[: len(done)] != done:
            raise BadInput(
                f"On the twin of run {run} there, something took effect that did not here.",
                "It was carried on in both places; nothing is moved.",
            )
        with self._opened(run, make=True) as store:
            assert store is not None
            store.replace(replace(kept, about=about))

    @contextlib.contextmanager
    def _opened(self, run: str, *, make: bool) -> Iterator[AnyStore | None]:
        store = self._open(run, make=make)
        try:
            yield store
        finally:
            if store is not None:
                store.close()

    def _open(self, run: str, *, make: bool) -> AnyStore | None:
        if self.address is not None:
            from handrail.twin.shared_store import SharedStore

            shared = SharedStore(self.address, run)
            shared.make_tables()
            if make or shared.is_raised():
                return shared
            shared.close()
            return None
        from handrail.twin.store import Store
        from handrail.twin.world import is_raised

        folder = self.home.twin(run)
        return Store(folder) if make or is_raised(folder) else None


def copy_twin(run: str, source: Twins, target: Twins) -> None:
    """Put the twin of a run where the other store looks for it. One that was not raised yet is raised there."""
    if (source.address, source.address or source.home) == (target.address, target.address or target.home):
        return  # two stores that use one home
    kept = source.kept(run)
    if kept is not None:
        target.put(run, kept)

"""What a run is carried out on: the real hosts of its estate, or its twin."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from handrail.actions.protocol import Secrets
from handrail.errors import HostError
from handrail.hosts.opening import Resolve, open_host
from handrail.hosts.protocol import Host
from handrail.model.plan import Plan, Step
from handrail.restoring.custody import Custody, Keeping, adopt, new_identity

if TYPE_CHECKING:
    from handrail.twin.world import Twin


class Target(Protocol):
    """`host` gives the host of that name, the same one every time. `plays`: whether people are played, or asked."""

    @property
    def plays(self) -> bool: ...

    def host(self, name: str) -> Host: ...

    async def play(self, step: Step) -> str | None:
        """The answer of people to a step's question, once what they do has taken effect; None to ask real ones."""
        ...

    def secrets(self, real: Secrets) -> Secrets:
        """Where its steps look secrets up; `real` knows the real ones."""
        ...

    async def close(self) -> None: ...


Opener = Callable[[Plan, Path, bool], Target]
"""Opens a target for a plan; the folder is the run's own; the flag says that nothing has been begun in it yet."""


class RealHosts:
    """The hosts of the estate, reached as each `connect` says. BadInput, before anything begins, when one cannot be."""

    plays = False

    def __init__(self, plan: Plan, resolve: Resolve) -> None:
        needed = dict.fromkeys(step.host for step in plan.steps if step.host is not None)
        self._hosts = {name: open_host(name, plan.estate.hosts, resolve) for name in needed}

    def host(self, name: str) -> Host:
        return self._hosts[name]

    async def play(self, step: Step) -> str | None:  # noqa: ARG002 - people of flesh and blood answer
        return None

    def secrets(self, real: Secrets) -> Secrets:
        return real

    async def close(self) -> None:
        await asyncio.gather(*(host.close() for host in self._hosts.values()), return_exceptions=True)


class TwinHosts:
    """The twin of the plan's estate, kept where its run is, so that it outlives us. `folder` is the run's own."""

    def __init__(self, plan: Plan, folder: Path, twin: Twin, ask: bool = False) -> None:
        self.twin = twin
        self.plays = not ask
        self._secrets = PretendSecrets(Custody(folder / "custody", plan.estate.custodians))
        self._hosts: dict[str, Host] = {}

    def host(self, name: str) -> Host:
        # One session per host, as with a real connection: what a session maps is its own.
        if name not in self._hosts:
            self._hosts[name] = self.twin.host(name)
        return self._hosts[name]

    async def play(self, step: Step) -> str | None:
        if not self.plays:
            return None
        if step.kind == "hold":
            return "yes"
        # We may have been killed between what people did and their answer.
        if all(effect.command != f"person: {step.id}" for effect in self.twin.effects()):
            return self.twin.play(step)
        return "done"

    def secrets(self, real: Secrets) -> Secrets:  # noqa: ARG002 - a twin has no use for them
        return self._secrets

    async def close(self) -> None:
        self.twin.close()


def pretended(reference: str) -> str:
    """What any reference gives on a twin."""
    return "Pretend-" + hashlib.sha256(reference.encode()).hexdigest()[:12]


class _Pretended:
    def resolve(self, reference: str) -> str:
        return pretended(reference)


class PretendSecrets(Keeping):
    """For twins: any reference has a secret, always the same one, and what is sealed is sealed with an identity of the
    twin's own (by default one in memory). No real secret is touched for a rehearsal."""

    def __init__(self, custody: Custody | None = None) -> None:
        super().__init__(_Pretended(), custody or Custody())


def twin_opener(guides: Sequence[Path] = (), ask: bool = False, shared: str | None = None) -> Opener:
    """Opens twins as the products (of ours, and in the folders `guides`) declare them: in the run's folder, or in the
    PostgreSQL store at the address `shared`."""

    def opener(plan: Plan, folder: Path, new: bool) -> Target:
        made = _shared_twin(plan, folder, new, shared, guides) if shared else _own_twin(plan, folder, new, guides)
        return TwinHosts(plan, folder, made, ask)

    return opener


def _own_twin(plan: Plan, folder: Path, new: bool, guides: Sequence[Path]) -> Twin:
    from handrail.twin.raising import raise_twin
    from handrail.twin.world import is_raised, open_twin

    if is_raised(folder):
        return open_twin(folder)
    if not new:
        raise _gone(str(folder))
    # Killed while it was being raised: what lies there is no twin yet.
    for rest in folder.glob("twin.db*"):
        rest.unlink()
    return raise_twin(plan.estate, declared(plan, guides), folder)


def _shared_twin(plan: Plan, folder: Path, new: bool, address: str, guides: Sequence[Path]) -> Twin:
    from handrail.twin.raising import raise_into
    from handrail.twin.shared_store import RaisedAlready, SharedStore
    from handrail.twin.world import opened

    store = SharedStore(address, folder.name)
    store.make_tables()
    if store.is_raised():
        twin = opened(store)
    elif new:
        try:
            twin = raise_into(store, plan.estate, declared(plan, guides), more={"identity": new_identity()})
        except RaisedAlready:  # by another one, while we did
            twin = opened(store)
    else:
        raise _gone("its store")
    # What one worker seals on the twin another one opens.
    adopt(folder / "custody", str(store.about()["identity"]))
    return twin


def _gone(where: str) -> HostError:
    return HostError(f"The twin of this run is gone from {where}.", "Begin a new run.")


def declared(plan: Plan, guides: Sequence[Path] = ()) -> Mapping[str, Path]:
    """The `twin.yaml` of every product of the plan's estate that has one."""
    products = [deployment.product for deployment in plan.estate.deployments.values()]
    # A line goes on in another product: what it becomes has to be known too.
    return declared_for((*products, *(one.name for one in plan.guides)), guides)


def declared_for(products: Iterable[str], guides: Sequence[Path] = ()) -> Mapping[str, Path]:
    """The `twin.yaml` of each of these products that has one."""
    from handrail.guides.catalogue import SHIPPED, TWIN, load

    products = dict.fromkeys(products)
    if guides:
        catalogue = load(guides)
        paths = {name: catalogue.of(name).twin_path for name in products if name in catalogue.guides}
    else:
        # Reading every guide for a path would take longer than many a run.
        paths = {name: path if (path := SHIPPED / name / TWIN).is_file() else None for name in products}
    return {name: path for name, path in paths.items() if path is not None}


class LabHosts(RealHosts):
    """Real hosts of a lab: nobody is asked whether to go on."""

    plays = True

    async def play(self, step: Step) -> str | None:
        return "yes" if step.kind == "hold" else None


def lab_opener(resolve: Resolve) -> Opener:
    def opener(plan: Plan, folder: Path, new: bool) -> Target:  # noqa: ARG001 - real hosts keep their own state
        return LabHosts(plan, resolve)

    return opener


def hosts_opener(resolve: Resolve) -> Opener:
    def opener(plan: Plan, folder: Path, new: bool) -> Target:  # noqa: ARG001 - real hosts keep their own state
        return RealHosts(plan, resolve)

    return opener

"""The public Python interface: what programs of others may rely on. See docs/python-api.md.

Versioned by itself: `API_VERSION` is MAJOR.MINOR. What `__all__` names keeps its meaning within a major version; a
minor one adds. Everything else in the package may change at any time. A test holds names and signatures equal to those
in `tests/data/api.json`.

Nothing heavy is loaded before it is used: neither by importing this module nor by importing a name of it that is a
plain class of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handrail import __version__
from handrail.errors import (
    BadDocument,
    BadInput,
    Blocked,
    HandrailError,
    HostError,
    StoreError,
    StoreLocked,
    Tampered,
    UnknownName,
)

if TYPE_CHECKING:
    from handrail.model.estate import Acceptance, Estate
    from handrail.model.finding import Assessment, Citation, Finding
    from handrail.model.journal import Entry, Event, RunStatus, StepStatus
    from handrail.model.plan import Plan, Step
    from handrail.restoring.rollback import Back, NoWayBack
    from handrail.running.runner import Outcome
    from handrail.running.session import Session
    from handrail.running.verify import Verification

API_VERSION = "1.2"

__all__ = [
    "API_VERSION",
    "Acceptance",
    "Assessment",
    "Back",
    "BadDocument",
    "BadInput",
    "Blocked",
    "Citation",
    "Entry",
    "Estate",
    "Event",
    "Finding",
    "HandrailError",
    "HostError",
    "NoWayBack",
    "Outcome",
    "Plan",
    "RunStatus",
    "Session",
    "Step",
    "StepStatus",
    "StoreError",
    "StoreLocked",
    "Tampered",
    "UnknownName",
    "Verification",
    "__version__",
    "assess",
    "make_plan",
    "open_session",
    "read_estate",
    "read_plan",
    "to_json",
    "write_plan",
]

_HOMES = {
    "Acceptance": "handrail.model.estate",
    "Assessment": "handrail.model.finding",
    "Back": "handrail.restoring.rollback",
    "Citation": "handrail.model.finding",
    "Entry": "handrail.model.journal",
    "Estate": "handrail.model.estate",
    "Event": "handrail.model.journal",
    "Finding": "handrail.model.finding",
    "NoWayBack": "handrail.restoring.rollback",
    "Outcome": "handrail.running.runner",
    "Plan": "handrail.model.plan",
    "RunStatus": "handrail.model.journal",
    "Session": "handrail.running.session",
    "Step": "handrail.model.plan",
    "StepStatus": "handrail.model.journal",
    "Verification": "handrail.running.verify",
}


def read_estate(file: str | Path, *, guides: Sequence[str | Path] = ()) -> Estate:
    """The estate in a file, checked against the guides of its products. `guides`: folders of further guides.

    BadDocument with every mistake and its place; BadInput when the file cannot be read, or nothing knows a product.
    """
    from handrail.documents.estate import read_estate as read
    from handrail.guides.facts import check_estate

    return check_estate(read(str(file)), _catalogue(guides))


def assess(
    estate: Estate,
    *,
    to: Mapping[str, str] | None = None,
    accept: Sequence[Acceptance | str] = (),
    guides: Sequence[str | Path] = (),
) -> Assessment:
    """What stands in the way of an upgrade. `to`: deployment -> release, instead of the estate's aim. `accept`: risks
    accepted by name, `RULE` or `RULE@SUBJECT`. UnknownName for a deployment, a release or a rule that nothing has."""
    from handrail.actions.catalogue import signatures
    from handrail.planning.plan import judge

    return judge(estate, _catalogue(guides), signatures(), to=to or {}, accept=_accepted(accept))


def make_plan(
    estate: Estate,
    *,
    to: Mapping[str, str] | None = None,
    accept: Sequence[Acceptance | str] = (),
    guides: Sequence[str | Path] = (),
) -> Plan | Assessment:
    """The plan, frozen; or, when findings forbid it, the assessment that says so. Parameters and errors as `assess`."""
    from handrail.actions.catalogue import signatures
    from handrail.planning.plan import make_plan as make

    return make(estate, _catalogue(guides), signatures(), to=to or {}, accept=_accepted(accept))


def read_plan(file: str | Path) -> Plan:
    """The plan in a file. Tampered when it is not what its digest says; BadInput when it is none."""
    from handrail.documents.plan import read_plan as read

    return read(file)


def write_plan(plan: Plan, file: str | Path) -> None:
    """Write a plan to a file, whole or not at all. BadInput when that cannot be."""
    from handrail.documents.plan import write_plan as write

    write(plan, file)


def open_session(
    home: str | Path | None = None,
    *,
    store: str | None = None,
    make: bool = True,
    ask: bool = False,
    guides: Sequence[str | Path] = (),
) -> AbstractContextManager[Session]:
    """A session on a store of runs, to be used with `with`. `home`: by default as the command line finds it. `store`:
    its URL, by default the home's own. `make`: make it when there is none. `ask`: on a twin, wait for real people.

    StoreError when the store cannot be used; FileMissing (a HostError) when it is not there and not to be made.
    """
    import os

    from handrail.running.home import Home
    from handrail.running.session import open_session as open_

    found = Home.find(os.environ) if home is None else Home(Path(home).expanduser().absolute())
    return open_(found, store=store, make=make, ask=ask, guides=tuple(Path(one) for one in guides))


def to_json(what: Assessment | Plan | RunStatus) -> dict[str, Any]:
    """The document that `--format json` prints of it, with its `schema`."""
    from handrail.model.finding import Assessment
    from handrail.model.journal import RunStatus

    if isinstance(what, Assessment):
        from handrail.reporting.findings import assessment_document

        return assessment_document(what)
    if isinstance(what, RunStatus):
        from handrail.running.status import status_to_json

        return status_to_json(what)
    from handrail.documents.plan import plan_to_json

    return plan_to_json(what)


def _catalogue(guides: Sequence[str | Path]) -> Any:
    from handrail.actions.catalogue import signatures
    from handrail.guides.catalogue import load

    return load([Path(one) for one in guides], signatures=signatures())


def _accepted(given: Sequence[Acceptance | str]) -> list[Acceptance]:
    from handrail.model.estate import Acceptance

    accepted = []
    for one in given:
        if isinstance(one, str):
            rule, at, subject = one.partition("@")
            if not rule or (at and not subject):
                raise BadInput(f"{one!r} names no rule.", "Write RULE or RULE@SUBJECT.")
            one = Acceptance(rule, subject or None)
        accepted.append(one)
    return accepted


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""Services, through sc, as actions read and drive them. On Wine, sc is the lab's, before Wine's own service manager:
Wine's sc ends with 1 whatever was wrong. The service comes with the lab's package and starts on demand."""

from __future__ import annotations

from functools import partial

from tests.lab.wine.packages import SYNC
from tests.support.conformance.case import UNDETERMINED, Case, Differs, Look, ask

from handrail.actions.service import settled
from handrail.hosts.protocol import Host
from handrail.probing.services import ABSENT, state_in, state_of

SERVICE = SYNC.service
_NET = "its net ends with 1"


def becomes(wanted: str) -> Look:
    async def look(host: Host) -> str:
        return await settled(host, SERVICE, wanted, 20)

    return Look(look, wanted)


SERVICES = (
    Case(
        "a service that does not exist is known to be absent",
        (
            ask("sc", "query", "NoSuchService", code=1060),
            ask("sc", "stop", "NoSuchService", code=1060),
            ask("sc", "start", "NoSuchService", code=1060),
            Look(partial(state_of, name="NoSuchService"), ABSENT, cut=UNDETERMINED),
        ),
    ),
    Case(
        "a service is started and stopped, and a second time each is refused",
        (
            ask("sc", "query", SERVICE, reads=state_in, gives="STOPPED"),
            ask("sc", "start", SERVICE),
            becomes("RUNNING"),
            ask("sc", "start", SERVICE, code=1056),
            ask("sc", "stop", SERVICE),
            becomes("STOPPED"),
            ask("sc", "stop", SERVICE, code=1062),
        ),
        needs="sp2",
    ),
    Case(
        "net knows it by its name too, and ends with 2 when there is nothing to do",
        (
            ask("net", "start", SERVICE),
            becomes("RUNNING"),
            ask("net", "start", SERVICE, code=2, wine=Differs(_NET, 1)),
            ask("net", "stop", SERVICE),
            becomes("STOPPED"),
            ask("net", "stop", SERVICE, code=2, wine=Differs(_NET, 1)),
            ask("net", "start", "NoSuchService", code=2, wine=Differs(_NET, 1)),
        ),
        needs="sp2",
    ),
)

"""Services, through sc, as actions read and drive them. LabSvc comes with Lab Server and starts on demand."""

from __future__ import annotations

from functools import partial

from tests.support.conformance.case import UNDETERMINED, Case, Differs, Look, ask

from handrail.actions.service import settled
from handrail.hosts.protocol import Host
from handrail.probing.services import ABSENT, state_in, state_of

_NO_TEXT = "its sc ends with 1, whatever was wrong, and says nothing"


def state(gives: str) -> Look:
    return Look(partial(state_of, name="LabSvc"), gives)


def becomes(wanted: str) -> Look:
    async def look(host: Host) -> str:
        return await settled(host, "LabSvc", wanted, 20)

    return Look(look, wanted)


SERVICES = (
    Case(
        "a service that does not exist is known to be absent",
        (
            ask("sc", "query", "NoSuchService", code=1060, wine=Differs(_NO_TEXT, 1)),
            ask("sc", "stop", "NoSuchService", code=1060, wine=Differs(_NO_TEXT, 1)),
            ask("sc", "start", "NoSuchService", code=1060, wine=Differs(_NO_TEXT, 1)),
            Look(partial(state_of, name="NoSuchService"), ABSENT, wine=Differs(_NO_TEXT, gives=UNDETERMINED)),
        ),
    ),
    Case(
        "a service that was just installed is stopped",
        (state("STOPPED"), ask("sc", "query", "LabSvc", reads=state_in, gives="STOPPED")),
        needs="sp2",
    ),
    Case(
        "a service is started and stopped, and a second time each is refused",
        (
            ask("sc", "start", "LabSvc"),
            becomes("RUNNING"),
            ask("sc", "start", "LabSvc", code=1056, wine=Differs(_NO_TEXT, 1)),
            state("RUNNING"),
            ask("sc", "stop", "LabSvc"),
            becomes("STOPPED"),
            ask("sc", "stop", "LabSvc", code=1062, wine=Differs(_NO_TEXT, 1)),
            state("STOPPED"),
        ),
        needs="sp2",
    ),
    Case(
        "net knows it by its name too, and ends with 2 when there is nothing to do",
        (
            ask("net", "start", "LabSvc"),
            becomes("RUNNING"),
            ask("net", "start", "LabSvc", code=2, wine=Differs("its net ends with 1", 1)),
            ask("net", "stop", "LabSvc"),
            becomes("STOPPED"),
            ask("net", "stop", "LabSvc", code=2, wine=Differs("its net ends with 1", 1)),
            ask("net", "start", "NoSuchService", code=2, wine=Differs("its net ends with 1", 1)),
        ),
        needs="sp2",
    ),
)

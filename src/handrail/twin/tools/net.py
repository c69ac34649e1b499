"""`net start` and `net stop`: services by name or display name; 2 when it did not work."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import services
from handrail.twin.things import Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain, say

_HELP = {
    services.RUNNING: ("The requested service has already been started.", 2182),
    services.STOPPED: ("The {0} service is not started.", 3521),
}


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words = [one for one in arguments if not one.startswith("/")]
    options = {one.lower() for one in arguments if one.startswith("/")}
    if options - {"/y", "/yes"} or not words or words[0].lower() not in ("start", "stop"):
        raise not_rehearsed("net", arguments)
    verb = words[0].lower()
    if len(words) == 1 and verb == "start":
        started = sorted(one.display for one in machine.all(Service) if one.state == "RUNNING")
        return say(0, "These Windows services are started:", "", *(f"   {one}" for one in started), "")
    if len(words) != 2:
        raise not_rehearsed("net", arguments)
    service = machine.service(words[1])
    if service is None:
        return complain(2, "The service name is invalid.", "", "More help is available by typing NET HELPMSG 2185.", "")
    if verb == "start":
        return _start(machine, service)
    return _stop(machine, service, bool(options))


def _start(machine: Machine, service: Service) -> Reply:
    code = services.start(machine, service)
    if code == services.RUNNING:
        return _refused(service, code)
    begun = f"The {service.display} service is starting."
    if code:
        failed = say(0, begun).out
        return Reply(2, failed, complain(2, f"System error {code} has occurred.", "", services.MESSAGES[code], "").err)
    return say(0, begun, f"The {service.display} service was started successfully.", "")


def _stop(machine: Machine, service: Service, yes: bool) -> Reply:
    stopped = []
    for one in services.dependents(machine, service):
        if not yes:
            text = f"The following services are dependent on the {service.display} service."
            return complain(2, text, f"   {one.display}", "", "No valid response was provided.")
        stopped.append(_stop(machine, one, yes).out)
    code = services.stop(machine, service)
    if code:
        return _refused(service, code)
    ended = say(
        0,
        f"The {service.display} service is stopping.",
        f"The {service.display} service was stopped successfully.",
        "",
    )
    return Reply(0, "".join(stopped) + ended.out)


def _refused(service: Service, code: int) -> Reply:
    text, number = _HELP[code]
    more = f"More help is available by typing NET HELPMSG {number}."
    return complain(2, text.format(service.display), "", more, "")

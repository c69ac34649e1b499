"""`iisreset`: web services as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import services
from handrail.twin.things import Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain, say

_WEB, _ACTIVATION = "W3SVC", "WAS"
_ABSENT = 1060


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    options = [one.lower() for one in arguments]
    if not set(options) <= {"/stop", "/start", "/restart", "/status", "/noforce"} or len(options) > 2:
        raise not_rehearsed("iisreset", arguments)
    if machine.get(Service, _WEB) is None:
        return complain(_ABSENT, "'iisreset' is not recognized as an internal or external command,")
    if "/status" in options:
        return say(0, *(f'Status for {one.display} ( {one.name} ) : "{one.state.title()}"' for one in _mine(machine)))
    lines = []
    if "/start" not in options:
        lines.append(_stop(machine))
    if "/stop" not in options:
        text, code = _start(machine)
        lines.append(text)
        if code:
            return say(code, "", *lines)
    return say(0, "", *lines)


def _mine(machine: Machine) -> list[Service]:
    return [one for name in (_WEB, _ACTIVATION) if (one := machine.get(Service, name)) is not None]


def _stop(machine: Machine) -> str:
    for service in _mine(machine):
        for one in (*services.dependents(machine, service), service):
            services.stop(machine, one)
    return "Internet services successfully stopped"


def _start(machine: Machine) -> tuple[str, int]:
    for service in reversed(_mine(machine)):
        code = services.start(machine, service)
        if code not in (0, services.RUNNING):
            return f"The service {service.name} could not be started: {services.MESSAGES[code]}", code
    return "Internet services successfully started", 0

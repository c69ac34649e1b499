"""`sc`: the service manager's own tool. Its complaints go to standard output, its exit code is the system's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, services
from handrail.twin.things import Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, say

_NUMBERS = {"STOPPED": 1, "START_PENDING": 2, "STOP_PENDING": 3, "RUNNING": 4}
_STARTS = {"auto": "2   AUTO_START", "demand": "3   DEMAND_START", "disabled": "4   DISABLED"}


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words = [word for word in arguments if not word.startswith("\\\\")]
    if not words or len(words) != len(arguments):
        raise not_rehearsed("sc", arguments)
    verb, rest = words[0].lower(), words[1:]
    if verb in ("query", "queryex") and not rest:
        shown = [_status(one, one.state) for one in machine.all(Service) if one.state == "RUNNING"]
        return Reply(0, "".join(shown))
    if verb == "query" and len(rest) == 1:
        return _query(machine, rest[0])
    if verb == "qc" and len(rest) == 1:
        return _config_of(machine, rest[0])
    if verb == "start" and rest:
        return _start(machine, rest[0])
    if verb == "stop" and len(rest) == 1:
        return _stop(machine, rest[0])
    if verb == "config" and len(rest) == 3 and rest[1].lower() in ("start=", "obj="):
        return _configure(machine, rest[0], rest[1].lower(), rest[2])
    raise not_rehearsed("sc", arguments)


def _failed(what: str, code: int) -> Reply:
    return say(code, f"[SC] {what} FAILED {code}:", "", services.MESSAGES[code], "")


def _status(service: Service, state: str) -> str:
    accepts = "(STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)"
    if state != "RUNNING":
        accepts = "(NOT_STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)"
    never = state == "STOPPED"
    lines = [
        "",
        f"SERVICE_NAME: {service.name} ",
        "        TYPE               : 10  WIN32_OWN_PROCESS  ",
        f"        STATE              : {_NUMBERS[state]}  {state} ",
        f"                                {accepts}",
        f"        WIN32_EXIT_CODE    : {'1077  (0x435)' if never else '0  (0x0)'}",
        "        SERVICE_EXIT_CODE  : 0  (0x0)",
        "        CHECKPOINT         : 0x0",
        "        WAIT_HINT          : 0x0",
    ]
    return "".join(line + "\r\n" for line in lines)


def _query(machine: Machine, name: str) -> Reply:
    service = machine.get(Service, name)
    if service is None:
        return _failed("EnumQueryServicesStatus:OpenService", services.ABSENT)
    return Reply(0, _status(service, service.state))


def _config_of(machine: Machine, name: str) -> Reply:
    service = machine.get(Service, name)
    if service is None:
        return _failed("OpenService", services.ABSENT)
    depends = list(service.depends) or [""]
    return say(
        0,
        "[SC] QueryServiceConfig SUCCESS",
        "",
        f"SERVICE_NAME: {service.name}",
        "        TYPE               : 10  WIN32_OWN_PROCESS ",
        f"        START_TYPE         : {_STARTS[service.start]}",
        "        ERROR_CONTROL      : 1   NORMAL",
        f"        BINARY_PATH_NAME   : {service.binary}",
        "        LOAD_ORDER_GROUP   : ",
        "        TAG                : 0",
        f"        DISPLAY_NAME       : {service.display}",
        f"        DEPENDENCIES       : {depends[0]}",
        *(f"                           : {one}" for one in depends[1:]),
        f"        SERVICE_START_NAME : {service.account}",
    )


def _start(machine: Machine, name: str) -> Reply:
    service = machine.get(Service, name)
    if service is None:
        return _failed("StartService: OpenService", services.ABSENT)
    code = services.start(machine, service)
    return _failed("StartService", code) if code else Reply(0, _status(service, "START_PENDING"))


def _stop(machine: Machine, name: str) -> Reply:
    service = machine.get(Service, name)
    if service is None:
        return _failed("OpenService", services.ABSENT)
    code = services.stop(machine, service)
    return _failed("ControlService", code) if code else Reply(0, _status(service, "STOP_PENDING"))


def _configure(machine: Machine, name: str, what: str, value: str) -> Reply:
    service = machine.get(Service, name)
    if service is None:
        return _failed("OpenService", services.ABSENT)
    if what == "start=" and value not in _STARTS:
        raise not_rehearsed("sc", ("config", name, what, value))
    new = replace(service, start=value) if what == "start=" else replace(service, account=value)
    if new != service:
        machine.put(name, new)
        components.register_service(machine, new)
        machine.did("service", f"{service.name} configured: {what} {value}")
    return say(0, "[SC] ChangeServiceConfig SUCCESS")

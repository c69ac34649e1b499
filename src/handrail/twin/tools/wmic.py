"""`wmic`: the last start of the operating system, and the classes that products declare."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from handrail.twin.declarations import WmiClass
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import agents, booting, databases
from handrail.twin.things import Service
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply

_BAD_NAMESPACE = -2147217394
_BAD_CLASS = -2147217392
_LOAD_FAILED = -2147217389
_NOT_FOUND = -2147217406


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    words = list(arguments)
    namespace = r"root\cimv2"
    while words and words[0].lower().startswith(("/namespace:", "/interactive:", "/node:")):
        option, _, value = words.pop(0).partition(":")
        if option.lower() == "/node":
            raise not_rehearsed("wmic", arguments)
        if option.lower() == "/namespace":
            namespace = value.strip('"').lstrip("\\").lower()
    if [one.lower() for one in words[:2]] == ["os", "get"] and namespace == r"root\cimv2":
        return _os(machine, words[2:], arguments)
    if len(words) >= 3 and words[0].lower() == "path":
        return _path(machine, namespace, words[1:], arguments)
    raise not_rehearsed("wmic", arguments)


def _value(pairs: Mapping[str, str]) -> str:
    """As `/value` prints an instance, with the line ends that wmic is known for."""
    return "\r\r\n\r\r\n" + "".join(f"{name}={one}\r\r\n" for name, one in pairs.items()) + "\r\r\n\r\r\n"


def _os(machine: Machine, rest: list[str], arguments: Sequence[str]) -> Reply:
    known = {
        "lastbootuptime": ("LastBootUpTime", booting.boot_id(machine)),
        "caption": ("Caption", machine.system.product),
        "buildnumber": ("BuildNumber", machine.system.build),
        "csname": ("CSName", machine.name.split(".")[0].upper()),
    }
    names = [name.strip().lower() for one in rest if not one.startswith("/") for name in one.split(",") if name]
    if not names or "/value" not in [one.lower() for one in rest] or not set(names) <= set(known):
        raise not_rehearsed("wmic", arguments)
    return Reply(0, _value(dict(known[name] for name in sorted(names))))


def _error(code: int, description: str) -> Reply:
    return Reply(code, "", f"ERROR:\r\r\nDescription = {description}\r\r\n")


def _path(machine: Machine, namespace: str, words: list[str], arguments: Sequence[str]) -> Reply:
    name, rest = words[0], words[1:]
    components = machine.components()
    declared = [(name, one) for name, bits in machine.context.declarations.products.items() for one in bits.wmi]
    mine = [one for name, one in declared if one.component in components and components[one.component].product == name]
    here = [one for one in mine if one.namespace.lower() == namespace]
    if not here:
        return _error(_BAD_NAMESPACE, "Invalid namespace")
    wmi = next((one for one in here if one.name.lower() == name.lower()), None)
    if wmi is None:
        return _error(_BAD_CLASS, "Invalid class")
    where: tuple[str, str] | None = None
    if rest and rest[0].lower() == "where":
        where, rest = _where(rest[1], arguments), rest[2:]
    service = machine.get(Service, wmi.service)
    found = databases.of_component(machine, components[wmi.component])
    if service is None or service.state != "RUNNING" or found is None:
        return _error(_LOAD_FAILED, "Provider load failure")
    rows = [row for row in databases.rows(found[1], wmi.table) if where is None or str(row.get(where[0])) == where[1]]
    verb = rest[0].lower() if rest else ""
    if verb == "get":
        return _get(rows, rest[1:], arguments)
    if verb == "call" and len(rest) >= 2:
        return _call(machine, wmi, rows, rest[1], [one.strip(",") for one in rest[2:]], arguments)
    raise not_rehearsed("wmic", arguments)


def _where(text: str, arguments: Sequence[str]) -> tuple[str, str]:
    found = re.fullmatch(r"""\(?\s*(\w+)\s*=\s*(['"])((?:\\.|[^\\])*)\2\s*\)?""", text)
    if found is None:
        raise not_rehearsed("wmic", arguments)
    return found[1], re.sub(r"\\(.)", r"\1", found[3])


def _get(rows: Sequence[Mapping[str, Any]], rest: list[str], arguments: Sequence[str]) -> Reply:
    names = [name.strip() for one in rest if not one.startswith("/") for name in one.split(",") if name]
    if not names or [one.lower() for one in rest if one.startswith("/")] != ["/value"]:
        raise not_rehearsed("wmic", arguments)
    if not rows:
        return Reply(0, "", "No Instance(s) Available.\r\r\n")
    return Reply(0, "".join(_value({name: str(row.get(name, "")) for name in names}) for row in rows))


def _call(
    machine: Machine,
    wmi: WmiClass,
    rows: Sequence[Mapping[str, Any]],
    method: str,
    given: list[str],
    arguments: Sequence[str],
) -> Reply:
    declared = next((bits for name, bits in wmi.methods.items() if name.lower() == method.lower()), None)
    if declared is None:
        raise not_rehearsed("wmic", arguments)
    if not rows:
        return Reply(0, "", "No Instance(s) Available.\r\r\n")
    out = ""
    for row in rows:
        result = agents.call(machine, wmi, declared, row, [one.strip('"') for one in given])
        out += (
            f"Executing (\\\\{machine.name.upper()}\\{wmi.namespace}:{wmi.name}.Name="
            f'"{row.get("Name")}")->{method}()\r\r\n'
            "Method execution successful.\r\r\nOut Parameters:\r\r\ninstance of __PARAMETERS\r\r\n{\r\r\n"
            f'\tReturnValue = "{result}";\r\r\n}};\r\r\n\r\r\n'
        )
    return Reply(0, out)

"""`msiexec`: Windows Installer's command line, its exit codes and its verbose log (UTF-16, as it is on Windows)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from handrail.twin.machine import Machine
from handrail.twin.mechanisms import administrative, booting, files, installer, packages
from handrail.twin.things import Product
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply

_LOG_FAILED = 1622
_PLAIN = ("=", "Product:", "Action ")
"""Lines of the log that the engine writes without naming itself."""
_QUIET = ("/qn", "/quiet", "/q", "/passive", "/qb", "/qb!", "/qb-", "/qr")
_VERBS = {"/a": "a", "/i": "i", "/package": "i", "/p": "p", "/update": "p", "/x": "x", "/uninstall": "x"}
_CODE = re.compile(r"^\{[0-9A-F-]{36}\}$", re.IGNORECASE)


@dataclass(slots=True)
class _Line:
    verb: str = ""
    subject: str = ""
    update: str = ""
    log: str | None = None
    quiet: bool = False
    no_restart: bool = False
    properties: dict[str, str] = field(default_factory=dict)


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    line = _parse(arguments)
    if line is None:
        return Reply(packages.BAD_COMMAND)
    if not line.quiet:
        raise not_rehearsed("msiexec without /qn, which asks questions,", arguments)
    log = machine.path(line.log) if line.log else None
    if log is not None and not files.writable(machine, log):
        return Reply(_LOG_FAILED)
    lines = [f"=== Verbose logging started: {machine.stamp()}  Build type: SHIP UNICODE 5.00.10011.00 ==="]
    lines += [f"Command Line: {name}={value}" for name, value in line.properties.items()]
    code = _carry_out(machine, line, lines.append)
    restart = code == packages.REBOOT_REQUIRED and not line.no_restart
    if restart:
        code = packages.REBOOTING
    lines += [f"MainEngineThread is returning {code}", "=== Verbose logging stopped ==="]
    if log is not None:
        text = "".join(f"{one}\r\n" if one.startswith(_PLAIN) else f"MSI (s) {one}\r\n" for one in lines)
        data = b"\xff\xfe" + text.encode("utf-16-le")
        files.write(machine, log, files.of_bytes(log, data, machine.stamp()))
    if restart:
        booting.restart(machine, "Windows Installer initiated it.")
    return Reply(code)


def _parse(arguments: Sequence[str]) -> _Line | None:
    """None when msiexec would answer 1639."""
    line = _Line()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        low = word.lower().replace("-", "/", 1) if word[:1] == "-" else word.lower()
        if line.verb == "a" and not line.update and low in ("/p", "/update") and rest:
            line.update = rest.pop(0)
        elif low in _VERBS:
            if line.verb or not rest or rest[0].startswith("/"):
                return None
            line.verb, line.subject = _VERBS[low], rest.pop(0)
        elif low in _QUIET:
            line.quiet = True
        elif low == "/norestart":
            line.no_restart = True
        elif re.fullmatch(r"/l[*!+a-z]*|/log", low):
            if not rest:
                return None
            line.log = rest.pop(0)
        elif re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*=.*", word, re.DOTALL):
            name, _, value = word.partition("=")
            line.properties[name.upper()] = value.strip('"')
        else:
            return None
    line.no_restart |= line.properties.get("REBOOT", "").lower() in ("r", "reallysuppress")
    return line if line.verb else None


def _carry_out(machine: Machine, line: _Line, say: packages.Say) -> int:
    request = packages.Request(line.subject, line.properties)
    if line.verb == "a" and line.update:
        code = administrative.patch(machine, line.subject, line.update, say)
    elif line.verb == "a":
        code = administrative.unpack(machine, line.subject, line.properties.get("TARGETDIR", ""), say)
    elif line.verb == "p" and "MSIPATCHREMOVE" not in line.properties:
        code = packages.apply_patch(machine, request, say)
    elif line.verb == "p" or "MSIPATCHREMOVE" in line.properties:
        say("The update cannot be uninstalled.")
        code = packages.NOT_REMOVABLE
    elif line.verb == "i" and line.properties.get("REMOVE", "").upper() == "ALL":
        code = packages.remove(machine, _product(machine, line.subject), say)
    elif line.verb == "i":
        code = packages.install(machine, request, say)
    else:
        code = packages.remove(machine, _product(machine, line.subject), say)
    return code


def _product(machine: Machine, subject: str) -> Product | None:
    """By product code, or by the package that it was installed from."""
    if _CODE.match(subject):
        return machine.get(Product, subject)
    entry = files.find(machine, subject)
    return installer.product_of(machine, str(entry.holds.get("package", ""))) if entry else None

"""What an answer says, apart from what differs on every machine: the shape by which a host and its twin are compared.

A shape is what a reader of the answer would lean on: which values there are and of which type, in which state a service
is, that a version is four numbers. Times, sizes, digests, paths and texts that are translated are not in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence

from handrail.hosts.protocol import Exited
from handrail.probing.reg_text import values_in
from handrail.probing.services import state_in
from handrail.probing.shell import decoded

Shape = Mapping[str, str]
"""What is there -> how it is there."""

_KEY = re.compile(r"^HKEY_[A-Z_]+\\.*$")
_START = re.compile(r":\s*[0-4]\s+((?:BOOT|SYSTEM|AUTO|DEMAND)_START|DISABLED)")


def shape(words: Sequence[str], answer: Exited, script: bool = False) -> Shape:
    """The shape of an answer to a question of `harmless`. Never raises."""
    text = decoded(answer.out).replace("\0", "")
    if script:
        return _SCRIPTS.get(words[0], _some)(text)
    tool = words[0].lower().removesuffix(".exe")
    if tool == "sc":
        return _service_list(text) if len(words) == 2 else _config(text) if words[1].lower() == "qc" else _service(text)
    if tool == "cmd" and "dir" in (one.lower() for one in words) and "/b" in (one.lower() for one in words):
        return {line.strip().casefold(): "name" for line in text.splitlines() if line.strip()}
    return _TOOLS.get(tool, _some)(text)


def _registry(text: str) -> Shape:
    keys = {line.rstrip().casefold(): "key" for line in text.splitlines() if _KEY.match(line)}
    return keys | {f"{one.key}\\{one.name}".casefold(): one.kind for one in values_in(text)}


def _service(text: str) -> Shape:
    state = state_in(text)
    return {"state": state} if state else {}


def _service_list(text: str) -> Shape:
    """Of a service that is starting, nobody knows for how long."""
    blocks = re.split(r"(?m)^SERVICE_NAME:\s*", text)[1:]
    return {name.strip().casefold(): state_in(rest) or "" for name, _, rest in (one.partition("\n") for one in blocks)}


def _config(text: str) -> Shape:
    start = _START.search(text)
    account = re.search(r"(?m)^\s*SERVICE_START_NAME\s*:\s*(.*?)\s*$", text)
    found = {"start": start[1] if start else "", "account": account[1].casefold() if account else ""}
    return {name: value for name, value in found.items() if value}


def _properties(text: str) -> Shape:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip().casefold(): "said" if value.strip() else "empty" for name, value in pairs}


def _tasks(text: str) -> Shape:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    return {"columns": str(len(rows[0]))} if rows and len(rows[0]) > 1 else _some(text)


def _drives(text: str) -> Shape:
    return {found[0].upper(): "mapped" for found in re.findall(r"(?mi)^\s*(?:\w+\s+)?([A-Z]:)(\\:)?\s", text)}


def _some(text: str) -> Shape:
    return {"text": "some"} if text.strip() else {}


def _version(text: str) -> Shape:
    said = text.strip()
    return {"version": "four numbers" if re.fullmatch(r"\d+(\.\d+){3}", said) else "something else"} if said else {}


def _tree(text: str) -> Shape:
    lines = [line.split("|", 2) for line in text.splitlines() if line.count("|") >= 2]
    well = re.compile(r"[0-9A-Fa-f]{64}\|\d+")
    return {
        path.casefold(): "digest and size" if well.fullmatch(f"{a}|{b}") else "something else" for a, b, path in lines
    }


def _media(text: str) -> Shape:
    return {
        line.partition("|")[0].upper(): "medium" for line in text.splitlines() if re.match(r"[A-Za-z]:\|.*\|", line)
    }


def _facts(text: str) -> Shape:
    found = dict(_properties(text))
    language = re.search(r"(?m)^language=(\w+)", text)
    return found | ({"language": language[1]} if language else {})


_TOOLS: Mapping[str, Callable[[str], Shape]] = {
    "net": _some,
    "reg": _registry,
    "schtasks": _tasks,
    "subst": _drives,
    "wmic": _properties,
}
_SCRIPTS: Mapping[str, Callable[[str], Shape]] = {
    "file-version": _version,
    "hash-tree": _tree,
    "mounted-media": _media,
    "msi-version": _properties,
    "transport-facts": _facts,
    "wsman-quotas": _properties,
}

"""Reading what `reg query` prints."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from handrail.hosts.protocol import Host
from handrail.probing.shell import Undetermined, decoded, run, said

UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"

_KEY = re.compile(r"^HKEY_[A-Z_]+(\\.*)?$")
_VALUE = re.compile(r"^ {4}(.*?) {4}(REG_[A-Z_]+)(?: {4}(.*))?$")


@dataclass(frozen=True, slots=True)
class Value:
    key: str
    name: str
    kind: str
    data: str


def values_in(text: str) -> list[Value]:
    """The values that are listed; whatever else there is, is left out."""
    key, values = "", []
    for line in text.splitlines():
        if _KEY.match(line):
            key = line
        elif key and (found := _VALUE.match(line)):
            values.append(Value(key, found[1], found[2], found[3] or ""))
    return values


def number(value: Value) -> int | None:
    """The number in a REG_DWORD or REG_QWORD."""
    try:
        return int(value.data, 16) if value.kind in ("REG_DWORD", "REG_QWORD") else None
    except ValueError:
        return None


def version_in(value: Value) -> str:
    """What a registry value says as a version: a number, or a text such as v14.38.33130.00."""
    as_number = number(value)
    return value.data.strip().lstrip("vV") if as_number is None else str(as_number)


async def value_of(host: Host, key: str, name: str) -> Value | None:
    """One value; None when key or value is not there. Raises `Undetermined`."""
    answer = await run(host, "reg", "query", key, "/v", name)
    if answer.code == 1:
        return None
    found = [one for one in values_in(decoded(answer.out)) if one.name.casefold() == name.casefold()]
    if answer.code != 0 or len(found) != 1:
        raise Undetermined(f"reg query {key} /v {name} on {host.name} ended with {answer.code}: {said(answer)}")
    return found[0]


async def values_of(host: Host, key: str) -> dict[str, Value] | None:
    """All values of one key, by their names in lower case; None when the key is not there. Raises `Undetermined`."""
    answer = await run(host, "reg", "query", key)
    if answer.code == 1:
        return None
    if answer.code != 0:
        raise Undetermined(f"reg query {key} on {host.name} ended with {answer.code}: {said(answer)}")
    return {one.name.casefold(): one for one in values_in(decoded(answer.out))}


@dataclass(frozen=True, slots=True)
class Product:
    """One entry of what Windows lists as installed. `code` is the entry's key: a GUID for Windows Installer. `view`:
    the view of the registry in which it stands, 64 or 32; None where there is but one."""

    code: str
    values: Mapping[str, str]
    view: int | None = None

    @property
    def name(self) -> str:
        return self.values.get("DisplayName", "")

    @property
    def version(self) -> str | None:
        return self.values.get("DisplayVersion")

    @property
    def source(self) -> str | None:
        return self.values.get("InstallSource") or None


def products_in(text: str) -> dict[str, Product]:
    """By key name, in the order of the list."""
    grouped: dict[str, dict[str, str]] = {}
    for value in values_in(text):
        grouped.setdefault(value.key.rpartition("\\")[2], {})[value.name] = value.data
    return {code: Product(code, values) for code, values in grouped.items()}


def fits(name: str, pattern: str) -> bool:
    """Whether a display name fits a pattern in which `*` stands for anything, upper and lower case alike."""
    wild = "*".join(re.sub(r"([\[?])", r"[\1]", part) for part in pattern.split("*"))
    return fnmatch.fnmatchcase(name.casefold(), wild.casefold())


async def products(host: Host) -> list[Product]:
    """What Windows lists as installed, 64-bit view first; an entry seen in both views counts once. Before Windows
    Server 2008 reg knows no views; then the list is read as it is.

    Raises `Undetermined` when it could not be read, or only one of two views: a product might stand in the other.
    """
    both: dict[str, Product] = {}
    refused: list[str] = []
    for view in (("/reg:64",), ("/reg:32",), ()):
        if not view and len(refused) < 2:
            break  # only a reg that knows no views is asked without one: it sees the one list that its system has
        answer = await run(host, "reg", "query", UNINSTALL, "/s", *view)
        listed = products_in(decoded(answer.out)) if answer.code == 0 else {}
        if answer.code != 0 or (answer.out.strip() and "HKEY_" not in decoded(answer.out)):
            shown = " ".join((UNINSTALL, *view))
            refused.append(f"reg query {shown} on {host.name} ended with {answer.code}: {said(answer)}")
        seen_in = int(view[0][-2:]) if view else None
        both = {**{code: replace(one, view=seen_in) for code, one in listed.items()}, **both}
    if len(refused) not in (0, 2):
        raise Undetermined(refused[-1])
    return list(both.values())


async def product(host: Host, pattern: str) -> Product | None:
    """The one product whose display name fits; None when there is none. Raises `Undetermined`, also when several do."""
    found = [one for one in await products(host) if fits(one.name, pattern)]
    if len(found) > 1:
        raise Undetermined(f"{len(found)} products on {host.name} fit {pattern!r}: " + ", ".join(p.name for p in found))
    return found[0] if found else None


def packed(product_code: str) -> str | None:
    """A product code as Windows Installer writes it in key names; None when it is no GUID."""
    digits = product_code.strip("{}").replace("-", "")
    if len(digits) != 32 or not all(one in "0123456789abcdefABCDEF" for one in digits):
        return None
    sizes, at, parts = (8, 4, 4, *[2] * 8), 0, []
    for size in sizes:
        parts.append(digits[at : at + size][::-1])
        at += size
    return "".join(parts).upper()

"""The registry, through reg: questions in both views, values of every type, export and import."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.conformance.case import RECEIPT, UNDETERMINED, Ask, Case, Differs, Look, Together, ask

from handrail.actions.registry import RemoveValues, keys_in
from handrail.hosts.protocol import Host
from handrail.probing.reg_text import number, value_of, values_in

KEY = r"HKLM\SOFTWARE\Handrail Conformance"
FULL = r"HKEY_LOCAL_MACHINE\SOFTWARE\Handrail Conformance"
EXPORT = r"C:\conform\exported keys.reg"


def add(name: str, data: str, kind: str = "REG_SZ", *more: str) -> Ask:
    return ask("reg", "add", KEY, "/v", name, "/t", kind, "/d", data, "/f", *more)


def has(name: str, gives: Any, key: str = KEY) -> Look:
    async def look(host: Host) -> Any:
        found = await value_of(host, key, name)
        return (found.kind, found.data) if found else None

    return Look(look, gives)


def listed(text: str) -> dict[str, Any]:
    return {f"{one.key[len(FULL) :]}\\{one.name}": one.data for one in values_in(text)}


async def exported(host: Host) -> list[str] | None:
    return keys_in(await host.read(EXPORT))


def carrying(data: str) -> Callable[[Host], Awaitable[list[str]]]:
    """The names of the values that removing by data would remove."""

    async def look(host: Host) -> list[str]:
        seen = await RemoveValues(KEY, data, r"C:\conform\removed.reg").look(host, RECEIPT)
        return [str(one).rpartition("\\")[2] for one in seen.evidence["values"]]

    return look


def types(text: str) -> dict[str, tuple[str, str]]:
    return {one.name: (one.kind, one.data) for one in values_in(text)}


def numbers(text: str) -> list[int | None]:
    return [number(one) for one in values_in(text)]


TYPES = {
    "Changed": ("REG_DWORD", "0xf0000001"),
    "Lines": ("REG_MULTI_SZ", r"one\0two words"),
    "Bytes": ("REG_BINARY", "0102FF"),
    "Empty": ("REG_SZ", ""),
    "Long": ("REG_SZ", "x" * 1500),
}
MERGED = {r"\Old": 'as "it" was \\', r"\New": "added", r"\Below\Deep": "two"}
_NO_SEARCH = "its reg query has no /f, and what cannot be read is never taken for nothing"

REMOVED = ask("reg", "delete", KEY, "/f", code=None)

REGISTRY = (
    Case(
        "a value is there, or it is not, or its key is not",
        (
            REMOVED,
            has("Text", None),
            add("Text", "some words"),
            has("text", ("REG_SZ", "some words")),
            has("Other", None),
            ask("reg", "query", KEY + r"\None", code=1),
        ),
    ),
    Case(
        "values of every type are read as they were written, and a new type takes the old one's place",
        (
            REMOVED,
            add("Changed", "before"),
            Together(
                (
                    add("Changed", "4026531841", "REG_DWORD"),
                    add("Lines", r"one\0two words", "REG_MULTI_SZ"),
                    add("Bytes", "0102ff", "REG_BINARY"),
                    add("Empty", ""),
                    add("Long", "x" * 1500),
                )
            ),
            ask("reg", "query", KEY, reads=types, gives=TYPES),
            ask("reg", "query", KEY, "/v", "Changed", reads=numbers, gives=[4026531841]),
            ask("reg", "export", KEY, EXPORT, "/y"),
            ask("reg", "delete", KEY, "/f"),
            ask("reg", "import", EXPORT),
            ask("reg", "query", KEY, reads=types, gives=TYPES),
        ),
    ),
    Case(
        "what programs expand later is kept as it was written",
        (
            REMOVED,
            add("Expanded", r"%SystemRoot%\System32;" + "long;" * 30, "REG_EXPAND_SZ"),
            ask("reg", "export", KEY, EXPORT, "/y"),
            ask("reg", "delete", KEY, "/f"),
            ask("reg", "import", EXPORT),
            has("Expanded", ("REG_EXPAND_SZ", r"%SystemRoot%\System32;" + "long;" * 30)),
        ),
        not_on_wine="its cmd.exe fills in what stands between percent signs",
    ),
    Case(
        "the two views are apart, and the 32-bit one is WOW6432Node",
        (
            REMOVED,
            ask("reg", "delete", KEY, "/f", "/reg:32", code=None),
            Together((add("View", "wide", "REG_SZ", "/reg:64"), add("View", "narrow", "REG_SZ", "/reg:32"))),
            ask("reg", "query", KEY, "/v", "View", "/reg:64", reads=listed, gives={r"\View": "wide"}),
            ask("reg", "query", KEY, "/v", "View", "/reg:32", reads=listed, gives={r"\View": "narrow"}),
            has("View", ("REG_SZ", "narrow"), r"HKLM\SOFTWARE\WOW6432Node\Handrail Conformance"),
            ask("reg", "delete", KEY, "/f", "/reg:32"),
            ask("reg", "query", KEY, "/v", "View", "/reg:32", code=1),
        ),
    ),
    Case(
        "a value, a key, and what is not there are deleted",
        (
            REMOVED,
            Together((add("One", "1"), add("Two", "2"))),
            ask("reg", "delete", KEY, "/v", "One", "/f"),
            ask("reg", "query", KEY, reads=listed, gives={r"\Two": "2"}),
            ask("reg", "delete", KEY, "/v", "One", "/f", code=1),
            ask("reg", "delete", KEY, "/f"),
            ask("reg", "delete", KEY, "/f", code=1),
        ),
    ),
    Case(
        "a key is exported and listed with those below it, and importing it leaves what was added since",
        (
            REMOVED,
            add("Old", 'as "it" was \\'),
            ask("reg", "add", KEY + r"\Below", "/v", "Deep", "/d", "two", "/f"),
            ask("reg", "export", KEY, EXPORT, "/y"),
            Look(exported, [FULL, FULL + r"\Below"]),
            Together((add("Old", "changed"), add("New", "added"))),
            ask("reg", "import", EXPORT),
            ask("reg", "query", KEY, "/s", reads=listed, gives=MERGED),
        ),
    ),
    Case(
        "values are found by the data that they carry, and removed by it alone",
        (
            REMOVED,
            Together((add("Disk", "MIM_SP2_ENU;disk 1"), add("Other", "something else"))),
            Look(carrying("MIM_SP2_ENU"), ["Disk"], wine=Differs(_NO_SEARCH, gives=UNDETERMINED)),
            Look(carrying("no such data"), [], wine=Differs(_NO_SEARCH, gives=UNDETERMINED)),
        ),
    ),
    Case(
        "what is not there cannot be exported or imported",
        (
            ask("reg", "export", KEY + r"\None", EXPORT, "/y", code=1),
            ask("reg", "import", r"C:\conform\none.reg", code=1),
        ),
    ),
)

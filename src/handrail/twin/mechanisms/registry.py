r"""The registry with its two views.

Keys are kept by their physical path: what a 32-bit program sees as `HKLM\SOFTWARE\X` is `HKLM\SOFTWARE\WOW6432Node\X`.
What both views share (Classes\Installer, Windows NT\CurrentVersion, the policies) is kept once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.things import Key

Value = tuple[str, str]
"""Type and data; REG_MULTI_SZ keeps its lines apart with `\\0`, REG_DWORD is written as 0x and hexadecimal digits."""

HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_SOFTWARE = "hkey_local_machine\\software"
_SHARED = (
    _SOFTWARE + "\\classes\\installer",
    _SOFTWARE + "\\microsoft\\windows nt\\currentversion",
    _SOFTWARE + "\\microsoft\\windows\\currentversion\\installer",
    _SOFTWARE + "\\policies",
    _SOFTWARE + "\\wow6432node",
)
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


def full(path: str) -> str | None:
    r"""With the hive's long name and without a trailing backslash; None when there is no such hive."""
    hive, slash, rest = path.strip().strip("\\").partition("\\")
    name = HIVES.get(hive.upper(), hive.upper())
    if name not in HIVES.values():
        return None
    path = name + slash + rest
    if path.upper().startswith("HKEY_CLASSES_ROOT"):
        path = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes" + path[len("HKEY_CLASSES_ROOT") :]
    return path


def physical(path: str, view: int) -> str:
    """Where `path` (full) really is in a view, 64 or 32."""
    low = path.lower()
    if view == 64 or not (low == _SOFTWARE or low.startswith(_SOFTWARE + "\\")):
        return path
    if any(low == one or low.startswith(one + "\\") for one in _SHARED):
        return path
    return path[: len(_SOFTWARE)] + "\\WOW6432Node" + path[len(_SOFTWARE) :]


def find(machine: Machine, path: str, view: int = 64) -> Key | None:
    place = full(path)
    return machine.get(Key, physical(place, view)) if place else None


def value(machine: Machine, path: str, name: str, view: int = 64) -> str | None:
    """The data of a value, None when there is none."""
    key = find(machine, path, view)
    if key is None:
        return None
    return next((data for one, (_, data) in key.values.items() if one.lower() == name.lower()), None)


def below(machine: Machine, path: str, view: int = 64) -> list[Key]:
    """Every key below, at any depth, parents before their children."""
    place = full(path)
    if place is None:
        return []
    root = physical(place, view).lower()
    return [key for key in machine.all(Key) if paths.inside(key.path.lower(), root)]


def write(machine: Machine, path: str, values: Mapping[str, Value], view: int = 64) -> None:
    """Make the key (and those above it) and set values in it. Not noted."""
    place = full(path)
    assert place is not None, path
    where = physical(place, view)
    above = paths.parent(where)
    while above and machine.get(Key, above) is None:
        machine.put(above, Key(above))
        above = paths.parent(above)
    key = machine.get(Key, where) or Key(where)
    same = {name.lower(): name for name in key.values}
    new = dict(key.values)
    for name, one in values.items():
        new[same.get(name.lower(), name)] = one
    machine.put(where, replace(key, values=new))


def remove_value(machine: Machine, key: Key, name: str) -> bool:
    left = {one: data for one, data in key.values.items() if one.lower() != name.lower()}
    if len(left) == len(key.values):
        return False
    machine.put(key.path, replace(key, values=left))
    return True


def remove(machine: Machine, path: str, view: int = 64) -> bool:
    """The key with everything below it. False when there is none."""
    key = find(machine, path, view)
    if key is None:
        return False
    for one in below(machine, path, view):
        machine.drop(Key, one.path)
    machine.drop(Key, key.path)
    return True


def text(data: str) -> Value:
    return ("REG_SZ", data)


def number(data: int) -> Value:
    return ("REG_DWORD", hex(data))


def lines(data: Iterable[str]) -> Value:
    return ("REG_MULTI_SZ", "\\0".join(data))

"""A product's component on a host: its files, texts, services and registry values, as declared, at a build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handrail.model.version import key
from handrail.twin import paths
from handrail.twin.declarations import ComponentBits, ServiceBits, Values
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files, registry
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import Component, Entry, Service

Replace = Callable[[Entry], bool]
"""Puts a new file in its place; False when the old one is in use and the new one waits for a restart."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a component stands and what its texts are filled with."""

    component: Component
    build: str
    values: Mapping[str, str]

    def fill(self, text: str) -> str:
        return fill(text, self.values)


def fill(text: str, values: Mapping[str, str]) -> str:
    """`{name}` for every known name; other braces stay."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def place_of(machine: Machine, component: Component, build: str) -> Place:
    values = {
        "build": build,
        "host": machine.name,
        "account": component.account or "LocalSystem",
        "database": component.database,
        "server": component.server.partition("\\")[0],
        "instance": component.server.partition("\\")[2],
        "folder": component.folder,
    }
    return Place(component, build, values)


def bits_of(machine: Machine, component: Component) -> ComponentBits:
    bits = machine.context.declarations.component(component.product, component.name)
    assert bits is not None, f"{component.product} declares no component {component.name}"
    return bits


def lay(
    machine: Machine, place: Place, old: str | None, replace_file: Replace, overwrites: tuple[str, ...] = ()
) -> bool:
    """Bring files, texts, services and registry of the component to `place.build`. `old` is the build that is there
    (None: nothing is). Texts that differ from what the old build shipped were edited, and are kept, but for those that
    one of the patterns in `overwrites` fits: Windows Installer never replaces a file without a version that was changed
    after it was installed, unless the package or whoever calls it says so.
    False when some file waits for a restart."""
    bits = bits_of(machine, place.component)
    at_once = True
    time = machine.stamp()
    for name in _files(bits, place.component, place.build):
        path = paths.join(place.component.folder, name)
        at_once &= replace_file(files.made(path, {"version": place.build}, time))
    for name, texts in bits.texts.items():
        path = paths.join(place.component.folder, name)
        there = None if any(paths.matches(name, one) for one in overwrites) else files.find(machine, path)
        _lay_text(machine, place, there, path, texts, old)
    for name, text in bits.data.items() if old is None else ():
        path = paths.join(place.component.folder, name)
        if machine.get(Entry, path) is None:
            files.plant(machine, files.made(path, {"text": place.fill(text)}, time))
    for service in bits.services:
        _lay_service(machine, place, service)
    for one in bits.registry:
        put_values(machine, one, place.values)
    return at_once


def _files(bits: ComponentBits, component: Component, build: str) -> list[str]:
    """Its files at this build; those of a language pack once for each language."""
    names = floor(bits.locales, build, {})
    locales = [names.get(one, one) for one in component.locales]
    plain = [name for name in bits.files if "{locale}" not in name]
    return plain + [fill(name, {"locale": one}) for name in bits.files if name not in plain for one in locales]


def _lay_text(
    machine: Machine, place: Place, there: Entry | None, path: str, texts: Mapping[str, str], old: str | None
) -> None:
    stock = place.fill(floor(texts, place.build, ""))
    if there is not None and old is not None:
        shipped = fill(floor(texts, old, ""), {**place.values, "build": old})
        if files.content(there).decode("utf-8", "replace") != shipped:
            return
    files.plant(machine, files.made(path, {"text": stock}, machine.stamp()))


def _lay_service(machine: Machine, place: Place, bits: ServiceBits) -> None:
    there = machine.get(Service, bits.name)
    service = made_service(bits, place.values, place.component.folder, place.component.name)
    if there is not None:
        service = replace(service, state=there.state, start=there.start, account=there.account)
    machine.put(bits.name, service)
    register_service(machine, service)


def made_service(bits: ServiceBits, values: Mapping[str, str], folder: str, component: str) -> Service:
    return Service(
        name=bits.name,
        display=bits.display,
        start=bits.start,
        account=fill(bits.account, values),
        binary=paths.join(folder, bits.binary) if bits.binary and folder else bits.binary,
        depends=bits.depends,
        holds=tuple(paths.join(folder, one) for one in bits.holds),
        component=component,
        needs=bits.needs,
    )


_STARTS = {"auto": 2, "demand": 3, "disabled": 4}


def register_service(machine: Machine, service: Service) -> None:
    """What the service manager keeps of it in the registry."""
    values = {
        "DisplayName": registry.text(service.display),
        "ObjectName": registry.text(service.account),
        "Start": registry.number(_STARTS[service.start]),
    }
    if service.binary:
        values["ImagePath"] = ("REG_EXPAND_SZ", f'"{service.binary}"')
    registry.write(machine, rf"HKLM\SYSTEM\CurrentControlSet\Services\{service.name}", values)


def put_values(machine: Machine, bits: Values, values: Mapping[str, str]) -> None:
    """A declared registry key, with its texts filled in."""
    registry.write(
        machine, fill(bits.key, values), {name: _value(one, values) for name, one in bits.values.items()}, bits.view
    )


def _value(declared: Any, values: Mapping[str, str]) -> registry.Value:
    if isinstance(declared, Mapping):
        return (str(declared["type"]), fill(str(declared["data"]), values))
    if isinstance(declared, int) and not isinstance(declared, bool):
        return registry.number(declared)
    return registry.text(fill(str(declared), values))


def take_away(machine: Machine, component: Component) -> None:
    """Remove the component's programs and services. Data that it did not bring, and its database, stay."""
    bits = bits_of(machine, component)
    for service in bits.services:
        machine.drop(Service, service.name)
        registry.remove(machine, rf"HKLM\SYSTEM\CurrentControlSet\Services\{service.name}")
    spoken = [name for build in ("0.0.0.0", *bits.locales) for name in _files(bits, component, build)]
    for name in (*spoken, *bits.texts, *bits.data):
        entry = machine.get(Entry, paths.join(component.folder, name))
        if entry is not None:
            machine.drop(Entry, entry.path)
    machine.drop(Component, component.name)


def dotted(version: str) -> tuple[int, ...]:
    """A software version as numbers, as far as it has any; 4.8 is at least 4.8.0."""
    numbers = []
    for part in version.lstrip("v").split("."):
        digits = "".join(one for one in part if one.isdigit())
        if not digits:
            break
        numbers.append(int(digits))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def newer(build: str, other: str) -> bool:
    return key("windows", build) > key("windows", other)

"""What a person does at a step, on the twin: as the product declares it, with the same tools that we use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from handrail.errors import NotRehearsed
from handrail.model.plan import Step
from handrail.twin import paths, wizards
from handrail.twin.declarations import PersonBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import (
    components,
    databases,
    drives,
    files,
    installer,
    keys,
    packages,
    resources,
    services,
    systems,
)
from handrail.twin.things import Component, Entry, KeySet, Product, Service
from handrail.twin.tools import cmd

KEY_FILE = "key file"
"""What a step calls the file with exported keys that setup may ask for."""


def play(machine: Machine, step: Step) -> Literal["done", "no"]:
    """What the person answers: no, when they were to read something and cannot. NotRehearsed when nothing is declared
    for the step."""
    bits = _declared(machine, step)
    typed = _values(step)
    values = {"host": machine.name, **{name: str(one) for name, one in typed.items()}}
    if bits.carries is not None:
        wizards.carry(machine, bits.carries, typed)
    person = replace(machine, user=components.fill(bits.as_, values)) if bits.as_ else machine
    account = components.fill(bits.forgets, values)
    if account and machine.get(KeySet, account) is not None:
        machine.drop(KeySet, account)
        machine.did("keys", f"profile of {account} deleted, with its key set")
    if bits.opens:
        image = components.fill(bits.opens, values)
        volume = drives.mount(machine, image)
        values["opened"] = f"{volume.letter}\\" if volume else f"{image}\\"
    if bits.system:
        systems.upgrade(machine, components.fill(bits.system, values))
    for line in bits.runs:
        reply = cmd.run_line(person, components.fill(line, values))
        if reply.code:
            text = (reply.out + reply.err).strip()
            raise NotRehearsed(f"What a person does at {step.id} does not work on the twin: {line}: {text}")
    for name in bits.installs:
        _install(machine, step, name, bits, typed)
    if bits.wizard is not None:
        deployment = step.installation.partition("/")[0]
        wizards.run(machine, _product(machine, bits), deployment, bits.wizard, typed)
    return "no" if bits.reads and not _can_read(machine, bits.reads) else "done"


def _can_read(machine: Machine, name: str) -> bool:
    """Whether the component on this host can decrypt what its database holds."""
    component = machine.components().get(name)
    found = databases.of_component(machine, component) if component else None
    if component is None or found is None:
        return False
    own = keys.of_component(machine, component)
    return not found[1].key_set or (own is not None and own.id == found[1].key_set)


def _product(machine: Machine, bits: PersonBits) -> str:
    return next(name for name, one in machine.context.declarations.products.items() if bits in one.persons)


def _declared(machine: Machine, step: Step) -> PersonBits:
    component = step.installation.rpartition("/")[2].partition("@")[0]
    for product in machine.context.declarations.products.values():
        for bits in product.persons:
            if _is_called(step.id, bits.step) and (not bits.component or bits.component == component):
                return bits
    raise NotRehearsed(
        f"Nobody has declared what a person does on the twin at {step.id}.",
        "The product's twin.yaml says so under persons; with --ask you are asked instead.",
    )


def _is_called(id: str, pattern: str) -> bool:
    """Whether the pattern fits the end of a step's id, as many parts of it as the pattern has."""
    parts = id.split("/")[-1 - pattern.count("/") :]
    return paths.matches("/".join(parts), pattern)


def _values(step: Step) -> Mapping[str, Any]:
    inner = step.with_.get("values")
    return {**step.with_, **(inner if isinstance(inner, Mapping) else {})}


def _install(machine: Machine, step: Step, name: str, declared: PersonBits, typed: Mapping[str, Any]) -> None:
    """The component stands here afterwards, at this build (else that of the newest package on this host's media), on
    the database that it had wherever it was before. What came here in the same package comes along with it."""
    before = _wherever(machine, step, name)
    bits = machine.context.declarations.component(before.product, name)
    assert bits is not None
    reference = f"{before.product}/{bits.package}"
    package_bits = machine.context.declarations.package(reference)
    wanted = str(typed.get(declared.build) or "")
    base = packages.newest(package_bits.bases, wanted) if declared.hotfixed and wanted else wanted
    package = wizards.newest_package(machine, reference, base)
    if package is None:
        raise NotRehearsed(f"No medium on {machine.name} holds {reference}, which a person installs at {step.id}.")
    base, entry = package
    build = wanted if declared.hotfixed and wanted else base
    locales: Sequence[str] = typed.get(declared.locales) or ()
    component = replace(before, folder=bits.folder, locales=tuple(locales))
    there = machine.components().get(name)
    old = installer.product_of(machine, reference)
    if there and old and old.version == build:
        return
    found = databases.of_component(machine, component)
    if found is not None and bits.database is not None:
        wizards.refuse_newer(found[1], bits, build)
        schema = services.floor(bits.database.schemas, build, found[1].schema)
        if schema > found[1].schema:
            databases.put(found[0], resources.brought_along(replace(found[1], schema=schema), build))
        if found[1].key_set:
            _keys(machine, component, str(_values(step).get(KEY_FILE) or ""))
    machine.put(name, component)
    beside = [one for other, one in machine.components().items() if old and other in old.features and other != name]
    for one in (component, *beside):
        over = old.version if old and (there or one is not component) else None
        components.lay(machine, components.place_of(machine, one, build), over, _plant(machine))
    features = tuple(dict.fromkeys((*(old.features if old else ()), name)))
    code = installer.code_of(reference, package_bits)
    cached = installer.cache(machine, entry)
    installer.register(
        machine,
        Product(code, reference, build, base, cached, features, folder=component.folder),
        package_bits,
        paths.parent(entry.path),
    )
    machine.did("software", f"{package_bits.title} {build} installed by a person")
    for service in bits.services:
        made = machine.get(Service, service.name)
        if made is not None and service.running:
            services.start(machine, made)


def _keys(machine: Machine, component: Component, file: str) -> None:
    """Setup asks for the keys of an account that has none here; the person gives the file that was named, wherever it
    was made. Without one the account's keys are new ones, which decrypt nothing that is there."""
    if keys.usable(machine, component.account) is not None:
        return
    for host in (machine.name, *machine.context.hosts.values()):
        other = machine.other(host)
        entry = files.find(other, file) if other and file else None
        if entry is not None and keys.load(machine, component.account, entry):
            return
    wizards.new_keys(machine, component.account)


def _plant(machine: Machine) -> components.Replace:
    def replace_file(new: Entry) -> bool:
        files.plant(machine, new)
        return True

    return replace_file


def _wherever(machine: Machine, step: Step, name: str) -> Component:
    deployment = step.installation.partition("/")[0]
    for host in (machine.name, *machine.context.hosts.values()):
        other = machine.other(host)
        component = other.components().get(name) if other else None
        if component is not None and component.deployment == deployment:
            return component
    for product, bits in machine.context.declarations.products.items():
        if name in bits.components:
            return Component(product, name, deployment, bits.components[name].folder)
    raise NotRehearsed(f"Nobody declares the component {name} that a person installs at {step.id}.")

"""The media of an estate, on the hosts where they lie: what each holds is declared by its product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.model.estate import Estate, Medium
from handrail.twin import paths
from handrail.twin.declarations import MediumBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, files
from handrail.twin.mechanisms.components import fill
from handrail.twin.things import Entry, Volume

_OWN = ("package", "patch", "setup")
"""Keys whose values name something of the same declaration."""


def raise_media(estate: Estate, machine: Machine) -> None:
    """Lay the media down and mount what the estate says is mounted."""
    here = [one for one in estate.media.values() if one.host in (None, machine.name)]
    for medium in here:
        letter = paths.drive(paths.clean(medium.path))
        if letter and drives.volume(machine, letter) is None:
            machine.put(letter, Volume(letter, "Data"))
    for medium in here:
        if paths.drive(paths.clean(medium.path)):
            _lay(machine, medium)
    mounted = estate.hosts[machine.name].facts.get("mounted_media") or ()
    for id in mounted:
        if id in estate.media:
            drives.mount(machine, estate.media[id].path)


def declared(machine: Machine, medium: Medium) -> tuple[str, MediumBits] | None:
    """The product's name and its first declaration that is about this medium."""
    everywhere = machine.context.declarations
    for owner, bits in (*everywhere.products.items(), ("windows", everywhere.windows)):
        for one in bits.media:
            if (one.product or owner) == medium.product and _is_about(one, medium):
                return owner, one
    return None


def _is_about(bits: MediumBits, medium: Medium) -> bool:
    return (
        medium.kind in bits.kind
        and (not bits.component or medium.component in bits.component)
        and (not bits.release or medium.release in bits.release)
        and (not bits.builds or medium.build in bits.builds)
    )


def _lay(machine: Machine, medium: Medium) -> None:
    path, time = paths.clean(medium.path), machine.stamp()
    found = declared(machine, medium)
    owner, bits = found or ("", MediumBits((medium.kind,)))
    values = {"build": medium.build or bits.build_of.get(medium.release or "", bits.build), "product": medium.product}
    holds = {name: _filled(owner, held, values) for name, held in bits.holds.items()}
    if medium.kind == "folder":
        files.plant(machine, Entry(path, folder=True, time=time))
        for name, held in holds.items():
            files.plant(machine, files.made(paths.join(path, name), held, time))
        return
    if medium.kind == "iso":
        label = medium.label if medium.label is not None else bits.label
        held = {"image": {"label": label, "files": holds}}
    elif medium.kind == "zip":
        held = {"archive": {"files": holds}}
    else:
        held = _filled(owner, bits.is_, values)
    if medium.sha256:
        held = {**held, "sha256": medium.sha256}
    files.plant(machine, files.made(path, held, time))


def _filled(owner: str, held: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """With texts filled in, own names made whole (PRODUCT/NAME) and the medium's build as the version."""
    made = {name: fill(one, values) if isinstance(one, str) else one for name, one in held.items()}
    for name in _OWN:
        if name in made:
            made[name] = f"{owner}/{made[name]}"
    if {"package", "patch", "setup", "software"} & set(made) and values["build"]:
        made.setdefault("version", values["build"])
    return made

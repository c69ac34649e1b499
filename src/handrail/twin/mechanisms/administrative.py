"""Administrative installations: a package unpacked into a folder, which nothing is installed from meanwhile.

What is in the package is what lies there: configuration files as they ship, before any setup wrote names of hosts into
them. A patch can be put into such a copy, so that it becomes what the patched package would install.
"""

from __future__ import annotations

from dataclasses import replace

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, files, installer
from handrail.twin.mechanisms.packages import BAD_PACKAGE, BAD_PATCH, BUSY, FAILURE, NO_PACKAGE, NO_PATCH, OK, Say
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import Entry

AS_SHIPPED = {"host": "localhost", "account": "", "database": "", "server": "localhost", "instance": ""}
"""What packages hold where setup will write what it is told."""


def unpack(machine: Machine, package: str, target: str, say: Say) -> int:
    """`msiexec /a PACKAGE TARGETDIR=…`: 0, or why not."""
    entry = files.find(machine, package)
    if entry is None or entry.folder:
        say("This installation package could not be opened. Verify that the package exists and that you can access it.")
        return NO_PACKAGE
    if "package" not in entry.holds or not files.intact(entry):
        say("This installation package could not be opened. Verify that this is a valid Windows Installer package.")
        return BAD_PACKAGE
    if (busy := installer.busy(machine)) is not None:
        say(f"Failed to grab execution mutex. System error 258. Held by {busy.by}.")
        return BUSY
    folder = machine.path(target)
    if not target or not files.make_folder(machine, folder):
        say(f"Error 1303.The installer has insufficient privileges to access this directory: {folder}.")
        return FAILURE
    reference, build = str(entry.holds["package"]), str(entry.holds["version"])
    _lay(machine, reference, build, folder, paths.name(entry.path))
    machine.did("software", f"{machine.context.declarations.package(reference).title} {build} unpacked to {folder}")
    return OK


def patch(machine: Machine, package: str, update: str, say: Say) -> int:
    """`msiexec /a COPY\\PACKAGE /p PATCH`."""
    copy, entry = files.find(machine, package), files.find(machine, update)
    if copy is None or "package" not in copy.holds:
        say("This installation package could not be opened. Verify that the package exists and that you can access it.")
        return NO_PACKAGE
    if entry is None or entry.folder:
        say("This update package could not be opened. Verify that the update package exists.")
        return NO_PATCH
    owner, _, name = str(entry.holds.get("patch", "")).partition("/")
    if not name or not files.intact(entry):
        say("This update package could not be opened. Verify that this is a valid Windows Installer update package.")
        return BAD_PATCH
    bits = machine.context.declarations.products[owner].patches[name]
    reference = str(copy.holds["package"])
    if f"{owner}/{bits.package}" != reference:
        say("The update package is not for the product in the administrative installation.")
        return BAD_PATCH
    build = str(entry.holds["version"])
    _lay(machine, reference, build, paths.parent(machine.path(package)), paths.name(copy.path))
    machine.did("software", f"unpacked copy {machine.path(package)} patched to {build}")
    return OK


def _lay(machine: Machine, reference: str, build: str, folder: str, name: str) -> None:
    owner, _, package = reference.partition("/")
    time = machine.stamp()
    held = {"package": reference, "version": build}
    _put(machine, files.made(paths.join(folder, name), held, time))
    for bits in machine.context.declarations.products[owner].components.values():
        if bits.package != package:
            continue
        below = paths.join(folder, bits.folder.partition(":")[2].lstrip("\\"))
        values = {**AS_SHIPPED, "build": build, "folder": bits.folder}
        for text, builds in bits.texts.items():
            shipped = components.fill(floor(builds, build, ""), values)
            _put(machine, files.made(paths.join(below, text), {"text": shipped}, time))


def _put(machine: Machine, entry: Entry) -> None:
    old = machine.get(Entry, entry.path)
    files.plant(machine, replace(entry, time=old.time) if old is not None else entry)

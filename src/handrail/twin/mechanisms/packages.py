"""What Windows Installer does with packages and patches. Exit codes are those of msiexec.

Nothing is changed when it ends with an error: an installation that failed was rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from handrail.errors import NotRehearsed
from handrail.model.version import key
from handrail.twin import paths
from handrail.twin.declarations import PackageBits, PatchBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import booting, components, databases, events, files, installer, resources, software
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import Component, Entry, Product

OK, FAILURE, UNKNOWN_PRODUCT, SOURCE_ABSENT = 0, 1603, 1605, 1612
BUSY, NO_PACKAGE, BAD_PACKAGE, NO_PATCH, BAD_PATCH = 1618, 1619, 1620, 1635, 1636
OTHER_VERSION, BAD_COMMAND, REBOOTING, NO_TARGET, REBOOT_REQUIRED = 1638, 1639, 1641, 1642, 3010
NOT_REMOVABLE = 1646

Say = Callable[[str], None]
"""Takes lines for the verbose log."""


@dataclass(frozen=True, slots=True)
class Request:
    """What msiexec was asked for. `properties` as given, names in capitals."""

    path: str
    properties: Mapping[str, str] = field(default_factory=dict)


def _fail(machine: Machine, say: Say, title: str, message: str, code: int = FAILURE) -> int:
    """An error of the engine, as log and event log show it."""
    say(f"Product: {title} -- {message}")
    say("Action ended: INSTALL. Return value 3.")
    events.write(machine, "MsiInstaller", 11708, events.ERROR, f"Product: {title} -- {message}")
    return code


def apply_patch(machine: Machine, request: Request, say: Say) -> int:
    """`msiexec /p`: 0, 3010, or why not."""
    entry = files.find(machine, request.path)
    if entry is None or entry.folder:
        say(
            "This update package could not be opened. Verify that the update package exists and that you can access it."
        )
        return NO_PATCH
    if "patch" not in entry.holds or not files.intact(entry):
        say("This update package could not be opened. Verify that this is a valid Windows Installer update package.")
        return BAD_PATCH
    if (busy := installer.busy(machine)) is not None:
        say(f"Failed to grab execution mutex. System error 258. Held by {busy.by}.")
        return BUSY
    owner, _, name = str(entry.holds["patch"]).partition("/")
    patch = machine.context.declarations.products[owner].patches[name]
    reference = f"{owner}/{patch.package}"
    bits = machine.context.declarations.package(reference)
    target = str(entry.holds["version"])
    product = installer.product_of(machine, reference)
    if product is None or not (_fits(patch, product.version) or not components.newer(target, product.version)):
        say(
            "The upgrade cannot be installed by the Windows Installer service because the program to be upgraded may "
            "be missing, or the upgrade may update a different version of the program."
        )
        return NO_TARGET
    say(f"Product to be patched: {bits.title}. ProductVersion = {product.version}. Patch version = {target}.")
    if not components.newer(target, product.version):
        say("Skipping the patch: it is already applied, or superseded by what is installed.")
        return OK
    return _patch(machine, request, product, bits, patch, entry, target, say)


def _fits(patch: PatchBits, build: str) -> bool:
    if patch.builds:
        return build in patch.builds
    least = not patch.least or not components.newer(patch.least, build)
    return least and (not patch.below or components.newer(patch.below, build))


def _overwrites(request: Request, bits: PackageBits) -> tuple[str, ...]:
    """Patterns of files that are replaced though somebody edited them: what the package declares; with the letter `a`
    in REINSTALLMODE, all."""
    return ("*",) if "a" in request.properties.get("REINSTALLMODE", "").lower() else bits.overwrites


def _patch(
    machine: Machine,
    request: Request,
    product: Product,
    bits: PackageBits,
    patch: PatchBits,
    entry: Entry,
    target: str,
    say: Say,
) -> int:
    lacking = software.missing(machine, patch.requires)
    if lacking is not None:
        return _fail(machine, say, bits.title, f"Setup cannot continue because {lacking} is not installed.")
    if patch.source:
        code = _look_for_source(machine, product, bits, target, say)
        if code is not None:
            return code
    mine = [one for name, one in machine.components().items() if name in product.features]
    code = _bring_databases_along(machine, mine, target, bits.title, say)
    if code:
        return code
    at_once = True
    for component in mine:
        place = components.place_of(machine, component, target)
        at_once &= components.lay(
            machine, place, product.version, lambda new: _replace(machine, new, say), _overwrites(request, bits)
        )
    new = replace(product, version=target, patches=(*product.patches, paths.name(entry.path)))
    installer.cache(machine, entry)
    installer.reregister(machine, new, bits)
    events.write(
        machine, "MsiInstaller", 1022, events.INFORMATION, f"Product: {bits.title} - Update {target} was installed."
    )
    machine.did("software", f"{bits.title} patched from {product.version} to {target}")
    say(f"Product: {bits.title} - Update '{paths.name(entry.path)}' installed successfully.")
    return OK if at_once and not patch.restart else REBOOT_REQUIRED


def _look_for_source(machine: Machine, product: Product, bits: PackageBits, target: str, say: Say) -> int | None:
    """The exit code when the source stands in the way; None when it is as it should be."""
    say(f"SOURCEMGMT: Looking for sourcelist for product {product.code}")
    source = installer.resolve_source(machine, product, bits)
    if source.path:
        say(f"SOURCEMGMT: Trying source {paths.parent(source.path)}\\.")
    if source.found:
        say(f"SOURCEMGMT: Resolved source to: {paths.parent(source.path)}\\")
        return None
    if source.why == "disk":
        say("SOURCEMGMT: Trying media source.")
        return _fail(machine, say, bits.title, f"Error 1302.Please insert the disk: {source.label}")
    if source.why == "medium":
        return _fail(
            machine,
            say,
            bits.title,
            f"Error 1308.Source file not found: {source.path}. Verify that the file exists and that you can access it.",
        )
    if source.why == "other" and source.entry is not None and _is_target(source.entry, product, target):
        say(f"SOURCEMGMT: {source.path} is version {target}. The product is already upgraded; nothing to do.")
        return OK
    if source.why == "other":
        say("SOURCEMGMT: Source is invalid due to invalid package code (product code doesn't match).")
    else:
        say(f"Note: 1: 2203 2: {source.path} 3: -2147287037")
    say("SOURCEMGMT: Failed to resolve source")
    message = (
        f"Error 1706.No valid source could be found for product {bits.title}. The Windows Installer cannot continue."
    )
    return _fail(machine, say, bits.title, message, SOURCE_ABSENT)


def _is_target(entry: Entry, product: Product, target: str) -> bool:
    version = str(entry.holds.get("version", ""))
    return entry.holds.get("package") == product.package and bool(version) and not components.newer(target, version)


def _bring_databases_along(machine: Machine, mine: list[Component], target: str, title: str, say: Say) -> int:
    """Give each component's database the schema of the new build. The database is opened; if that fails all fails."""
    changes = []
    for component in mine:
        bits = components.bits_of(machine, component)
        if bits.database is None or not component.database:
            continue
        found = databases.of_component(machine, component)
        if found is None:
            message = f"Error 25009.The database {component.database} on {component.server} cannot be opened."
            return _fail(machine, say, title, message)
        wanted = floor(bits.database.schemas, target, found[1].schema)
        if wanted < found[1].schema:
            message = f"Error 25009.The database {component.database} belongs to a newer version of this product."
            return _fail(machine, say, title, message)
        if wanted > found[1].schema:
            changes.append((found[0], resources.brought_along(replace(found[1], schema=wanted), target)))
    for server, database in changes:
        databases.put(server, database)
        say(f"Upgraded database {database.name} to version {database.schema}.")
        machine.did("database", f"database {database.name} upgraded to schema {database.schema}")
    return OK


def _replace(machine: Machine, new: Entry, say: Say) -> bool:
    holder = files.held_by(machine, new.path)
    if holder is None or machine.get(Entry, new.path) is None:
        files.plant(machine, new)
        return True
    waiting = paths.join("C:\\Config.Msi", f"{new.sha256[:8]}.rbf")
    files.plant(machine, replace(new, path=waiting))
    booting.pend_rename(machine, waiting, new.path)
    say(f"Info 1903.The file {new.path} is being used by {holder}. It will be replaced after a restart.")
    return False


def install(machine: Machine, request: Request, say: Say) -> int:
    """`msiexec /i`: 0, 3010, or why not."""
    entry = files.find(machine, request.path)
    if entry is None or entry.folder:
        say("This installation package could not be opened. Verify that the package exists and that you can access it.")
        return NO_PACKAGE
    if not files.intact(entry) or not ({"package", "software"} & set(entry.holds)):
        say("This installation package could not be opened. Verify that this is a valid Windows Installer package.")
        return BAD_PACKAGE
    if (busy := installer.busy(machine)) is not None:
        say(f"Failed to grab execution mutex. System error 258. Held by {busy.by}.")
        return BUSY
    if "software" in entry.holds:
        return software.install(machine, str(entry.holds["software"]), str(entry.holds.get("version", "")))
    reference, build = str(entry.holds["package"]), str(entry.holds["version"])
    bits = machine.context.declarations.package(reference)
    product = installer.product_of(machine, reference)
    if product is not None and not components.newer(build, product.version) and build != product.version:
        say("A newer version of this product is installed.")
        return OTHER_VERSION
    if product is not None and build != product.version and not bits.upgrades and not _reinstalls(request):
        say("Another version of this product is already installed. Installation of this version cannot continue.")
        return OTHER_VERSION
    lacking = software.missing(machine, bits.requires)
    if lacking is not None:
        return _fail(machine, say, bits.title, f"Setup cannot continue because {lacking} is not installed.")
    return _install(machine, request, product, bits, entry, say)


def _reinstalls(request: Request) -> bool:
    return "REINSTALL" in request.properties and "v" in request.properties.get("REINSTALLMODE", "").lower()


def _install(
    machine: Machine, request: Request, product: Product | None, bits: PackageBits, entry: Entry, say: Say
) -> int:
    reference, build = str(entry.holds["package"]), str(entry.holds["version"])
    mine = [one for name, one in machine.components().items() if product and name in product.features]
    if product is None:
        mine = _fresh(machine, reference)
    code = _bring_databases_along(machine, mine, build, bits.title, say)
    if code:
        return code
    at_once = True
    for component in mine:
        machine.put(component.name, component)
        place = components.place_of(machine, component, build)
        old = product.version if product else None
        at_once &= components.lay(
            machine, place, old, lambda new: _replace(machine, new, say), _overwrites(request, bits)
        )
    new = Product(
        code=product.code if product else installer.code_of(reference, bits),
        package=reference,
        version=build,
        base=build,
        cached=installer.cache(machine, entry),
        features=tuple(one.name for one in mine),
        folder=mine[0].folder if mine else "",
    )
    if product != new:
        installer.register(machine, new, bits, paths.parent(machine.path(request.path)))
        said = (
            f"{bits.title} {build} installed" if product is None else f"{bits.title} {product.version} became {build}"
        )
        machine.did("software", said)
    events.write(machine, "MsiInstaller", 11707, events.INFORMATION, f"Product: {bits.title} -- Installed.")
    say(f"Product: {bits.title} -- Installation completed successfully.")
    return OK if at_once and not (bits.restart and product != new) else REBOOT_REQUIRED


def _fresh(machine: Machine, reference: str) -> list[Component]:
    """The components of a package that nobody installed before, in their usual folders. NotRehearsed when setup would
    have to be told a database."""
    owner, _, package = reference.partition("/")
    declared = machine.context.declarations.products[owner].components
    mine = [
        Component(owner, name, "", bits.folder)
        for name, bits in declared.items()
        if bits.package == package and bits.database is None
    ]
    if not mine:
        raise NotRehearsed(f"The twin cannot install {reference} anew: its setup asks for a database.")
    return mine


def remove(machine: Machine, product: Product | None, say: Say) -> int:
    """`msiexec /x`: programs and registration go; databases and files that the product did not bring stay."""
    if product is None:
        say("This action is only valid for products that are currently installed.")
        return UNKNOWN_PRODUCT
    if (busy := installer.busy(machine)) is not None:
        say(f"Failed to grab execution mutex. System error 258. Held by {busy.by}.")
        return BUSY
    bits = machine.context.declarations.package(product.package)
    for name, component in machine.components().items():
        if name in product.features:
            components.take_away(machine, component)
    installer.unregister(machine, product, bits)
    events.write(machine, "MsiInstaller", 11724, events.INFORMATION, f"Product: {bits.title} -- Removed.")
    machine.did("software", f"{bits.title} {product.version} removed")
    say(f"Product: {bits.title} -- Removal completed successfully.")
    return OK


def newest(builds: tuple[str, ...], build: str) -> str:
    """The newest of `builds` that is not above `build`: the package that an installation was patched up from."""
    fitting = [one for one in builds if not components.newer(one, build)]
    return max(fitting, key=lambda one: key("windows", one)) if fitting else build

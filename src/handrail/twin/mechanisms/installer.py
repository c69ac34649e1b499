r"""Windows Installer's own records: products, packed codes, sources, cached packages.

The registry is the record that counts, as on real Windows: whoever removes a value from a product's SourceList has
changed where the installer looks.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from handrail.twin import paths
from handrail.twin.declarations import PackageBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, files, registry
from handrail.twin.things import Busy, Entry, Product, Volume

PRODUCTS = r"HKLM\SOFTWARE\Classes\Installer\Products"
USER_DATA = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products"
CACHE = r"C:\Windows\Installer"
ENGLISH = 1033
"""What Windows calls the language of a package; the twin knows no other."""


def code_of(reference: str, bits: PackageBits) -> str:
    """The product code: declared, or made from the package's name, always the same."""
    return bits.code.upper() or "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, "handrail:twin:" + reference)).upper() + "}"


def packed(code: str) -> str:
    """A GUID as the installer spells it in key names: the first three parts backwards, the rest with bytes swapped."""
    parts = code.strip("{}").split("-")
    head = "".join(part[::-1] for part in parts[:3])
    tail = "".join(parts[3:])
    return head + "".join(tail[i + 1] + tail[i] for i in range(0, len(tail), 2))


def product_of(machine: Machine, reference: str) -> Product | None:
    return next((one for one in machine.all(Product) if one.package == reference), None)


def busy(machine: Machine) -> Busy | None:
    """Who holds the installer's mutex now."""
    held = machine.get(Busy, "installer")
    if held is None or (held.until is not None and datetime.fromisoformat(held.until) <= machine.context.now()):
        return None
    return held


def cache(machine: Machine, entry: Entry) -> str:
    """Keep a copy of a package under Windows\\Installer; its path."""
    digest = hashlib.sha256(entry.sha256.encode()).hexdigest()[:6]
    path = paths.join(CACHE, digest + paths.name(entry.path)[-4:].lower())
    files.plant(machine, replace(entry, path=path, read_only=False))
    return path


def register(machine: Machine, product: Product, bits: PackageBits, source: str, label: str = "") -> None:
    """Write everything that the registry says of an installed product. `source` is the folder it was installed from;
    `label` the volume label of the medium it lay on."""
    folder = source.rstrip("\\") + "\\"
    build = [int(part) for part in product.version.split(".")]
    number = registry.number((build[0] << 24) + (build[1] << 16) + build[2])
    uninstall = {
        "DisplayName": registry.text(bits.title),
        "DisplayVersion": registry.text(product.version),
        "Publisher": registry.text(bits.publisher),
        "InstallSource": registry.text(folder),
        "InstallLocation": registry.text(product.folder),
        "InstallDate": registry.text(machine.context.now().strftime("%Y%m%d")),
        "UninstallString": ("REG_EXPAND_SZ", f"MsiExec.exe /I{product.code}"),
        "WindowsInstaller": registry.number(1),
        "Language": registry.number(ENGLISH),
        "Version": number,
    }
    registry.write(machine, rf"{registry.UNINSTALL}\{product.code}", uninstall, bits.view)
    base = rf"{PRODUCTS}\{packed(product.code)}"
    registry.write(machine, base, {"ProductName": registry.text(bits.title), "Version": number})
    source_list = {
        "PackageName": registry.text(bits.file),
        "LastUsedSource": ("REG_EXPAND_SZ", f"n;1;{folder}"),
    }
    registry.write(machine, rf"{base}\SourceList", source_list)
    registry.write(machine, rf"{base}\SourceList\Net", {"1": ("REG_EXPAND_SZ", folder)})
    media = {"DiskPrompt": registry.text("[1]"), "1": registry.text(f"{label};{bits.title}" if label else ";")}
    registry.write(machine, rf"{base}\SourceList\Media", media)
    inside = {
        "LocalPackage": registry.text(product.cached),
        "InstallSource": registry.text(folder),
        "DisplayVersion": registry.text(product.version),
    }
    registry.write(machine, rf"{USER_DATA}\{packed(product.code)}\InstallProperties", inside)
    machine.put(product.code, product)


def reregister(machine: Machine, product: Product, bits: PackageBits) -> None:
    """A new version of a product that keeps its sources."""
    version = {"DisplayVersion": registry.text(product.version)}
    registry.write(machine, rf"{registry.UNINSTALL}\{product.code}", version, bits.view)
    registry.write(machine, rf"{USER_DATA}\{packed(product.code)}\InstallProperties", version)
    machine.put(product.code, product)


def unregister(machine: Machine, product: Product, bits: PackageBits) -> None:
    registry.remove(machine, rf"{registry.UNINSTALL}\{product.code}", bits.view)
    registry.remove(machine, rf"{PRODUCTS}\{packed(product.code)}")
    registry.remove(machine, rf"{USER_DATA}\{packed(product.code)}")
    machine.drop(Product, product.code)
    cached = machine.get(Entry, product.cached)
    if cached is not None:
        machine.drop(Entry, cached.path)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the installer ended up looking: `found`, or `why` not. `why` is disk (it wants the disk `label`), medium (a
    mounted volume misled it to `path`), absent or other (what lies there is another product or version: `entry`)."""

    path: str
    entry: Entry | None = None
    why: str = ""
    label: str = ""

    @property
    def found(self) -> bool:
        return not self.why


def resolve_source(machine: Machine, product: Product, bits: PackageBits) -> Source:
    """Find the package that the product was installed from.

    A mounted medium that holds the package goes first and sends the installer to the wrong folder; then a disk label in
    the SourceList wants that disk; only then the registered folder is looked at.
    """
    misled = _on_mounted_medium(machine, product)
    if misled is not None:
        return Source(misled, why="medium")
    key = rf"{PRODUCTS}\{packed(product.code)}\SourceList"
    label = (registry.value(machine, rf"{key}\Media", "1") or "").partition(";")[0]
    if label:
        return Source("", why="disk", label=label)
    folder = registry.value(machine, rf"{key}\Net", "1") or ""
    name = registry.value(machine, key, "PackageName") or bits.file
    path = paths.join(folder, name) if folder else name
    entry = files.find(machine, path) if folder else None
    if entry is None or entry.folder:
        return Source(path, why="absent")
    if not files.intact(entry) or entry.holds.get("package") != product.package:
        return Source(path, entry, why="other")
    if entry.holds.get("version") != product.base:
        return Source(path, entry, why="other")
    return Source(path, entry)


def _on_mounted_medium(machine: Machine, product: Product) -> str | None:
    """Where a mounted volume has the product's own package."""
    for volume in machine.all(Volume):
        if volume.kind != "cdrom" or drives.mapped(machine, volume.letter):
            continue
        for entry in files.below(machine, volume.letter + "\\"):
            if entry.holds.get("package") == product.package and entry.holds.get("version") == product.base:
                return entry.path
    return None

"""Assemblies that people built against an older version of a product: .NET loads them only where the configuration of
the program redirects that version to the one that is installed.

What is declared: `profiles` in which extensions are loaded, the `configuration` files of the programs that do, the
`assembly`, the version that extensions ask for (`asks`) and, by the least build, the one that is `installed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handrail.comparing import xml_files
from handrail.comparing.redirects import lands, redirects, version
from handrail.errors import BadInput
from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import components, files, installer
from handrail.twin.mechanisms.services import floor
from handrail.twin.things import Component


def load(machine: Machine, component: Component, declared: Mapping[str, Any], profile: str) -> bool:
    """Whether the extensions that a run of the profile needs can be loaded."""
    if profile not in declared.get("profiles", ()):
        return True
    bits = components.bits_of(machine, component)
    product = installer.product_of(machine, f"{component.product}/{bits.package}")
    installed = version(floor(declared["installed"], product.version, "")) if product else None
    asked = version(str(declared["asks"]))
    if installed is None or asked is None:
        return False
    names = [paths.join(component.folder, str(one)) for one in declared["configuration"]]
    return all(_reaches(machine, name, str(declared["assembly"]), asked, installed) for name in names)


def _reaches(machine: Machine, path: str, assembly: str, asked: Any, installed: Any) -> bool:
    entry = files.find(machine, path)
    if entry is None:
        return bool(asked == installed)
    try:
        found = redirects(xml_files.parse(files.content(entry), path).root)
    except BadInput:
        return False  # a program whose configuration is broken does not start
    mine = [some for one, some in found.items() if one.name == assembly.casefold()]
    return any(lands(some, asked) == installed for some in mine) if mine else bool(asked == installed)

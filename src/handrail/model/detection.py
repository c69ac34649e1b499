"""How the components of a product, and other software, are recognised on a host: plain texts of a guide, without
expressions. Plans carry them along, so that what was planned can be looked at again without the guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """One value of the registry."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class UsedDatabase:
    """Where a component keeps which database it uses: the names of values of one registry `key`. `named`: what the
    database is called where no value says so."""

    key: str
    server: str
    instance: str | None = None
    name: str | None = None
    named: str | None = None


@dataclass(frozen=True, slots=True)
class LanguagePacks:
    """What a component's language pack is called in the list of installed products, and the folder below which every
    language has one of its own."""

    uninstall: str
    folder: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Values of one registry `key` that are worth knowing."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detect:
    """How a component is recognised on a host, and where what belongs to it can be read. Plain texts, no expressions.

    Of `uninstall` (patterns of its name in the list of installed products; `*` stands for anything) one has to fit and
    none of `but_not`; `file` (below `folder`, unless it is a whole path) has to be there. `folder` is where it is
    installed, `folder_at` the registry value that says so and comes first. `build`: whether the list tells the build,
    or only the version of that file. `releases`: patterns of the listed name -> release, where builds do not tell it.
    `service` is the one that runs under the component's account. `key_set`: that service does not start without a key
    set in its account's profile, so one that runs has it. `config_files` are below the folder. `settings`: what
    its registry says of it that is no fact; discovery notes it. `asks`: facts that its own tools tell, and the prober
    that knows how. `reads`: whatever else it takes is known to the prober of that name.
    """

    uninstall: tuple[str, ...] = ()
    but_not: tuple[str, ...] = ()
    releases: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None
    folder_at: RegistryValue | None = None
    file: str | None = None
    build: Literal["list", "file"] = "list"
    service: str | None = None
    database: UsedDatabase | None = None
    key_set: bool = False
    language_packs: LanguagePacks | None = None
    config_files: tuple[str, ...] = ()
    settings: tuple[Settings, ...] = ()
    asks: Mapping[str, Literal["vmm-library-servers"]] = field(default_factory=dict)
    reads: Literal["postgresql"] | None = None


@dataclass(frozen=True, slots=True)
class DetectSoftware:
    """How software that requirements name (`host.software[NAME]`) is recognised, and its version read: by a pattern of
    its name in the list of installed products, or by a registry value. `versions` maps what is found to the version
    that estates state: the least number of a numeric value, or a pattern of the listed name. Without it the version is
    the list's, or the digits of the value."""

    uninstall: tuple[str, ...] = ()
    registry: RegistryValue | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

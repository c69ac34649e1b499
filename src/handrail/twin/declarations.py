"""What a product declares about itself for the twin (`twin.yaml`): packages, components, media, tools.

These are facts about a product's bits, not about how it is upgraded; the mechanisms that use them are ours. Texts may
hold `{build}` (the build of the medium or installation), `{host}`, `{account}`, `{database}` and `{server}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from handrail.documents.read import read
from handrail.documents.tree import Tree, load
from handrail.errors import BadDocument, BadInput, UnknownName
from handrail.model import version


@dataclass(frozen=True, slots=True)
class ServiceBits:
    """`holds` are patterns of files below the component's folder that stay open while it runs. `needs`: database and
    keys, without which it does not start."""

    name: str
    display: str
    binary: str = ""
    account: str = "{account}"
    start: str = "auto"
    depends: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    running: bool = True


@dataclass(frozen=True, slots=True)
class Values:
    """A registry key and its values. A value is text (REG_SZ), a whole number (REG_DWORD), or `{type:, data:}`."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    view: int = 64


@dataclass(frozen=True, slots=True)
class DatabaseBits:
    """`tables` maps a name to a count of rows or to the rows themselves (a list of mappings; `{agent}` expands over the
    fact `test_agents` or else `agents`, `{each FACT}` over any fact that is a list). `schemas` maps the least build to
    the schema number that its binaries need. `secrets`: tables whose content is encrypted under the installation's key
    set. `oldest` maps the least build to the oldest schema that its setup can bring along, `newest` to the newest that
    it takes as it is, when that is newer than its own."""

    name: str
    tables: Mapping[str, Any] = field(default_factory=dict)
    schemas: Mapping[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    oldest: Mapping[str, int] = field(default_factory=dict)
    newest: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComponentBits:
    """`files` carry the build as their version; `texts` have none, are kept when somebody edited them, and map the
    least build to the content that ships with it. `packages` maps a release to its package where one and the same
    component came in several, as `package` does otherwise. `speaks`: it is the language pack of these components,
    there when their fact `language_packs` names a language; `{locale}` in its files stands for each of them, and
    `locales` maps the least build to other names that they have from then on."""

    package: str
    folder: str
    files: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    services: tuple[ServiceBits, ...] = ()
    registry: tuple[Values, ...] = ()
    database: DatabaseBits | None = None
    keys: bool = False
    events: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    speaks: tuple[str, ...] = ()
    locales: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PackageBits:
    """One Windows Installer package. `file` is its name, `source` where it was once installed from, `bases` the builds
    that came as a package of their own (the others are patched ones). `requires` are
    launch conditions: software that has to be there at least at this version. `upgrades`: an .msi of another build
    replaces an installed one. `overwrites` are patterns of texts that it replaces even when somebody edited them."""

    title: str
    file: str
    source: str
    publisher: str = "Microsoft Corporation"
    code: str = ""
    view: int = 64
    bases: tuple[str, ...] = ()
    upgrades: bool = False
    restart: bool = False
    overwrites: tuple[str, ...] = ()
    requires: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PatchBits:
    """A patch of a package: which installed builds it fits (`least` <= build < `below`, or one of `builds`), whether it
    needs the original source, and whether the machine restarts after it."""

    package: str
    least: str = ""
    below: str = ""
    builds: tuple[str, ...] = ()
    source: bool = True
    requires: Mapping[str, str] = field(default_factory=dict)
    restart: bool = False


@dataclass(frozen=True, slots=True)
class MediumBits:
    """What a medium holds. It is about an estate's medium when every key given here has the medium's value. A medium
    that is one file `is` something; an image, archive or folder `holds` files. `build`, or
    `build_of` its release, is for media that state none."""

    kind: tuple[str, ...]
    component: tuple[str, ...] = ()
    release: tuple[str, ...] = ()
    product: str | None = None
    builds: tuple[str, ...] = ()
    build: str = ""
    build_of: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    is_: Mapping[str, Any] = field(default_factory=dict)
    holds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetupBits:
    """A setup program that takes its wishes from switches and an answer file. `components` maps a switch to the
    component that it is about. `defaults` are its own answers, taken for every key that the file leaves out, and all of
    them when there is no such file. `keys` says which answer means what: new_database, retain_database, server,
    instance, database, container. `user`, `domain` and `password` are the switches for the service account, `consent`
    the one without which it asks; `log` is the file that it writes. `left` maps a component to where it stays."""

    components: Mapping[str, str]
    keys: Mapping[str, str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    consent: str = ""
    user: str = ""
    domain: str = ""
    password: str = ""
    log: str = ""
    left: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WmiClass:
    """A WMI class whose instances are the rows of a table of a component's database. `methods` maps a method's name to
    what it returns and what it leaves behind."""

    namespace: str
    name: str
    component: str
    table: str
    service: str
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


TOOL_KINDS = ("configuration", "connector-space", "key-management")
"""What a product's own tool can be."""


@dataclass(frozen=True, slots=True)
class ToolBits:
    """A tool of the product: a file of a component, and which of our mechanisms it is."""

    component: str
    file: str
    does: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A web address or service end point that answers while its services run: `port` or `path` in its address."""

    services: tuple[str, ...]
    component: str
    contains: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class WizardBits:
    """A setup program with pages that a person fills in. `server`, `instance`, `account`, `keys`, `database`, `build`
    are what the step's values call the database server, its instance, the service account, the file with the exported
    keys, the database (where setup lets it be named) and the build of the medium that setup is run from. `also`: what
    is chosen beside the component; `features` is what the values call a list of more."""

    component: str
    package: str
    server: str
    account: str
    instance: str = ""
    keys: str = ""
    database: str = ""
    build: str = ""
    also: tuple[str, ...] = ()
    features: str = ""


@dataclass(frozen=True, slots=True)
class CarryBits:
    """Files and folders that a person brings over, to the same paths: `what` and `from` are names of values."""

    what: tuple[str, ...]
    from_: str


@dataclass(frozen=True, slots=True)
class PersonBits:
    """What a person does at a step: `step` is a pattern for the last part of its id (with the release before it, as
    `2016-sp2/install`, for hops to that release), of one `component` or of any.
    `carries` comes first, then `system`, the Windows that the host has afterwards, then `runs`, command lines on its
    host, as the account `as` if it is given; `installs` are components that stand there
    afterwards, out of the newest package among that host's media; `wizard` is a setup that asks. With none of these,
    what the person does leaves no trace on a host. `reads`: a component of the host; who cannot use what its database
    holds encrypted, answers no. `build` is what the step's values call the build that `installs`
    takes instead of the newest, `locales` what they call the languages that are chosen. `hotfixed`: a build without a
    medium of its own is its base with a hotfix, which the person has at hand. `forgets`: an account whose profile on
    the host is deleted, with the keys in it. `opens`: an image that they mount first, if nobody has; `{opened}` is
    then where it lies, which after a restart need not be the letter that it had."""

    step: str
    component: str = ""
    runs: tuple[str, ...] = ()
    installs: tuple[str, ...] = ()
    as_: str = ""
    system: str = ""
    wizard: WizardBits | None = None
    carries: CarryBits | None = None
    build: str = ""
    reads: str = ""
    locales: str = ""
    hotfixed: bool = False
    forgets: str = ""
    opens: str = ""


@dataclass(frozen=True, slots=True)
class SoftwareBits:
    """What is there when a software of an estate is: `versions` maps its version, as an estate writes it, to further
    texts for the values below (the key `{v}` and others)."""

    registry: tuple[Values, ...] = ()
    uninstall: Mapping[str, Any] = field(default_factory=dict)
    services: tuple[ServiceBits, ...] = ()
    versions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    view: int = 64


@dataclass(frozen=True, slots=True)
class SystemBits:
    """A Windows: its build number and what it calls itself."""

    build: str
    product: str
    version: str = "10.0"
    installation_type: str = "Server"


@dataclass(frozen=True, slots=True)
class TwinBits:
    """A whole `twin.yaml`."""

    twin: str
    packages: Mapping[str, PackageBits] = field(default_factory=dict)
    components: Mapping[str, ComponentBits] = field(default_factory=dict)
    patches: Mapping[str, PatchBits] = field(default_factory=dict)
    setups: Mapping[str, SetupBits] = field(default_factory=dict)
    media: tuple[MediumBits, ...] = ()
    tools: tuple[ToolBits, ...] = ()
    wmi: tuple[WmiClass, ...] = ()
    answers: tuple[Answer, ...] = ()
    persons: tuple[PersonBits, ...] = ()
    software: Mapping[str, SoftwareBits] = field(default_factory=dict)
    systems: Mapping[str, SystemBits] = field(default_factory=dict)


WINDOWS = Path(__file__).parent / "windows.yaml"


@dataclass(frozen=True, slots=True)
class Declarations:
    """All that is declared for one twin, by product; `windows` is the operating system and common software."""

    products: Mapping[str, TwinBits]
    windows: TwinBits

    def package(self, reference: str) -> PackageBits:
        """`PRODUCT/PACKAGE`."""
        product, _, name = reference.partition("/")
        return self.products[product].packages[name]

    def component(self, product: str, name: str) -> ComponentBits | None:
        bits = self.products.get(product)
        return bits.components.get(name) if bits else None

    def software(self, name: str) -> SoftwareBits | None:
        everywhere = [self.windows, *self.products.values()]
        return next((bits.software[name] for bits in everywhere if name in bits.software), None)


def read_declarations(files: Mapping[str, Path]) -> Declarations:
    """Product name to its `twin.yaml`. BadDocument or BadInput, with the place, for what is wrong in one."""
    return Declarations({name: _read(path) for name, path in files.items()}, _read(WINDOWS))


def _read(path: Path) -> TwinBits:
    """Reading takes longer than a whole run, so what was read is kept for as long as the file is the same."""
    try:
        seen = path.stat()
    except OSError:
        return _read_anew(path, 0, 0)
    return _read_anew(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=64)
def _read_anew(path: Path, changed: int, size: int) -> TwinBits:  # noqa: ARG001
    tree = load(path, "The twin declaration")
    bits = read(TwinBits, tree)
    mistakes = [*_loose_ends(bits, tree), *_no_builds(bits, tree)]
    if mistakes:
        raise BadDocument(mistakes)
    return bits


def _no_builds(bits: TwinBits, tree: Tree) -> Iterator[BadInput]:
    """What is compared as a build and is none."""
    given: list[tuple[str, tuple[str | int, ...]]] = []
    for name, package in bits.packages.items():
        given += [(one, ("packages", name, "bases", number)) for number, one in enumerate(package.bases)]
    for name, patch in bits.patches.items():
        given += [(patch.least, ("patches", name, "least")), (patch.below, ("patches", name, "below"))]
    for name, component in bits.components.items():
        schemas = component.database.schemas if component.database is not None else ()
        given += [(build, ("components", name, "database", "schemas", build)) for build in schemas]
    for build, keys in given:
        try:
            if build or keys[-2] in ("bases", "schemas"):
                version.key("windows", build)
        except ValueError as error:
            yield BadInput(f"{error}.", "Correct it.", tree.place(*keys))


_HELD = ("package", "patch", "setup", "software", "version", "text")


def _loose_ends(bits: TwinBits, tree: Tree) -> Iterator[BadInput]:
    """Names that nothing in the declaration has."""

    def look(what: str, name: str, known: Iterable[str], *keys: str | int) -> Iterator[BadInput]:
        if name not in known:
            yield UnknownName(what, name, known, tree.place(*keys))

    for name, component in bits.components.items():
        yield from look("The package", component.package, bits.packages, "components", name, "package")
        for number, spoken in enumerate(component.speaks):
            yield from look("The component", spoken, bits.components, "components", name, "speaks", number)
        for release, package in component.packages.items():
            yield from look("The package", package, bits.packages, "components", name, "packages", release)
    for name, patch in bits.patches.items():
        yield from look("The package", patch.package, bits.packages, "patches", name, "package")
    for number, medium in enumerate(bits.media):
        places: list[tuple[Mapping[str, Any], tuple[str | int, ...]]] = [(medium.is_, ("media", number, "is"))]
        places += [(held, ("media", number, "holds", path)) for path, held in medium.holds.items()]
        for held, keys in places:
            for key in held:
                yield from look("The key", key, _HELD, *keys, key)
            if "package" in held:
                yield from look("The package", str(held["package"]), bits.packages, *keys, "package")
            if "setup" in held:
                yield from look("The setup", str(held["setup"]), bits.setups, *keys, "setup")
            if "patch" in held:
                yield from look("The patch", str(held["patch"]), bits.patches, *keys, "patch")
    for name, setup in bits.setups.items():
        for switch, component_name in setup.components.items():
            yield from look("The component", component_name, bits.components, "setups", name, "components", switch)
    used = [("tools", n, tool.component) for n, tool in enumerate(bits.tools)]
    used += [("wmi", n, wmi.component) for n, wmi in enumerate(bits.wmi)]
    used += [("answers", n, answer.component) for n, answer in enumerate(bits.answers)]
    for section, number, name in used:
        yield from look("The component", name, bits.components, section, number, "component")
    for number, tool in enumerate(bits.tools):
        yield from look("The mechanism", tool.does, TOOL_KINDS, "tools", number, "does")
    for number, person in enumerate(bits.persons):
        for name in (*person.installs, *([person.reads] if person.reads else ())):
            yield from look("The component", name, bits.components, "persons", number, "installs")
        if person.wizard is not None:
            where = ("persons", number, "wizard")
            for name in (person.wizard.component, *person.wizard.also):
                yield from look("The component", name, bits.components, *where, "component")
            yield from look("The package", person.wizard.package, bits.packages, *where, "package")

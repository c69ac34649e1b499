"""One component on a Windows host: is it there, at which build, as whom does it run, which database does it use.

Each function asks one thing, and is what discovery and drift both ask. All raise `Undetermined`.
"""

from __future__ import annotations

import locale
import ntpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from handrail.hosts.protocol import Host
from handrail.model.detection import Detect, UsedDatabase
from handrail.model.version import compared
from handrail.probing import files
from handrail.probing.reg_text import Product, fits, number, packed, products, values_in, values_of
from handrail.probing.services import state_of
from handrail.probing.shell import Undetermined, decoded, run
from handrail.probing.systems import text_at

SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
ALIASES = r"HKLM\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo"
PATCHED = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products"
_LOCALE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,2}\Z")
_WHOLE = re.compile(r"[A-Za-z]:\\|\\\\")


@dataclass(frozen=True, slots=True)
class Database:
    """`server` as the component has it, without a port; `host` is the machine, None when it is the component's own."""

    server: str
    host: str | None
    instance: str | None
    name: str


async def listed(host: Host, detect: Detect) -> list[Product]:
    """What fits among the installed products."""
    return [
        one
        for one in await products(host)
        if any(fits(one.name, pattern) for pattern in detect.uninstall)
        and not any(fits(one.name, pattern) for pattern in detect.but_not)
    ]


async def folder_of(host: Host, detect: Detect) -> str | None:
    """Where it is installed: as it has registered, else where its guide says."""
    if detect.folder_at is not None:
        found = await text_at(host, detect.folder_at.key, detect.folder_at.value)
        if found is not None:
            return found.rstrip("\\")
    return detect.folder


async def path_of(host: Host, detect: Detect, name: str) -> str | None:
    """A file of the component; None when its folder is not known."""
    if _WHOLE.match(name):
        return name
    folder = await folder_of(host, detect)
    return ntpath.join(folder, name) if folder else None


async def is_there(host: Host, detect: Detect) -> bool:
    """Whether it is installed: in the list of products, and with the file that tells it from its neighbours."""
    if not await listed(host, detect):
        return False
    path = await path_of(host, detect, detect.file) if detect.file else None
    if detect.file and path is None:
        return False
    return path is None or await files.is_there(host, path)


async def build_of(host: Host, detect: Detect) -> str | None:
    """The build that is installed; None when it is not. The list and the file have to agree, where both tell it."""
    if not await is_there(host, detect):
        return None
    found = await listed(host, detect)
    builds = list(dict.fromkeys(one.version for one in found if one.version))
    path = await path_of(host, detect, detect.file) if detect.file else None
    if detect.build == "file":
        seen = await files.version(host, path) if path else None
        if seen is None:
            raise Undetermined(f"{path} on {host.name} is not there, and its version tells the build")
        return seen
    if len(builds) != 1:
        names = ", ".join(f"{one.name} {one.version}" for one in found)
        raise Undetermined(f"several products on {host.name} could be it: {names}")
    seen = await _version(host, path)
    if seen is not None and seen != "0.0.0.0" and compared(seen, builds[0]) not in (0, None):
        raise Undetermined(
            f"{found[0].name} on {host.name} is listed at {builds[0]}, and its {ntpath.basename(path or '')} is {seen}"
        )
    return builds[0]


async def _version(host: Host, path: str | None) -> str | None:
    """None too where versions of files cannot be read: the list tells the build then."""
    try:
        return await files.version(host, path) if path else None
    except Undetermined:
        return None


async def release_of(host: Host, detect: Detect) -> str | None:
    """The release that its name in the list tells; None when it tells none."""
    for one in await listed(host, detect):
        for pattern, release in detect.releases.items():
            if fits(one.name, pattern):
                return release
    return None


async def architecture_of(host: Host, detect: Detect) -> str:
    views = {one.view for one in await listed(host, detect)}
    if len(views) != 1 or None in views:
        raise Undetermined(f"the list of products on {host.name} does not tell which view it stands in")
    return "x64" if views == {64} else "x86"


async def language_of(host: Host, detect: Detect) -> str:
    """The language of its package, such as en-us."""
    for one in await listed(host, detect):
        number = one.values.get("Language", "")
        try:
            name = locale.windows_locale.get(int(number, 0))
        except ValueError:
            name = None
        if name:
            return name.replace("_", "-").lower()
    raise Undetermined(f"the list of products on {host.name} names no language")


async def account_of(host: Host, service: str) -> str:
    """As whom a service runs, as Windows writes it. From the registry: `sc qc` is not everywhere."""
    name = await text_at(host, rf"{SERVICES}\{service}", "ObjectName")
    if name is None:
        raise Undetermined(f"{host.name} does not say as whom the service {service} runs")
    return name


def kind_of(account: str) -> str:
    """domain, gmsa, local-system or local, as the name tells it."""
    low = account.casefold()
    if low in ("localsystem", r"nt authority\system", "system", r".\localsystem"):
        return "local-system"
    if low.startswith(("nt authority\\", "nt service\\", ".\\")) or ("\\" not in low and "@" not in low):
        return "local"
    return "gmsa" if low.partition("@")[0].endswith("$") else "domain"


def is_same_account(one: str, other: str) -> bool:
    r"""CONTOSO\svc and svc@contoso.com may be one account: then only the name itself is compared."""
    left, right = one.casefold().lstrip(".\\"), other.casefold().lstrip(".\\")
    if kind_of(one) == kind_of(other) == "local-system" or left == right:
        return True
    if ("@" in left) != ("@" in right):
        return left.rpartition("\\")[2].partition("@")[0] == right.rpartition("\\")[2].partition("@")[0]
    return False


async def database_of(host: Host, used: UsedDatabase) -> Database:
    server = await text_at(host, used.key, used.server)
    if used.server.casefold() not in (await values_of(host, used.key) or {}):
        raise Undetermined(f"{used.key} on {host.name} does not say which server it uses")
    instance = await text_at(host, used.key, used.instance) if used.instance else None
    name = (await text_at(host, used.key, used.name) if used.name else None) or used.named
    if name is None:
        raise Undetermined(f"{used.key} on {host.name} does not say which database it uses")
    machine, inside = machine_of(server or "", host.name)
    return Database(server or "", machine, instance or inside, name)


def machine_of(server: str, own: str) -> tuple[str | None, str | None]:
    r"""The machine and the instance in `tcp:SQL01\INST,1433`; no machine when it is our own."""
    bare = server.strip().removeprefix("tcp:").partition(",")[0]
    machine, _, instance = bare.partition("\\")
    local = ("", ".", "(local)", "localhost", own.casefold(), own.partition(".")[0].casefold())
    return (None if machine.casefold() in local else machine), (instance or None)


async def alias_of(host: Host, server: str) -> str | None:
    """The server behind a client alias; None when the name is no alias on this host."""
    found = await text_at(host, ALIASES, server)
    return found.partition(",")[2] if found else None


async def runs(host: Host, service: str) -> bool:
    return await state_of(host, service) == "RUNNING"


async def languages_of(host: Host, pattern: str, folder: str) -> list[str]:
    """The languages of the installed language pack; none when no pack is listed."""
    if not any(fits(one.name, pattern) for one in await products(host)):
        return []
    below = await files.folders(host, folder)
    if below is None:
        raise Undetermined(f"the folders of {folder} on {host.name} cannot be listed")
    found = [name for name in below if "\\" not in name and _LOCALE.match(name)]
    if not found:
        raise Undetermined(f"a language pack is listed on {host.name}, and {folder} holds no language")
    return [_spelled(name) for name in found]


def _spelled(name: str) -> str:
    """de-de as de-DE; sr-latn-cs as sr-latn-CS; zh-hans as it is."""
    parts = name.split("-")
    return "-".join([*parts[:-1], parts[-1].upper()]) if len(parts) > 1 and len(parts[-1]) == 2 else name


async def patches_of(host: Host, detect: Detect) -> list[str]:
    """The patches that Windows Installer has registered for it, by the names that they give themselves."""
    names: list[str] = []
    for one in await listed(host, detect):
        code = packed(one.code)
        if code is None:
            continue
        answer = await run(host, "reg", "query", rf"{PATCHED}\{code}\Patches", "/s")
        names += [v.data for v in values_in(decoded(answer.out)) if v.name == "DisplayName" and answer.code == 0]
    return names


async def settings_of(host: Host, detect: Detect) -> Mapping[str, str]:
    """What its registry says of it, of the values that its guide names; numbers as numbers."""
    found = {}
    for one in detect.settings:
        there = await values_of(host, one.key) or {}
        for name in one.values:
            value = there.get(name.casefold())
            if value is not None and value.data.strip():
                count = number(value)
                found[name] = value.data.strip() if count is None else str(count)
    return found


async def configuration_of(host: Host, detect: Detect) -> Mapping[str, str]:
    """SHA-256 of its configuration files, of those that are there."""
    found = {}
    for name in detect.config_files:
        path = await path_of(host, detect, name)
        seen = await files.file(host, path) if path else None
        if seen is not None:
            found[name] = seen.sha256
    return found

"""How a step is done without the program: what to type, and how to see that it worked.

One entry per action; `{name}` is the step's parameter of that name. A line that needs a parameter which the step does
not have is left out. Actions without an entry are told by their values, which a runbook shows in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class ByHand:
    """`do`: lines to type. `look`: lines to type afterwards. `expect`: what they must show."""

    do: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    expect: str = ""


BY_HAND: Mapping[str, ByHand] = {
    "service.stop": ByHand(("sc stop {name}",), ("sc query {name}",), "STATE is STOPPED."),
    "service.start": ByHand(("sc start {name}",), ("sc query {name}",), "STATE is RUNNING."),
    "service.running": ByHand(look=("sc query {name}",), expect="STATE is RUNNING."),
    "iis.stop": ByHand(("iisreset /stop",), ("sc query W3SVC",), "STATE is STOPPED."),
    "iis.start": ByHand(("iisreset /start",), ("sc query W3SVC",), "STATE is RUNNING."),
    "os.supported": ByHand(look=("winver",), expect="It is one of: {in}."),
    "software.install": ByHand(("{path} {arguments}",), expect="Programs and Features lists it: {detect}."),
    "software.present": ByHand(("appwiz.cpl",), expect="Programs and Features lists it: {detect}."),
    "installer.source": ByHand(
        look=(
            r"reg query HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall /s /reg:64",
            r"reg query HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall /s /reg:32",
        ),
        expect="Find the entry whose DisplayName is like {product}; note its InstallSource and its product code.",
    ),
    "drive.map": ByHand(
        ("subst {drive} {folder}",), ("dir {drive}\\",), "The drive is there, and a file can be written to it."
    ),
    "drive.unmap": ByHand(("subst {drive} /D",), ("subst",), "{drive} is no longer listed."),
    "media.open": ByHand(expect="The content of {path} can be read: mount the image, or unpack the archive."),
    "media.close": ByHand(expect="{path} is unmounted."),
    "media.not_mounted": ByHand(expect="No drive holds {path}; eject it if one does."),
    "folder.copy": ByHand(
        ("robocopy {source} {target} /E /COPY:DAT /R:2 /W:2",),
        expect="robocopy ends below 8, and every file is at the target with the same hash.",
    ),
    "file.copy": ByHand(
        ("copy /y {source} {target}",),
        ("certutil -hashfile {source} SHA256",),
        "The file at the target has the same hash.",
    ),
    "installer.check_package": ByHand(expect="The package {name} in {folder} has product version {version}."),
    "installer.patch": ByHand(
        (
            "cd /d {folder}",
            "msiexec /p {patch} REINSTALL=ALL REINSTALLMODE=emus /qn /norestart /l*v {log}",
        ),
        expect="It ends with 0 or 3010 (restart needed), and both Programs and Features and {file} show build {build}.",
    ),
    "installer.install": ByHand(
        ("msiexec /i {package} /qn /norestart /l*v {log}",),
        expect="It ends with 0 or 3010 (restart needed), and both Programs and Features and {file} show build {build}.",
    ),
    "registry.export": ByHand(("reg export {keys} {file} /y",), expect="{file} exists and names the keys."),
    "registry.remove_values": ByHand(
        look=("reg query {root} /s /f {data} /d",),
        expect="No value carries {data} any more. Remove only values that do, after exporting their keys to {backup}.",
    ),
    "folder.backup": ByHand(
        ("robocopy {folder} {to} /E /COPY:DAT /R:2 /W:2",), expect="robocopy ends below 8; note where the copy lies."
    ),
    "folder.prove": ByHand(expect="Every file of {folder} is in the copy with the same hash, and can be read."),
    "sqlserver.backup": ByHand(
        (
            "sqlcmd -S {server} -E -b -Q \"BACKUP DATABASE [{database}] TO DISK = N'FILE' "
            'WITH CHECKSUM, COPY_ONLY, INIT"',
        ),
        expect="FILE is a new file below {to}; note its name.",
    ),
    "sqlserver.prove": ByHand(
        look=(
            "sqlcmd -S {server} -E -b -Q \"RESTORE VERIFYONLY FROM DISK = N'{file}' WITH CHECKSUM\"",
            "sqlcmd -S {server} -E -b -Q \"RESTORE HEADERONLY FROM DISK = N'{file}'\"",
        ),
        expect="The backup set is valid, names {database}, and was finished just now.",
    ),
    "sqlserver.online": ByHand(
        look=("sqlcmd -S {server} -E -b -Q \"SELECT state_desc FROM sys.databases WHERE name = N'{database}'\"",),
        expect="ONLINE.",
    ),
    "keys.export": ByHand(
        ("{tool} /e FILE /u:{account} *",),
        expect="It asks for the password of {account}; type it there, never on the line. FILE is a new file "
        "below {to}; note its name and hash.",
    ),
    "keys.prove": ByHand(
        look=("certutil -hashfile {file} SHA256",), expect="The hash is the one noted, and the file is not empty."
    ),
    "product.version": ByHand(expect="Programs and Features shows {product} at {build}, and so does {file}."),
    "file.version": ByHand(expect="The properties of {file} show file version {build}."),
    "sync.agents": ByHand(expect="The management agents load: {agents}."),
    "sync.import": ByHand(expect="Run profile {profile} of {agents} ends with success."),
    "service.log_clean": ByHand(
        ("eventvwr",), expect="Application log: nothing at this level or worse from {providers}."
    ),
    "portal.answers": ByHand(expect="{url} answers in a browser."),
    "host.reboot": ByHand(("shutdown /r /t 0",), expect="It is up again, with a new start time."),
    "barrier": ByHand(expect="All steps before this one have ended."),
}


def lines(templates: tuple[str, ...], with_: Mapping[str, Any], show: Callable[[Any], str]) -> tuple[str, ...]:
    """The lines with the step's values in them; what needs a value that is not there is left out."""
    filled = (_fill(template, with_, show, quote) for template in templates)
    return tuple(line for line in filled if line)


def sentence(template: str, with_: Mapping[str, Any], show: Callable[[Any], str]) -> str:
    """Like `lines`, for words rather than commands."""
    kept = [_fill(one, with_, show, lambda text: text) for one in re.split(r"(?<=\.)\s+", template)]
    return " ".join(one for one in kept if one)


def used(entry: ByHand) -> frozenset[str]:
    """The parameters that an entry shows."""
    return frozenset(name for text in (*entry.do, *entry.look, entry.expect) for name in _FIELD.findall(text))


def quote(text: str) -> str:
    """As a Windows command line takes it."""
    return f'"{text}"' if text == "" or (re.search(r"[\s&()^;,=]", text) and not text.startswith('"')) else text


def _fill(template: str, with_: Mapping[str, Any], show: Callable[[Any], str], wrap: Callable[[str], str]) -> str:
    if any(with_.get(name) is None for name in _FIELD.findall(template)):
        return ""

    def shown(match: re.Match[str]) -> str:
        inside = template[: match.start()].count('"') % 2 == 1 or match["name"] == "arguments"
        text = show(with_[match["name"]])
        return text if inside else wrap(text)

    return re.sub(r"\{(?P<name>\w+)\}", shown, template)

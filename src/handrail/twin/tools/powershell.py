"""PowerShell, as far as the reviewed scripts of `hosts.powershell` go: each is known by its name, none is read."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import unescape

from handrail.hosts import powershell as scripts
from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import answers, booting, databases, drives, files, installer, registry, resources
from handrail.twin.things import Service, Volume
from handrail.twin.tools import schtasks
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain, say

ABSENT = Reply(scripts.ABSENT)


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    known = scripts.recognise(("powershell", *arguments))
    script = _SCRIPTS.get(known[0]) if known else None
    if known is None or script is None:
        raise not_rehearsed("powershell", [re.sub(r"\s+", " ", one)[:200] for one in arguments])
    return script(machine, *known[1])


def _file_version(machine: Machine, path: str) -> Reply:
    entry = files.find(machine, path)
    if entry is None:
        return ABSENT
    return say(0, entry.version or "0.0.0.0")


def _hash_tree(machine: Machine, path: str) -> Reply:
    entry = files.find(machine, path)
    if entry is None:
        return ABSENT
    if not entry.folder:
        return say(0, f"{entry.sha256.upper()}|{entry.size}|{paths.name(entry.path)}")
    place = drives.locate(machine, path)
    assert place is not None
    found = [one for one in files.below(machine, path) if not one.folder]
    return say(0, *(f"{one.sha256.upper()}|{one.size}|{paths.relative(one.path, place[1])}" for one in found))


def _boot_time(machine: Machine) -> Reply:
    return say(0, booting.boot_id(machine))


def _read_part(machine: Machine, path: str, offset: str, most: str) -> Reply:
    entry = files.find(machine, path)
    if entry is None:
        return ABSENT
    if entry.folder:
        return complain(1, 'Exception calling "Open" with "4" argument(s): "Access to the path is denied."')
    whole = files.content(entry)
    part = whole[int(offset) : int(offset) + int(most)]
    head = f"{len(whole)}|{entry.time}|{hashlib.sha256(part).hexdigest().upper()}"
    text = base64.b64encode(part).decode("ascii")
    return say(0, head, *(text[at : at + 76] for at in range(0, len(text), 76)))


def _fed(machine: Machine) -> bytes:
    return b"".join(base64.b64decode(line) for line in machine.stdin.splitlines())


def _write_file(machine: Machine, path: str, digest: str) -> Reply:
    return _take(machine, path, _fed(machine), digest)


def _write_part(machine: Machine, path: str, offset: str) -> Reply:
    entry = files.find(machine, path)
    before = files.content(entry)[: int(offset)] if entry else b""
    return _put(machine, path, before.ljust(int(offset), b"\0") + _fed(machine))


def _take_part(machine: Machine, part: str, path: str, digest: str) -> Reply:
    entry = files.find(machine, part)
    if entry is None:
        return ABSENT
    place = drives.locate(machine, part)
    assert place is not None
    reply = _take(machine, path, files.content(entry), digest)
    if reply.code in (0, scripts.DAMAGED):
        files.delete(place[0], entry)
    return reply


def _own_folders(machine: Machine, *folders: str) -> Reply:
    """Who may do what with a file is not modelled."""
    for one in folders:
        whole = machine.path(one)
        if files.find(machine, whole) is None:
            if not files.make_folder(machine, whole):
                return complain(1, f"Could not find a part of the path '{whole}'.")
            machine.did("folder", f"folder {whole} made")
    return Reply()


def _list_jobs(machine: Machine, root: str) -> Reply:
    if files.find(machine, root) is None:
        return ABSENT
    now = machine.context.now()
    lines = []
    for one in files.children(machine, root):
        inside = files.children(machine, one.path)
        ended = any(paths.name(each.path).lower() == "exit.txt" for each in inside)
        times = [each.time for each in (one, *inside) if each.time]
        age = (now - datetime.fromisoformat(max(times))).total_seconds() if times else 0
        lines.append(f"{int(age)}|{int(ended)}|{paths.name(one.path)}")
    return say(0, *lines)


def _register_task(machine: Machine, name: str, user: str) -> Reply:
    xml = base64.b64decode(machine.stdin.splitlines()[0]).decode()
    command = re.search("<Command>([^<]*)</Command>", xml)
    if command is None:
        return complain(1, 'Exception calling "RegisterTask": The task XML is incorrectly formatted.')
    schtasks.register(machine, name, unescape(command[1]), user)
    return Reply()


def _take(machine: Machine, path: str, data: bytes, digest: str) -> Reply:
    if hashlib.sha256(data).hexdigest() != digest.lower():
        return Reply(scripts.DAMAGED)
    whole = machine.path(path)
    old = files.find(machine, whole)
    before = files.content(old) if old is not None else None
    reply = _put(machine, whole, data)
    if reply.code == 0 and before != data:
        machine.did("file", f"file {whole} written")
    return reply


def _put(machine: Machine, path: str, data: bytes) -> Reply:
    whole = machine.path(path)
    if files.find(machine, paths.parent(whole)) is None:
        files.make_folder(machine, paths.parent(whole))
    if not files.writable(machine, whole):
        return complain(1, f"New-Object : Could not find a part of the path '{whole}'.")
    files.write(machine, whole, files.of_bytes(whole, data, machine.stamp()))
    return Reply()


def _shred(machine: Machine, path: str) -> Reply:
    entry = files.find(machine, path)
    if entry is None:
        return ABSENT
    place = drives.locate(machine, path)
    assert place is not None
    if entry.folder or not files.writable(machine, path) or files.held_by(place[0], place[1]):
        return complain(1, 'Exception calling "SetAttributes" or "Open": Access to the path is denied.')
    files.delete(place[0], entry)
    machine.did("file", f"file {entry.path} shredded")
    return Reply()


def _files_in_use(machine: Machine, path: str) -> Reply:
    place = drives.locate(machine, path)
    if place is None or files.find(machine, path) is None:
        return ABSENT
    found = [one for one in files.below(machine, path) if not one.folder and files.held_by(place[0], one.path)]
    return say(0, *(paths.relative(one.path, place[1]) for one in found))


def _msi_version(machine: Machine, path: str) -> Reply:
    entry = files.find(machine, path)
    if entry is None:
        return ABSENT
    if not files.intact(entry) or not {"package", "software"} & set(entry.holds):
        return complain(1, 'Exception calling "InvokeMember": "OpenDatabase,DatabasePath,OpenMode"')
    if "software" in entry.holds:
        return say(0, f"ProductName={entry.holds['software']}", f"ProductVersion={entry.holds.get('version', '')}")
    reference = str(entry.holds["package"])
    bits = machine.context.declarations.package(reference)
    return say(
        0,
        f"ProductName={bits.title}",
        f"ProductVersion={entry.holds['version']}",
        f"ProductCode={installer.code_of(reference, bits)}",
    )


def _mounted(machine: Machine) -> Reply:
    media = [one for one in machine.all(Volume) if one.kind == "cdrom"]
    return say(0, *(f"{one.letter}|{one.label}|{one.image}" for one in media))


def _mount(machine: Machine, image: str) -> Reply:
    if files.find(machine, image) is None:
        return ABSENT
    if drives.mount(machine, image) is None:
        return complain(1, "Mount-DiskImage : The file or directory is corrupted and unreadable.")
    return Reply()


def _dismount(machine: Machine, image: str) -> Reply:
    place = drives.locate(machine, image)
    for one in machine.all(Volume):
        if place and one.image.lower() == place[1].lower():
            drives.dismount(machine, one)
            return Reply()
    return (
        Reply() if files.find(machine, image) else complain(1, "Dismount-DiskImage : The system cannot find the file.")
    )


def _expand(machine: Machine, archive: str, folder: str) -> Reply:
    entry = files.find(machine, archive)
    if entry is None:
        return ABSENT
    if "archive" not in entry.holds or not files.intact(entry):
        return complain(1, "Expand-Archive : End of Central Directory record could not be found.")
    if files.find(machine, folder) is not None or not files.make_folder(machine, folder):
        return complain(1, "Move-Item : Cannot create a file when that file already exists.")
    place = drives.locate(machine, folder)
    assert place is not None
    for name, held in entry.holds["archive"]["files"].items():
        files.plant(place[0], files.made(paths.join(place[1], name), held, entry.time))
    machine.did("media", f"{entry.path} unpacked to {folder}")
    return Reply()


def _web_status(machine: Machine, url: str) -> Reply:
    status = answers.status(machine, url)
    if status is None:
        return complain(1, "Invoke-WebRequest : Unable to connect to the remote server")
    return say(0, str(status))


def _object_update(machine: Machine, address: str, object_id: str) -> Reply:
    result = answers.update(machine, address, object_id)
    if result is None:
        return complain(1, "Export-FIMConfig : There was no endpoint listening at that address.")
    return say(0, "updated") if result else ABSENT


_WSMAN = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Service"
_QUOTAS = {"MaxConcurrentOperationsPerUser": 1500, "MaxConnections": 300}


def state_quotas(machine: Machine, stated: object) -> None:
    """As an estate states them: max_concurrent_operations_per_user and max_connections."""
    if isinstance(stated, Mapping):
        names = zip(_QUOTAS, ("max_concurrent_operations_per_user", "max_connections"), strict=True)
        values = {name: registry.number(stated[key]) for name, key in names if isinstance(stated.get(key), int)}
        registry.write(machine, _WSMAN, values)


def _quotas(machine: Machine) -> Reply:
    values = {name: registry.value(machine, _WSMAN, name) or hex(default) for name, default in _QUOTAS.items()}
    return say(0, *(f"{name}={int(value, 16)}" for name, value in values.items()))


def _set_quotas(machine: Machine, operations: str, connections: str) -> Reply:
    new = {name: registry.number(int(one)) for name, one in zip(_QUOTAS, (operations, connections), strict=True)}
    registry.write(machine, _WSMAN, new)
    machine.did("registry", f"quotas of Windows Remote Management set to {operations} and {connections}")
    return Reply()


def _vmm_library_servers(machine: Machine, folder: str) -> Reply:
    """The module is not modelled: it is there where the service's program is."""
    if files.find(machine, paths.join(folder, r"bin\vmmservice.exe")) is None:
        return ABSENT
    service, component = machine.get(Service, "SCVMMService"), machine.components().get("server")
    database = databases.of_component(machine, component) if component else None
    if service is None or service.state != "RUNNING" or database is None:
        return complain(1, "Get-SCVMMServer : You cannot access VMM management server localhost.")
    return say(0, *(str(row["Name"]) for row in databases.rows(database[1], "library_servers")))


def _rcdc_export(machine: Machine, address: str) -> Reply:
    text = resources.exported(machine, address)
    if text is None:
        return complain(1, "Export-FIMConfig : There was no endpoint listening at that address.")
    return say(0, *text) if text else ABSENT


def _rcdc_import(machine: Machine, address: str, path: str) -> Reply:
    entry = files.find(machine, path)
    if entry is None:
        return ABSENT
    count = resources.imported(machine, address, json.loads(files.content(entry)))
    if count is None:
        return complain(1, "Import-FIMConfig : There was no endpoint listening at that address.")
    return say(0, str(count))


def _transport_facts(machine: Machine) -> Reply:
    now = machine.context.now().astimezone(UTC)
    return say(0, "language=FullLanguage", "version=5.1.17763.1", f"utc={now:%Y-%m-%dT%H:%M:%S}")


def _readiness(machine: Machine) -> Reply:
    pending = [one.name for one in machine.all(Service) if one.state.endswith("_PENDING")]
    return say(0, *(f"pending={one}" for one in pending), "ready")


_SCRIPTS: dict[str, Callable[..., Reply]] = {
    "boot-time": _boot_time,
    "read-part": _read_part,
    "write-file": _write_file,
    "write-part": _write_part,
    "take-part": _take_part,
    "own-folders": _own_folders,
    "list-jobs": _list_jobs,
    "register-task": _register_task,
    "file-version": _file_version,
    "files-in-use": _files_in_use,
    "hash-tree": _hash_tree,
    "msi-version": _msi_version,
    "shred-file": _shred,
    "mounted-media": _mounted,
    "mount-image": _mount,
    "dismount-image": _dismount,
    "expand-archive": _expand,
    "readiness": _readiness,
    "transport-facts": _transport_facts,
    "vmm-library-servers": _vmm_library_servers,
    "web-status": _web_status,
    "object-update": _object_update,
    "rcdc-export": _rcdc_export,
    "rcdc-import": _rcdc_import,
    "wsman-quotas": _quotas,
    "wsman-set-quotas": _set_quotas,
}

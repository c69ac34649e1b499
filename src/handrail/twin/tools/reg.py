"""`reg`: query, add, delete, export and import, in either view."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files, registry
from handrail.twin.things import Key
from handrail.twin.tools import reg_files
from handrail.twin.tools.options import not_rehearsed, split
from handrail.twin.tools.reply import Reply, complain, say

_ABSENT = "ERROR: The system was unable to find the specified registry key or value."
_DONE = "The operation completed successfully."
_TYPES = ("REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_DWORD", "REG_QWORD", "REG_BINARY", "REG_NONE")


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    verb = arguments[0].lower() if arguments else ""
    verbs = {"query": _query, "add": _add, "delete": _delete, "export": _export, "import": _import}
    if verb not in verbs:
        raise not_rehearsed("reg", arguments)
    flags = ("s", "ve", "va", "f", "k", "d", "e", "c", "y", "reg") if verb != "query" else _QUERY_FLAGS
    takes = ("v", "t", "d") if verb != "query" else ("v", "f", "t")
    words, options = split("reg", arguments[1:], flags=flags, takes=takes)
    if "reg" in options and machine.system.version.startswith("5."):
        # Views came with Windows Server 2008.
        return complain(1, "Error: Invalid command-line parameters.")
    view = 32 if options.get("reg") == "32" else 64
    if not words or (verb != "import" and registry.full(words[0]) is None):
        return complain(1, "ERROR: Invalid key name.", 'Type "REG QUERY /?" for usage.')
    return verbs[verb](machine, words, options, view)


_QUERY_FLAGS = ("s", "ve", "k", "d", "e", "c", "reg")


def _shown(data: registry.Value, name: str) -> str:
    return f"    {name}    {data[0]}    {data[1]}"


def _name(name: str) -> str:
    return name or "(Default)"


def _query(machine: Machine, words: list[str], options: dict[str, str], view: int) -> Reply:
    key = registry.find(machine, words[0], view)
    if key is None or len(words) != 1:
        return complain(1, _ABSENT)
    asked = registry.full(words[0])
    assert asked is not None
    deep = "s" in options
    keys = [key, *(registry.below(machine, words[0], view) if deep else [])]
    if "f" in options:
        return _search(keys, key, asked, options)
    wanted = "" if "ve" in options else options.get("v")
    lines: list[str] = []
    found = False
    for one in keys:
        values = {n: v for n, v in one.values.items() if wanted is None or n.lower() == wanted.lower()}
        found |= bool(values)
        if values or (wanted is None and not deep):
            lines += ["", _as_asked(one, key, asked), *(_shown(v, _name(n)) for n, v in values.items())]
    if wanted is not None and not found:
        return complain(1, _ABSENT)
    if not deep and wanted is None:
        below = registry.below(machine, words[0], view)
        direct = [one for one in below if paths.parent(one.path).lower() == key.path.lower()]
        lines += ["", *(_as_asked(one, key, asked) for one in direct)] if direct else []
    return say(0, *lines, "") if lines else Reply()


def _as_asked(one: Key, root: Key, asked: str) -> str:
    """The key's path in the view that was asked for, where WOW6432Node does not show."""
    return asked + one.path[len(root.path) :]


def _search(keys: list[Key], root: Key, asked: str, options: dict[str, str]) -> Reply:
    text = options["f"].lower()
    exact = "e" in options
    everywhere = not {"k", "d", "v"} & set(options)

    def hit(candidate: str) -> bool:
        return candidate.lower() == text if exact else text in candidate.lower()

    lines: list[str] = []
    count = 0
    for one in keys:
        values = {
            name: value
            for name, value in one.values.items()
            if (("d" in options or everywhere) and hit(value[1])) or (everywhere and hit(_name(name)))
        }
        named = ("k" in options or everywhere) and one is not root and hit(paths.name(one.path))
        if values or named:
            lines += ["", _as_asked(one, root, asked), *(_shown(v, _name(n)) for n, v in values.items())]
        count += len(values) + named
    return say(0 if count else 1, *lines, "", f"End of search: {count} match(es) found.")


def _add(machine: Machine, words: list[str], options: dict[str, str], view: int) -> Reply:
    kind = options.get("t", "REG_SZ").upper()
    if kind not in _TYPES or "f" not in options:
        raise not_rehearsed("reg add without /f, or of that type", words)
    values: dict[str, registry.Value] = {}
    if "v" in options or "ve" in options:
        values[options.get("v", "")] = (kind, _data(kind, options.get("d", "")))
    before = registry.find(machine, words[0], view)
    registry.write(machine, words[0], values, view)
    if registry.find(machine, words[0], view) != before:
        machine.did("registry", f"{words[0]} set: {', '.join(values) or 'the key'}")
    return say(0, _DONE)


def _data(kind: str, given: str) -> str:
    """As `reg query` prints what was given."""
    if kind in ("REG_DWORD", "REG_QWORD"):
        return hex(int(given or "0", 0))
    return given.upper() if kind == "REG_BINARY" else given


def _delete(machine: Machine, words: list[str], options: dict[str, str], view: int) -> Reply:
    if "f" not in options:
        raise not_rehearsed("reg delete without /f, which asks,", words)
    key = registry.find(machine, words[0], view)
    if key is None:
        return complain(1, _ABSENT)
    if "v" in options or "ve" in options:
        name = options.get("v", "")
        if not registry.remove_value(machine, key, name):
            return complain(1, _ABSENT)
        machine.did("registry", f"{words[0]}: value {_name(name)} removed")
    elif "va" in options:
        machine.put(key.path, Key(key.path))
        machine.did("registry", f"{words[0]}: all values removed")
    else:
        registry.remove(machine, words[0], view)
        machine.did("registry", f"{words[0]} removed")
    return say(0, _DONE)


def _export(machine: Machine, words: list[str], options: dict[str, str], view: int) -> Reply:
    key = registry.find(machine, words[0], view)
    if key is None:
        return complain(1, _ABSENT)
    if len(words) != 2:
        raise not_rehearsed("reg export", words)
    if not files.writable(machine, words[1]) or (files.find(machine, words[1]) and "y" not in options):
        return complain(1, "ERROR: Unable to write to the file. There may be a disk or file system error.")
    asked = registry.full(words[0])
    assert asked is not None
    keys = [(_as_asked(one, key, asked), one) for one in (key, *registry.below(machine, words[0], view))]
    data = reg_files.write(keys)
    if files.write(machine, words[1], files.of_bytes(machine.path(words[1]), data, machine.stamp())):
        machine.did("backup", f"{words[0]} exported to {machine.path(words[1])}")
    return say(0, _DONE)


def _import(machine: Machine, words: list[str], _: dict[str, str], view: int) -> Reply:
    entry = files.find(machine, words[0])
    if entry is None or entry.folder:
        return complain(1, "ERROR: Error accessing the file.")
    keys = reg_files.read(files.content(entry))
    if keys is None:
        return complain(1, "ERROR: The specified file is not a registry script.")
    before = [registry.find(machine, path, view) for path, _ in keys]
    for path, values in keys:
        registry.write(machine, path, values, view)
    if [registry.find(machine, path, view) for path, _ in keys] != before:
        machine.did("registry", f"{entry.path} imported")
    return Reply(0, "", f"{_DONE}\r\n")

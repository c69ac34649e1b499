"""`cmd /c`: what the command interpreter itself does with files and folders, and the way to every other tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handrail.twin import paths
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import drives, files
from handrail.twin.things import Entry
from handrail.twin.tools import commandline
from handrail.twin.tools.options import not_rehearsed, split
from handrail.twin.tools.reply import Reply, complain, say

_NO_PATH = "The system cannot find the path specified."
_NO_FILE = "The system cannot find the file specified."
_NOT_FOUND = "File Not Found"
_IN_USE = "The process cannot access the file because it is being used by another process."


def run(machine: Machine, arguments: Sequence[str]) -> Reply:
    """`cmd /c LINE` or `cmd /c WORD...`; what stands in a word is no sign between commands, whatever it is."""
    rest = list(arguments)
    while rest and rest[0].lower() in ("/d", "/s", "/q"):
        rest.pop(0)
    if len(rest) < 2 or rest[0].lower() != "/c":
        raise not_rehearsed("cmd", arguments)
    line = len(rest) == 2
    reply = run_line(machine, rest[1]) if line else run_words(machine, rest[1:], " ".join(rest[1:]))
    machine.left = False
    return reply


def run_line(machine: Machine, line: str) -> Reply:
    """One line: its commands one after another, with their redirections."""
    out = err = ""
    code = 0
    for part in commandline.parse(line):
        if (part.joined == "&&" and code != 0) or (part.joined == "||" and code == 0):
            continue
        boots = machine.system.boots
        if part.given is not None and not _feed(machine, part.given):
            code, err = 1, err + _NO_FILE + "\r\n"
            continue
        reply = _redirected(machine, part, run_words(machine, part.words, part.text))
        code, out, err = reply.code, out + reply.out, err + reply.err
        if machine.system.boots != boots or machine.left:
            break
    return Reply(code, out, err)


def _feed(machine: Machine, name: str) -> bool:
    """Standard input from a file."""
    entry = None if name.lower() == "nul" else files.find(machine, name)
    machine.stdin = files.content(entry) if entry is not None else b""
    return entry is not None or name.lower() == "nul"


def _redirected(machine: Machine, part: commandline.Part, reply: Reply) -> Reply:
    out, err = reply.out, reply.err
    if part.err == "1":
        out, err = out + err, ""
    elif part.err is not None:
        if not _keep(machine, part.err, err, False):
            return complain(1, _NO_PATH)
        err = ""
    for name in part.empty:
        if not _keep(machine, name, "", False):
            return complain(1, _NO_PATH)
    if part.out is not None:
        if not _keep(machine, part.out, out, part.append):
            return complain(1, _NO_PATH)
        out = ""
    return Reply(reply.code, out, err)


def _keep(machine: Machine, name: str, text: str, append: bool) -> bool:
    if name.lower() == "nul":
        return True
    path = machine.path(name)
    if not files.writable(machine, path):
        return False
    old = files.find(machine, path)
    before = files.content(old) if append and old else b""
    files.write(machine, path, files.of_bytes(path, before + text.encode(), machine.stamp()))
    _noted(machine, path, f"file {path} written")
    return True


def _noted(machine: Machine, path: str, what: str, kind: str = "file") -> None:
    """A job's own files are its receipt, not something it did."""
    if machine.job is None or not paths.inside(paths.key(path), paths.key(machine.job)):
        machine.did(kind, what)


def run_words(machine: Machine, words: Sequence[str], text: str) -> Reply:
    """A command that the interpreter knows itself, or a program."""
    name, rest = words[0].lower(), list(words[1:])
    for glued in ("cd", "dir", "md"):
        if name.startswith((glued + ".", glued + "\\")):
            name, rest = glued, [words[0][len(glued) :], *rest]
    built_in = _BUILT_IN.get(name)
    if built_in is not None:
        return built_in(machine, rest)
    if name in ("echo", "echo.", "rem", "@echo"):
        return _echo(commandline.text_before_redirection(text), name)
    from handrail.twin.tools import dispatch

    return dispatch.run(machine, words)


def _echo(text: str, name: str) -> Reply:
    said = text.lstrip(" @")[len(name.lstrip("@")) :]
    if name == "rem" or said.strip().lower() in ("off", "on"):
        return Reply()
    return say(0, said.removeprefix(" ") if said.strip() or name == "echo." else "ECHO is off.")


def _mkdir(machine: Machine, words: list[str]) -> Reply:
    code, err = 0, ""
    for word in words:
        path = machine.path(word)
        if files.find(machine, path) is not None:
            code, err = 1, err + f"A subdirectory or file {word} already exists.\r\n"
        elif not files.make_folder(machine, path):
            code, err = 1, err + "The system cannot find the drive specified.\r\n"
        else:
            _noted(machine, path, f"folder {path} made", "folder")
    return Reply(code, "", err) if words else complain(1, "The syntax of the command is incorrect.")


def _targets(machine: Machine, word: str) -> list[Entry]:
    """The files that a path with or without wild cards names."""
    path = machine.path(word)
    if "*" in path or "?" in path:
        pattern = paths.name(path)
        below = files.children(machine, paths.parent(path))
        return [one for one in below if not one.folder and paths.matches(paths.name(one.path), pattern)]
    entry = files.find(machine, path)
    if entry is not None and entry.folder:
        return [one for one in files.children(machine, path) if not one.folder]
    return [entry] if entry else []


def _copy(machine: Machine, words: list[str]) -> Reply:
    plain, options = split("copy", words, flags=("y", "b", "v", "-y"))
    if len(plain) not in (1, 2) or "-y" in options:
        raise not_rehearsed("copy", words)
    target = machine.path(plain[1] if len(plain) == 2 else machine.cwd)
    sources = [Entry("nul", text="")] if plain[0].lower() == "nul" else _targets(machine, plain[0])
    if not sources:
        return complain(1, _NO_FILE) if plain[0] else complain(1, _NO_PATH)
    into = files.is_folder(machine, target)
    copied = 0
    for one in sources:
        path = paths.join(target, paths.name(one.path)) if into else target
        if not files.writable(machine, path):
            return Reply(1, "        0 file(s) copied.\r\n", _unwritable(machine, path))
        new = files.of_bytes(path, b"", machine.stamp()) if one.path == "nul" else replace(one, path=path)
        if files.write(machine, path, new):
            machine.did("file", f"file {path} written")
        copied += 1
    return say(0, f"{copied:>9} file(s) copied.")


def _unwritable(machine: Machine, path: str) -> str:
    place = drives.locate(machine, path)
    if place is None:
        return _NO_PATH + "\r\n"
    volume = drives.volume(place[0], paths.drive(place[1]))
    return ("The media is write protected." if volume and volume.kind != "fixed" else _NO_PATH) + "\r\n"


def _move(machine: Machine, words: list[str]) -> Reply:
    plain, _ = split("move", words, flags=("y",))
    if len(plain) != 2:
        raise not_rehearsed("move", words)
    source, target = files.find(machine, plain[0]), machine.path(plain[1])
    if source is None or source.folder:
        return complain(1, _NO_FILE)
    if files.is_folder(machine, target):
        target = paths.join(target, paths.name(source.path))
    if not files.writable(machine, target):
        return complain(1, _NO_PATH)
    place = drives.locate(machine, plain[0])
    assert place is not None
    files.write(machine, target, source)
    files.delete(place[0], source)
    _noted(machine, target, f"file {machine.path(plain[0])} moved to {target}")
    return say(0, "        1 file(s) moved.")


def _type(machine: Machine, words: list[str]) -> Reply:
    if len(words) != 1:
        raise not_rehearsed("type", words)
    entry = files.find(machine, words[0])
    if entry is None:
        return complain(1, _NO_FILE)
    if entry.folder:
        return complain(1, "Access is denied.")
    return Reply(0, files.content(entry).decode("utf-8", "replace"))


def _dir(machine: Machine, words: list[str]) -> Reply:
    plain, options = split("dir", words, flags=("b", "s", "a", "a-d", "ad", "-c", "o"))
    path = machine.path(plain[0]) if plain else machine.cwd
    place = drives.locate(machine, path)
    if place is None:
        return complain(1, "The system cannot find the path specified.")
    entry = files.find(machine, path)
    folder = path if entry is not None and entry.folder else paths.parent(path)
    if entry is not None and entry.folder:
        shown = files.below(machine, path) if "s" in options else files.children(machine, path)
    else:
        shown = [entry] if entry is not None else _targets(machine, path) if "*" in path or "?" in path else []
    if "ad" in options or "a-d" in options:
        shown = [one for one in shown if one.folder == ("ad" in options)]
    if "b" in options:
        names = [one.path if "s" in options else paths.name(one.path) for one in shown]
        found = bool(shown) or (entry is not None and not paths.is_root(path))
        return say(0, *names) if found else complain(1, _NOT_FOUND)
    volume = drives.volume(place[0], paths.drive(place[1]))
    label = volume.label if volume else ""
    letter = paths.drive(path)[:1]
    head = [
        f" Volume in drive {letter} is {label}" if label else f" Volume in drive {letter} has no label.",
        " Volume Serial Number is 5CA1-AB1E",
        "",
        f" Directory of {folder}",
        "",
    ]
    if not shown and (entry is None or not entry.folder or paths.is_root(path)):
        return Reply(1, say(0, *head[:4]).out, _NOT_FOUND + "\r\n")
    sizes = sum(one.size for one in shown)
    count = sum(not one.folder for one in shown)
    tail = [f"{count:>16} File(s) {sizes:>14,} bytes", f"{len(shown) - count:>16} Dir(s)  64,000,000,000 bytes free"]
    return say(0, *head, *(_line(one) for one in shown), *tail)


def _line(entry: Entry) -> str:
    date = f"{entry.time[5:7]}/{entry.time[8:10]}/{entry.time[:4]}  {entry.time[11:16]} AM" if entry.time else ""
    size = "   <DIR>         " if entry.folder else f"{entry.size:>17,}"
    return f"{date:<20}{size} {paths.name(entry.path)}"


def _del(machine: Machine, words: list[str]) -> Reply:
    plain, options = split("del", words, flags=("f", "q", "a"))
    if not plain:
        raise not_rehearsed("del", words)
    code, err = 0, ""
    for word in plain:
        found, place = _targets(machine, word), drives.locate(machine, word)
        if place is None:
            code, err = 1, f"{err}{_NO_PATH}\r\n"
            continue
        err += "" if found else f"Could Not Find {machine.path(word)}\r\n"
        for entry in found:
            if files.held_by(place[0], entry.path):
                code, err = 1, f"{err}{entry.path}\r\n{_IN_USE}\r\n"
            elif entry.read_only and "f" not in options:
                code, err = 1, f"{err}{entry.path}\r\nAccess is denied.\r\n"
            else:
                files.delete(place[0], entry)
                _noted(machine, machine.path(word), f"file {machine.path(word)} deleted")
    return Reply(code, "", err)


def _rmdir(machine: Machine, words: list[str]) -> Reply:
    plain, options = split("rmdir", words, flags=("s", "q"))
    if len(plain) != 1:
        raise not_rehearsed("rmdir", words)
    place, entry = drives.locate(machine, plain[0]), files.find(machine, plain[0])
    if place is None or entry is None:
        return complain(2, _NO_FILE)
    if not entry.folder:
        return complain(267, "The directory name is invalid.")
    if files.children(machine, plain[0]) and "s" not in options:
        return complain(145, "The directory is not empty.")
    files.delete(place[0], entry)
    machine.did("folder", f"folder {machine.path(plain[0])} removed")
    return Reply()


def _if(machine: Machine, words: list[str]) -> Reply:
    """`if [not] exist PATH COMMAND...`, `if [not] errorlevel NUMBER COMMAND...` (that code or a greater one)"""
    negated = bool(words) and words[0].lower() == "not"
    rest = words[1:] if negated else words
    what = rest[0].lower() if len(rest) > 2 else ""
    if what == "exist":
        level, holds = 0, files.find(machine, rest[1].rstrip("\\") or rest[1]) is not None
    elif what == "errorlevel" and rest[1].isdigit():
        level = int(machine.env.get("ERRORLEVEL", "0"))
        holds = level >= int(rest[1])
    else:
        raise not_rehearsed("if", words)
    return run_words(machine, rest[2:], " ".join(rest[2:])) if holds != negated else Reply(level)


def _cd(machine: Machine, words: list[str]) -> Reply:
    plain = [one for one in words if one.lower() != "/d"]
    if not plain or plain == ["."]:
        return say(0, machine.cwd) if not plain else Reply()
    path = machine.path(plain[0])
    if not files.is_folder(machine, path):
        return complain(1, _NO_PATH)
    machine.cwd = path
    return Reply()


def _vol(machine: Machine, words: list[str]) -> Reply:
    letter = words[0].upper() if words else paths.drive(machine.cwd)
    place = drives.locate(machine, letter + "\\")
    if place is None:
        return complain(1, _NO_PATH)
    volume = drives.volume(place[0], paths.drive(place[1]))
    label = volume.label if volume else ""
    named = f" Volume in drive {letter[:1]} is {label}" if label else f" Volume in drive {letter[:1]} has no label."
    return say(0, named, " Volume Serial Number is 5CA1-AB1E")


def _exit(machine: Machine, words: list[str]) -> Reply:
    machine.left = True
    numbers = [one for one in words if one.lstrip("-").isdigit()]
    return Reply(int(numbers[0]) if numbers else 0)


def _call(machine: Machine, words: list[str]) -> Reply:
    from handrail.twin.tools import batch

    if words and words[0].lower().endswith((".cmd", ".bat")):
        if len(words) > 1:
            raise not_rehearsed("call", words)
        return batch.run_file(machine, machine.path(words[0]))
    return run_words(machine, words, " ".join(words))


def _set(machine: Machine, words: list[str]) -> Reply:
    name, equals, value = " ".join(words).partition("=")
    if not equals or not name or name.startswith("/"):
        raise not_rehearsed("set", words)
    machine.env[name] = value
    return Reply()


def _ver(machine: Machine, _: list[str]) -> Reply:
    system = machine.system
    return say(0, "", f"Microsoft Windows [Version {system.version}.{system.build}]")


def _chcp(_: Machine, words: list[str]) -> Reply:
    return say(0, f"Active code page: {words[0] if words else '437'}")


_BUILT_IN = {
    "mkdir": _mkdir, "md": _mkdir, "copy": _copy, "move": _move, "type": _type, "dir": _dir, "del": _del,
    "erase": _del, "rmdir": _rmdir, "rd": _rmdir, "if": _if, "cd": _cd, "chdir": _cd, "vol": _vol, "exit": _exit,
    "ver": _ver, "chcp": _chcp, "call": _call, "set": _set,
}  # fmt: skip

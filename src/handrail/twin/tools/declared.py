"""Tools that products bring along: which file is which of our mechanisms is declared in their `twin.yaml`."""

from __future__ import annotations

from collections.abc import Sequence

from handrail.twin import paths
from handrail.twin.declarations import ToolBits
from handrail.twin.machine import Machine
from handrail.twin.mechanisms import files, keys
from handrail.twin.tools import exports
from handrail.twin.tools.options import not_rehearsed
from handrail.twin.tools.reply import Reply, complain, say


def find(machine: Machine, program: str) -> ToolBits | None:
    """The declared tool behind a program's path, whether or not it is installed here."""
    wanted = paths.name(paths.clean(program)).lower().removesuffix(".exe")
    for bits in machine.context.declarations.products.values():
        for one in bits.tools:
            if paths.name(one.file).lower().removesuffix(".exe") == wanted:
                return one
    return None


def run(machine: Machine, tool: ToolBits, program: str, arguments: Sequence[str]) -> Reply:
    path = program if program.lower().endswith(".exe") else program + ".exe"
    if "\\" not in path and "/" not in path:
        path = paths.join(machine.cwd, path)
    if files.find(machine, path) is None:
        return complain(1, "The system cannot find the path specified.")
    if tool.does == "key-management":
        return _keys(machine, program, arguments)
    if tool.does == "connector-space":
        return exports.connector_space(machine, tool, program, arguments)
    if tool.does == "configuration":
        return exports.configuration(machine, tool, program, arguments)
    raise not_rehearsed(program, arguments)


def _keys(machine: Machine, program: str, arguments: Sequence[str]) -> Reply:
    """The account's key set: `/e FILE` exports it, `/i FILE {ID}` imports one, `/c {ID}` says whether it can be used.
    All with `/u:ACCOUNT PASSWORD|*`; `*` reads the password from standard input. Which id it is given, is all the same
    to it."""
    words = [one for one in arguments if not one.lower().startswith("/u:")]
    account = next((one[3:] for one in arguments if one.lower().startswith("/u:")), "")
    does = words[0].lower().replace("-", "/", 1) if words else ""
    own = {"/e": 2, "/i": 3, "/c": 2}.get(does, 0)
    if not own or not own <= len(words) <= own + 1 or not account:
        raise not_rehearsed(program, ["/e FILE /u:ACCOUNT *" if "/e" in words else " ".join(words[:1])])
    known = machine.context.account(account)
    managed = known is not None and known.kind == "gmsa"
    typed = words[own:]
    given = machine.stdin.decode("utf-8", "replace").strip() if typed == ["*"] else (typed or [""])[0]
    if known is None or not known.enabled or (not managed and not _password_fits(known.password, given)):
        return complain(1, "The user name or password is incorrect.")
    if does == "/c":
        usable = keys.usable(machine, account) is not None
        return say(0, "The key set is available.") if usable else complain(1, "The key set is not available.")
    if does == "/i":
        entry = files.find(machine, words[1])
        if entry is None or not keys.load(machine, account, entry):
            return complain(1, "The key set could not be imported.")
        return say(0, "The key set was imported successfully.")
    if not keys.export(machine, account, words[1]):
        return complain(1, "The key set could not be exported.")
    return say(0, "The key set was exported successfully.")


def _password_fits(stated: str | None, given: str) -> bool:
    return bool(given) and stated in (None, given)

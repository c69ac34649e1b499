"""How a product's own commands, and what secures files, are done by hand on Linux."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from handrail.reporting.byhand_entry import ByHand

TREES: Mapping[str, ByHand] = {
    "tree.backup": ByHand(
        ('cp -a "{path}" "{to}/NEWFOLDER"',),
        ('diff -r --no-dereference "{path}" "{to}/NEWFOLDER"',),
        "There is no difference; note the name that you gave to the copy.",
        back=('mv "{path}" "{path}.aside"', 'cp -a "{made}" "{path}"'),
    ),
    "tree.prove": ByHand(
        look=('diff -r --no-dereference "{path}" "{backup}"',),
        expect="There is no difference as long as nobody has changed the original, and files of the copy can be read.",
    ),
    "tree.restore": ByHand(
        ('mv "{path}" "{path}.aside"', 'cp -a "{backup}" "{path}"'),
        ('diff -r --no-dereference "{path}" "{backup}"',),
        "There is no difference.",
    ),
}

FILES: Mapping[str, ByHand] = {
    "config.keep": ByHand(
        ('cp -a "{file}" "{to}/NEWFOLDER"',),
        ('sha256sum "{file}"',),
        "The copy has the same hash; note both, and the copy's path as kept. If {stock?} holds the file as it shipped, "
        "copy that too and note it as stock_old; else nobody knows it.",
        back_says="Copy the file that was kept over the one that it was copied from, and compare their hashes.",
    ),
    "config.decide": ByHand(
        ('editor "{file}"',),
        expect="Each question is settled in {file}, and nothing that was merged without a question is lost. "
        "Proposed is {proposal}. Asked is: {questions}.",
    ),
    "config.restore": ByHand(('cp "{kept}" "{file}"',), ('sha256sum "{file}"',), "The hash is {sha256}."),
    "secret.seal": ByHand(
        ('age --recipient PUBLICKEY --output "{file}.age" "{file}"',),
        ('age --decrypt --identity IDENTITY.txt --output "{file}.again" "{file}.age"', 'cmp "{file}" "{file}.again"'),
        "Give --recipient once for everybody who shall be able to open it. There is no difference. Only then shred "
        "{file} and {file}.again.",
    ),
    "secret.open": ByHand(
        ('(umask 077; age --decrypt --identity IDENTITY.txt --output "{to}" "{file}")',),
        ('sha256sum "{to}"',),
        "The hash is the one noted: {sha256}. It lies there readable until the step that shreds it; go there without "
        "a break.",
    ),
    "secret.shred": ByHand(
        ('shred --zero --remove "{file}"',),
        ('ls "{file}"',),
        "It is not there any more. Copies of the disk (snapshots, backups) may still hold it.",
    ),
}
"""Where the file lies on Linux."""


_EXPECT = (
    "It ends with {codes}. What it prints matches this regular expression: {matches}. It says {same}. It says what was "
    "noted as {noted}."
)
"""What a command does not say of itself is left out."""


def command(uses: str, with_: Mapping[str, Any]) -> ByHand | None:
    """Of a step that is a command of the product: that line, and the one that looks. None of any other step."""
    if not uses.startswith("command."):
        return None
    covers = frozenset(("run", "until", "undo", "cwd", "within", "about", "exit", "says", "equals"))
    if uses == "command.check":
        values = {"typed": _line(with_, with_.get("cwd")), **_expected(with_)}
        return ByHand(look=("{typed}",), expect=_EXPECT, defaults=values, covers=covers)
    until = with_.get("until", {})
    looked = _line(until, until.get("cwd", with_.get("cwd")))
    values = {"typed": _line(with_, with_.get("cwd")), "looked": looked, **_expected(until)}
    return ByHand(("{typed}",), ("{looked}",), _EXPECT, values, covers=covers)


def _line(told: Mapping[str, Any], cwd: Any) -> str:
    words = " ".join(map(_word, told.get("run", ())))
    return f"(cd {_word(cwd)} && {words})" if cwd else words


def _word(given: Any) -> str:
    """As a shell takes it; what is known only in the night is a word to be filled in."""
    return _noted(given) if isinstance(given, Mapping) else shlex.quote(str(given))


def _noted(given: Mapping[str, Any]) -> str:
    return str(given.get("late", "VALUE")).rpartition(".")[2].upper()


def _expected(told: Mapping[str, Any]) -> dict[str, str | None]:
    same = told.get("equals")
    return {
        "codes": " or ".join(str(one) for one in told.get("exit") or (0,)),
        "matches": told.get("says"),
        "same": same if isinstance(same, str) else None,
        "noted": _noted(same) if isinstance(same, Mapping) else None,
    }

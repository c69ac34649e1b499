"""A draft as an estate file: every value with the command that read it, and what is missing where it belongs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from handrail.documents.nodes import read_yaml
from handrail.documents.read import Keys
from handrail.errors import BadInput
from handrail.guides.catalogue import Catalogue
from handrail.probing.drafting import Draft, Missing
from handrail.probing.readings import Reading
from handrail.probing.sweep import Left

READ = "read: "
"""What begins the comment behind a value that discovery has written. Whoever changes a value takes the comment away."""
NOT_READ = "not read: "

_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./-]*\Z")
_LONG = 120
_WIDE = 44
"""The column of comments behind short values."""


def scalar(value: Any) -> str:
    """A value in YAML, on one line. Texts are quoted where they would be read as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(name)}: {scalar(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(scalar(one) for one in value) + "]"
    text = str(value)
    if _PLAIN.match(text):
        return text if _means(text) == text else f'"{text}"'
    if all(one.isprintable() for one in text):
        return "'" + text.replace("'", "''") + "'"
    import json

    return json.dumps(text)


def _means(text: str) -> Any:
    if text[0].isalpha() and text.lower() not in ("null", "true", "false"):
        return text  # nothing else that begins with a letter; to parse it would take as long as all the rest
    try:
        return read_yaml(f"- {text}\n", "")[0][0]
    except BadInput:
        return None


def written(draft: Draft, left: Sequence[Left], catalogue: Catalogue, at: datetime) -> str:
    """The whole file."""
    return "".join(line + "\n" for line in _Writing(draft, left, catalogue, at).lines())


def used_hosts(data: Mapping[str, Any]) -> set[str]:
    """The hosts that an installation or a database names; an estate may hold no others."""
    databases = {one["host"] for one in data.get("databases", {}).values()}
    return databases | {one["host"] for each in data.get("deployments", {}).values() for one in each["installations"]}


class _Writing:
    def __init__(self, draft: Draft, left: Sequence[Left], catalogue: Catalogue, at: datetime) -> None:
        self.draft = draft
        self.left = left
        self.catalogue = catalogue
        self.at = at
        self.within = {keys[:-1] for keys in draft.read}
        self.missing: dict[Keys, list[Missing]] = {}
        for one in draft.missing:
            self.missing.setdefault(one.below, []).append(one)

    def lines(self) -> Iterator[str]:
        data = self.draft.data
        hosts = data["hosts"]
        when = f"{self.at:%Y-%m-%d %H:%M} UTC"
        yield f"# Read from {len(hosts)} hosts by `handrail discover`, {when}. Behind a value stands where, when (UTC)"
        yield "# and by which command it was read. Where you change a value, take that comment away: `handrail discover"
        yield "# --update` then leaves it alone. What could not be read is named, too."
        for one in self.left:
            yield from _comment(f"LEFT OUT, not reached: {one.name}: {one.because}")
        yield ""
        yield f"handrail: {scalar(data['handrail'])}"
        yield f"name: {scalar(data['name'])}"
        used = used_hosts(data)
        yield from ("", "hosts:")
        for name, entry in hosts.items():
            block = list(self._entry(name, entry, ("hosts", name), 1))
            if name in used:
                yield from block
                continue
            yield from ("", f"  # Nothing that a guide knows was found on {name}. Once an aim or a medium names it:")
            yield from (f"  # {line[2:]}" for line in block)
        for section in ("databases", "accounts"):
            if section in data:
                yield from ("", f"{section}:")
                for name, entry in data[section].items():
                    yield from self._entry(name, entry, (section, name), 1)
        if "deployments" in data:
            yield from ("", "deployments:")
            for name, entry in data["deployments"].items():
                yield from self._deployment(name, entry)
        yield from self._template()

    def _entry(self, name: str, entry: Mapping[str, Any], keys: Keys, depth: int) -> Iterator[str]:
        indent = "  " * depth
        if not entry:
            yield f"{indent}{scalar(name)}: {{}}"
        else:
            yield f"{indent}{scalar(name)}:"
            yield from self._remarks(keys, depth + 1)
            for key, value in entry.items():
                yield from self._value(key, value, (*keys, key), depth + 1)
        yield from self._missing(keys, depth + 1)

    def _value(self, key: str, value: Any, keys: Keys, depth: int) -> Iterator[str]:
        if isinstance(value, Mapping) and value and keys in self.within:
            yield f"{'  ' * depth}{scalar(key)}:"
            for name, inner in value.items():
                yield from self._value(name, inner, (*keys, name), depth + 1)
            return
        yield self._with_comment(f"{'  ' * depth}{scalar(key)}: {scalar(value)}", keys)

    def _with_comment(self, line: str, keys: Keys) -> str:
        reading = self.draft.read.get(keys)
        return line if reading is None else f"{line.ljust(_WIDE)}  # {read_by(reading)}"

    def _deployment(self, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
        yield f"  {scalar(name)}:"
        yield f"    product: {scalar(entry['product'])}"
        yield "    installations:"
        for number, one in enumerate(entry["installations"]):
            keys: Keys = ("deployments", name, "installations", number)
            first = True
            for key, value in one.items():
                for line in self._value(key, value, (*keys, key), 4):
                    yield f"      - {line[8:]}" if first else line
                    first = False
            yield from self._remarks(keys, 4)
            yield from self._missing(keys, 4)

    def _remarks(self, keys: Keys, depth: int) -> Iterator[str]:
        for one in self.draft.remarks.get(keys, ()):
            yield f"{'  ' * depth}# {comment_of(one)}"

    def _missing(self, keys: Keys, depth: int) -> Iterator[str]:
        for several in grouped(self.missing.get(keys, ())):
            yield f"{'  ' * depth}# {not_read(several)}"

    def _template(self) -> Iterator[str]:
        """What only people can say, to be filled in."""
        deployments = self.draft.data.get("deployments", {})
        yield ""
        if not deployments:
            yield "# No guide knows anything that was found here."
            return
        yield "# What only you can say. Take the # away and fill it in:"
        yield "#"
        yield "# media:                  # where the new releases lie; `handrail assess` names those that are missing"
        for line in self._media():
            yield f"#   {line}"
        yield "#"
        yield "# aim:"
        for name, entry in deployments.items():
            compiled = self.catalogue.of(entry["product"])
            yield f"#   {scalar(name)}: {{to: RELEASE}}   # {', '.join(compiled.guide.releases)}"

    def _media(self) -> Iterator[str]:
        shown = False
        used = {
            (one["host"], one["facts"].get("bin_dir"))
            for each in self.draft.data["deployments"].values()
            for one in each["installations"]
            if "facts" in one
        }
        for host, programs in self.draft.programs.items():
            for folder in programs:
                if (host, folder) not in used:
                    shown = True
                    where = f"path: {scalar(folder.removesuffix('/bin'))}, host: {scalar(host)}"
                    what = "product: PRODUCT, component: COMPONENT, release: RELEASE, build: BUILD, kind: folder"
                    yield f"ID: {{{what}, {where}}}"
        if not shown:
            yield r"ID: {product: PRODUCT, release: RELEASE, build: BUILD, kind: iso, path: 'C:\Media\FILE.iso'}"


def read_by(reading: Reading) -> str:
    """Where, when and by which command, on one line: of several commands the last."""
    last = comment_of(reading.commands[-1]) if reading.commands else "as it was asked for"
    shown = last if len(last) <= _LONG else last[:_LONG] + "…"
    more = f" (after {len(reading.commands) - 1} others)" if len(reading.commands) > 1 else ""
    return f"{READ}{reading.host} {reading.at[:16].replace('T', ' ')}: {shown}{more}"


def grouped(missing: Iterable[Missing]) -> list[list[Missing]]:
    """Those of one entry that could not be read for one reason, together."""
    found: dict[tuple[Keys, str, str], list[Missing]] = {}
    for one in missing:
        found.setdefault((one.below, one.unread.because, one.unread.settle), []).append(one)
    return list(found.values())


def not_read(several: Sequence[Missing]) -> str:
    unread = several[0].unread
    settle = f"; settle it with: {unread.settle}" if unread.settle else ""
    names = ", ".join(one.address for one in several)
    return comment_of(f"{NOT_READ}{names}: {unread.because}{settle}")


def comment_of(text: str) -> str:
    """On one line, whatever stood in it."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _comment(text: str) -> Iterator[str]:
    yield f"# {comment_of(text)}"

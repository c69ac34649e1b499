"""What was read, put into an estate file that people have written: what they wrote stays as they wrote it.

A value with the comment that discovery puts behind one is its own and is renewed. Any other value is people's: where it
differs from what was read, it is kept, and the difference is told.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from handrail.documents.read import Keys
from handrail.probing.drafting import Draft
from handrail.probing.estate_file import NOT_READ, READ, read_by, scalar, used_hosts
from handrail.probing.readings import Reading

_MARK = f"# {READ}"
_ABOUT = re.compile(rf"^\s*# {re.escape(NOT_READ)}(\S+(?:, \S+)*): ")


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that people wrote and that is not what was read."""

    keys: Keys
    written: Any
    reading: Reading


@dataclass(frozen=True, slots=True)
class Merged:
    """The new text, what was kept against what was read, and the keys of what was added or renewed."""

    text: str
    kept: tuple[Kept, ...]
    changed: tuple[Keys, ...]


def merge(text: str, draft: Draft) -> Merged:
    """`text` is an estate file that can be read."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    merging = _Merging(root, draft)
    merging.all()
    buffer = io.StringIO()
    yaml.dump(root, buffer)
    return Merged(_without_stale(buffer.getvalue(), draft), tuple(merging.kept), tuple(merging.changed))


class _Merging:
    def __init__(self, root: CommentedMap, draft: Draft) -> None:
        self.root = root
        self.draft = draft
        self.within = {keys[:-1] for keys in draft.read}
        self.kept: list[Kept] = []
        self.changed: list[Keys] = []

    def all(self) -> None:
        data = self.draft.data
        hosts = self._section("hosts")
        used = used_hosts(data)
        for section in ("databases", "accounts"):
            for id, entry in data.get(section, {}).items():
                self._into(self._child(self._section(section), id), entry, (section, id))
        for id, entry in data["hosts"].items():
            if id in hosts or id in used:
                self._into(self._child(hosts, id), entry, ("hosts", id))
        for id, entry in data.get("deployments", {}).items():
            self._deployment(id, entry)

    def _section(self, name: str) -> Any:
        if not isinstance(self.root.get(name), CommentedMap):
            self.root[name] = CommentedMap()
        return self.root[name]

    def _child(self, node: Any, name: str) -> Any:
        if not isinstance(node.get(name), CommentedMap):
            node[name] = CommentedMap()
        return node[name]

    def _deployment(self, id: str, entry: Mapping[str, Any]) -> None:
        node = self._child(self._section("deployments"), id)
        node.setdefault("product", entry["product"])
        if not isinstance(node.get("installations"), CommentedSeq):
            node["installations"] = CommentedSeq()
        written = node["installations"]
        there: dict[tuple[Any, Any], Any] = {}
        for each in written:
            there.setdefault((each.get("component"), each.get("host")), each)
        for number, one in enumerate(entry["installations"]):
            wanted = (one["component"], one["host"])
            if wanted not in there:
                written.append(CommentedMap())
                there[wanted] = written[-1]
            self._into(there[wanted], one, ("deployments", id, "installations", number))

    def _into(self, node: Any, entry: Mapping[str, Any], keys: Keys) -> None:
        for name, value in entry.items():
            inside = (*keys, name)
            if isinstance(value, Mapping) and inside in self.within:
                self._facts(node, name, value, inside)
            else:
                self._leaf(node, name, value, inside)

    def _facts(self, node: Any, name: str, values: Mapping[str, Any], keys: Keys) -> None:
        """Facts may stand below `facts` or beside the other keys."""
        for fact, value in values.items():
            beside = name == "facts" and fact in node
            self._leaf(node if beside else self._child(node, name), fact, value, (*keys, fact))

    def _leaf(self, node: Any, name: str, value: Any, keys: Keys) -> None:
        reading = self.draft.read.get(keys)
        if name in node:
            ours = _comment(node, name)
            if _same(node[name], value):
                if ours is not None and reading is not None:
                    _say(node, name, reading)
                return
            if reading is None:
                return
            if ours is None:
                self.kept.append(Kept(keys, _plain(node[name]), reading))
                return
        node[name] = _rendered(value)
        self.changed.append(keys)
        if reading is not None:
            _say(node, name, reading)


def _comment(node: Any, name: str) -> str | None:
    """The comment of discovery behind a value; None when there is none."""
    token = _token(node, name)
    return token.value if token is not None and token.value.startswith(_MARK) else None


def _token(node: Any, name: str) -> Any:
    tokens = node.ca.items.get(name)
    return tokens[2] if tokens and len(tokens) > 2 else None


def _say(node: Any, name: str, reading: Reading) -> None:
    """Put the comment behind a value, or renew it. In a mapping on one line there is no room for comments."""
    if node.fa.flow_style():
        return
    token = _token(node, name)
    if token is None:
        node.yaml_add_eol_comment(read_by(reading), name)
    elif token.value.startswith(_MARK):
        # Comment lines below belong to the same token, and stay.
        token.value = f"# {read_by(reading)}\n" + token.value.partition("\n")[2]


def _rendered(value: Any) -> Any:
    if isinstance(value, str):
        return DoubleQuotedScalarString(value) if scalar(value) != value and "\\" not in value else value
    if isinstance(value, Mapping):
        made = CommentedMap((name, _rendered(one)) for name, one in value.items())
        made.fa.set_flow_style()
        return made
    if isinstance(value, list | tuple):
        listed = CommentedSeq(_rendered(one) for one in value)
        listed.fa.set_flow_style()
        return listed
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) or not isinstance(value, bool | int | float | None) else value


def _same(written: Any, value: Any) -> bool:
    plain = _plain(written)
    if isinstance(plain, list) and isinstance(value, list | tuple):
        return plain == list(value)
    return bool(plain == value) and isinstance(plain, bool) == isinstance(value, bool)


def _without_stale(text: str, draft: Draft) -> str:
    """Without the lines that name as not read what has been read meanwhile, or is named anew."""
    missing = {one.address for one in draft.missing}
    kept = []
    for line in text.splitlines(keepends=True):
        about = _ABOUT.match(line)
        if about is None or missing & set(about[1].split(", ")):
            kept.append(line)
    return "".join(kept)

"""Digests that say quickly that two objects are equal, whatever the order of their attributes and values.

Equal digests prove equality. Different ones prove nothing: such objects are looked at closely. So all that is
unusual here (space, self-closing attributes, other quotes) may be left as it stands; it only costs time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from handrail.comparing.allowances import Allowance

SIZE = 16
MARK = 8
"""Bytes of a digest, and of that of what one allowance ignores."""

_STARTS = (b"<attr ", b"<dn-attr ")
_ENDS = (b"</", b"</dn-")
_VALUES = (((b"<value>", b"<value "), b"</value>"), ((b"<dn-value>", b"<dn-value "), b"</dn-value>"))


@dataclass(frozen=True, slots=True)
class _Cut:
    """What is left out of an object before it is digested: from `start` to the end of `end`."""

    start: bytes
    end: bytes
    in_tag: bool = False

    def out(self, text: bytes, ignored: list[bytes]) -> bytes:
        """The text without it, wherever it surely is what it looks like; what was cut goes to `ignored`."""
        at = 0
        while (start := text.find(self.start, at)) >= 0:
            end = text.find(self.end, start + len(self.start)) + len(self.end)
            if end < len(self.end):
                break
            part = text[start:end]
            tag = text[text.rfind(b"<", 0, start) : start]
            if (b">" in tag or b"'" in tag) if self.in_tag else not _whole(part):
                at = end
                continue
            ignored.append(part)
            text, at = text[:start] + text[end:], start
        return text


class Screen:
    """Digests of objects given as they are written in UTF-8. What allowances ignore is digested apart, one by one:
    objects that differ in nothing else are told from those that differ."""

    def __init__(self, allowances: Sequence[Allowance]) -> None:
        self.ignoring = tuple(one for one in allowances if one.ignore)
        self._cuts = tuple(tuple(_cut(pattern) for pattern in one.ignore) for one in self.ignoring)

    def of(self, text: bytes) -> tuple[bytes, bytes]:
        """The digest, and those of what each allowance ignores (`MARK` bytes each)."""
        marks = b""
        for cuts in self._cuts:
            ignored: list[bytes] = []
            for cut in cuts:
                head, found, tail = text.partition(cut.start)
                if found:
                    inner, end, rest = tail.partition(cut.end)
                    if end and not cut.in_tag and b"<" not in inner and cut.start not in rest:
                        ignored.append(inner)
                        text = head + rest
                    else:
                        text = cut.out(text, ignored)
            marks += blake2b(b"\0".join(sorted(ignored)), digest_size=MARK).digest()
        return blake2b(ordered(text), digest_size=SIZE).digest(), marks


def _cut(pattern: str) -> _Cut:
    name = pattern.encode()
    if pattern.startswith("@"):
        return _Cut(b" " + name[1:] + b'="', b'"', in_tag=True)
    if pattern.startswith("<"):
        return _Cut(name, b"</" + name[1:])
    return _Cut(b'<attr name="' + name + b'"', b"</attr>")


def _whole(part: bytes) -> bool:
    """Of a text that begins with a start tag and ends with the next end tag of that kind: that it is one element."""
    return b"/>" not in part and part.count(b"<") == 2 * part.count(b"</")


def ordered(text: bytes) -> bytes:
    """An object with the attributes of each entry, and the values of each attribute, in a fixed order.

    `<` never stands in a value, so tags cannot be mistaken. The text is cut at each end tag of an attribute. When there
    are as many start tags, and one in each part, none is nested or self-closing: a part that begins with a start tag
    is one whole attribute, and changes places only with its neighbours. Otherwise all stays as it is.
    """
    parts = text.split(b"attr>")
    last = parts.pop()
    if text.count(b"attr ") != len(parts):
        return text
    done: list[bytes] = []
    run: list[bytes] = []
    for part in parts:
        part = part.lstrip()
        if not part.endswith(_ENDS):
            return text
        if not part.startswith(_STARTS):
            if len(run) > 1:
                run.sort()
            done += run
            at, other = part.find(b"<attr "), part.find(b"<dn-attr ")
            if at < 0 or 0 <= other < at:
                at = other
            if at < 0:
                return text
            done.append(part[:at])
            part = part[at:]
            run = []
        run.append(_values_ordered(part) if part.count(b"value>") > 2 else part)
    run.sort()
    done += run
    done.append(last)
    return b"\0".join(done)


def _values_ordered(attribute: bytes) -> bytes:
    """An attribute, without the end of its end tag, whose values stand in a fixed order if they can be told apart."""
    opening, closing = _VALUES[attribute.startswith(b"<dn-")]
    head, bracket, rest = attribute.partition(b">")
    *parts, end = rest.split(closing)
    parts = [one.lstrip() for one in parts]
    for one in parts:
        if not one.startswith(opening) or b"/>" in one or one.count(b"<") != 1 + 2 * one.count(b"</"):
            return attribute
    parts.sort()
    return b"\0".join((head + bracket, *parts, end.lstrip()))

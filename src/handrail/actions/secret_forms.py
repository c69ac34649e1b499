"""What a secret may look like by the time somebody else has written it: one pattern of all its forms.

The pattern is for bytes, so that it finds UTF-8, UTF-16 and the code pages of a console alike, and what became of them
when they were read as something else. Letters and digits stand for themselves (no encoder that we know of touches
them); every other character has alternatives. What is covered is said in `docs/secrets.md`.
"""

from __future__ import annotations

import html.entities
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CODE_PAGES = ("cp1252", "cp850", "utf-16-le", "utf-16-be")
_ESCAPES = {"\n": b"n", "\r": b"r", "\t": b"t", "\0": b"0", "\b": b"b", "\f": b"f"}
_DOUBLED = "'\"`%^$\\"
_REPLACED = "\ufffd".encode()

LOSSY_FROM = 3
"""Letters and digits that a secret needs before `?` is taken for a character of it that a console could not show."""


@dataclass(frozen=True, slots=True)
class Form:
    """`pattern` as RE2 reads it, in Latin-1; `longest`: bytes that a match can have at most."""

    pattern: bytes
    longest: int


_SLASHES = Form(rb"\\{1,4}", 4)  # an escape may have been escaped again
_GAP = Form(rb"(?:\x00|\\{1,4}u0000|\\{1,4}x00)?", 9)  # the other half of a character of UTF-16
_BREAK = Form(rb"(?:[\r\n]|\\{1,4}[rn]){0,4}", 24)  # lines of base64


def all_forms(secret: str) -> Form:
    """Everything that the secret may look like."""
    encoded = [_encoded(secret, encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")]
    forms = [_text(secret)]
    for data in encoded:
        forms += [*_base64(data), _hex(data)]
    return either(forms)


def either(forms: Iterable[Form]) -> Form:
    known = list(dict.fromkeys(forms))
    if len(known) == 1:
        return known[0]
    return Form(b"(?:" + b"|".join(one.pattern for one in known) + b")", max(one.longest for one in known))


def joined(forms: Iterable[Form], between: Form) -> Form:
    known = list(forms)
    gaps = between.longest * (len(known) - 1)
    return Form(between.pattern.join(one.pattern for one in known), sum(one.longest for one in known) + gaps)


def literal(data: bytes) -> Form:
    return Form(b"".join(_byte(one) for one in data), len(data))


def _text(secret: str) -> Form:
    plain = sum(one.isascii() and one.isalnum() for one in secret)
    found = joined((_character(one, plain >= LOSSY_FROM) for one in secret), _GAP)
    return Form(found.pattern + _GAP.pattern, found.longest + _GAP.longest)


@cache
def _character(one: str, lossy: bool) -> Form:
    return either(_ways_to_write(one, lossy))


def _ways_to_write(one: str, lossy: bool) -> Iterator[Form]:
    """The ways in which one character is written: as itself, or as encoders of URL, JSON, XML, shells and programming
    languages write it."""
    data, number = _encoded(one, "utf-8"), ord(one)
    yield literal(data)
    if one.isascii() and one.isalnum():
        return
    units = _encoded(one, "utf-16-be")
    yield Form(b"".join(b"%" + _digits(byte) for byte in data), 3 * len(data))
    yield Form(b"".join(_SLASHES.pattern + b"x" + _digits(byte) for byte in data), 7 * len(data))
    yield Form(b"".join(_SLASHES.pattern + b"u" + _digits(*units[at : at + 2]) for at in range(0, len(units), 2)), 18)
    yield Form(_SLASHES.pattern + rb"(?:U0{0,6}|u\{)" + _any_case(f"{number:x}") + rb"\}?", 16)
    yield Form(rb"&#0{0,4}%d;" % number, 14)
    yield Form(rb"&#[xX]0{0,4}" + _any_case(f"{number:x}") + b";", 14)
    if name := html.entities.codepoint2name.get(number, "apos" if one == "'" else ""):
        yield literal(f"&{name};".encode())
    if one.isascii():
        yield from _quoted(one)
        return
    for page in _CODE_PAGES:
        if shown := _encoded(one, page, strict=False):
            yield literal(shown)
    if number < 256:
        yield Form(_SLASHES.pattern + b"x" + _digits(number), 7)
    for encoding in ("utf-16-le", "utf-16-be"):  # read as UTF-8
        yield literal(one.encode(encoding, "surrogatepass").decode("utf-8", "replace").encode())
    if lossy:
        yield Form(rb"(?:%s|\\{1,4}ufffd|\?){1,4}" % literal(_REPLACED).pattern, 36)


def _quoted(one: str) -> Iterator[Form]:
    """A sign as shells and languages write it where it would mean something."""
    sign = literal(one.encode())
    yield Form(rb"[\\^`]{1,4}" + sign.pattern, 5)
    if one in _DOUBLED:
        yield literal(one.encode() * 2)
    if one == " ":
        yield literal(b"+")
    if one == "'":
        yield Form(rb"'\\{1,4}''", 7)
        yield Form(rb"'\\{0,4}\x22'\\{0,4}\x22'", 13)
    if one == "\n":
        yield literal(b"\r\n")
    if one in _ESCAPES:
        yield Form(_SLASHES.pattern + _ESCAPES[one], 5)


def _base64(data: bytes) -> Iterator[Form]:
    """`data` in the middle of something that was encoded whole, in each of the three places that it can have there. The
    characters that it shares with its neighbours are known in part."""
    for before in range(3):
        bits = "".join(f"{byte:08b}" for byte in data)
        bits = "?" * (before * 8 % 6) + bits
        bits += "?" * (-len(bits) % 6)
        yield joined((_sextet(bits[at : at + 6]) for at in range(0, len(bits), 6)), _BREAK)


@cache
def _sextet(bits: str) -> Form:
    """One character of base64 (also of its alphabet for URLs); bits that are `?` may be either."""
    fitting = [
        letter
        for number, letter in enumerate(_BASE64)
        if all(known in ("?", bit) for known, bit in zip(bits, f"{number:06b}", strict=True))
    ]
    fitting += [{"+": "-", "/": "_"}[letter] for letter in fitting if letter in "+/"]
    return Form(b"[" + b"".join(_byte(ord(letter)) for letter in fitting) + b"]", 1)


def _hex(data: bytes) -> Form:
    return joined((Form(_digits(byte), 2) for byte in data), Form(b"[-: ]?", 1))


def _digits(*data: int) -> bytes:
    return b"".join(_any_case(f"{byte:02x}") for byte in data)


def _any_case(text: str) -> bytes:
    return b"".join(f"[{one.upper()}{one}]".encode() if one.isalpha() else one.encode() for one in text)


def _byte(one: int) -> bytes:
    character = chr(one)
    return character.encode() if character.isascii() and character.isalnum() else rb"\x%02x" % one


def _encoded(text: str, encoding: str, *, strict: bool = True) -> bytes:
    try:
        return text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "strict")
    except UnicodeError:
        if strict:
            raise
        return b""

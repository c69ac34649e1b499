"""How other programs may write a text down: each encoder gives bytes, as they would reach a file or a line.

For tests that hide secrets, and for those that look for them.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import urllib.parse
from collections.abc import Callable, Iterator, Mapping

Encoder = Callable[[str], bytes]


def _base64(encoding: str, before: str, width: int = 0, end: str = "\n") -> Encoder:
    def encode(text: str) -> bytes:
        whole = base64.b64encode(f"{before}{text} and what follows".encode(encoding)).decode()
        lines = [whole[at : at + width] for at in range(0, len(whole), width)] if width else [whole]
        return end.join(lines).encode()

    return encode


def _json(ascii_only: bool) -> Encoder:
    return lambda text: json.dumps({"said": text}, ensure_ascii=ascii_only).encode()


ENCODERS: Mapping[str, Encoder] = {
    "UTF-8": str.encode,
    "UTF-16, little end first": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "UTF-16 read as UTF-8": lambda text: text.encode("utf-16-le").decode("utf-8", "replace").encode(),
    "JSON": _json(False),
    "JSON in ASCII": _json(True),
    "JSON with slashes escaped": lambda text: json.dumps(text).replace("/", "\\/").encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "URL": lambda text: urllib.parse.quote(text).encode(),
    "URL, slashes too": lambda text: urllib.parse.quote(text, safe="").encode(),
    "URL of a form": lambda text: urllib.parse.quote_plus(text).encode(),
    "URL, small letters": lambda text: re.sub(
        "%[0-9A-F]{2}", lambda found: found[0].lower(), urllib.parse.quote(text, safe="")
    ).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "XML, elements only": lambda text: html.escape(text, quote=False).encode(),
    "XML in ASCII": lambda text: html.escape(text).encode("ascii", "xmlcharrefreplace"),
    "Python": lambda text: repr(text).encode(),
    "Python in ASCII": lambda text: ascii(text).encode(),
    "Python's bytes": lambda text: repr(text.encode()).encode(),
    "a shell's word": lambda text: shlex.quote(text).encode(),
    "PowerShell's text": lambda text: ("'" + text.replace("'", "''") + "'").encode(),
    "C": lambda text: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "hex as .NET has it": lambda text: text.encode("utf-16-le").hex("-").upper().encode(),
    **{
        f"base64 of {encoding} behind {len(before)}": _base64(encoding, before)
        for encoding in ("utf-8", "utf-16-le")
        for before in ("", "x", "xy")
    },
    **{
        f"base64 in lines of {width}": _base64("utf-8", "x" * width, width, end)
        for width, end in ((76, "\n"), (64, "\r\n"), (19, "\n"))
    },
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
    "PowerShell -EncodedCommand": lambda text: base64.b64encode(f"Connect-It '{text}'".encode("utf-16-le")),
}

NASTY: Mapping[str, str] = {
    "QUOTES": 'it\'s "so" `it` is',
    "PERCENT": "100%USER%%20&<sp>;|x",
    "UNICODE": "Grüße-€-漢字-😀-pass",
    "BASE64": "cGFzc3dvcmQ+Lz0=",
    "SHORT": "q7!",
    "LINES": "first-line\nsecond-line",
    "PLAIN": "correcthorsebattery",
    "BACKSLASH": "a\\b\\\\c\\n/d",
}
"""Secrets of shapes that are easily lost on the way. None stands in any plan, path or word of ours."""


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """Every form of a secret by its encoder's name, to be looked for: what of base64 is the secret's alone."""
    for name, encode in ENCODERS.items():
        if "base64" not in name and "Encoded" not in name:
            yield (
                name,
                encode(secret).strip(b"\"'b")
                if name != "JSON" and name != "JSON in ASCII"
                else (encode(secret)[len(b'{"said": "') : -2]),
            )
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        data = secret.encode(encoding)
        for before in range(3):
            whole = base64.b64encode(bytes(before) + data).decode().rstrip("=")
            yield (
                f"base64 of {encoding} behind {before}",
                whole[(0, 2, 3)[before] : (len(data) + before) * 8 // 6].encode(),
            )

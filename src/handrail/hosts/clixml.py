"""PowerShell, when its standard error is a pipe, writes its messages there as XML (CLIXML). Here they become text."""

from __future__ import annotations

import re
from html import unescape

_MARK = b"#< CLIXML"
_MESSAGE = re.compile(r'<S S="(Error|Warning|Verbose|Debug|Information)">(.*?)</S>', re.DOTALL)


def plain(data: bytes) -> bytes:
    """Standard error without CLIXML: errors and warnings as they read, progress left out. Other bytes stay."""
    at = data.find(_MARK)
    if at < 0:
        return data
    before, xml = data[:at], data[at + len(_MARK) :].lstrip(b"\r\n")
    end = xml.rfind(b"</Objs>")
    after = xml[end + len(b"</Objs>") :] if end >= 0 else b""
    text = (xml[:end] if end >= 0 else xml).decode("utf-8", "replace")
    told = "".join(_signs(unescape(one[2])) for one in _MESSAGE.finditer(text) if one[1] in ("Error", "Warning"))
    return before + told.encode() + after.lstrip(b"\r\n")


def _signs(text: str) -> str:
    """_x000D_ is a carriage return."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda one: chr(int(one[1], 16)), text)

"""Configuration files of any kind, merged: XML by what it says, everything else line by line."""

from __future__ import annotations

from handrail.comparing.fates import Fate
from handrail.comparing.text_merge import merge_text
from handrail.comparing.xml_losses import decided_xml, losses_xml
from handrail.comparing.xml_merge import Merged, merge_xml

_START = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff\0<")


def is_xml(data: bytes) -> bool:
    return data.lstrip(b" \t\r\n").startswith(_START)


def merge(stock_old: bytes | None, customised: bytes, stock_new: bytes, asset: str) -> Merged:
    """The three-way merge of one file. BadInput when XML is broken, or text is not UTF-8."""
    if is_xml(customised) and is_xml(stock_new):
        return merge_xml(stock_old, customised, stock_new, asset)
    old = _text(stock_old) if stock_old is not None else None
    text, rows = merge_text(old, _text(customised), _text(stock_new), asset)
    return Merged(text.encode("utf-8", "surrogateescape"), rows)


def losses(
    stock_old: bytes | None, customised: bytes, stock_new: bytes, merged: Merged, now: bytes, asset: str
) -> list[Fate]:
    """What the file as it is `now` lacks of what `merged` has without a person's decision."""
    if now == merged.data:
        return []
    if is_xml(customised) and is_xml(stock_new):
        return losses_xml(stock_old, customised, stock_new, merged, now, asset)
    lines = set(_text(now).splitlines())
    asked = {line for one in merged.fates if one.fate == "needs-a-person" for line in (one.was or "").splitlines()}
    missing = [line for line in _text(merged.data).splitlines() if line.strip() and line not in lines | asked]
    return [Fate(asset, "line", "dropped", line.strip(), None, "it is lost", "Put it back.") for line in missing]


def decided(merged: Merged, customised: bytes, stock_new: bytes, now: bytes, asset: str) -> list[Fate]:
    """What a person made of the rows that needed one."""
    if is_xml(customised) and is_xml(stock_new):
        return decided_xml(merged, stock_new, customised, now, asset)
    asked = [one for one in merged.fates if one.fate == "needs-a-person"]
    return [Fate(asset, one.item, "merged", one.was, None, "a person decided so") for one in asked]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")

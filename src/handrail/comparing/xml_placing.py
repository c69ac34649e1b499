"""Putting elements into a document and taking them out, so that it still looks as if one person had written it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from handrail.comparing.xml_identity import Identity, twins


def place(element: Any, parent: Any, own: list[Identity], one: Identity, there: dict[Identity, Any]) -> Any:
    """A copy of `element` in `parent`: behind the nearest of those before it that are `there`, else before the nearest
    of those after it, else at the end. `own` are the identities of its own parent's children, in order."""
    copy = deepcopy(element)
    at = own.index(one)
    before = next((there[name] for name in reversed(own[:at]) if _is_in(there.get(name), parent)), None)
    after = next((there[name] for name in own[at + 1 :] if _is_in(there.get(name), parent)), None)
    if before is not None:
        index = max(map(parent.index, twins(before))) + 1
    elif after is not None:
        index = parent.index(after)
    else:
        index = len(parent)
    insert(copy, parent, index)
    return copy


def _is_in(element: Any | None, parent: Any) -> bool:
    return element is not None and element.getparent() is parent


def insert(element: Any, parent: Any, index: int) -> None:
    """With the indentation of its new neighbours."""
    space = _inner_space(parent)
    count = len(parent)
    element.tail = None
    parent.insert(index, element)
    if space is None:
        return
    if count == 0:
        closing = _closing_space(parent)
        parent.text, element.tail = space, closing
    elif index == count:
        last = parent[index - 1]
        last.tail, element.tail = space, last.tail
    else:
        element.tail = space


def _inner_space(parent: Any) -> str | None:
    """The space before a child; None when the document is written without any, or there is text that counts."""
    if len(parent):
        return parent.text if parent.text is not None and not parent.text.strip() else None
    if parent.text is not None and parent.text.strip():
        return None
    closing = _closing_space(parent)
    return closing + _step(parent) if closing is not None else None


def _closing_space(parent: Any) -> str | None:
    """The space that stands before the parent itself."""
    above = parent.getparent()
    if above is None:
        return "\n"
    before = parent.getprevious()
    space = above.text if before is None else before.tail
    return str(space) if space is not None and not space.strip() and "\n" in space else None


def _step(parent: Any) -> str:
    """One level of indentation, as the document has it."""
    root = parent.getroottree().getroot()
    space = (root.text or "").rpartition("\n")[2] if len(root) else ""
    return space or "  "


def take_out(element: Any) -> None:
    """With the space that stood before it; text behind it stays."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail
    index = parent.index(element)
    parent.remove(element)
    if tail is not None and tail.strip():
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    elif index == len(parent):
        # The last one: what closes the parent follows its neighbour now.
        if before is not None:
            before.tail = tail
        else:
            parent.text = tail


def set_text(element: Any, text: str) -> None:
    """All text that stands directly in an element."""
    element.text = text if not len(element) or text.strip() else element.text
    if len(element):
        for child in element:
            if child.tail is not None and child.tail.strip():
                child.tail = None

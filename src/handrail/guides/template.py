"""Finding the expressions in a text: what stands between `{{` and `}}`, braces and quotes inside it respected."""

from __future__ import annotations

from dataclasses import dataclass

from handrail.guides.mistakes import BadExpression


@dataclass(frozen=True, slots=True)
class Piece:
    """`offset` is where `text` begins in the template."""

    text: str
    offset: int
    is_expression: bool


def split(template: str) -> list[Piece]:
    """The pieces of a template in order. BadExpression when a `{{` is not closed or holds nothing."""
    pieces: list[Piece] = []
    index = 0
    while True:
        opening = template.find("{{", index)
        if opening < 0:
            if index < len(template) or not pieces:
                pieces.append(Piece(template[index:], index, False))
            return pieces
        if opening > index:
            pieces.append(Piece(template[index:opening], index, False))
        closing = _closing(template, opening + 2)
        if closing is None:
            raise BadExpression("`{{` is not closed.", "End the expression with `}}`.", opening)
        inner = template[opening + 2 : closing]
        if not inner.strip():
            raise BadExpression("`{{ }}` holds no expression.", "Write one, or remove it.", opening)
        begin = opening + 2 + len(inner) - len(inner.lstrip())
        pieces.append(Piece(inner.strip(), begin, True))
        index = closing + 2


def _closing(template: str, index: int) -> int | None:
    depth = 0
    quote = ""
    while index < len(template):
        character = template[index]
        if quote:
            if character == "\\":
                index += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0:
                return index if template[index + 1 : index + 2] == "}" else None
            depth -= 1
        index += 1
    return None

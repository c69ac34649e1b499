"""A guide for people: what it knows, and from where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from handrail.model.guide import Edge, From, Guide, Order
from handrail.reporting import words
from handrail.reporting.page import Block, Heading, Item, Items, Page, Paragraph, Rows, Table

LIST_SCHEMA = "handrail/guides/v1"
GUIDE_SCHEMA = "handrail/guide/v1"


def guides_document(guides: Iterable[Guide]) -> dict[str, Any]:
    """The JSON of `handrail guide list`."""
    return {
        "schema": LIST_SCHEMA,
        "guides": [
            {
                "name": guide.name,
                "title": guide.title,
                "digest": guide.digest,
                "releases": list(guide.releases),
                "components": list(guide.components),
            }
            for guide in guides
        ],
    }


def guides_page(guides: Iterable[Guide]) -> Page:
    rows = tuple((guide.name, guide.title, words.listed(list(guide.releases), 4)) for guide in guides)
    yield Table(("guide", "title", "releases"), rows)


def guide_document(guide: Guide) -> dict[str, Any]:
    """The JSON of `handrail guide show`: the guide as it is spelt in its file, every field named."""
    return {"schema": GUIDE_SCHEMA, **_plain(guide)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name.rstrip("_"): _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def guide_page(guide: Guide) -> Page:
    yield Heading(f"{guide.title} ({guide.name})", 1)
    yield Rows((("digest", guide.digest), ("versions", guide.versioning)))
    yield Heading("Releases")
    yield Table(
        ("release", "title", "builds"),
        tuple(
            (name, release.title, "read from the medium" if release.from_medium else words.listed(release.builds, 4))
            for name, release in guide.releases.items()
        ),
    )
    yield Heading("Components")
    yield Table(
        ("component", "title", "what must survive"),
        tuple((name, part.title, ", ".join(part.assets) or "-") for name, part in guide.components.items()),
    )
    yield from _moves(guide)
    yield from _rules(guide)
    yield from _order(guide)
    yield from _trouble(guide)
    yield Heading("Sources")
    yield Items(
        tuple(
            Item(
                f"{name}: {source.title}",
                inside=(
                    Rows((("by", f"{source.publisher}, {source.kind}, seen {source.seen}"), ("at", source.url or ""))),
                ),
            )
            for name, source in guide.sources.items()
        )
    )


def _moves(guide: Guide) -> Iterator[Block]:
    if not guide.edges:
        return
    yield Heading("Moves")
    alike: dict[tuple[str, str, str, str], list[Edge]] = {}
    for edge in guide.edges:
        alike.setdefault((from_text(edge.from_), edge.to, edge.method, edge.source), []).append(edge)
    yield Items(
        tuple(
            Item(
                f"{words.listed([edge.component for edge in edges], 20)}: {before} to {to} by {method}",
                inside=(Rows((("why", edges[0].why), ("source", source))),),
            )
            for (before, to, method, source), edges in alike.items()
        )
    )


def from_text(before: From) -> str:
    """Where an edge begins, in words."""
    if before.build:
        return before.build
    bounds = [f"from {before.least}"] if before.least else []
    if before.below:
        bounds.append(f"below {before.below}")
    return f"{before.release or 'any release'}" + (f" ({', '.join(bounds)})" if bounds else "")


def _rules(guide: Guide) -> Iterator[Block]:
    if not guide.requirements:
        return
    yield Heading("Rules")
    yield Items(
        tuple(
            Item(
                one.rule + (" (may be accepted)" if one.acceptable else ""),
                one.level,
                inside=(
                    Paragraph(one.says),
                    Rows(
                        (("when", one.when or ""), ("must", one.must or ""), ("do", one.remedy), ("source", one.source))
                    ),
                ),
            )
            for one in guide.requirements
        )
    )


def _order(guide: Guide) -> Iterator[Block]:
    if not guide.order:
        return
    yield Heading("Order")
    yield Items(
        tuple(
            Item(
                _ordered(one),
                inside=(Rows((("because", one.because), ("source", one.source))),),
            )
            for one in guide.order
        )
    )


def _ordered(one: Order) -> str:
    if one.sequence:
        return ", then ".join(one.sequence)
    return f"{one.one_by_one}, one host after another" if one.one_by_one else f"{one.first} before {one.then}"


def _trouble(guide: Guide) -> Iterator[Block]:
    if guide.known_errors:
        yield Heading("Known errors")
        yield Items(
            tuple(
                Item(name, inside=(Rows((("cause", one.cause), ("source", one.source))),))
                for name, one in guide.known_errors.items()
            )
        )
    if guide.errata:
        yield Heading("Where a document is wrong")
        yield Items(
            tuple(
                Item(
                    f"{name}: {one.document}",
                    inside=(Rows((("it says", one.says), ("we do", one.we_do), ("because", one.because))),),
                )
                for name, one in guide.errata.items()
            )
        )

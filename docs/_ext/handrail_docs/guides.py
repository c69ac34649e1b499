"""A page for every shipped guide: what it knows, and from where."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from handrail.guides.catalogue import FILE, SHIPPED
from handrail.model.guide import Edge, Guide, Order, Source
from handrail.reporting.guide import from_text
from handrail_docs.reading import shipped
from handrail_docs.writing import code, codes, page, table

NAMES = tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{FILE}")))


def page_of(name: str) -> Callable[[], str]:
    """What makes the page of the guide in that folder."""
    return lambda: _page(_guide(name))


def _guide(name: str) -> Guide:
    return shipped(SHIPPED / name / FILE).guide


def _page(guide: Guide) -> str:
    return page(
        f"{guide.title}: the guide {guide.name}",
        f"What the shipped guide `{guide.name}` knows. `handrail guide show {guide.name}` says much of this on a "
        "terminal. A source is cited as *document: section*; the documents are at the end of the page.",
        "## Releases",
        table(("release", "title", "builds", "source"), _releases(guide)),
        "## Components",
        table(
            ("component", "title", "what must survive"),
            (
                (code(name), one.title, "; ".join(f"{asset.title} ({asset.kind})" for asset in one.assets.values()))
                for name, one in guide.components.items()
            ),
        ),
        *_section("Facts", table(("fact", "takes", "what it is", "otherwise"), _facts(guide))),
        *_section("Moves", table(("component", "from", "to", "method", "why", "source"), _moves(guide))),
        *_section("Rules", "", *chain.from_iterable(_rules(guide))),
        *_section("Order", table(("what", "because", "source"), _order(guide))),
        *_section("What may stand together", table(("a", "b", "must", "says", "source"), _together(guide))),
        *_section("Known errors", table(("error", "known by", "cause", "source"), _known_errors(guide))),
        *_section("Where a document is wrong", *_errata(guide)),
        "## Sources",
        table(
            ("name", "document", "by", "kind", "seen"),
            (
                (code(name), f"[{one.title}]({one.url})" if one.url else one.title, one.publisher, one.kind, one.seen)
                for name, one in guide.sources.items()
            ),
        ),
    )


def _section(heading: str, *parts: str) -> list[str]:
    told = [one for one in parts if one]
    return [f"## {heading}", *told] if told else []


def _cited(guide: Guide, source: str) -> str:
    document, _, section = source.partition("#")
    known: Source | None = guide.sources.get(document)
    if known is None:
        return source
    return f"ours: {section}" if known.kind == "ours" else f"{known.title}: {section}" if section else known.title


def _releases(guide: Guide) -> Iterator[tuple[str, ...]]:
    for name, one in guide.releases.items():
        builds = codes(one.builds)
        if one.from_medium:
            builds = "read from the medium; no document says it"
        elif one.series:
            builds = f"every {code(one.series + '.*')}"
        yield code(name), one.title, builds, _cited(guide, one.source)


def _facts(guide: Guide) -> Iterator[tuple[str, ...]]:
    for scope, facts in guide.facts.items():
        for name, one in facts.items():
            takes = one.type + (", or null for none" if one.nullable else "")
            yield code(f"{scope}.{name}"), takes, one.says, "" if one.default is None else code(one.default)


def _moves(guide: Guide) -> Iterator[tuple[str, ...]]:
    alike: dict[tuple[str, ...], list[Edge]] = {}
    for one in guide.edges:
        key = (from_text(one.from_), one.to, one.method, one.why, _cited(guide, one.source))
        alike.setdefault(key, []).append(one)
    for (before, to, method, why, source), edges in alike.items():
        yield ", ".join(dict.fromkeys(one.component for one in edges)), before, to, method, why, source


def _rules(guide: Guide) -> Iterator[list[str]]:
    for one in guide.requirements:
        level = one.level + (", may be accepted" if one.acceptable else "")
        terms = [("asked of", one.scope), ("when", one.when), ("must", one.must), ("find out with", one.settle)]
        yield [
            f"### {one.rule}",
            f"*{level.capitalize()}.* {_shown(one.says)}",
            f"**Do:** {_shown(one.remedy)}",
            table(("", ""), ((name, code(text)) for name, text in terms if text)),
            f"Source: {_cited(guide, one.source)}.",
        ]


def _shown(text: str) -> str:
    """A text with expressions: those stand out as code."""
    parts = []
    for at, part in enumerate(" ".join(text.split()).replace("}}", "{{").split("{{")):
        parts.append(code(part.strip()) if at % 2 else part)
    return "".join(parts)


def _order(guide: Guide) -> Iterator[tuple[str, ...]]:
    for one in guide.order:
        yield _ordered(one), one.because, _cited(guide, one.source)


def _ordered(one: Order) -> str:
    if one.sequence:
        return ", then ".join(one.sequence)
    return f"{one.one_by_one}, one host after another" if one.one_by_one else f"{one.first} before {one.then}"


def _together(guide: Guide) -> Iterator[tuple[str, ...]]:
    for one in guide.works_with:
        yield one.a, one.b, code(" ".join(one.must.split())), _shown(one.says), _cited(guide, one.source)


def _known_errors(guide: Guide) -> Iterator[tuple[str, ...]]:
    for name, one in guide.known_errors.items():
        by = [f"exit code {', '.join(map(str, one.exit))}"] if one.exit else []
        by += [f"log: {code(one.log)}"] if one.log else []
        yield code(name), "; ".join(by), one.cause, _cited(guide, one.source)


def _errata(guide: Guide) -> Iterator[str]:
    for name, one in guide.errata.items():
        yield f"### {name}"
        yield table(
            ("", ""),
            [
                ("document", _cited(guide, one.document) if "#" in one.document else one.document),
                ("it says", one.says),
                ("we do", one.we_do),
                ("because", one.because),
                ("source", _cited(guide, one.source)),
            ],
        )

"""Revisions of a document: which one counts, and what stands only in some of them."""

from __future__ import annotations

from handrail.model.guide import Edge, Guide, Source


def document_of(guide: Guide, source: str) -> Source | None:
    """The document that a `DOCUMENT#SECTION` names."""
    return guide.sources.get(source.partition("#")[0])


def in_force(guide: Guide, source: str, wanted: str | None) -> str | None:
    """The revision of a document that counts: the one `wanted` if the document has it, else its last; None where it has
    none."""
    document = document_of(guide, source)
    if document is None or not document.revisions:
        return None
    return wanted if wanted in document.revisions else document.revisions[-1]


def stands(revision: tuple[str, ...], counting: str | None) -> bool:
    """Whether something that stands in these revisions alone (in all, when there are none) stands in the one that
    counts."""
    return not revision or counting is None or counting in revision


def gone_with(guide: Guide, edge: Edge, counting: str | None) -> str | None:
    """The revision that withdrew an edge, if one up to `counting` did."""
    document = document_of(guide, edge.source)
    if document is None or not edge.revision or counting not in document.revisions:
        return None
    later = document.revisions[: document.revisions.index(counting) + 1]
    had = [number for number, one in enumerate(later) if one in edge.revision]
    return later[had[-1] + 1] if had and had[-1] + 1 < len(later) else None
